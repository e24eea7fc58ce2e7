"""Which classes a model takes for which: table and figure."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from spectralm.evaluation.panels import NOTHING, Panel, Rows, csv_text
from spectralm.evaluation.runs import note
from spectralm.evaluation.statistics import ALL, names_classes
from spectralm.evaluation.style import empty_figure, write_caption
from spectralm.labels.vocabulary import CLASSES

NO_ANSWER = "none"
SILENT = "names no class"


@dataclass(frozen=True)
class Confusion:
    """Counts of test spectra by the survey's class and the model's."""

    counts: np.ndarray
    """[5, 6]: the survey's classes; the model's classes in the same order, then no answer."""

    @property
    def accuracies(self) -> dict[str, float | None]:
        """Share of all spectra of each class, and of all, whose class is named rightly."""
        right, n = np.diag(self.counts), self.counts.sum(axis=1)
        shares = dict(zip((*CLASSES, ALL), (*right, right.sum()), strict=True))
        totals = dict(zip((*CLASSES, ALL), (*n, n.sum()), strict=True))
        return {name: shares[name] / totals[name] if totals[name] else None for name in shares}

    @property
    def shares(self) -> np.ndarray:
        """Counts as shares of the survey's class; NaN for a class without spectra."""
        n = self.counts.sum(axis=1, keepdims=True)
        return np.divide(self.counts, n, out=np.full(self.counts.shape, np.nan), where=n > 0)


def confusion(residuals: pa.Table) -> Confusion | None:
    """The confusion matrix of a table of residuals; None for a model that names no classes."""
    if not names_classes(residuals):
        return None
    named = pc.fill_null(residuals["predicted_class"], NO_ANSWER).to_numpy()
    survey = residuals["class"].to_numpy()
    counts = [
        [np.sum((survey == true) & (named == guess)) for guess in (*CLASSES, NO_ANSWER)]
        for true in CLASSES
    ]
    return Confusion(np.array(counts))


def tidy_csv(runs: Mapping[str, Confusion | None]) -> str:
    """CSV, a row per run, survey's class and model's class; none for a run without classes."""
    rows = (
        (run, true, guess, matrix.counts[i, j], matrix.shares[i, j])
        for run, matrix in runs.items()
        if matrix
        for i, true in enumerate(CLASSES)
        for j, guess in enumerate((*CLASSES, NO_ANSWER))
    )
    return csv_text(("run", "class", "predicted_class", "count", "share"), rows)


def confusion_panels(runs: Mapping[str, Confusion | None]) -> list[Panel]:
    """The accuracy of each run per class, then the matrices."""
    accuracy = Panel(
        "Share of the test spectra of each class whose class is named rightly; "
        "a spectrum without an answer counts as wrong.",
        ("Run", *CLASSES, ALL),
        "lrrrrrr",
        {"": tuple(_accuracy_row(run, matrix) for run, matrix in runs.items())},
    )
    told = {run: matrix for run, matrix in runs.items() if matrix}
    matrices = Panel(
        "Number of test spectra (share of their row) by the survey's class, down, and the "
        "model's, across.",
        ("Class", *CLASSES, "No answer"),
        "lrrrrrr",
        {run: _matrix_rows(matrix) for run, matrix in told.items()},
    )
    return [accuracy, matrices] if told else [accuracy]


def _accuracy_row(run: str, matrix: Confusion | None) -> tuple[str, ...]:
    if matrix is None:
        return (run, *(NOTHING for _ in CLASSES), SILENT)
    shares = matrix.accuracies.values()
    return (run, *(NOTHING if share is None else f"{share:.1%}" for share in shares))


def _matrix_rows(matrix: Confusion) -> Rows:
    return tuple(
        (name, *(f"{n} ({share:.1%})" if n else "0" for n, share in zip(*pair, strict=True)))
        for name, *pair in zip(CLASSES, matrix.counts, matrix.shares, strict=True)
    )


def confusion_figure(run: str, residuals: pa.Table, caption: str) -> Figure:
    """Shares of each of the survey's classes (rows) that the model takes for each class."""
    matrix = confusion(residuals)
    if matrix is None:
        return empty_figure(f"{run} {SILENT}, so none is taken for another.", caption)
    figure, axes = plt.subplots(figsize=(3.5, 3.6), layout="constrained")
    _draw(axes, matrix)
    told = f"{run}:\n{matrix.counts.sum()} test spectra, accuracy {matrix.accuracies[ALL]:.1%}"
    figure.suptitle("\n".join([told, *textwrap.wrap(note(run), 50)]))
    write_caption(figure, caption)
    return figure


def _draw(axes: plt.Axes, matrix: Confusion) -> None:
    axes.set_facecolor("0.9")
    axes.imshow(matrix.shares, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(matrix.counts):
        share = matrix.shares[i, j]
        if count:
            colour = "white" if share > 0.6 else "black"
            text = f"{share:.0%}\n{count}" if share >= 0.005 else f"<1%\n{count}"
            axes.text(j, i, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(CLASSES) + 1), (*CLASSES, NO_ANSWER))
    axes.set_yticks(range(len(CLASSES)), CLASSES)
    axes.tick_params(length=0)
    axes.set(xlabel="the model's class", ylabel="the survey's class")
