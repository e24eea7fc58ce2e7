"""Figure of predicted against survey labels."""

import numpy as np
import pyarrow as pa
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spectralm.evaluation.statistics import median_and_sigma
from spectralm.evaluation.style import COLOURS, axis_title, note_beyond, note_statistics, title_of
from spectralm.labels.vocabulary import CLASSES, PARAMETERS, Label

#: Above so many spectra, points hide each other and their density is drawn.
MOST_POINTS = 5000

#: Half the range of the strip of residuals, in robust sigmas.
STRIP_SIGMAS = 6

DOT = {"marker": "o", "markersize": 4, "linewidth": 0}


def predicted_against_survey(run: str, residuals: pa.Table) -> Figure:
    """A panel per label of predicted against survey, with the residuals in a strip below.

    ``residuals`` is a RESIDUALS table. Spectra beyond the axes are counted in the panel.
    """
    figure, axes = plt.subplots(
        2,
        len(PARAMETERS),
        figsize=(7.1, 4.0),
        height_ratios=(3, 1.2),
        sharex="col",
        layout="constrained",
    )
    for label, (upper, lower) in zip(PARAMETERS, axes.T, strict=True):
        _scatter_panel(upper, lower, label, residuals)
    figure.align_ylabels(axes)
    title = title_of(run, residuals)
    if len(residuals) > MOST_POINTS:
        _share_density(figure, axes)
        figure.suptitle(title)
    else:
        dots = [Line2D([], [], color=COLOURS[name], label=name, **DOT) for name in CLASSES]
        legend = figure.legend(
            handles=dots, title=title, loc="outside upper center", ncols=len(dots)
        )
        legend.get_title().set_multialignment("center")
    return figure


def _scatter_panel(upper: Axes, lower: Axes, label: Label, residuals: pa.Table) -> None:
    known = np.isfinite(residuals[f"{label.name}_residual"].to_numpy())
    survey, predicted, residual = (
        residuals[name].to_numpy()[known]
        for name in (label.name, f"{label.name}_predicted", f"{label.name}_residual")
    )
    lower.set_xlabel(axis_title(f"{label.latex} survey", label))
    upper.set_ylabel(axis_title(f"{label.latex} predicted", label))
    lower.set_ylabel(axis_title("residual", label))
    upper.tick_params(labelbottom=False)
    if not len(survey):
        upper.text(0.5, 0.5, "no residuals", transform=upper.transAxes, ha="center")
        return
    pad = 0.05 * (np.ptp(survey) or 1)
    limits = (survey.min() - pad, survey.max() + pad)
    median, sigma = median_and_sigma(residual)
    strip = abs(median) + STRIP_SIGMAS * sigma or 1.0
    upper.set(xlim=limits, ylim=limits)
    lower.set_ylim(-strip, strip)
    star_class = residuals["class"].to_numpy()[known]
    for axes, height in ((upper, predicted), (lower, residual)):
        if len(residuals) > MOST_POINTS:
            _density(axes, survey, height)
        else:
            _points(axes, survey, height, star_class)
    upper.plot(limits, limits, color="black", linewidth=0.7)
    lower.axhline(0, color="black", linewidth=0.7)
    note_statistics(upper, residual, label)
    note_beyond(upper, np.sum((predicted < limits[0]) | (predicted > limits[1])), "bottom")
    note_beyond(lower, np.sum(np.abs(residual) > strip), "bottom")


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, star_class: np.ndarray) -> None:
    """Dots in the order of the rows, so that no class lies above the others."""
    colours = [COLOURS[name] for name in star_class]
    axes.scatter(x, y, s=5, color=colours, alpha=0.7, linewidths=0, rasterized=True)


def _density(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    inside = (y >= bottom) & (y <= top)
    box = axes.get_window_extent()
    axes.hexbin(
        x[inside],
        y[inside],
        gridsize=(60, round(60 * box.height / box.width / np.sqrt(3))),
        extent=(left, right, bottom, top),
        mincnt=1,
        cmap="viridis",
        linewidths=0.2,
        rasterized=True,
    )


def _share_density(figure: Figure, axes: np.ndarray) -> None:
    densities = [collection for panel in axes.flat for collection in panel.collections]
    norm = LogNorm(1, max((density.get_array().max() for density in densities), default=1) + 1)
    for density in densities:
        density.set_norm(norm)
    if densities:
        figure.colorbar(densities[0], ax=axes, label="spectra", aspect=40, pad=0.01)
