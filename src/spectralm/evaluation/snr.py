"""Residuals by the signal-to-noise ratio of the spectra: statistics and tables."""

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from itertools import groupby

import numpy as np
import pyarrow as pa
from scipy.optimize import brentq
from scipy.special import erf

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.panels import LABEL_HEADS, Panel, Rows, csv_text
from spectralm.evaluation.runs import note
from spectralm.evaluation.statistics import ALL, MAD, STD, Statistics, statistics
from spectralm.evaluation.tables import drawn, over_bound, sigmas_cell
from spectralm.labels.vocabulary import PARAMETERS, Label
from spectralm.normal import MAD_TO_SIGMA


@dataclass(frozen=True)
class Bin:
    """Statistics of one run, class and label in one bin of S/N in r."""

    snr_low: float | None
    """None for the lowest bin, which has no lower end, and for spectra without S/N."""
    snr_high: float | None
    snr_median: float | None
    """Of the bin's spectra of all classes; None for spectra without S/N."""
    bound_std: float | None
    """Square root of the mean square of the bounds of the spectra, where they are known: the
    smallest sigma that residuals can have."""
    bound_mad_sigma: float | None
    """The smallest robust sigma: that of normal residuals as wide as the bounds."""
    statistics: Statistics

    @property
    def title(self) -> str:
        if self.snr_low is None and self.snr_high is None:
            return "unknown"
        if self.snr_low is None:
            return f"< {self.snr_high:g}"
        if self.snr_high is None:
            return f"≥ {self.snr_low:g}"
        return f"{self.snr_low:g}–{self.snr_high:g}"

    def bound(self, statistic: str) -> float | None:
        return {STD: self.bound_std, MAD: self.bound_mad_sigma}[statistic]


def by_snr(run: str, residuals: pa.Table, options: EvaluationOptions) -> list[Bin]:
    """Statistics of each bin that has spectra, lowest S/N first, those without S/N last."""
    return list(_bins(run, residuals, options))


def _bins(run: str, residuals: pa.Table, options: EvaluationOptions) -> Iterator[Bin]:
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
            bound = members[f"{row.label}_bound"].to_numpy()[of_class]
            yield Bin(low, high, median, *least_sigmas(bound[np.isfinite(bound)]), row)


def least_sigmas(bound: np.ndarray) -> tuple[float | None, float | None]:
    """Standard deviation and 1.4826 MAD of normal residuals, each as wide as its ``bound`` [n]."""
    if not len(bound):
        return None, None

    def share_beyond_half(deviation: float) -> float:
        return float(np.mean(erf(deviation / (np.sqrt(2) * bound)))) - 0.5

    robust = MAD_TO_SIGMA * brentq(share_beyond_half, 0, bound.max())
    return float(np.sqrt(np.mean(bound**2))), float(robust)


def tidy_csv(rows: list[Bin]) -> str:
    """CSV, a row per run, bin, class and label; empty where there is nothing."""
    own = [field.name for field in fields(Bin)][:-1]
    heads = (*own, *(field.name.rstrip("_") for field in fields(Statistics)))
    return csv_text(heads, (astuple(row)[:-1] + astuple(row.statistics) for row in rows))


def snr_panels(rows: list[Bin], options: EvaluationOptions) -> list[Panel]:
    """Sigma per bin and label of each run, and the ratio to the bound where it is known."""
    notes = [note(run) for run in dict.fromkeys(row.statistics.run for row in rows)]
    told = (
        "By signal-to-noise ratio in r: standard deviation σ (ddof = 0) of the residuals "
        "[interval]; 1.4826 MAD, all classes together, whose shares differ from bin to bin. "
        "N counts all test spectra, also the unparsed, which gave no answer. "
        f"Intervals: {drawn(options)}"
    )
    all_classes = [row for row in rows if row.statistics.class_ == ALL]
    heads = ("S/N", "N", "Unparsed", *LABEL_HEADS)
    caption = " ".join(filter(None, [told, *notes]))
    panels = [Panel(caption, heads, "lrrccc", _blocks(all_classes, _sigma_cell))]
    if any(row.bound_std is not None for row in rows):
        told = "1.4826 × the median of |residual| / Cramér-Rao bound, by S/N in r."
        panels.append(Panel(told, heads, "lrrccc", _blocks(all_classes, _ratio_cell)))
    return panels


def _blocks(rows: list[Bin], cell: Callable[[Bin, Label], str]) -> dict[str, Rows]:
    blocks = {}
    for run, of_run in groupby(rows, key=lambda row: row.statistics.run):
        lines = []
        for title, of_bin in groupby(of_run, key=lambda row: row.title):
            by_label = {row.statistics.label: row for row in of_bin}
            first = by_label[PARAMETERS[0].name].statistics
            cells = (cell(by_label[label.name], label) for label in PARAMETERS)
            lines.append((title, str(first.n), str(first.unparsed), *cells))
        blocks[run] = tuple(lines)
    return blocks


def _sigma_cell(row: Bin, label: Label) -> str:
    told = row.statistics
    return sigmas_cell(told.std, told.std_low, told.std_high, told.mad_sigma, label)


def _ratio_cell(row: Bin, label: Label) -> str:
    return over_bound(row.statistics, label)
