"""Residuals of every run at one scale, by class: mean and sigma, intervals, robust statistics."""

from collections.abc import Sequence
from functools import partial

from spectralm.evaluation.cells import (
    COUNTED,
    FLOOR,
    ZERO_POINTS,
    blocks_by_label,
    interval,
    interval_caption,
    mean_and_sigma,
    percent,
    ratio_to_floor,
    value,
)
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import LABEL_HEADS, NOTHING, Panel, Table, number, sentences
from spectralm.evaluation.statistics import Statistics
from spectralm.labels.vocabulary import Label

TITLE = "Residuals by class"
CAPTION = (
    "Residuals, predicted − survey, on the test spectra of a sample of {scale} spectra from"
    " {dataset}."
)
Row = Statistics


def rows(inputs: Inputs) -> list[Statistics]:
    """A row per run, class and label."""
    return [row for of_run in inputs.statistics.values() for row in of_run]


def table(rows: Sequence[Statistics], inputs: Inputs) -> Table:
    """Mean and sigma, their intervals, the robust two, and against floor and truth if known."""
    options = inputs.options
    moments = "Mean μ ± standard deviation σ (ddof = 0)."
    robust = (
        "Median ± 1.4826 MAD (share of outliers, those further than "
        f"{options.outlier_sigmas:g} × 1.4826 MAD from the median of their row)."
    )
    notes = inputs.notes(row.run for row in rows)
    heads = ("Class", *LABEL_HEADS)
    blocks = partial(blocks_by_label, rows, _itself, _class)
    panels = [
        Panel(
            sentences(moments, COUNTED, notes),
            ("Class", "N", "Unparsed", "Accuracy", *LABEL_HEADS),
            "lrrrccc",
            blocks(_counts, mean_and_sigma),
        ),
        Panel(
            f"Intervals of μ; σ: {interval_caption(options)}",
            heads,
            "lccc",
            blocks(_no_more, _intervals),
        ),
        Panel(robust, heads, "lccc", blocks(_no_more, _median)),
    ]
    if any(row.floor_ratio is not None for row in rows):
        truth = (
            "Mean μ ± standard deviation σ of predicted − true value of the same spectra, the "
            "model's own error: without the random error of the survey's labels."
        )
        panels += [
            Panel(FLOOR, heads, "lccc", blocks(_no_more, ratio_to_floor)),
            Panel(sentences(truth, ZERO_POINTS), heads, "lccc", blocks(_no_more, _from_truth)),
        ]
    return Table(inputs.caption(CAPTION), panels, options.note)


def _itself(row: Statistics) -> Statistics:
    return row


def _class(row: Statistics) -> str:
    return row.class_


def _no_more(_: Statistics) -> tuple[str, ...]:
    return ()


def _counts(row: Statistics) -> tuple[str, ...]:
    return str(row.n), str(row.unparsed), percent(row.accuracy)


def _intervals(row: Statistics, label: Label) -> str:
    if row.mean_low is None:
        return NOTHING
    mean = interval(row.mean_low, row.mean_high, label)
    return f"{mean}; {interval(row.std_low, row.std_high, label)}"


def _from_truth(row: Statistics, label: Label) -> str:
    if row.truth_mean is None:
        return NOTHING
    return f"{number(row.truth_mean, label)} ± {value(row.truth_std, label)}"


def _median(row: Statistics, label: Label) -> str:
    if row.median is None or row.mad_sigma is None:
        return NOTHING
    outliers = percent(row.outlier_fraction)
    return f"{number(row.median, label)} ± {number(row.mad_sigma, label)} ({outliers})"
