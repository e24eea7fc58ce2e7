"""Predicted against survey labels, with the residuals below."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spectralm.evaluation.external import Unseen
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.statistics import labels_of, median_and_sigma
from spectralm.evaluation.style import (
    COLOURS,
    axis_title,
    empty_figure,
    note_beyond,
    note_statistics,
    statistics_lines,
    title_of,
    write_caption,
)
from spectralm.files import read_parquet
from spectralm.labels.vocabulary import CLASSES, Label

#: With more points in a panel they hide each other, and their density is drawn.
MOST_POINTS = 2000

#: Share of the values, the survey's and predicted, that may be outside a panel, per side.
TAIL = 0.005

#: Half the range of the strip of residuals, in robust sigmas.
STRIP_SIGMAS = 6

#: Up to ROOMY panels have titles on their axes; more are smaller and stand in rows of COLUMNS.
ROOMY, COLUMNS = 3, 5

#: Width of a hexagon of density, in dots of the screen.
HEXAGON = 5.0

EXPLAINED = (
    "Line: predicted = survey. μ, σ: mean and standard deviation of the residuals, predicted − "
    "survey, of N spectra. Spectra outside a panel are counted (beyond); residuals outside a strip "
    "are drawn at its edge."
)

DOT: Mapping[str, Any] = {"marker": "o", "markersize": 4, "linewidth": 0}

#: A panel and its strip of residuals.
Stack = tuple[Axes, Axes]


def external_comparison(dataset: str, inputs: Inputs) -> Figure:
    """The figure of a run and of a survey that it was not trained on, for unseen stars."""
    run, residuals = inputs.run(dataset)
    manifests = [path for path in inputs.samples if path.parent.name == dataset]
    unseen = Unseen.of(dataset, read_parquet(manifests, columns=["split"]))
    caption = inputs.figure_caption(unseen.sentence)
    return predicted_against_survey(run, residuals, caption, inputs.note(run))


def predicted_against_survey(run: str, residuals: pa.Table, caption: str, note: str) -> Figure:
    """A panel per label of predicted against survey, with the residuals in a strip below.

    Labels that no spectrum has are named, and spectra beyond the axes counted. Dots have the
    classes' colours; where they would hide each other, their density is drawn.

    Args:
        run: its name.
        residuals: a table of residuals.
        caption: below the panels.
        note: what a reader must know of the model; may be empty.
    """
    asked = labels_of(residuals)
    counts = {
        label: len(residuals) - residuals[f"{label.name}_residual"].null_count for label in asked
    }
    labels = [label for label in asked if counts[label]]
    title = title_of(run, residuals, note)
    if not labels:
        return empty_figure(f"{title}; no residuals.", caption)
    caption = f"{caption} {EXPLAINED}"
    if len(labels) < len(asked):
        missing = ", ".join(label.latex for label in asked if label not in labels)
        no_break = missing.replace(" I", "\N{NO-BREAK SPACE}I")
        caption = f"{caption} No residuals of {no_break}."
    figure, pairs = _grid(len(labels))
    dense = max(counts.values()) > MOST_POINTS
    roomy = len(labels) <= ROOMY
    for label, pair in zip(labels, pairs, strict=True):
        _panel(*pair, label, residuals, dense, roomy)
    figure.align_ylabels()
    if not roomy:
        unit = labels[0].unit
        figure.supylabel(f"predicted; below it, the residual ({unit})", fontsize=8)
        caption = f"Across: the survey's value ({unit}). {caption}"
    if dense:
        _share_density(figure, pairs)
        figure.suptitle(title)
    else:
        dots = [Line2D([], [], color=COLOURS[name], label=name, **DOT) for name in CLASSES]
        legend = figure.legend(
            handles=dots, title=title, loc="outside upper center", ncols=len(dots)
        )
        legend.get_title().set_multialignment("center")
    write_caption(figure, caption)
    return figure


def _grid(n: int) -> tuple[Figure, list[Stack]]:
    """A figure with ``n`` panels and their strips."""
    columns = n if n <= ROOMY else COLUMNS
    rows = -(-n // columns)
    size = (7.1, 4.2) if n <= ROOMY else (7.1, 0.9 + 1.66 * rows)
    figure, axes = plt.subplots(
        2 * rows,
        columns,
        figsize=size,
        height_ratios=(3, 1.2) * rows,
        squeeze=False,
        layout=ConstrainedLayoutEngine(h_pad=0.02, w_pad=0.03, hspace=0, wspace=0),
    )
    pairs = list(_pairs(axes))
    for upper, lower in pairs[n:]:
        upper.remove()
        lower.remove()
    return figure, pairs[:n]


def _pairs(axes: np.ndarray) -> Iterator[Stack]:
    for uppers, lowers in zip(axes[::2], axes[1::2], strict=True):
        yield from zip(uppers, lowers, strict=True)


def _name(upper: Axes, lower: Axes, label: Label) -> None:
    """Titles of the axes."""
    lower.set_xlabel(axis_title(f"{label.latex} survey", label))
    upper.set_ylabel(axis_title(f"{label.latex} predicted", label))
    lower.set_ylabel(axis_title("residual", label))


def _name_small(upper: Axes, lower: Axes, label: Label, residual: np.ndarray) -> None:
    """Name and statistics above a panel that has no room for them, and few ticks."""
    n, *moments = statistics_lines(residual, label, dex_digits=2)
    title = f"{label.latex}, {n}\n{', '.join(moments)}"
    upper.set_title(title, loc="left", fontsize=7, pad=2)
    for axis in (upper.xaxis, lower.xaxis, upper.yaxis):
        axis.set_major_locator(MaxNLocator(3, steps=(1, 2, 5, 10)))
    tick = _round_down(0.8 * lower.get_ylim()[1])
    lower.set_yticks((-tick, tick))


def _round_down(value: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not above."""
    power = 10.0 ** np.floor(np.log10(value))
    return power * max(digit for digit in (1, 2, 5) if digit * power <= value)


def _panel(
    upper: Axes, lower: Axes, label: Label, residuals: pa.Table, dense: bool, roomy: bool
) -> None:
    known = np.isfinite(residuals[f"{label.name}_residual"].to_numpy())
    survey, predicted, residual = (
        residuals[name].to_numpy()[known]
        for name in (label.name, f"{label.name}_predicted", f"{label.name}_residual")
    )
    low, high = np.quantile(np.concatenate([survey, predicted]), (TAIL, 1 - TAIL))
    pad = 0.08 * (high - low) or 1.0
    limits = (low - pad, high + pad)
    median, sigma = median_and_sigma(residual)
    strip = abs(median) + STRIP_SIGMAS * sigma or 1.0
    upper.set(xlim=limits, ylim=limits)
    lower.set(xlim=limits, ylim=(-strip, strip))
    star_class = residuals["class"].to_numpy()[known]
    for axes, height in ((upper, predicted), (lower, np.clip(residual, -strip, strip))):
        if dense:
            _density(axes, survey, height)
        else:
            _points(axes, survey, height, star_class)
    upper.plot(limits, limits, color="black", linewidth=0.7)
    lower.axhline(0, color="black", linewidth=0.7)
    upper.tick_params(labelbottom=False)
    if roomy:
        _name(upper, lower, label)
        note_statistics(upper, residual, label)
    else:
        _name_small(upper, lower, label, residual)
    across = (survey < limits[0]) | (survey > limits[1])
    note_beyond(upper, np.sum(across | (predicted < limits[0]) | (predicted > limits[1])), "bottom")


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, star_class: np.ndarray) -> None:
    """Dots in the order of the rows, so that no class lies above the others."""
    colours = [COLOURS[name] for name in star_class]
    axes.scatter(x, y, s=5, color=colours, alpha=0.7, linewidths=0, rasterized=True)


def _density(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
    box = axes.get_window_extent()
    across = round(box.width / HEXAGON)
    axes.hexbin(
        x[inside],
        y[inside],
        gridsize=(across, max(1, round(across * box.height / box.width / np.sqrt(3)))),
        extent=(left, right, bottom, top),
        mincnt=1,
        cmap="viridis",
        linewidths=0.2,
        rasterized=True,
    )


def _share_density(figure: Figure, pairs: Sequence[Stack]) -> None:
    axes = [panel for pair in pairs for panel in pair]
    densities = [collection for panel in axes for collection in panel.collections]
    counts = [count for density in densities if (count := density.get_array()) is not None]
    norm = LogNorm(1, max((count.max() for count in counts if len(count)), default=1) + 1)
    for density in densities:
        density.set_norm(norm)
    aspect = 12 * figure.get_figheight()
    figure.colorbar(densities[0], ax=axes, label="spectra", aspect=aspect, pad=0.01, format="{x:g}")
