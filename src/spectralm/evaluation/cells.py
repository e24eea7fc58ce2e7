"""Cells and sentences that several tables share."""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TypeVar

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.render import NOTHING, Rows, number
from spectralm.evaluation.statistics import Statistics
from spectralm.labels.vocabulary import PARAMETERS, Label

R = TypeVar("R")

COUNTED = (
    "N counts all test spectra, also the unparsed, which gave no answer; "
    "Accuracy is the fraction of N with the correct class."
)
FLOOR = (
    "/ floor: 1.4826 × the median of |residual| / floor; the floor is the Cramér-Rao bound of the "
    "spectrum and the random error of the survey's label, added in quadrature. No unbiased model "
    "can go below it: 1 means that nothing is left to learn, and below 1 the model knows more than "
    "the spectrum says, such as which stars are common."
)
TRUTH = (
    "− truth: σ of predicted − true value of the same spectra, the model's own error: without the "
    "random error of the survey's labels."
)
ZERO_POINTS = (
    "A model learns the zero points of its labels: LAMOST's differ between classes, so they are in "
    "σ of all classes together."
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


def count(number_: float | None) -> str:
    """A number of spectra, or a dash."""
    return NOTHING if number_ is None else f"{number_:.0f}"


def ratio(number_: float | None) -> str:
    """A ratio to the floor, or a dash."""
    return NOTHING if number_ is None else f"{number_:.2f}"


def interval(low: float | None, high: float | None, label: Label) -> str:
    """An interval in brackets, or a dash."""
    if low is None or high is None:
        return NOTHING
    return f"[{number(low, label)}, {number(high, label)}]"


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
    bracket = "" if low is None else f" {interval(low, high, label)}"
    return f"{number(std, label)}{bracket}; {number(robust, label)}"


def ratio_to_floor(row: Statistics, _: Label) -> str:
    """1.4826 times the median of |residual| / floor, or a dash."""
    return ratio(row.floor_ratio)


def blocks_by_label(
    rows: Iterable[R],
    statistics: Callable[[R], Statistics],
    line: Callable[[R], str],
    head: Callable[[Statistics], tuple[str, ...]],
    cell: Callable[[Statistics, Label], str],
) -> dict[str, Rows]:
    """A block per run, a line per group of rows, a column per stellar parameter.

    Args:
        rows: in the order of runs, lines and labels.
        statistics: of a row.
        line: the group that a row is of, such as its class.
        head: cells of a line after that.
        cell: of a label.
    """
    blocks = {}
    for run, of_run in groupby(rows, key=lambda row: statistics(row).run):
        lines = []
        for title, of_line in groupby(of_run, key=line):
            by_label = {found.label: found for found in map(statistics, of_line)}
            cells = (cell(by_label[label.name], label) for label in PARAMETERS)
            lines.append((title, *head(by_label[PARAMETERS[0].name]), *cells))
        blocks[run] = tuple(lines)
    return blocks
