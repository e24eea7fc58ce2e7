"""Whether a run's errors are right: PIT histograms and coverage of each label."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectralm.evaluation.calibration import pit
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.statistics import ALL, labels_of
from spectralm.evaluation.style import COLOURS, empty_figure, write_caption
from spectralm.normal import ONE_SIGMA

TITLE = "Calibration of errors"
CAPTION = (
    "Above: probability integral transforms of the survey's values in the model's normal"
    " distributions, flat where errors are right; grey: two sigmas of a flat histogram."
    " Below each: share of test spectra within central intervals of each probability."
)

#: Bins of a histogram of PIT values.
BINS = 20
#: Labels side by side at most.
COLUMNS = 7


def draw(inputs: Inputs) -> Figure:
    """Histograms of PIT values, and below each coverage against the nominal probability.

    The labels with errors stand side by side, and in further pairs of rows if they are many.
    """
    run, residuals = inputs.run()
    caption = inputs.figure_caption(CAPTION)
    values_of = {label: pit(residuals, label) for label in labels_of(residuals)}
    shown = {label: values for label, values in values_of.items() if len(values)}
    if not shown:
        return empty_figure(f"{run} gives no errors.", caption)
    columns = min(len(shown), COLUMNS)
    pairs = -(-len(shown) // columns)
    height = 4.6 if pairs == 1 else 2.6 * pairs + 0.6
    figure, axes = plt.subplots(
        2 * pairs, columns, figsize=(7.1, height), layout="constrained", squeeze=False
    )
    for first, below in axes.reshape(pairs, 2, columns)[:, :, 0]:
        first.set_ylabel("test spectra")
        below.set_ylabel("share within")
    for place, (label, values) in enumerate(shown.items()):
        pair, column = divmod(place, columns)
        axes[2 * pair, column].set_title(label.latex)
        _pit_panel(axes[2 * pair, column], values)
        _coverage_panel(axes[2 * pair + 1, column], values)
    for unused in axes.reshape(pairs, 2, columns)[-1, :, len(shown) - (pairs - 1) * columns :].flat:
        unused.remove()
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
    nominal = np.linspace(0, 1, 101)
    # The central interval of probability p holds what is within p/2 of the median.
    found = np.searchsorted(np.sort(np.abs(values - 0.5)), nominal / 2, "right") / max(
        len(values), 1
    )
    panel.plot(nominal, nominal, color="black", linewidth=0.7)
    panel.plot(nominal, found, color=COLOURS["A"])
    for level in (ONE_SIGMA, 0.95):
        panel.axvline(level, color="0.7", linewidth=0.5, zorder=0)
    panel.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability")
