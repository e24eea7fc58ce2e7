"""Statistics of residuals per class and label, with bootstrap intervals over stars."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.evaluation.options import EvaluationOptions
from spectralm.labels.vocabulary import CLASSES, LABELS, Label
from spectralm.normal import MAD_TO_SIGMA

ALL = "All"

#: The two sigmas, by their names in Statistics.
STD, MAD = "std", "mad_sigma"


@dataclass(frozen=True)
class Statistics:
    """Residuals (predicted - survey) of one label in one class, in the label's unit.

    A statistic of no spectra is None, never zero. ``n`` = ``unparsed`` + ``unlabelled`` + ``used``.
    """

    run: str
    class_: str
    """The survey's class, or "All"."""
    label: str
    n: int
    """All test spectra of the class, answered or not."""
    unparsed: int
    """Spectra without an answer."""
    unlabelled: int
    """Spectra with an answer, but without this label in the survey's or the model's."""
    used: int
    """Spectra with a residual."""
    accuracy: float | None
    """Fraction of ``n`` with the correct class; None for a model that names no classes."""
    mean: float | None
    mean_low: float | None
    mean_high: float | None
    std: float | None
    """Standard deviation about the mean, divided by ``used`` (ddof = 0)."""
    std_low: float | None
    std_high: float | None
    median: float | None
    mad_sigma: float | None
    """1.4826 times the median absolute deviation from the median."""
    outlier_fraction: float | None
    """Share of ``used`` further from the median than ``outlier_sigmas`` times ``mad_sigma``."""
    floor_ratio: float | None
    """1.4826 times the median of |residual| / floor (:func:`floor_of`); None where no floor is
    known."""
    truth_mean: float | None
    """Mean of predicted - true of the spectra with a residual; None where no true value is known.
    """
    truth_std: float | None
    """Standard deviation of the same."""

    @property
    def rmse(self) -> float | None:
        """Root mean square of the residuals."""
        if self.mean is None or self.std is None:
            return None
        return math.hypot(self.mean, self.std)


def labels_of(residuals: pa.Table) -> list[Label]:
    """The labels that a table of residuals judges, in its order."""
    return [LABELS[name] for name in residuals.column_names if name in LABELS]


def statistics(run: str, residuals: pa.Table, options: EvaluationOptions) -> list[Statistics]:
    """Statistics of a table of residuals for each class, then all, and for each label in these."""
    _, star = np.unique(residuals["star_id"].to_numpy().astype(str), return_inverse=True)
    survey_class = residuals["class"].to_numpy()
    groups = {name: survey_class == name for name in CLASSES}
    groups[ALL] = np.ones(len(residuals), bool)
    with_class = names_classes(residuals)
    return [
        row
        for name, rows in groups.items()
        for row in _group(run, name, residuals.filter(rows), star[rows], with_class, options)
    ]


def names_classes(residuals: pa.Table) -> bool:
    """False for a model that does answer, but never names a class."""
    answered = pc.any(pc.equal(residuals["status"], "parsed")).as_py()
    return not answered or residuals["predicted_class"].null_count < len(residuals)


def _group(
    run: str,
    name: str,
    rows: pa.Table,
    star: np.ndarray,
    with_class: bool,
    options: EvaluationOptions,
) -> Iterator[Statistics]:
    unparsed = pc.sum(pc.not_equal(rows["status"], "parsed")).as_py() or 0
    right = pc.sum(pc.equal(rows["predicted_class"], rows["class"])).as_py() or 0
    for label in labels_of(rows):
        residual = rows[f"{label.name}_residual"].to_numpy()
        used = np.isfinite(residual)
        yield Statistics(
            run=run,
            class_=name,
            label=label.name,
            n=len(rows),
            unparsed=unparsed,
            unlabelled=int((~used).sum()) - unparsed,
            used=int(used.sum()),
            accuracy=right / len(rows) if len(rows) and with_class else None,
            **_moments(residual[used], star[used], options),
            floor_ratio=floor_ratio(residual, floor_of(rows, label)),
            **_from_truth(rows, label),
        )


def _moments(
    residual: np.ndarray, star: np.ndarray, options: EvaluationOptions
) -> dict[str, float | None]:
    if not len(residual):
        names = ("mean", "mean_low", "mean_high", "std", "std_low", "std_high")
        return dict.fromkeys((*names, "median", "mad_sigma", "outlier_fraction"))
    median, mad_sigma = median_and_sigma(residual)
    outlier = np.abs(residual - median) > options.outlier_sigmas * mad_sigma
    (mean_low, mean_high), (std_low, std_high) = bootstrap(residual, star, options)
    return {
        "mean": float(residual.mean()),
        "mean_low": mean_low,
        "mean_high": mean_high,
        "std": float(residual.std()),
        "std_low": std_low,
        "std_high": std_high,
        "median": median,
        "mad_sigma": mad_sigma,
        "outlier_fraction": float(outlier.mean()),
    }


def floor_of(residuals: pa.Table, label: Label) -> np.ndarray:
    """The least sigma of each residual of an unbiased model [n]; NaN where it is not known.

    It is the Cramer-Rao bound of the spectrum and the random error of the survey's label, added in
    quadrature.
    """
    bound = residuals[f"{label.name}_bound"].to_numpy()
    label_error = residuals[f"{label.name}_label_error"].to_numpy()
    return np.sqrt(bound**2 + label_error**2)


def error_of(residuals: pa.Table, label: Label) -> np.ndarray:
    """Predicted - true of each residual [n]; NaN where either is not known."""
    residual, predicted, true = (
        residuals[f"{label.name}_{name}"].to_numpy() for name in ("residual", "predicted", "true")
    )
    return np.where(np.isfinite(residual), predicted - true, np.nan)


def _from_truth(rows: pa.Table, label: Label) -> dict[str, float | None]:
    error = error_of(rows, label)
    error = error[np.isfinite(error)]
    if not len(error):
        return {"truth_mean": None, "truth_std": None}
    return {"truth_mean": float(error.mean()), "truth_std": float(error.std())}


def floor_ratio(residual: np.ndarray, floor: np.ndarray) -> float | None:
    """1.4826 times the median of |residual| / floor [n]; None where no floor is known."""
    ratio = np.abs(residual) / floor
    known = ratio[np.isfinite(ratio)]
    return float(MAD_TO_SIGMA * np.median(known)) if len(known) else None


def median_and_sigma(residual: np.ndarray) -> tuple[float, float]:
    """The median, and the robust sigma 1.4826 MAD (median absolute deviation from the median)."""
    median = np.median(residual)
    return float(median), float(MAD_TO_SIGMA * np.median(np.abs(residual - median)))


def bootstrap(
    residual: np.ndarray, star: np.ndarray, options: EvaluationOptions
) -> tuple[tuple[float | None, float | None], tuple[float | None, float | None]]:
    """Percentile intervals of the mean and of the standard deviation of ``residual`` [n].

    Stars, not spectra, are drawn with replacement: ``star`` [n] are integers, the same for spectra
    of one star, whose residuals are not independent. One star alone has no interval (None).
    """
    centre = residual.mean()
    centred = residual - centre
    totals = resampled_sums([centred**0, centred, centred**2], star, options)
    if totals is None:
        return (None, None), (None, None)
    mean, square = totals[:, 1] / totals[:, 0], totals[:, 2] / totals[:, 0]
    std = np.sqrt(np.maximum(square - mean**2, 0))
    return percentile_interval(mean + centre, options), percentile_interval(std, options)


def resampled_sums(
    values: Sequence[np.ndarray], star: np.ndarray, options: EvaluationOptions
) -> np.ndarray | None:
    """Sums [resamples, k] of ``values``, k of [n], over stars drawn with replacement.

    ``star`` [n] are integers, the same for spectra of one star; None for one star alone.
    """
    _, star = np.unique(star, return_inverse=True)
    stars = star.max() + 1
    if stars < 2:
        return None
    sums = np.stack([np.bincount(star, value) for value in values])
    rng = np.random.default_rng(options.seed)
    return np.stack(
        [
            sums @ np.bincount(rng.integers(stars, size=stars), minlength=stars)
            for _ in range(options.resamples)
        ]
    )


def percentile_interval(samples: np.ndarray, options: EvaluationOptions) -> tuple[float, float]:
    """The central interval of some resamples [n]."""
    tails = (0.5 - options.interval / 2, 0.5 + options.interval / 2)
    low, high = np.quantile(samples, tails).tolist()
    return low, high


def star_resamples(star: np.ndarray, options: EvaluationOptions) -> Iterator[np.ndarray]:
    """Bootstrap resamples as numbers of rows: all rows of each star drawn; none of one star alone.

    ``star`` [n] are integers, the same for rows of one star.
    """
    order = np.argsort(star, kind="stable")
    _, first, count = np.unique(star[order], return_index=True, return_counts=True)
    if len(first) < 2:
        return
    rng = np.random.default_rng(options.seed)
    for _ in range(options.resamples):
        drawn = rng.integers(len(first), size=len(first))
        end = np.cumsum(count[drawn])
        place = np.arange(end[-1]) - np.repeat(end - count[drawn], count[drawn])
        yield order[np.repeat(first[drawn], count[drawn]) + place]
