"""The paper's tables of residuals of stage 1, in the form ours | published | difference."""

from collections.abc import Iterable

from spectralm.evaluation.pairs import Compared, Pair, moments
from spectralm.evaluation.panels import LABEL_HEADS, NOTHING, Panel, Rows
from spectralm.evaluation.runs import note
from spectralm.evaluation.statistics import ALL
from spectralm.evaluation.tables import COUNT_HEADS, COUNTED, counts, over_bound
from spectralm.labels.vocabulary import CLASSES, PARAMETERS, Label


def compared(table: int, dataset: str, pairs: Iterable[Pair]) -> list[Compared]:
    """Every number of the pairs: mu and sigma per class and label, and what is told per model."""
    rows = []
    for pair in pairs:
        first = (table, dataset, pair.title, pair.run, pair.status)
        for class_ in (*CLASSES, ALL):
            for label in PARAMETERS:
                rows += _moments(first, pair, class_, label)
            row = pair.ours.get((class_, PARAMETERS[0].name))
            for quantity in ("n", "unparsed", "accuracy"):
                rows.append(_alone(first, class_, "", quantity, getattr(row, quantity, None), ""))
        for label in PARAMETERS:
            row = pair.ours.get((ALL, label.name))
            ratio = getattr(row, "bound_ratio", None)
            rows.append(_alone(first, ALL, label.name, "bound_ratio", ratio, ""))
        for quantity, unit in (("parameters", ""), ("seconds", "s")):
            rows.append(_alone(first, "", "", quantity, pair.manifest.get(quantity), unit))
    return rows


def _moments(first: tuple, pair: Pair, class_: str, label: Label) -> Iterable[Compared]:
    row = pair.ours.get((class_, label.name))
    for quantity, name in (("mu", "mean"), ("sigma", "std")):
        ours, low, high = (getattr(row, f"{name}{end}", None) for end in ("", "_low", "_high"))
        theirs = pair.published.get((class_, label.name, quantity))
        difference = None if ours is None or theirs is None else ours - theirs
        yield Compared(
            *first, class_, label.name, quantity, label.unit, ours, low, high, theirs, difference
        )


def _alone(
    first: tuple, class_: str, label: str, quantity: str, ours: float | None, unit: str
) -> Compared:
    return Compared(*first, class_, label, quantity, unit, ours, None, None, None, None)


def comparison_panels(pairs: list[Pair]) -> list[Panel]:
    """Ours | published | difference per model and class, then what each model costs and attains."""
    notes = [note(pair.run) for pair in pairs if pair.ours]
    told = (
        "For each label ours, the paper's, and the difference, ours − the paper's, of μ; of σ: "
        "mean μ ± standard deviation σ (ddof = 0) of the residuals, predicted − survey. N counts "
        "our test spectra, also those without an answer."
    )
    heads = [part for head in LABEL_HEADS for part in (head, "paper", "difference")]
    blocks = {_title(pair): _rows(pair) for pair in pairs}
    first = Panel(
        " ".join(filter(None, [told, *notes])), ("Class", "N", *heads), "lr" + "ccc" * 3, blocks
    )
    return [first, _summary(pairs)]


def _title(pair: Pair) -> str:
    return f"{pair.title} ({pair.status or pair.run})"


def _rows(pair: Pair) -> Rows:
    rows = []
    for class_ in (*CLASSES, ALL):
        cells = [class_, pair.status.partition(":")[0]]
        for label in PARAMETERS:
            row = pair.ours.get((class_, label.name))
            if row:
                cells[1] = str(row.n)
            cells += moments(pair, class_, label)
        rows.append(tuple(cells))
    return tuple(rows)


def _summary(pairs: list[Pair]) -> Panel:
    """A row per model: counts, what it took to train, and the ratio to the bound where known."""
    rows = [_summary_row(pair) for pair in pairs]
    heads = ["Model", *COUNT_HEADS[1:], "Trained parameters", "Training time"]
    caption = f"{COUNTED} Training time is wall time."
    if any(row.bound_ratio is not None for pair in pairs for row in pair.ours.values()):
        heads += [f"{label.text} / bound" for label in PARAMETERS]
        caption += " The last columns are 1.4826 × the median of |residual| / Cramér-Rao bound."
    else:
        rows = [row[: len(heads)] for row in rows]
    return Panel(caption, tuple(heads), "l" + "r" * (len(heads) - 1), {"": tuple(rows)})


def _summary_row(pair: Pair) -> tuple[str, ...]:
    parameters, seconds = (pair.manifest.get(key) for key in ("parameters", "seconds"))
    cost = (
        NOTHING if parameters is None else f"{parameters:,}",
        NOTHING if seconds is None else duration(seconds),
    )
    row = pair.ours.get((ALL, PARAMETERS[0].name))
    if row is None:
        nothing = (NOTHING,) * (2 + len(cost) + len(PARAMETERS))
        return pair.title, pair.status.partition(":")[0], *nothing
    ratios = (over_bound(pair.ours[ALL, label.name], label) for label in PARAMETERS)
    return pair.title, *counts(row)[1:], *cost, *ratios


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, with about two digits."""
    if seconds < 60:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
