"""Which of the survey's classes a run takes for which."""

import textwrap

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectralm.evaluation.confusion import NO_ANSWER, Confusion, confusion
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.statistics import ALL
from spectralm.evaluation.style import empty_figure, write_caption
from spectralm.labels.vocabulary import CLASSES

TITLE = "Confusion of classes"
CAPTION = (
    "Share of each of the survey's classes that the model takes for each class, and the number of"
    " test spectra."
)


def draw(inputs: Inputs) -> Figure:
    """Shares of each of the survey's classes (rows) that the model takes for each class."""
    run, residuals = inputs.run()
    caption = inputs.figure_caption(CAPTION)
    matrix = confusion(residuals)
    if matrix is None:
        return empty_figure(f"{run} names no class, so none is taken for another.", caption)
    figure, axes = plt.subplots(figsize=(3.5, 3.6), layout="constrained")
    _draw_matrix(axes, matrix)
    title = f"{run}:\n{matrix.counts.sum()} test spectra, accuracy {matrix.accuracies[ALL]:.1%}"
    figure.suptitle("\n".join([title, *textwrap.wrap(inputs.note(run), 50)]))
    write_caption(figure, caption)
    return figure


def _draw_matrix(axes: Axes, matrix: Confusion) -> None:
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
