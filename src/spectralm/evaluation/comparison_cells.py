"""Cells of tables that have ours, the paper's, and the difference beside each other."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from spectralm.evaluation.cells import FLOOR, TRUTH, count, ratio, value
from spectralm.evaluation.comparison import Compared, Numbers
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import NOTHING, Panel, Rows, number, sentences
from spectralm.evaluation.statistics import ALL
from spectralm.labels.vocabulary import ABUNDANCES, CLASSES, Label

#: Cells of a model, class and label: ours, the paper's, and the difference.
Cells = Callable[[Numbers, str, str, Label], tuple[str, str, str]]

MOMENTS = (
    "Mean μ ± standard deviation σ (ddof = 0) of the residuals, predicted − survey: ours, and for "
    "models that the paper has its numbers and the differences, ours − the paper's, of μ; of σ."
)
RMSE = (
    "Root mean square of the residuals, predicted − survey: ours, and for models that the paper "
    "has its numbers and the differences, ours − the paper's."
)
COUNTED = "N: spectra that have the label both by the survey and by the first model that was run."


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


def moments(numbers: Numbers, model: str, class_: str, label: Label) -> tuple[str, str, str]:
    """Cells of mu and sigma."""
    mu, sigma = (numbers.get(model, class_, label.name, name) for name in ("mu", "sigma"))
    if mu is None or sigma is None:
        return NOTHING, NOTHING, NOTHING
    ours = paper = difference = NOTHING
    if mu.ours is not None and sigma.ours is not None:
        ours = f"{number(mu.ours, label)} ± {number(sigma.ours, label)}"
    if mu.published is not None and sigma.published is not None:
        paper = f"{_two(mu.published, label)} ± {_two(sigma.published, label)}"
    if mu.difference is not None and sigma.difference is not None:
        apart = (mu.difference, sigma.difference)
        difference = "; ".join(_two(one, label, "+") for one in apart)
    return ours, paper, difference


def rmse(numbers: Numbers, model: str, class_: str, label: Label) -> tuple[str, str, str]:
    """Cells of the root mean square."""
    row = numbers.get(model, class_, label.name, "rmse")
    if row is None:
        return NOTHING, NOTHING, NOTHING
    return (
        value(row.ours, label),
        NOTHING if row.published is None else _two(row.published, label),
        NOTHING if row.difference is None else _two(row.difference, label, "+"),
    )


def _two(number_: float, label: Label, sign: str = "") -> str:
    """As the paper writes it: two digits after the point of a dex."""
    return number(number_, label, sign, dex_digits=2)


def floor_cells(numbers: Numbers, model: str, class_: str, label: Label) -> tuple[str, str]:
    """The ratio to the floor, and sigma of predicted - true."""
    return (
        ratio(numbers.ours(model, class_, label.name, "floor_ratio")),
        value(numbers.ours(model, class_, label.name, "truth_sigma"), label),
    )


def limits_caption(rows: Iterable[Compared], *more: str) -> str:
    """What floor and truth are, and ``more`` about them; empty for rows that have neither."""
    known = any(row.quantity == "floor_ratio" and row.ours is not None for row in rows)
    return sentences(FLOOR, TRUTH, *more) if known else ""


def models_panel(
    caption: str, head: str, lines: Sequence[Line], numbers: Numbers, cells: Cells, inputs: Inputs
) -> Panel:
    """A row per line; columns of each model, with the paper's where it has the model."""
    keys = [(line.class_, line.label.name) for line in lines]
    models = list(numbers.models)
    papers = [model for model in models if numbers.of_paper(model)]
    counted = [
        m for m in papers if any(numbers.published(m, *key, "n") is not None for key in keys)
    ]
    limited = [model for model in models if numbers.has(model, "floor_ratio", keys)]
    heads = [head, "N", *("N, paper" for _ in counted)]
    for model in models:
        heads += [model, "paper", "difference"] if model in papers else [model]
        heads += ["/ floor", "− truth"] if model in limited else []
    notes = inputs.notes(row.run for row in numbers.models.values() if not row.status)
    rows = []
    for line in lines:
        class_, label = line.class_, line.label
        ours = (numbers.ours(model, class_, label.name, "n") for model in models)
        row = [line.title, count(next((n for n in ours if n is not None), None))]
        row += [count(numbers.published(m, class_, label.name, "n")) for m in counted]
        for model in models:
            three = cells(numbers, model, class_, label)
            row += three if model in papers else three[:1]
            row += floor_cells(numbers, model, class_, label) if model in limited else ()
        rows.append(tuple(row))
    caption = sentences(caption, notes)
    align = "l" + "r" * (1 + len(counted)) + "c" * (len(heads) - 2 - len(counted))
    return Panel(caption, tuple(heads), align, {"": tuple(rows)})


def runs_panel(places: dict[str, Numbers]) -> Panel:
    """Which run each model's numbers are of, with its counts, by place such as the dataset."""
    blocks: dict[str, Rows] = {
        place: tuple(_run_row(numbers, model) for model in numbers.models)
        for place, numbers in places.items()
    }
    caption = "The runs: test spectra, and those of them without an answer (unparsed)."
    return Panel(caption, ("Model", "Run", "Test spectra", "Unparsed"), "llrr", blocks)


def _run_row(numbers: Numbers, model: str) -> tuple[str, ...]:
    row = numbers.models[model]
    counts = (count(numbers.ours(model, ALL, "", name)) for name in ("n", "unparsed"))
    return model, row.status or row.run, *counts
