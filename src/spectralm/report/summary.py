"""The summary: each model's sigma beside the paper's, and the abundances read from lines."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from spectralm.evaluation.cells import value
from spectralm.evaluation.comparison import Compared, Numbers
from spectralm.evaluation.elements import CORRELATIONS, Element
from spectralm.evaluation.render import NOTHING, number
from spectralm.evaluation.runs import Manifest, RunName
from spectralm.evaluation.statistics import ALL
from spectralm.evaluation.tidy import read_rows
from spectralm.labels.vocabulary import LABELS, PARAMETERS, Label


@dataclass(frozen=True)
class SummaryRow:
    """One model."""

    model: str
    run: str
    note: str
    """What a reader must know of the model; empty for most."""
    cells: tuple[str, ...]
    """Per label of PARAMETERS: ours, its interval, and the paper's."""


def summary_rows(comparison: Path, manifests: dict[str, Manifest]) -> list[SummaryRow]:
    """The rows of the key table.

    Args:
        comparison: the tidy CSV of the paper's table 3.
        manifests: by run.
    """
    numbers = Numbers(read_rows(comparison, Compared))
    rows = []
    for model, first in numbers.models.items():
        note = ""
        if first.run in manifests:
            note = manifests[first.run].note(RunName.of(first.run).model)
        cells = (cell for label in PARAMETERS for cell in _cells(numbers, model, label))
        rows.append(SummaryRow(model, "" if first.status else first.run, note, tuple(cells)))
    return rows


def _cells(numbers: Numbers, model: str, label: Label) -> tuple[str, str, str]:
    row = numbers.get(model, ALL, label.name, "sigma")
    if row is None:
        return NOTHING, "", NOTHING
    ours, paper = value(row.ours, label), value(row.published, label)
    if row.low is None or row.high is None:
        return ours, "", paper
    return ours, f"{number(row.low, label)}–{number(row.high, label)}", paper


@dataclass(frozen=True)
class ElementsRow:
    """A model of stage 2 beside the model of Teff, log g and [Fe/H] alone."""

    run: str
    n: int
    """Elements with both."""
    ratio: str
    """Median over them of the root mean squares' ratio."""
    better: str
    """Elements that the model reads from lines."""


def elements_rows(elements: Path) -> list[ElementsRow]:
    """A row per run that can be compared.

    Args:
        elements: the tidy CSV of the table of elements.
    """
    rows = [row for row in read_rows(elements, Element) if row.ratio is not None]
    found = []
    for run in dict.fromkeys(row.run for row in rows):
        of_run = [row for row in rows if row.run == run]
        better = [
            LABELS[row.label].latex for row in of_run if row.source not in (None, CORRELATIONS)
        ]
        ratio = median(row.ratio for row in of_run if row.ratio is not None)
        found.append(ElementsRow(run, len(of_run), f"{ratio:.2f}", ", ".join(better) or "none"))
    return found
