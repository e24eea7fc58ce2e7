"""Cells and sentences that several tables share."""

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.render import NOTHING, number
from spectralm.evaluation.statistics import Statistics
from spectralm.labels.vocabulary import Label

COUNTED = (
    "N counts all test spectra, also the unparsed, which gave no answer; "
    "Accuracy is the fraction of N with the correct class."
)
BOUND = (
    "/ bound: 1.4826 × the median of |residual| / Cramér-Rao bound; 1 is the best that the "
    "spectrum allows if the survey's labels are true, and below 1 the model knows something else."
)


def interval_caption(options: EvaluationOptions) -> str:
    """What a bootstrap interval is."""
    return (
        f"the central {options.interval:.0%} of {options.resamples} bootstrap resamples of the "
        "stars."
    )


def percent(share: float | None) -> str:
    """A share, or a dash."""
    return NOTHING if share is None else f"{share:.1%}"


def value(number_: float | None, label: Label) -> str:
    """A number in the label's unit, or a dash."""
    return NOTHING if number_ is None else number(number_, label)


def mean_and_sigma(row: Statistics, label: Label) -> str:
    """Mean ± standard deviation, or a dash."""
    if row.mean is None or row.std is None:
        return NOTHING
    return f"{number(row.mean, label)} ± {number(row.std, label)}"


def sigmas(
    std: float | None, low: float | None, high: float | None, robust: float | None, label: Label
) -> str:
    """Sigma, its interval if there is one, and the robust sigma."""
    if std is None or robust is None:
        return NOTHING
    interval = ""
    if low is not None and high is not None:
        interval = f" [{number(low, label)}, {number(high, label)}]"
    return f"{number(std, label)}{interval}; {number(robust, label)}"


def ratio_to_bound(row: Statistics, _: Label) -> str:
    """1.4826 times the median of |residual| / bound, or a dash."""
    return NOTHING if row.bound_ratio is None else f"{row.bound_ratio:.1f}"
