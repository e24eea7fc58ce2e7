"""What all figures share: colours, files, and the words in a panel."""

import logging
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
import pyarrow as pa
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectralm.evaluation.render import number
from spectralm.evaluation.statistics import ALL
from spectralm.files import atomic
from spectralm.labels.vocabulary import CLASSES, Label

#: Okabe & Ito's colours, safe for colour-blind readers, from hot to cool.
COLOURS = dict(zip(CLASSES, ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00"), strict=True))
COLOURS[ALL] = "0.35"

#: Colours safe for colour-blind readers (Okabe & Ito, Tol), and markers, by model.
#: With one more marker than colours the pairs do not repeat before the 72nd model.
_MODEL_COLOURS: tuple[str, ...] = ("#0072B2", "#D55E00", "#009E73", "#E69F00")
_MODEL_COLOURS += ("#CC79A7", "#56B4E9", "#882255", "#999933")
_MODEL_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "*")

SMALL: Mapping[str, Any] = {
    "fontsize": 7,
    "bbox": {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1},
}


def looks(models: Sequence[str]) -> dict[str, dict[str, str]]:
    """Colour and marker of each model, by its place among all models of the experiment."""
    pairs = zip(cycle(_MODEL_COLOURS), cycle(_MODEL_MARKERS), strict=False)
    return {
        model: {"color": colour, "marker": marker}
        for model, (colour, marker) in zip(models, pairs, strict=False)
    }


@contextmanager
def style() -> Iterator[None]:
    """The style of all figures of this package; draws to files only."""
    matplotlib.use("agg")
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    with plt.style.context("spectralm.evaluation.spectralm"):
        yield


def save(figure: Figure, *paths: Path) -> None:
    """Write a figure to each path by its suffix, the same bytes each time; closes it."""
    for path in paths:
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else None
        with atomic(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
    plt.close(figure)


def note_statistics(panel: Axes, residual: np.ndarray, label: Label) -> None:
    """Number, mean and standard deviation, in the upper left corner."""
    text = "\n".join(statistics_lines(residual, label))
    panel.text(0.04, 0.94, text, transform=panel.transAxes, va="top", **SMALL)


def statistics_lines(
    residual: np.ndarray, label: Label, dex_digits: int = 3
) -> tuple[str, str, str]:
    """Number, mean and standard deviation."""
    return (
        f"$N$ = {len(residual)}",
        f"$\\mu$ = {number(residual.mean(), label, dex_digits=dex_digits)}",
        f"$\\sigma$ = {number(residual.std(), label, dex_digits=dex_digits)}",
    )


def note_beyond(panel: Axes, count: int, corner: Literal["top", "bottom"]) -> None:
    """How many spectra lie outside the axes, in a corner at the right."""
    if count:
        y = {"top": 0.94, "bottom": 0.05}[corner]
        place: dict[str, Any] = {"transform": panel.transAxes, "ha": "right", "va": corner}
        panel.text(0.97, y, f"{count} beyond", **place, **SMALL)


def title_of(run: str, residuals: pa.Table, note: str) -> str:
    """A run's name with its counts, and below it what a reader must know of the model."""
    unparsed = sum(status != "parsed" for status in residuals["status"].to_pylist())
    title = f"{run}: {len(residuals)} test spectra, {unparsed} unparsed"
    return "\n".join(filter(None, [title, note]))


def axis_title(text: str, label: Label) -> str:
    """A title with the label's unit."""
    return f"{text} ({label.unit})"


def write_caption(figure: Figure, caption: str) -> None:
    """Write a caption below the panels, over the width of the figure."""
    width = round(19.5 * figure.get_figwidth())
    lines = textwrap.fill(caption, width)
    figure.supxlabel(lines, x=0.01, ha="left", multialignment="left", fontsize=7)


def empty_figure(reason: str, caption: str) -> Figure:
    """A figure that says why there is nothing in it."""
    figure = plt.figure(figsize=(7.1, 1.2), layout="constrained")
    figure.text(0.5, 0.6, textwrap.fill(reason, 110), ha="center", va="center")
    write_caption(figure, caption)
    return figure
