"""Residuals of every run at one scale, by class: mean and sigma, intervals, robust statistics."""

from collections.abc import Callable, Sequence
from itertools import groupby

from spectralm.evaluation.cells import (
    COUNTED,
    interval_caption,
    mean_and_sigma,
    percent,
    ratio_to_bound,
)
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import LABEL_HEADS, NOTHING, Panel, Rows, Table, number
from spectralm.evaluation.statistics import Statistics, statistics
from spectralm.labels.vocabulary import PARAMETERS, Label

TITLE = "Residuals by class"
CAPTION = (
    "Residuals, predicted − survey, on the test spectra of a sample of {scale} spectra from"
    " {dataset}."
)
Row = Statistics


def rows(inputs: Inputs) -> list[Statistics]:
    """A row per run, class and label."""
    return [row for run, table in inputs.own() for row in statistics(run, table, inputs.options)]


def table(rows: Sequence[Statistics], inputs: Inputs) -> Table:
    """Mean and sigma, their intervals, the robust two, and the ratio to the bound if known."""
    options = inputs.options
    moments = "Mean μ ± standard deviation σ (ddof = 0)."
    robust = (
        "Median ± 1.4826 MAD (share of outliers, those further than "
        f"{options.outlier_sigmas:g} × 1.4826 MAD from the median of their row)."
    )
    limited = (
        "1.4826 × the median of |residual| / bound, where the bound is the Cramér-Rao bound of "
        "each spectrum. Labels of a survey have errors of their own, so 1 is out of reach."
    )
    notes = inputs.notes(row.run for row in rows)
    heads = ("Class", *LABEL_HEADS)
    panels = [
        Panel(
            " ".join(filter(None, [moments, COUNTED, notes])),
            ("Class", "N", "Unparsed", "Accuracy", *LABEL_HEADS),
            "lrrrccc",
            _blocks(rows, _counts, mean_and_sigma),
        ),
        Panel(
            f"Intervals of μ; σ: {interval_caption(options)}",
            heads,
            "lccc",
            _blocks(rows, _class, _intervals),
        ),
        Panel(robust, heads, "lccc", _blocks(rows, _class, _median)),
    ]
    if any(row.bound_ratio is not None for row in rows):
        panels.append(Panel(limited, heads, "lccc", _blocks(rows, _class, ratio_to_bound)))
    return Table(inputs.caption(CAPTION), panels, options.note)


def _blocks(
    rows: Sequence[Statistics],
    head: Callable[[Statistics], tuple[str, ...]],
    cell: Callable[[Statistics, Label], str],
) -> dict[str, Rows]:
    """For each run, a row per class: ``head`` of it, then a ``cell`` per label."""
    blocks = {}
    for run, of_run in groupby(rows, key=lambda row: row.run):
        lines = []
        for _, of_class in groupby(of_run, key=lambda row: row.class_):
            by_label = {row.label: row for row in of_class}
            cells = (cell(by_label[label.name], label) for label in PARAMETERS)
            lines.append((*head(by_label[PARAMETERS[0].name]), *cells))
        blocks[run] = tuple(lines)
    return blocks


def _class(row: Statistics) -> tuple[str, ...]:
    return (row.class_,)


def _counts(row: Statistics) -> tuple[str, ...]:
    return row.class_, str(row.n), str(row.unparsed), percent(row.accuracy)


def _intervals(row: Statistics, label: Label) -> str:
    if row.mean_low is None:
        return NOTHING
    mean, sigma = (row.mean_low, row.mean_high), (row.std_low, row.std_high)
    return "; ".join(_interval(low, high, label) for low, high in (mean, sigma))


def _interval(low: float | None, high: float | None, label: Label) -> str:
    if low is None or high is None:
        return NOTHING
    return f"[{number(low, label)}, {number(high, label)}]"


def _median(row: Statistics, label: Label) -> str:
    if row.median is None or row.mad_sigma is None:
        return NOTHING
    outliers = percent(row.outlier_fraction)
    return f"{number(row.median, label)} ± {number(row.mad_sigma, label)} ({outliers})"
