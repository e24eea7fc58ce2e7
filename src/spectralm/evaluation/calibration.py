"""Whether errors of predictions are right: a factor, coverage and PIT."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.stats import norm

from spectralm.evaluation.statistics import ALL, labels_of
from spectralm.labels.vocabulary import CLASSES, Label

#: Half the width, in sigmas, of the interval that holds 95 %.
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
    """The factor on sigmas with which intervals hold as many new residuals as they should.

    Recalibration in the sense of Kuleshov, Fenner & Ermon 2018 (ICML, PMLR 80, 2796): found against
    nominal coverage on spectra that were not trained on, with one parameter, as the one
    temperature of Guo et al. 2017 (ICML, PMLR 70, 1321). For each of the probabilities LEVELS it
    takes the factor with which the interval holds just that share, and returns their mean, which
    scatters less than the one for one sigma alone. The order of the sigmas stays.

    Args:
        residuals: of the validation spectra [n], n > 0.
        sigmas: of the same [n], positive.
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
    labels = labels_of(residuals)
    if all(residuals[f"{label.name}_err"].null_count == len(residuals) for label in labels):
        return []
    survey_class = residuals["class"].to_numpy()
    return [
        _coverage(run, group, label, residuals, (survey_class == group) | (group == ALL))
        for group in (*CLASSES, ALL)
        for label in labels
    ]


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
