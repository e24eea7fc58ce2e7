"""Whether errors of predictions are what they say: a factor, coverage and PIT."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields

import numpy as np
import pyarrow as pa
from scipy.stats import norm

from spectralm.evaluation.panels import LABEL_HEADS, NOTHING, Panel, Rows, csv_text
from spectralm.evaluation.statistics import ALL, labels_of
from spectralm.labels.vocabulary import CLASSES, LABELS, PARAMETERS, TEFF, Label

#: Half the width, in sigmas, of what holds 95 %.
SIGMAS_95 = float(norm.ppf(0.975))

#: Probabilities of the intervals that the factor makes right on average.
LEVELS = np.linspace(0.40, 0.85, 10)


@dataclass(frozen=True)
class Coverage:
    """How often the survey's value is within the model's interval, for a label in a class."""

    run: str
    class_: str
    """The survey's class, or "All"."""
    label: str
    n: int
    """Spectra with a residual and an error."""
    within_68: float | None
    """Share within one error; None of no spectra."""
    within_95: float | None
    """Share within 1.96 errors."""
    median_error: float | None
    """In the label's unit."""


def factor(residuals: np.ndarray, sigmas: np.ndarray) -> float:
    """By what to multiply sigmas so that intervals hold as many new residuals as they should.

    Recalibration in the sense of Kuleshov, Fenner & Ermon 2018 (ICML, PMLR 80, 2796), found vs.
    nominal coverage on spectra that nothing was learned from, with one parameter, as the one
    temperature of Guo et al. 2017 (ICML, PMLR 70, 1321): for each of the probabilities LEVELS the
    factor with which the interval holds just that share, and their mean, which scatters less than
    the one for 68 % alone. It cannot change which of two spectra has the larger sigma.

    Args:
        residuals, sigmas: of the validation spectra [n], n > 0; sigmas are positive.
    """
    return float(
        np.mean(np.quantile(np.abs(residuals) / sigmas, LEVELS) / norm.ppf(0.5 + LEVELS / 2))
    )


def pit(residuals: pa.Table, label: Label) -> np.ndarray:
    """Probability integral transforms [n]: the model's distribution up to the survey's value.

    The distribution is the normal one of prediction and error; uniform if errors are right
    (Gneiting, Balabdaoui & Raftery 2007, J. R. Stat. Soc. B 69, 243).
    """
    return norm.cdf(-_ratios(residuals, label, np.ones(len(residuals), bool)))


def coverages(run: str, residuals: pa.Table) -> list[Coverage]:
    """Coverage by class and label of a table of residuals; none for a model without errors."""
    if not tells_errors(residuals):
        return []
    survey_class = residuals["class"].to_numpy()
    return [
        _coverage(run, group, label, residuals, (survey_class == group) | (group == ALL))
        for group in (*CLASSES, ALL)
        for label in labels_of(residuals)
    ]


def tells_errors(residuals: pa.Table) -> bool:
    """Whether the model of a table of residuals gives any errors."""
    errors = (residuals[f"{label.name}_err"] for label in labels_of(residuals))
    return any(column.null_count < len(residuals) for column in errors)


def tidy_csv(runs: Mapping[str, list[Coverage]]) -> str:
    """CSV, a row per run, class and label; none for a run without errors."""
    head = [field.name.rstrip("_") for field in fields(Coverage)]
    return csv_text(head, (astuple(row) for rows in runs.values() for row in rows))


def coverage_panels(runs: Mapping[str, list[Coverage]]) -> list[Panel]:
    """Coverage of one and of 1.96 errors, a block for each run that has errors.

    Stage 1 has a row per class, stage 2 one per element.
    """
    silent = [run for run, rows in runs.items() if not rows]
    told = (
        "Share of test spectra whose survey value is within one error of the prediction (68.3% is "
        "right) and within 1.96 errors (95%), with the binomial uncertainty of the first, and the "
        "median error. Errors of the survey's own labels count as the model's. "
    )
    named = f"Without errors: {', '.join(silent)}." if silent else ""
    asked = {row.label for rows in runs.values() for row in rows}
    if asked <= {label.name for label in PARAMETERS}:
        blocks = {run: _rows_of_classes(rows) for run, rows in runs.items() if rows}
        return [Panel(told + named, ("Class", *LABEL_HEADS), "lccc", blocks)]
    blocks = {run: _rows_of_elements(rows) for run, rows in runs.items() if rows}
    heads = ("Element", *CLASSES, ALL)
    return [Panel(told + named, heads, "l" + "c" * (len(heads) - 1), blocks)]


def _ratios(residuals: pa.Table, label: Label, rows: np.ndarray) -> np.ndarray:
    """Residual over error of those of the ``rows`` that have both."""
    residual = residuals[f"{label.name}_residual"].to_numpy()[rows]
    ratios = residual / residuals[f"{label.name}_err"].to_numpy()[rows]
    return ratios[np.isfinite(ratios)]


def _coverage(
    run: str, group: str, label: Label, residuals: pa.Table, rows: np.ndarray
) -> Coverage:
    ratios = np.abs(_ratios(residuals, label, rows))
    if not ratios.size:
        return Coverage(run, group, label.name, 0, None, None, None)
    errors = residuals[f"{label.name}_err"].to_numpy()[rows]
    return Coverage(
        run=run,
        class_=group,
        label=label.name,
        n=ratios.size,
        within_68=float(np.mean(ratios <= 1)),
        within_95=float(np.mean(ratios <= SIGMAS_95)),
        median_error=float(np.nanmedian(errors)),
    )


def _rows_of_classes(rows: list[Coverage]) -> Rows:
    lines = []
    for group in (*CLASSES, ALL):
        cells = [_cell(row) for row in rows if row.class_ == group]
        lines.append((group, *cells))
    return tuple(lines)


def _rows_of_elements(rows: list[Coverage]) -> Rows:
    lines = []
    for label in LABELS.values():
        cells = [_cell(row) for row in rows if row.label == label.name]
        if cells:
            lines.append((label.latex, *cells))
    return tuple(lines)


def _cell(row: Coverage) -> str:
    if row.within_68 is None:
        return NOTHING
    uncertain = np.sqrt(row.within_68 * (1 - row.within_68) / row.n)
    digits = 0 if row.label == TEFF.name else 3
    return (
        f"{row.within_68:.1%} ± {uncertain:.1%}; {row.within_95:.1%}; {row.median_error:.{digits}f}"
    )
