"""Figure of residuals against the number of training spectra."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectralm.evaluation.scaling import Point, Scaling
from spectralm.evaluation.scaling_tables import EMPTY
from spectralm.evaluation.sigma_grid import Look, draw_sigmas, finish, sigma_grid
from spectralm.evaluation.style import empty_figure, looks

_LOOK = {"linewidth": 0, "markersize": 4.5}

#: The paper's models are grey, each with a marker of its own.
_GREY = {"color": "0.55", "markerfacecolor": "white", **_LOOK}
_PAPERS_MARKERS = ("o", "s", "^", "D", "v")


def scaling_figure(ours: Scaling, paper: Scaling, models: list[str], caption: str) -> Figure:
    """Sigma above and robust sigma below, a panel per label, against training spectra.

    ``models`` are all of the experiment, so that a model looks the same in all figures.
    """
    if not ours.points:
        return empty_figure(EMPTY, caption)
    figure, grid = sigma_grid("training spectra $N$")
    greys = {
        model: _GREY | {"marker": marker}
        for model, marker in zip(paper.models, _PAPERS_MARKERS, strict=False)
    }
    colours = {model: _LOOK | look for model, look in looks(models).items() if model in ours.models}
    for (label, statistic), panel in grid.items():
        for found, models_looks in ((paper, greys), (ours, colours)):
            for model, look in models_looks.items():
                _draw_points(panel, found.points_of(model, label, statistic), look)
                law = found.law_of(model, label, statistic)
                if law:
                    ends = _ends(found.points_of(model, label, statistic))
                    panel.plot(ends, law.at(ends), color=look["color"], zorder=1)
    names = colours | {f"{model} (paper)": look for model, look in greys.items()}
    finish(figure, grid, {name: look | {"linewidth": 0.9} for name, look in names.items()}, caption)
    return figure


def _draw_points(panel: Axes, points: list[Point], look: Look) -> None:
    known = [point for point in points if point.sigma is not None]
    bars = [
        (point.sigma, point.sigma) if point.low is None else (point.low, point.high)
        for point in known
    ]
    if known:
        x, sigma = [point.n_train for point in known], [point.sigma for point in known]
        draw_sigmas(panel, x, sigma, bars, {**look, "elinewidth": 0.9})


def _ends(points: list[Point]) -> np.ndarray:
    sizes = [point.n_train for point in points]
    return np.array([min(sizes), max(sizes)])
