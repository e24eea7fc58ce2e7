"""Tables of statistics: tidy CSV, and Markdown and LaTeX for reading; counts of rejects."""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, fields
from itertools import groupby

import pyarrow as pa

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.runs import note
from spectralm.evaluation.statistics import Statistics
from spectralm.labels.vocabulary import PARAMETERS, Label

NOTHING = "–"

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Panel:
    """One table for reading, in plain Unicode: for each run, a row per class."""

    caption: str
    head: tuple[str, ...]
    """Heads of the columns before the labels."""
    runs: dict[str, Rows]


def tidy_csv(rows: Iterable[Statistics]) -> str:
    """CSV, a row per run, class and label with every statistic; empty where there is none."""
    return _csv([field.name.rstrip("_") for field in fields(Statistics)], map(astuple, rows))


def rejects_csv(rejects: pa.Table) -> str:
    """CSV of how many rows of a REJECTS table were refused at each stage for each reason."""
    counts = rejects.group_by(["stage", "reason"]).aggregate([([], "count_all")])
    ordered = counts.sort_by([("stage", "ascending"), ("reason", "ascending")]).to_pylist()
    rows = ([row["stage"], row["reason"], row["count_all"]] for row in ordered)
    return _csv(["stage", "reason", "count"], rows)


def markdown(rows: list[Statistics], caption: str, options: EvaluationOptions) -> str:
    """The statistics for reading, as Markdown tables; ``caption`` is plain text."""
    lines = []
    for panel in _panels(rows, options):
        lines += [f"{caption} {panel.caption}", ""]
        heads = (*panel.head, *(f"{label.text} ({label.unit})" for label in PARAMETERS))
        for run, block in panel.runs.items():
            lines += [f"**{run}**", "", _markdown_row(heads), "|---" * len(heads) + "|"]
            lines += [*map(_markdown_row, block), ""]
    return "\n".join(lines)


def latex(rows: list[Statistics], caption: str, options: EvaluationOptions) -> str:
    """The statistics for reading, as LaTeX tables (package booktabs); ``caption`` is plain text."""
    lines = []
    for panel in _panels(rows, options):
        heads = [*panel.head, *(f"{label.latex} ({label.unit})" for label in PARAMETERS)]
        aligned = "l" + "r" * (len(panel.head) - 1) + "c" * len(PARAMETERS)
        lines += [r"\begin{table*}", r"\centering", r"\small"]
        lines += [rf"\caption{{{_escape(f'{caption} {panel.caption}')}}}"]
        lines += [rf"\begin{{tabular}}{{{aligned}}}", r"\toprule", " & ".join(heads) + r" \\"]
        for run, block in panel.runs.items():
            title = rf"\multicolumn{{{len(heads)}}}{{c}}{{{_escape(run)}}} \\"
            lines += [r"\midrule", title, r"\midrule"]
            lines += [" & ".join(map(_escape, row)) + r" \\" for row in block]
        lines += [r"\bottomrule", r"\end{tabular}", r"\end{table*}", ""]
    return "\n".join(lines)


def _panels(rows: list[Statistics], options: EvaluationOptions) -> list[Panel]:
    notes = [note(run) for run in dict.fromkeys(row.run for row in rows)]
    counted = (
        "Mean μ ± standard deviation σ (ddof = 0) of the residuals, predicted − survey. "
        "N counts all test spectra, also the unparsed, which gave no answer; "
        "Correct is the share of N whose class is named rightly."
    )
    drawn = (
        f"Intervals of μ; σ: the central {options.interval:.0%} of {options.resamples} bootstrap "
        "resamples of the stars."
    )
    robust = (
        "Median ± 1.4826 MAD of the residuals, predicted − survey (share of outliers, those "
        f"further than {options.outlier_sigmas:g} × 1.4826 MAD from the median of their row)."
    )
    limited = (
        "1.4826 × the median of |residual| / bound, where the bound is the Cramér-Rao bound of "
        "each spectrum. Labels of a survey have errors of their own, so 1 is out of reach."
    )
    heads = ("Class", "N", "Unparsed", "Correct")
    panels = [
        Panel(" ".join(filter(None, [counted, *notes])), heads, _runs(rows, _counts, _mean)),
        Panel(drawn, heads[:1], _runs(rows, _class, _intervals)),
        Panel(robust, heads[:1], _runs(rows, _class, _median)),
    ]
    if any(row.bound_ratio is not None for row in rows):
        panels.append(Panel(limited, heads[:1], _runs(rows, _class, _over_bound)))
    return panels


def _runs(
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


def _counts(row: Statistics) -> tuple[str, ...]:
    correct = NOTHING if row.accuracy is None else f"{row.accuracy:.1%}"
    return row.class_, str(row.n), str(row.unparsed), correct


def _mean(row: Statistics, label: Label) -> str:
    if row.mean is None:
        return NOTHING
    return f"{_number(row.mean, label)} ± {_number(row.std, label)}"


def _intervals(row: Statistics, label: Label) -> str:
    if row.mean_low is None:
        return NOTHING
    low, high = _number(row.mean_low, label), _number(row.mean_high, label)
    std_low, std_high = _number(row.std_low, label), _number(row.std_high, label)
    return f"[{low}, {high}]; [{std_low}, {std_high}]"


def _median(row: Statistics, label: Label) -> str:
    if row.median is None:
        return NOTHING
    median, sigma = _number(row.median, label), _number(row.mad_sigma, label)
    return f"{median} ± {sigma} ({row.outlier_fraction:.1%})"


def _over_bound(row: Statistics, label: Label) -> str:
    return NOTHING if row.bound_ratio is None else f"{row.bound_ratio:.1f}"


def _number(value: float, label: Label) -> str:
    """No digits after the point of a temperature, three of a dex; no minus before a zero."""
    digits = 0 if label.unit == "K" else 3
    return f"{value:z.{digits}f}".replace("-", "−")


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


_LATEX = {c: rf"\{c}" for c in "_%&#{}$"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "μ": r"$\mu$",
    "é": r"\'e",
    "σ": r"$\sigma$",
}


def _escape(text: str) -> str:
    """Plain text as LaTeX."""
    return "".join(_LATEX.get(character, character) for character in text)


def _csv(head: list[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
