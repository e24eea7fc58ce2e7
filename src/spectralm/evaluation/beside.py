"""Models beside each other and the paper's, a row per element or class: tables 5 to 8."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from spectralm.evaluation.pairs import Compared, Pair
from spectralm.evaluation.panels import NOTHING, Panel
from spectralm.evaluation.runs import note
from spectralm.evaluation.statistics import ALL, Statistics
from spectralm.evaluation.tables import over_bound
from spectralm.labels.vocabulary import ABUNDANCES, CLASSES, Label

#: Cells of a model, class and label: ours, the paper's, and the difference.
Cells = Callable[[Pair, str, Label], tuple[str, str, str]]

MOMENTS_TOLD = (
    "Mean μ ± standard deviation σ (ddof = 0) of the residuals, predicted − survey: ours, and for "
    "models that the paper has its numbers and the differences, ours − the paper's, of μ; of σ."
)
BOUND_TOLD = (
    "/ bound: 1.4826 × the median of |residual| / Cramér-Rao bound; 1 is what the spectrum alone "
    "can tell, if the survey's labels are true, and below 1 something else is known."
)
COUNTED = "N: spectra of which the survey has the label and the first model that was run names it."


@dataclass(frozen=True)
class Line:
    """What a row of a panel is of."""

    title: str
    class_: str
    label: Label


def lines_of_elements(class_: str) -> list[Line]:
    """A row per element, of one class."""
    return [Line(label.latex, class_, label) for label in ABUNDANCES]


def lines_of_classes(label: Label) -> list[Line]:
    """A row per class and one of all, of one label."""
    return [Line(class_, class_, label) for class_ in (*CLASSES, ALL)]


def models_panel(
    caption: str, head: str, lines: Sequence[Line], pairs: Sequence[Pair], cells: Cells
) -> Panel:
    """A row per line; columns of each model, with the paper's where it has the model."""
    keys = [(line.class_, line.label.name) for line in lines]
    counted = [pair for pair in pairs if any((*key, "n") in pair.published for key in keys)]
    bounded = [
        pair
        for pair in pairs
        if pair.published
        and any(key in pair.ours and pair.ours[key].bound_ratio is not None for key in keys)
    ]
    heads = [head, "N", *("N, paper" for _ in counted)]
    for pair in pairs:
        heads += [pair.title, "paper", "difference"] if pair.published else [pair.title]
    heads += [f"{pair.title} / bound" for pair in bounded]
    notes = [note(pair.run) for pair in pairs if pair.ours]
    caption = " ".join(filter(None, [caption, BOUND_TOLD if bounded else "", *notes]))
    rows = []
    for line in lines:
        key = (line.class_, line.label.name)
        row = [line.title, _count(pairs, key)]
        row += [_papers_count(pair, key) for pair in counted]
        for pair in pairs:
            three = cells(pair, line.class_, line.label)
            row += three if pair.published else three[:1]
        row += [over_bound(pair.ours[key], line.label) for pair in bounded]
        rows.append(tuple(row))
    align = "l" + "r" * (1 + len(counted)) + "c" * (len(heads) - 2 - len(counted))
    return Panel(caption, tuple(heads), align, {"": tuple(rows)})


def _papers_count(pair: Pair, key: tuple[str, str]) -> str:
    count = pair.published.get((*key, "n"))
    return NOTHING if count is None else f"{count:.0f}"


def _count(pairs: Iterable[Pair], key: tuple[str, str]) -> str:
    return next((str(pair.ours[key].used) for pair in pairs if key in pair.ours), NOTHING)


def runs_panel(places: dict[str, Sequence[Pair]]) -> Panel:
    """Which run each model's numbers are of, with its counts, by place such as the dataset."""
    caption = "The runs: test spectra, and those of them without an answer (unparsed)."
    blocks = {place: tuple(map(_run_row, pairs)) for place, pairs in places.items()}
    return Panel(caption, ("Model", "Run", "Test spectra", "Unparsed"), "llrr", blocks)


def _run_row(pair: Pair) -> tuple[str, str, str, str]:
    row = next(iter(pair.ours.values()), None)
    if row is None:
        return pair.title, pair.status, NOTHING, NOTHING
    rows = [row for (class_, _), row in pair.ours.items() if class_ == ALL]
    return pair.title, pair.run, str(rows[0].n), str(rows[0].unparsed)


def numbers(
    table: int, dataset: str, pairs: Iterable[Pair], labels: Sequence[Label]
) -> list[Compared]:
    """Every number of the pairs, per class and label."""
    return [
        row
        for pair in pairs
        for class_ in (*CLASSES, ALL)
        for row in _numbers((table, dataset), pair, class_, labels)
    ]


def _numbers(
    place: tuple[int, str], pair: Pair, class_: str, labels: Sequence[Label]
) -> Iterable[Compared]:
    first = (*place, pair.title, pair.run, pair.status, class_)
    any_label = pair.ours.get((class_, labels[0].name))
    for quantity in ("n", "unparsed"):
        count = getattr(any_label, quantity, None)
        theirs = pair.published.get((class_, "", quantity))
        yield _compared((*first, "", quantity, ""), (count, None, None), theirs)
    for label in labels:
        row = pair.ours.get((class_, label.name))
        for quantity, values in _values(row).items():
            theirs = pair.published.get((class_, label.name, quantity))
            unit = label.unit if quantity in ("mu", "sigma", "rmse") else ""
            yield _compared((*first, label.name, quantity, unit), values, theirs)


def _values(row: Statistics | None) -> dict[str, tuple[float | None, ...]]:
    """Value and interval of each quantity, as the paper names them."""
    nothing = (None, None, None)
    if row is None:
        return dict.fromkeys(("n", "mu", "sigma", "rmse", "bound_ratio"), nothing)
    return {
        "n": (row.used, None, None),
        "mu": (row.mean, row.mean_low, row.mean_high),
        "sigma": (row.std, row.std_low, row.std_high),
        "rmse": (row.rmse, None, None),
        "bound_ratio": (row.bound_ratio, None, None),
    }


def _compared(first: tuple, values: tuple[float | None, ...], published: float | None) -> Compared:
    known = values[0] is not None and published is not None
    return Compared(*first, *values, published, values[0] - published if known else None)
