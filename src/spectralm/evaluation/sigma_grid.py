"""The grid of panels that scaling and S/N share: a column per label, a row per kind of sigma."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from spectralm.evaluation.statistics import MAD, STD
from spectralm.evaluation.style import axis_title, write_caption
from spectralm.labels.vocabulary import PARAMETERS

_NAMES = {STD: r"$\sigma$", MAD: "1.4826 MAD"}

Grid = dict[tuple[str, str], Axes]

Look = Mapping[str, Any]


class Dot(NamedTuple):
    """One point of a panel, with its interval if there is one."""

    x: float
    sigma: float
    low: float | None = None
    high: float | None = None


def sigma_grid(x_title: str) -> tuple[Figure, Grid]:
    """A figure and its panels by label and statistic, on logarithmic axes."""
    figure, axes = plt.subplots(
        len(_NAMES), len(PARAMETERS), figsize=(7.1, 5.0), sharex="row", layout="constrained"
    )
    grid = {}
    for (statistic, name), row in zip(_NAMES.items(), axes, strict=True):
        for label, panel in zip(PARAMETERS, row, strict=True):
            panel.set(xscale="log", yscale="log")
            panel.set_ylabel(axis_title(f"{name} of {label.latex}", label))
            grid[label.name, statistic] = panel
    for panel in axes[-1]:
        panel.set_xlabel(x_title)
    return figure, grid


def draw_sigmas(panel: Axes, dots: Sequence[Dot], look: Look) -> None:
    """Points with their intervals; ``look`` is of a line."""
    if not dots:
        return
    # A percentile interval of a resampled median need not hold the median itself.
    lengths = [
        (
            0.0 if dot.low is None else max(dot.sigma - dot.low, 0.0),
            0.0 if dot.high is None else max(dot.high - dot.sigma, 0.0),
        )
        for dot in dots
    ]
    x, sigma, *_ = zip(*dots, strict=True)
    panel.errorbar(x, sigma, np.transpose(lengths), **look)


def finish(figure: Figure, grid: Grid, names: Mapping[str, Look], caption: str) -> None:
    """Ticks, the legend of what each look is, and the caption."""
    for panel in grid.values():
        for axis in (panel.xaxis, panel.yaxis):
            low, high = sorted(axis.get_view_interval())
            axis.set_major_locator(LogLocator(subs=_subs(np.log10(high / low))))
            axis.set_major_formatter(FuncFormatter(_plain))
            axis.set_minor_formatter(NullFormatter())
    handles = [Line2D([], [], label=name, **look) for name, look in names.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 5))
    figure.align_ylabels(list(grid.values()))
    write_caption(figure, caption)


def _subs(decades: float) -> tuple[float, ...]:
    """Which multiples of the powers of ten have a tick with a number."""
    if decades > 3:
        return (1,)
    if decades > 1.3:
        return (1, 3)
    return (1, 2, 5) if decades > 0.5 else (1, 1.5, 2, 3, 4, 5, 6, 8)


def _plain(value: float, _: int) -> str:
    """A tick as a plain number, but a power of ten from 1e4."""
    exponent = np.log10(value)
    if exponent >= 4 and exponent == round(exponent):
        return f"$10^{{{exponent:.0f}}}$"
    return f"{value:g}"
