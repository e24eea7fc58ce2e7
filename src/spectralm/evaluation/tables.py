"""Tables of the statistics of residuals, and counts of rejects."""

from collections.abc import Callable, Iterable
from dataclasses import astuple, fields
from itertools import groupby

import pyarrow as pa

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.panels import LABEL_HEADS, NOTHING, Panel, Rows, csv_text, number
from spectralm.evaluation.runs import note
from spectralm.evaluation.statistics import Statistics
from spectralm.labels.vocabulary import PARAMETERS, Label

#: Heads of what is counted for each class.
COUNT_HEADS = ("Class", "N", "Unparsed", "Correct")

COUNTED = (
    "N counts all test spectra, also the unparsed, which gave no answer; "
    "Correct is the share of N whose class is named rightly."
)


def tidy_csv(rows: Iterable[Statistics]) -> str:
    """CSV, a row per run, class and label with every statistic; empty where there is none."""
    return csv_text([field.name.rstrip("_") for field in fields(Statistics)], map(astuple, rows))


def rejects_csv(rejects: pa.Table) -> str:
    """CSV of how many rows of a REJECTS table were refused at each stage for each reason."""
    counts = rejects.group_by(["stage", "reason"]).aggregate([([], "count_all")])
    ordered = counts.sort_by([("stage", "ascending"), ("reason", "ascending")]).to_pylist()
    rows = ([row["stage"], row["reason"], row["count_all"]] for row in ordered)
    return csv_text(["stage", "reason", "count"], rows)


def residual_panels(rows: list[Statistics], options: EvaluationOptions) -> list[Panel]:
    """Mean and sigma, their intervals, the robust two, and the ratio to the bound if known."""
    notes = [note(run) for run in dict.fromkeys(row.run for row in rows)]
    moments = "Mean μ ± standard deviation σ (ddof = 0) of the residuals, predicted − survey."
    robust = (
        "Median ± 1.4826 MAD of the residuals, predicted − survey (share of outliers, those "
        f"further than {options.outlier_sigmas:g} × 1.4826 MAD from the median of their row)."
    )
    limited = (
        "1.4826 × the median of |residual| / bound, where the bound is the Cramér-Rao bound of "
        "each spectrum. Labels of a survey have errors of their own, so 1 is out of reach."
    )
    class_heads = ("Class", *LABEL_HEADS)
    panels = [
        Panel(
            " ".join(filter(None, [moments, COUNTED, *notes])),
            (*COUNT_HEADS, *LABEL_HEADS),
            "lrrrccc",
            _blocks(rows, counts, mean_and_sigma),
        ),
        Panel(
            f"Intervals of μ; σ: {drawn(options)}",
            class_heads,
            "lccc",
            _blocks(rows, _class, _intervals),
        ),
        Panel(robust, class_heads, "lccc", _blocks(rows, _class, _median)),
    ]
    if any(row.bound_ratio is not None for row in rows):
        panels.append(Panel(limited, class_heads, "lccc", _blocks(rows, _class, over_bound)))
    return panels


def drawn(options: EvaluationOptions) -> str:
    """What an interval is."""
    return (
        f"the central {options.interval:.0%} of {options.resamples} bootstrap resamples of the "
        "stars."
    )


def _blocks(
    rows: list[Statistics],
    head: Callable[[Statistics], tuple[str, ...]],
    cell: Callable[[Statistics, Label], str],
) -> dict[str, Rows]:
    """For each run, a row per class: ``head`` of it, then a ``cell`` per label."""
    runs = {}
    for run, of_run in groupby(rows, key=lambda row: row.run):
        lines = []
        for _, of_class in groupby(of_run, key=lambda row: row.class_):
            by_label = {row.label: row for row in of_class}
            cells = (cell(by_label[label.name], label) for label in PARAMETERS)
            lines.append((*head(by_label[PARAMETERS[0].name]), *cells))
        runs[run] = tuple(lines)
    return runs


def _class(row: Statistics) -> tuple[str, ...]:
    return (row.class_,)


def counts(row: Statistics) -> tuple[str, ...]:
    """The cells below COUNT_HEADS."""
    correct = NOTHING if row.accuracy is None else f"{row.accuracy:.1%}"
    return row.class_, str(row.n), str(row.unparsed), correct


def mean_and_sigma(row: Statistics, label: Label) -> str:
    if row.mean is None:
        return NOTHING
    return f"{number(row.mean, label)} ± {number(row.std, label)}"


def _intervals(row: Statistics, label: Label) -> str:
    if row.mean_low is None:
        return NOTHING
    low, high = number(row.mean_low, label), number(row.mean_high, label)
    std_low, std_high = number(row.std_low, label), number(row.std_high, label)
    return f"[{low}, {high}]; [{std_low}, {std_high}]"


def _median(row: Statistics, label: Label) -> str:
    if row.median is None:
        return NOTHING
    median, sigma = number(row.median, label), number(row.mad_sigma, label)
    return f"{median} ± {sigma} ({row.outlier_fraction:.1%})"


def sigmas_cell(
    std: float | None, low: float | None, high: float | None, robust: float | None, label: Label
) -> str:
    """Sigma, its interval if there is one, and the robust sigma."""
    if std is None:
        return NOTHING
    interval = "" if low is None else f" [{number(low, label)}, {number(high, label)}]"
    return f"{number(std, label)}{interval}; {number(robust, label)}"


def over_bound(row: Statistics, label: Label) -> str:
    return NOTHING if row.bound_ratio is None else f"{row.bound_ratio:.1f}"
