"""Figure of whether errors are what they say."""

import numpy as np
import pyarrow as pa
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectralm.evaluation.calibration import ONE_SIGMA, pit, tells_errors
from spectralm.evaluation.statistics import ALL
from spectralm.evaluation.style import COLOURS, empty_figure, write_caption
from spectralm.labels.vocabulary import PARAMETERS

#: Bins of a histogram of PIT values.
BINS = 20


def calibration_figure(run: str, residuals: pa.Table, caption: str) -> Figure:
    """Histograms of PIT values, and coverage against the probability asked for, by label."""
    if not tells_errors(residuals):
        return empty_figure(f"{run} tells no errors.", caption)
    figure, axes = plt.subplots(2, len(PARAMETERS), figsize=(7.1, 4.6), layout="constrained")
    for label, above, below in zip(PARAMETERS, *axes, strict=True):
        values = pit(residuals, label)
        above.set_title(label.latex)
        _pit_panel(above, values)
        _coverage_panel(below, values)
    axes[0, 0].set_ylabel("test spectra")
    axes[1, 0].set_ylabel("share within the interval")
    figure.suptitle(f"{run}: errors on {len(residuals)} test spectra")
    write_caption(figure, caption)
    return figure


def _pit_panel(panel: Axes, values: np.ndarray) -> None:
    expected = len(values) / BINS
    spread = 2 * np.sqrt(expected * (1 - 1 / BINS))
    panel.axhspan(expected - spread, expected + spread, color="0.9")
    panel.hist(values, BINS, range=(0, 1), color=COLOURS[ALL], histtype="stepfilled")
    panel.axhline(expected, color="black", linewidth=0.7)
    panel.set(xlim=(0, 1), xlabel="PIT")


def _coverage_panel(panel: Axes, values: np.ndarray) -> None:
    asked = np.linspace(0, 1, 101)
    # The central interval of probability p holds what is within p/2 of the median.
    found = np.searchsorted(np.sort(np.abs(values - 0.5)), asked / 2, "right") / max(len(values), 1)
    panel.plot(asked, asked, color="black", linewidth=0.7)
    panel.plot(asked, found, color=COLOURS["A"])
    for level in (ONE_SIGMA, 0.95):
        panel.axvline(level, color="0.7", linewidth=0.5, zorder=0)
    panel.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the interval")
