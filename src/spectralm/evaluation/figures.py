"""Figures of residuals: predicted against survey, and histograms per class."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
import pyarrow as pa
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spectralm.evaluation.runs import note
from spectralm.evaluation.statistics import ALL, median_and_sigma
from spectralm.files import atomic
from spectralm.labels.vocabulary import CLASSES, PARAMETERS, Label

#: Okabe & Ito's colours, which the colour-blind can tell apart, hot to cool.
COLOURS = dict(zip(CLASSES, ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00"), strict=True))
COLOURS[ALL] = "0.35"

#: Above so many spectra, points hide each other and their density is drawn.
MOST_POINTS = 5000

#: Half the range of a histogram and of a strip of residuals, in robust sigmas.
HISTOGRAM_SIGMAS = 5
STRIP_SIGMAS = 6


SMALL = {"fontsize": 7, "bbox": {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1}}
DOT = {"marker": "o", "markersize": 4, "linewidth": 0}


@contextmanager
def style() -> Iterator[None]:
    """The style of all figures of this package; draws to files only."""
    matplotlib.use("agg")
    with plt.style.context("spectralm.evaluation.spectralm"):
        yield


def save(figure: Figure, *paths: Path) -> None:
    """Write a figure to each path by its suffix, the same bytes each time; closes it."""
    for path in paths:
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else None
        with atomic(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
    plt.close(figure)


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
    title = _title(run, residuals)
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


def residual_histograms(run: str, residuals: pa.Table) -> Figure:
    """Histograms of the residuals: a row per class and one for all, a column per label.

    ``residuals`` is a RESIDUALS table. Each panel spans its median +- 5 robust sigmas
    (1.4826 MAD); spectra beyond are counted in it.
    """
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
        panel.set_xlabel(_axis(f"{label.latex} residual", label))
    figure.align_ylabels(axes)
    figure.suptitle(_title(run, residuals))
    return figure


def _scatter_panel(upper: Axes, lower: Axes, label: Label, residuals: pa.Table) -> None:
    known = np.isfinite(residuals[f"{label.name}_residual"].to_numpy())
    survey, predicted, residual = (
        residuals[name].to_numpy()[known]
        for name in (label.name, f"{label.name}_predicted", f"{label.name}_residual")
    )
    lower.set_xlabel(_axis(f"{label.latex} survey", label))
    upper.set_ylabel(_axis(f"{label.latex} predicted", label))
    lower.set_ylabel(_axis("residual", label))
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
    _note(upper, residual, label)
    _beyond(upper, np.sum((predicted < limits[0]) | (predicted > limits[1])), "bottom")
    _beyond(lower, np.sum(np.abs(residual) > strip), "bottom")


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
    _note(panel, residual, label)
    _beyond(panel, np.sum(np.abs(residual - median) > half), "top")


def _note(panel: Axes, residual: np.ndarray, label: Label) -> None:
    """Number, mean and standard deviation, in the upper left corner."""
    digits = 0 if label.unit == "K" else 3
    text = (
        f"$N$ = {len(residual)}\n"
        f"$\\mu$ = {residual.mean():z.{digits}f}\n"
        f"$\\sigma$ = {residual.std():.{digits}f}"
    ).replace("-", "−")
    panel.text(0.04, 0.94, text, transform=panel.transAxes, va="top", **SMALL)


def _beyond(panel: Axes, count: int, corner: Literal["top", "bottom"]) -> None:
    """How many spectra lie outside the axes, in a corner at the right."""
    if count:
        y = {"top": 0.94, "bottom": 0.05}[corner]
        place = {"transform": panel.transAxes, "ha": "right", "va": corner}
        panel.text(0.97, y, f"{count} beyond", **place, **SMALL)


def _title(run: str, residuals: pa.Table) -> str:
    unparsed = sum(status != "parsed" for status in residuals["status"].to_pylist())
    title = f"{run}: {len(residuals)} test spectra, {unparsed} unparsed"
    return "\n".join(filter(None, [title, note(run)]))


def _axis(text: str, label: Label) -> str:
    return f"{text} ({label.unit})"
