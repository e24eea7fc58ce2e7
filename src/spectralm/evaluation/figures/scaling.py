"""Residuals against the number of training spectra, with fitted power laws."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.scaling import Point
from spectralm.evaluation.scaling_rows import OURS, PAPER, ScalingRow, scaling_of
from spectralm.evaluation.sigma_grid import Dot, draw_sigmas, finish, sigma_grid
from spectralm.evaluation.style import empty_figure, looks
from spectralm.evaluation.tidy import read_rows

TITLE = "Scaling with data"
CAPTION = (
    "Residuals on one common test set, that of the smallest scale, against the number of training"
    " spectra N, with intervals from resampling its stars. Lines: power laws fitted to the points."
    " Grey: the paper's tables 2 to 4, each point of the test set of its own scale."
)
EMPTY = "Empty: no model was run at several scales."

_LOOK: dict[str, Any] = {"linewidth": 0, "markersize": 4.5}

#: The paper's models are grey, each with a marker of its own.
_GREY: dict[str, Any] = {"color": "0.55", "markerfacecolor": "white", **_LOOK}
_PAPERS_MARKERS = ("o", "s", "^", "D", "v")


def draw(inputs: Inputs) -> Figure:
    """Sigma above and robust sigma below, a panel per label, against training spectra."""
    rows = read_rows(inputs.tidy, ScalingRow)
    ours, paper = scaling_of(OURS, rows), scaling_of(PAPER, rows)
    caption = inputs.figure_caption(CAPTION)
    if not ours.points:
        return empty_figure(EMPTY, caption)
    figure, grid = sigma_grid("training spectra $N$")
    greys = {
        model: _GREY | {"marker": marker}
        for model, marker in zip(paper.models, _PAPERS_MARKERS, strict=False)
    }
    colours = {
        model: _LOOK | look for model, look in looks(inputs.models).items() if model in ours.models
    }
    for (label, statistic), panel in grid.items():
        for found, models_looks in ((paper, greys), (ours, colours)):
            for model, look in models_looks.items():
                points = found.points_of(model, label, statistic)
                draw_sigmas(panel, _dots(points), look | {"elinewidth": 0.9})
                law = found.law_of(model, label, statistic)
                if law:
                    ends = np.array([points[0].n_train, points[-1].n_train])
                    panel.plot(ends, law.at(ends), color=look["color"], zorder=1)
    names = colours | {f"{model} (paper)": look for model, look in greys.items()}
    finish(figure, grid, {name: look | {"linewidth": 0.9} for name, look in names.items()}, caption)
    return figure


def _dots(points: Sequence[Point]) -> list[Dot]:
    return [Dot(p.n_train, p.sigma, p.low, p.high) for p in points if p.sigma is not None]
