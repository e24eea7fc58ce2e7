"""How residuals shrink as the training sample grows: sigma = a N^-b on one common test set."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import InputError
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.published import Published
from spectralm.evaluation.runs import RunName
from spectralm.evaluation.statistics import (
    ALL,
    MAD,
    STD,
    median_and_sigma,
    percentile_interval,
    star_resamples,
)
from spectralm.labels.vocabulary import PARAMETERS

#: Share of a sample that the paper trains on (8 : 2).
PAPERS_TRAINING_SHARE = 0.8


@dataclass(frozen=True)
class Point:
    """One sigma of one model at one scale; None where it is not known."""

    model: str
    label: str
    statistic: str
    """"std" or "mad_sigma"."""
    scale: int
    n_train: int
    """Training spectra."""
    n: int | None
    """Spectra of the common test set; None for the paper's, which is another at each scale."""
    used: int | None
    """Those with a residual."""
    sigma: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Law:
    """sigma = ``amplitude`` * N ** -``exponent``, fitted to one model's points."""

    model: str
    label: str
    statistic: str
    points: int
    amplitude: float
    exponent: float
    low: float | None
    """The exponent's interval; None for the paper's points, whose residuals are not known."""
    high: float | None
    scatter: float | None
    """Root mean square of ln(sigma / law), with points - 2 degrees of freedom; None for two points,
    through which any line goes."""

    def at(self, n: np.ndarray) -> np.ndarray:
        """Sigma after training on ``n`` spectra [k], in the label's unit [k]."""
        return self.amplitude * np.asarray(n, float) ** -self.exponent


@dataclass(frozen=True)
class Scaling:
    """The points and laws of some models."""

    test_scale: int | None
    """The scale whose test spectra are the common test set."""
    points: list[Point]
    laws: list[Law]

    def points_of(self, model: str, label: str, statistic: str) -> list[Point]:
        """The points of one line, the smallest scale first."""
        return [
            p for p in self.points if (p.model, p.label, p.statistic) == (model, label, statistic)
        ]

    def law_of(self, model: str, label: str, statistic: str) -> Law | None:
        """The law of one line; None where none was fitted."""
        keys = (model, label, statistic)
        return next((w for w in self.laws if (w.model, w.label, w.statistic) == keys), None)

    @property
    def models(self) -> list[str]:
        """The models with points, in order."""
        return list(dict.fromkeys(point.model for point in self.points))


def common_test(tables: Mapping[str, pa.Table]) -> pa.Array:
    """Obsids, ascending, of the test spectra of the smallest scale.

    Args:
        tables: the residuals of each run, of one dataset.

    Raises:
        InputError: a run lacks some, so that the scales are not of one nested sample.
    """
    smallest = min(tables, key=lambda run: RunName.of(run).scale)
    common = pc.unique(tables[smallest]["obsid"]).sort()
    for run, table in tables.items():
        lacking = len(common) - pc.sum(pc.is_in(common, table["obsid"])).as_py()
        if lacking:
            raise InputError(
                run,
                "obsid",
                f"{lacking} of the {len(common)} test spectra of {smallest} are not among its own",
                "make all runs of one sample (same samples.seed and shard_size) anew",
            )
    return common


def scaling(
    tables: Mapping[str, pa.Table], n_train: Mapping[str, int], options: EvaluationOptions
) -> Scaling:
    """Points and laws of every model.

    Intervals are of bootstrap resamples of the stars of the common test set, the same for all
    scales and models. So they hold for these trained models: what another training on as many
    spectra would give is not in them.

    Args:
        tables: the residuals of each run.
        n_train: number of training spectra of each run.
        options: of the bootstrap.
    """
    if not tables:
        return Scaling(None, [], [])
    common = common_test(tables)
    by_model: dict[str, list[str]] = {}
    for run in tables:
        by_model.setdefault(RunName.of(run).model, []).append(run)
    found = Scaling(min(RunName.of(run).scale for run in tables), [], [])
    for model, unsorted in by_model.items():
        runs = sorted(unsorted, key=lambda run: RunName.of(run).scale)
        rows = [tables[run].take(pc.index_in(common, tables[run]["obsid"])) for run in runs]
        sizes = [n_train[run] for run in runs]
        for points, laws in _of_model(model, runs, rows, sizes, options):
            found.points.extend(points)
            found.laws.extend(laws)
    return found


def _of_model(
    model: str,
    runs: list[str],
    rows: list[pa.Table],
    n_train: list[int],
    options: EvaluationOptions,
) -> Iterator[tuple[list[Point], list[Law]]]:
    """Points and law of each label and statistic, from rows of the common test set."""
    _, star = np.unique(rows[0]["star_id"].to_numpy().astype(str), return_inverse=True)
    residuals = {
        label.name: np.stack([table[f"{label.name}_residual"].to_numpy() for table in rows])
        for label in PARAMETERS
    }
    resampled: dict[str, list[np.ndarray]] = {label: [] for label in residuals}
    for resample in star_resamples(star, options):
        for label, residual in residuals.items():
            resampled[label].append(sigmas(residual[:, resample]))
    for label, residual in residuals.items():
        used = np.isfinite(residual).sum(axis=1)
        for index, statistic in enumerate((STD, MAD)):
            sigma = sigmas(residual)[index]
            samples = np.array([draw[index] for draw in resampled[label]]).reshape(-1, len(runs))
            points = [
                Point(
                    model=model,
                    label=label,
                    statistic=statistic,
                    scale=RunName.of(run).scale,
                    n_train=n_train[i],
                    n=len(star),
                    used=int(used[i]),
                    sigma=_known(sigma[i]),
                    low=low,
                    high=high,
                )
                for i, run in enumerate(runs)
                for low, high in [_interval(samples[:, i], options)]
            ]
            yield points, _law((model, label, statistic), n_train, sigma, samples, options)


def sigmas(residual: np.ndarray) -> np.ndarray:
    """Standard deviation and 1.4826 MAD [2, scales] of residuals [scales, n]; NaN is left out."""
    return np.stack([_two(row[np.isfinite(row)]) for row in residual], axis=1)


def _two(residual: np.ndarray) -> tuple[float, float]:
    if not len(residual):
        return np.nan, np.nan
    return residual.std(), median_and_sigma(residual)[1]


def _law(
    keys: tuple[str, str, str],
    n_train: list[int],
    sigma: np.ndarray,
    samples: np.ndarray,
    options: EvaluationOptions,
) -> list[Law]:
    """The fitted law, or none where a sigma is unknown or zero or all sizes are the same."""
    if not np.all(sigma > 0) or len(set(n_train)) < 2:
        return []
    slope, intercept = _fit(n_train, sigma)
    usable = samples[np.all(samples > 0, axis=1)]
    slopes = _fit(n_train, usable.T)[0] if len(usable) else np.array([])
    low, high = _interval(-slopes, options)
    expected = np.exp(intercept) * np.array(n_train, float) ** slope
    freedom = len(sigma) - 2
    square = np.sum(np.log(sigma / expected) ** 2)
    return [
        Law(
            *keys,
            points=len(sigma),
            amplitude=float(np.exp(intercept)),
            exponent=float(-slope),
            low=low,
            high=high,
            scatter=float(np.sqrt(square / freedom)) if freedom else None,
        )
    ]


def _fit(n_train: list[int], sigma: np.ndarray) -> np.ndarray:
    """Slope and intercept of ln sigma [scales, ...] on ln N, each point of the same weight."""
    return np.polyfit(np.log(n_train), np.log(sigma), 1)


def _interval(
    samples: np.ndarray, options: EvaluationOptions
) -> tuple[float, float] | tuple[None, None]:
    samples = samples[np.isfinite(samples)]
    return percentile_interval(samples, options) if len(samples) else (None, None)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def published_scaling(rows: Iterable[Published]) -> Scaling:
    """Points and laws of the paper's models that were run at several scales.

    Each of its points is of the test set of that scale, and 0.8 of the scale was trained on.
    """
    found = Scaling(None, [], [])
    sigma: dict[tuple[str, str], dict[int, float]] = {}
    for row in rows:
        if (row.class_, row.quantity) == (ALL, "sigma") and row.scale is not None:
            sigma.setdefault((row.model, row.label), {})[row.scale] = row.value
    for (model, label), by_scale in sigma.items():
        if len(by_scale) < 2:
            continue
        scales = sorted(by_scale)
        n_train = [round(PAPERS_TRAINING_SHARE * scale) for scale in scales]
        for scale, n in zip(scales, n_train, strict=True):
            point = Point(model, label, STD, scale, n, None, None, by_scale[scale], None, None)
            found.points.append(point)
        values = np.array([by_scale[scale] for scale in scales])
        keys = (model, label, STD)
        found.laws.extend(
            _law(keys, n_train, values, np.empty((0, len(scales))), EvaluationOptions())
        )
    return found
