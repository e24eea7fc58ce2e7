"""Statistics of residuals in bins of the signal-to-noise ratio."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.optimize import brentq
from scipy.special import erf

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.statistics import ALL, MAD, STD, Statistics, floor_of, statistics
from spectralm.labels.vocabulary import LABELS
from spectralm.normal import MAD_TO_SIGMA


@dataclass(frozen=True)
class Bin:
    """Statistics of one run, class and label in one bin of S/N in r."""

    snr_low: float | None
    """None for the lowest bin, which has no lower end, and for spectra without S/N."""
    snr_high: float | None
    snr_median: float | None
    """Of the bin's spectra of all classes; None for spectra without S/N."""
    floor_std: float | None
    """Square root of the mean square of the floors of the spectra, where they are known: the
    smallest sigma of the residuals of an unbiased model."""
    floor_mad_sigma: float | None
    """The smallest robust sigma: that of normal residuals as wide as the floors."""
    statistics: Statistics

    @property
    def title(self) -> str:
        """The bin in words."""
        if self.snr_low is None and self.snr_high is None:
            return "unknown"
        if self.snr_low is None:
            return f"< {self.snr_high:g}"
        if self.snr_high is None:
            return f"≥ {self.snr_low:g}"
        return f"{self.snr_low:g}–{self.snr_high:g}"

    def floor(self, statistic: str) -> float | None:
        """The smallest value of a statistic, STD or MAD."""
        return {STD: self.floor_std, MAD: self.floor_mad_sigma}[statistic]


def by_snr(run: str, residuals: pa.Table, options: EvaluationOptions) -> Iterator[Bin]:
    """Statistics of each bin that has spectra, lowest S/N first, those without S/N last."""
    snr = residuals["snrr"].to_numpy()
    edges = [None, *options.snr_bins, None]
    number_of = np.where(np.isnan(snr), len(edges), np.digitize(snr, options.snr_bins))
    for index in np.unique(number_of):
        rows = number_of == index
        known = index < len(edges)
        low, high = (edges[index], edges[index + 1]) if known else (None, None)
        median = float(np.median(snr[rows])) if known else None
        members = residuals.filter(rows)
        survey_class = members["class"].to_numpy()
        for row in statistics(run, members, options):
            of_class = (survey_class == row.class_) | (row.class_ == ALL)
            floor = floor_of(members, LABELS[row.label])[of_class]
            yield Bin(low, high, median, *least_sigmas(floor[np.isfinite(floor)]), row)


def least_sigmas(floor: np.ndarray) -> tuple[float | None, float | None]:
    """Standard deviation and 1.4826 MAD of normal residuals, each as wide as its ``floor`` [n]."""
    if not len(floor):
        return None, None

    def share_beyond_half(deviation: float) -> float:
        return float(np.mean(erf(deviation / (np.sqrt(2) * floor)))) - 0.5

    robust = MAD_TO_SIGMA * brentq(share_beyond_half, 0, floor.max())
    return float(np.sqrt(np.mean(floor**2))), float(robust)
