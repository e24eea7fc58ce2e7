"""Residuals of every run at one scale against the signal-to-noise ratio."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.runs import RunName
from spectralm.evaluation.sigma_grid import Look, draw_sigmas, finish, sigma_grid
from spectralm.evaluation.snr import Bin
from spectralm.evaluation.statistics import ALL, STD
from spectralm.evaluation.style import empty_figure, looks
from spectralm.evaluation.tidy import read_rows

TITLE = "Residuals against signal-to-noise ratio"
CAPTION = (
    "Residuals on the test spectra of a sample of {scale} spectra from {dataset} by signal-to-noise"
    " ratio, all classes together, whose shares differ from bin to bin; bins of fewer than five"
    " spectra are left out. Bars are bootstrap intervals. Dashed: the Cramér-Rao bound, where it is"
    " known."
)

_LOOK = {"linewidth": 0.9, "markersize": 4}
_BOUND = {"color": "black", "linestyle": "--", "linewidth": 0.9}

#: A bin with fewer spectra has no sigma worth a point.
LEAST = 5


def draw(inputs: Inputs) -> Figure:
    """Sigma above and robust sigma below, a panel per label, against the bins' median S/N."""
    rows = read_rows(inputs.tables[0], Bin)
    caption = f"{inputs.caption(CAPTION)} {inputs.options.note}".strip()
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
    bounded = [row for row in shown if row.bound_std is not None]
    for (label, statistic), panel in grid.items():
        for run, look in of_run.items():
            own = [r for r in shown if (r.statistics.run, r.statistics.label) == (run, label)]
            _draw(panel, own, statistic, look)
        bins = {r.snr_median: r.bound(statistic) for r in bounded if r.statistics.label == label}
        panel.plot(bins.keys(), bins.values(), **_BOUND)
    names = {RunName.of(run).model: look for run, look in of_run.items()}
    if bounded:
        names["Cramér-Rao bound"] = _BOUND
    finish(figure, grid, names, caption)
    return figure


def _draw(panel: Axes, rows: list[Bin], statistic: str, look: Look) -> None:
    known = [row for row in rows if getattr(row.statistics, statistic)]
    sigma = [getattr(row.statistics, statistic) for row in known]
    bars = [(s, s) for s in sigma]
    if statistic == STD:
        bars = [
            (r.statistics.std_low or r.statistics.std, r.statistics.std_high or r.statistics.std)
            for r in known
        ]
    if known:
        draw_sigmas(panel, [row.snr_median for row in known], sigma, bars, look)
