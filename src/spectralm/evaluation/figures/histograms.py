"""Histograms of a run's residuals, by class and label."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.statistics import ALL, median_and_sigma
from spectralm.evaluation.style import COLOURS, axis_title, note_beyond, note_statistics, title_of
from spectralm.labels.vocabulary import CLASSES, PARAMETERS, Label

TITLE = "Histograms of residuals"
CAPTION = "Residuals of each label in each class, with their number, mean and standard deviation."

#: Half the range of a histogram, in robust sigmas.
HISTOGRAM_SIGMAS = 5


def draw(inputs: Inputs) -> Figure:
    """A row of panels per class and one for all, a column per label.

    Each panel spans its median +- 5 robust sigmas (1.4826 MAD); spectra beyond are counted in it.
    """
    run, residuals = inputs.run()
    groups = (*CLASSES, ALL)
    figure, axes = plt.subplots(
        len(groups), len(PARAMETERS), figsize=(7.1, 8.6), layout="constrained"
    )
    survey_class = residuals["class"].to_numpy()
    for group, row in zip(groups, axes, strict=True):
        rows = (survey_class == group) | (group == ALL)
        for label, panel in zip(PARAMETERS, row, strict=True):
            residual = residuals[f"{label.name}_residual"].to_numpy()[rows]
            _histogram_panel(panel, residual[np.isfinite(residual)], label, COLOURS[group])
        row[0].set_ylabel(f"{group} spectra")
    for label, panel in zip(PARAMETERS, axes[-1], strict=True):
        panel.set_xlabel(axis_title(f"{label.latex} residual", label))
    figure.align_ylabels(axes)
    figure.suptitle(title_of(run, residuals, inputs.note(run)))
    return figure


def _histogram_panel(panel: Axes, residual: np.ndarray, label: Label, colour: str) -> None:
    if not len(residual):
        panel.text(0.5, 0.5, "no residuals", transform=panel.transAxes, ha="center")
        panel.set(xticks=[], yticks=[])
        return
    median, sigma = median_and_sigma(residual)
    half = HISTOGRAM_SIGMAS * sigma or 1.0
    bins = int(np.clip(np.sqrt(len(residual)), 10, 60))
    limits = (median - half, median + half)
    panel.hist(residual, bins, range=limits, color=colour, histtype="stepfilled")
    panel.axvline(0, color="black", linewidth=0.7)
    panel.set_xlim(limits)
    note_statistics(panel, residual, label)
    note_beyond(panel, int(np.sum(np.abs(residual - median) > half)), "top")
