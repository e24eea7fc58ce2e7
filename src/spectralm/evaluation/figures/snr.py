"""Residuals of every run at one scale against the signal-to-noise ratio."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.runs import RunName
from spectralm.evaluation.sigma_grid import Dot, draw_sigmas, finish, sigma_grid
from spectralm.evaluation.snr import Bin
from spectralm.evaluation.statistics import ALL, STD
from spectralm.evaluation.style import empty_figure, looks
from spectralm.evaluation.tidy import read_rows

TITLE = "Residuals against signal-to-noise ratio"
CAPTION = (
    "Residuals on the test spectra of a sample of {scale} spectra from {dataset} by signal-to-noise"
    " ratio, all classes together, whose shares differ from bin to bin; bins of fewer than five"
    " spectra are left out. Bars are bootstrap intervals. Dashed, where it is known: the floor, the"
    " Cramér-Rao bound and the random error of the survey's labels, added in quadrature."
)

_LOOK: dict[str, Any] = {"linewidth": 0.9, "markersize": 4}
_FLOOR: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 0.9}

#: A bin with fewer spectra has no sigma worth a point.
LEAST = 5


def draw(inputs: Inputs) -> Figure:
    """Sigma above and robust sigma below, a panel per label, against the bins' median S/N."""
    rows = read_rows(inputs.tidy, Bin)
    caption = inputs.figure_caption(CAPTION)
    shown = [
        row
        for row in rows
        if row.statistics.class_ == ALL and row.statistics.used >= LEAST and row.snr_median
    ]
    if not shown:
        return empty_figure("Empty: no bin of S/N has enough residuals.", caption)
    figure, grid = sigma_grid("median S/N in r")
    runs = dict.fromkeys(row.statistics.run for row in shown)
    of_run = {run: _LOOK | looks(inputs.models)[RunName.of(run).model] for run in runs}
    limited = [row for row in shown if row.floor_std is not None]
    for (label, statistic), panel in grid.items():
        for run, look in of_run.items():
            own = [r for r in shown if (r.statistics.run, r.statistics.label) == (run, label)]
            draw_sigmas(panel, _dots(own, statistic), look)
        line = {
            (row.snr_median, floor)
            for row in limited
            if row.statistics.label == label
            and row.snr_median
            and (floor := row.floor(statistic)) is not None
        }
        panel.plot(*np.reshape(sorted(line), (-1, 2)).T, **_FLOOR)
    names = {RunName.of(run).model: look for run, look in of_run.items()}
    if limited:
        names["floor"] = _FLOOR
    finish(figure, grid, names, caption)
    return figure


def _dots(rows: Iterable[Bin], statistic: str) -> list[Dot]:
    """The bins with a sigma; only the standard deviation has an interval."""
    dots = []
    for row in rows:
        found = row.statistics
        if row.snr_median and statistic == STD and found.std:
            dots.append(Dot(row.snr_median, found.std, found.std_low, found.std_high))
        elif row.snr_median and statistic != STD and found.mad_sigma:
            dots.append(Dot(row.snr_median, found.mad_sigma))
    return dots
