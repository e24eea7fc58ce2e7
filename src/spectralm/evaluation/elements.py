"""Which abundances are read from lines, and which follow from correlations."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.runs import Manifest
from spectralm.evaluation.statistics import (
    error_of,
    floor_of,
    floor_ratio,
    labels_of,
    percentile_interval,
    resampled_sums,
)
from spectralm.labels.vocabulary import Label

#: External surveys, in the order of the paper's tables.
EXTERNAL_SURVEYS = ("gaia_eso", "galah")

#: The least number of residuals for a sigma.
LEAST = 10

#: Probability of the intervals by which a model beats another: few of 21 elements by chance.
CONFIDENCE = 0.95

WELL, MODERATE, WEAK = "well determined", "moderate", "weak"

#: The paper's groups (V.2.2), which it draws by eye.
PAPERS_GROUPS = {
    f"{species}_fe": group
    for group, members in {
        WELL: ("mg", "si", "ca", "ti", "mn", "ni", "c", "n"),
        MODERATE: ("al", "k", "cr", "cu"),
        WEAK: ("o", "na", "v", "co", "ce"),
    }.items()
    for species in members
}

CORRELATIONS, LINES = "correlations", "lines"
OWN_LINES, OTHER_LINES = "its lines", "others' lines"


@dataclass(frozen=True)
class Element:
    """One abundance of one run, all classes together; None where it is not known."""

    run: str
    label: str
    group: str | None
    """By the scatter against external surveys: see :func:`group_of`."""
    group_paper: str | None
    sigma_gaia_eso: float | None
    sigma_galah: float | None
    used: int
    """Test spectra with a residual of the run and, where it was run, of the parameters' model."""
    rmse: float | None
    rmse_trivial: float | None
    """Of [X/Fe] from Teff, log g and [Fe/H] alone, on the same spectra."""
    ratio: float | None
    """``rmse`` / ``rmse_trivial``."""
    ratio_low: float | None
    ratio_high: float | None
    bound: float | None
    """Median of the Cramér-Rao bounds."""
    floor_ratio: float | None
    truth_std: float | None
    """Standard deviation of predicted - true."""
    source: str | None
    """What the run reads it from: see :func:`source_of`."""


def group_of(sigmas: Iterable[float | None], options: EvaluationOptions) -> str | None:
    """The group of an element by its largest sigma; None for one that no survey has."""
    known = [sigma for sigma in sigmas if sigma is not None]
    if not known:
        return None
    if max(known) <= options.well_determined:
        return WELL
    return WEAK if max(known) > options.weak else MODERATE


def source_of(high: float | None, rmse_trivial: float | None, bound: float | None) -> str | None:
    """What a run reads an abundance from.

    From correlations, unless it is significantly better than Teff, log g and [Fe/H] alone (the
    upper end ``high`` of the interval of the ratio is below 1). Then from lines: those of other
    elements if the element's own allow no better than these three (the ``bound`` is above
    ``rmse_trivial``); which lines is not known without a bound.
    """
    if high is None or rmse_trivial is None:
        return None
    if high >= 1:
        return CORRELATIONS
    if bound is None:
        return LINES
    return OTHER_LINES if bound > rmse_trivial else OWN_LINES


def elements(
    residuals: Mapping[str, pa.Table],
    external: Mapping[tuple[str, str], pa.Table],
    manifests: Mapping[str, Manifest],
    options: EvaluationOptions,
) -> list[Element]:
    """Every element of every run that looks at spectra.

    Args:
        residuals: of abundances, by run, on the same test spectra.
        external: the same against external surveys, by run and dataset; may be empty.
        manifests: by run; one of them is that of the model of Teff, log g and [Fe/H] alone.
        options: of the statistics.
    """
    facts = {run: manifests.get(run, Manifest()) for run in residuals}
    trivial = next((residuals[run] for run in facts if facts[run].reads_parameters_alone), None)
    return [
        row
        for run, table in residuals.items()
        if facts[run].looks_at_spectrum
        for row in _of_run(run, table, trivial, external, options)
    ]


def _of_run(
    run: str,
    table: pa.Table,
    trivial: pa.Table | None,
    external: Mapping[tuple[str, str], pa.Table],
    options: EvaluationOptions,
) -> Iterator[Element]:
    _, star = np.unique(table["star_id"].to_numpy().astype(str), return_inverse=True)
    if trivial is not None:
        trivial = trivial.take(pc.index_in(table["obsid"], trivial["obsid"]))
    for label in labels_of(table):
        name = f"{label.name}_residual"
        residual = table[name].to_numpy()
        known = np.isfinite(residual)
        other = None
        if trivial is not None:
            known &= np.isfinite(trivial[name].to_numpy())
            other = trivial[name].to_numpy()[known]
        bound = table[f"{label.name}_bound"].to_numpy()[known]
        error = error_of(table, label)[known]
        error = error[np.isfinite(error)]
        residual = residual[known]
        ratio, low, high = paired_ratio(residual, other, star[known], options)
        rmse_trivial = None if other is None else _rms(other)
        median = None if np.isnan(bound).all() else float(np.nanmedian(bound))
        sigmas = {name: _sigma(external.get((run, name)), label) for name in EXTERNAL_SURVEYS}
        yield Element(
            run,
            label.name,
            group_of(sigmas.values(), options),
            PAPERS_GROUPS.get(label.name),
            **{f"sigma_{dataset}": sigma for dataset, sigma in sigmas.items()},
            used=int(known.sum()),
            rmse=_rms(residual),
            rmse_trivial=rmse_trivial,
            ratio=ratio,
            ratio_low=low,
            ratio_high=high,
            bound=median,
            floor_ratio=floor_ratio(residual, floor_of(table, label)[known]),
            truth_std=float(error.std()) if len(error) else None,
            source=source_of(high, rmse_trivial, median),
        )


def paired_ratio(
    residual: np.ndarray, other: np.ndarray | None, star: np.ndarray, options: EvaluationOptions
) -> tuple[float | None, float | None, float | None]:
    """Ratio of the root mean squares of residuals [n] of the same spectra, and its interval.

    The interval is the central 95% of resamples of the stars, the same for both.
    """
    if other is None or not len(residual) or not other.any():
        return None, None, None
    ratio = float(np.sqrt(np.sum(residual**2) / np.sum(other**2)))
    sums = resampled_sums([residual**2, other**2], star, options)
    if sums is None:
        return ratio, None, None
    sums = sums[sums[:, 1] > 0]
    interval = options.model_copy(update={"interval": CONFIDENCE})
    return ratio, *percentile_interval(np.sqrt(sums[:, 0] / sums[:, 1]), interval)


def _rms(residual: np.ndarray) -> float | None:
    return float(np.sqrt(np.mean(residual**2))) if len(residual) else None


def _sigma(table: pa.Table | None, label: Label) -> float | None:
    """Standard deviation of all residuals of a label, if there are enough."""
    if table is None:
        return None
    residual = table[f"{label.name}_residual"].drop_null().to_numpy()
    return float(residual.std()) if len(residual) >= LEAST else None
