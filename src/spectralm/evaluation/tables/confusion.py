"""Spectral classes that each run names for spectra of each of the survey's classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spectralm.evaluation.cells import percent
from spectralm.evaluation.confusion import NO_ANSWER, Confusion, confusion
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import Panel, Rows, Table
from spectralm.evaluation.statistics import ALL
from spectralm.labels.vocabulary import CLASSES

TITLE = "Spectral classes"
CAPTION = (
    "Spectral classes of the test spectra of a sample of {scale} spectra from {dataset}: the"
    " survey's and the models'."
)


@dataclass(frozen=True)
class Row:
    """Spectra of one of the survey's classes for which a run names one class."""

    run: str
    class_: str
    predicted_class: str
    """The model's class, or "none" for a spectrum without an answer."""
    count: int
    share: float
    """Of the survey's class; NaN for a class without spectra."""


def rows(inputs: Inputs) -> list[Row]:
    """A row per run and pair of classes; none for a run that names no classes."""
    return [
        Row(run, true, guess, int(matrix.counts[i, j]), float(matrix.shares[i, j]))
        for run, table in inputs.own()
        if (matrix := confusion(table))
        for i, true in enumerate(CLASSES)
        for j, guess in enumerate((*CLASSES, NO_ANSWER))
    ]


def table(rows: Sequence[Row], inputs: Inputs) -> Table:
    """The accuracy of each run per class, then the matrices."""
    matrices = {
        run: Confusion(
            np.array([row.count for row in rows if row.run == run]).reshape(len(CLASSES), -1)
        )
        for run in dict.fromkeys(row.run for row in rows)
    }
    silent = [run for run in inputs.trainings if run not in matrices]
    accuracy = Panel(
        "Accuracy: fraction of the test spectra of each class with the correct class; a spectrum "
        "without an answer counts as wrong."
        + (f" Runs that name no class: {', '.join(silent)}." if silent else ""),
        ("Run", *CLASSES, ALL),
        "lrrrrrr",
        {"": tuple((run, *_accuracies(matrix)) for run, matrix in matrices.items())},
    )
    counts = Panel(
        "Number of test spectra (share of their row) by the survey's class, down, and the "
        "model's, across.",
        ("Class", *CLASSES, "No answer"),
        "lrrrrrr",
        {run: _matrix_rows(matrix) for run, matrix in matrices.items()},
    )
    return Table(inputs.caption(CAPTION), [accuracy, counts], inputs.options.note)


def _accuracies(matrix: Confusion) -> list[str]:
    return [percent(share) for share in matrix.accuracies.values()]


def _matrix_rows(matrix: Confusion) -> Rows:
    return tuple(
        (name, *(f"{n} ({share:.1%})" if n else "0" for n, share in zip(*pair, strict=True)))
        for name, *pair in zip(CLASSES, matrix.counts, matrix.shares, strict=True)
    )
