"""The key table: each model's sigma of all test spectra beside the paper's."""

import csv
from dataclasses import dataclass
from pathlib import Path

from spectralm.evaluation.panels import NOTHING, number
from spectralm.evaluation.runs import note
from spectralm.evaluation.statistics import ALL
from spectralm.labels.vocabulary import PARAMETERS, Label


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
