"""What is told first: each model's sigma beside the paper's, and what models know of elements."""

import csv
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from spectralm.evaluation.elements import CORRELATIONS
from spectralm.evaluation.panels import NOTHING, number
from spectralm.evaluation.runs import note
from spectralm.evaluation.statistics import ALL
from spectralm.labels.vocabulary import LABELS, PARAMETERS, Label


@dataclass(frozen=True)
class KeyRow:
    """One model."""

    model: str
    run: str
    note: str
    """What a reader must know of the model; empty for most."""
    cells: tuple[str, ...]
    """Per label of PARAMETERS: ours, its interval, and the paper's."""


def key_rows(comparison: Path) -> list[KeyRow]:
    """The rows of the key table.

    Args:
        comparison: the tidy CSV of ours beside the paper's, by ``tabulate_comparison``.
    """
    with open(comparison, newline="") as text:
        rows = [
            row
            for row in csv.DictReader(text)
            if row["class"] == ALL and row["quantity"] == "sigma"
        ]
    models = dict.fromkeys((row["model"], row["run"]) for row in rows)
    return [
        KeyRow(
            *model,
            note(model[1]),
            tuple(cell for label in PARAMETERS for cell in _cells(rows, model, label)),
        )
        for model in models
    ]


def _cells(rows: list[dict[str, str]], model: tuple[str, str], label: Label) -> tuple[str, ...]:
    for row in rows:
        if (row["model"], row["run"]) == model and row["label"] == label.name:
            ours, low, high, paper = (
                number(float(row[name]), label) if row[name] else NOTHING
                for name in ("ours", "low", "high", "published")
            )
            return ours, f"{low}–{high}" if row["low"] else "", paper
    return NOTHING, "", NOTHING


@dataclass(frozen=True)
class ElementsRow:
    """A model of stage 2 beside what Teff, log g and [Fe/H] alone tell of each element."""

    run: str
    n: int
    """Elements with both."""
    ratio: str
    """Median over them of the root mean squares' ratio."""
    better: str
    """Elements of which the model knows more: it has them from lines."""


def elements_rows(elements: Path) -> list[ElementsRow]:
    """A row per run that can be compared.

    Args:
        elements: the tidy CSV by ``tabulate_elements``.
    """
    with open(elements, newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["ratio"]]
    found = []
    for run in dict.fromkeys(row["run"] for row in rows):
        of_run = [row for row in rows if row["run"] == run]
        better = [
            LABELS[row["label"]].latex for row in of_run if row["source"] not in ("", CORRELATIONS)
        ]
        ratio = median(float(row["ratio"]) for row in of_run)
        found.append(ElementsRow(run, len(of_run), f"{ratio:.2f}", ", ".join(better) or "none"))
    return found
