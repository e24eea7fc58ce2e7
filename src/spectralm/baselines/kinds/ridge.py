"""Linear ridge regression on the pixels."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from scipy.linalg import cho_factor, cho_solve

from spectralm.baselines.data import (
    classes_of,
    labels_of,
    names_of,
    one_hot,
    predictions,
    read_split,
)
from spectralm.baselines.model import ArraysModel, Task, Training
from spectralm.errors import InputError
from spectralm.labels.vocabulary import CLASSES, Targets
from spectralm.samples.manifest import read_manifests
from spectralm.spectra.stored import flux_of, normalised

log = logging.getLogger(__name__)

#: Factors of |w|^2 beside the mean squared error; the best on the validation split is kept.
PENALTIES = tuple(10.0**power for power in range(-8, 3))

#: Flux [n, grid] and outputs [n, outputs], both float64.
Batch = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Ridge(ArraysModel):
    """Labels and class as linear functions of the pixels, with an intercept.

    The class is that of the largest of five outputs, which are fitted to 1 for the star's class
    and 0 for the others; a class that lies between two others is seldom the largest.
    """

    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy")

    targets: Targets
    pixel_mean: np.ndarray
    """[grid] float64; mean flux of training spectra."""
    weights: np.ndarray
    """[grid, outputs] float64, per unit of flux; outputs are labels and, in stage 1, classes."""
    target_mean: np.ndarray
    """[outputs] float64, at the mean flux; NaN for a label that no training star has."""

    @classmethod
    def train(cls, task: Task) -> tuple[Self, Training]:
        """Learn from the training spectra: in stage 1, all outputs together from those that have
        every label; in stage 2, one label after the other, each from those that have it, so that
        no more than one covariance of the pixels is in memory.

        Raises:
            InputError: there is no such spectrum.
        """
        manifest = read_manifests(task.samples)
        names = names_of(task.targets)
        if task.targets == Targets.PARAMETERS:
            fit = _fit(_Source(task, manifest, names))
            if fit is None:
                raise _nothing_in(task, "with every label")
            return fit
        fits = {name: _fit(_Source(task, manifest, (name,))) for name in names}
        if not any(fits.values()):
            raise _nothing_in(task, "with labels")
        model = _beside([fit and fit[0] for fit in fits.values()])
        metrics = {name: fit[1].metrics for name, fit in fits.items() if fit}
        counts = [_count(task, manifest, split) for split in ("train", "validation")]
        return model, Training(*counts, metrics)

    def outputs(self, flux: np.ndarray) -> np.ndarray:
        """Labels, then in stage 1 a number per class, [n, outputs] for flux [n, grid]."""
        return (flux - self.pixel_mean) @ self.weights + self.target_mean

    @property
    def parameters(self) -> int:
        return self.weights.size + self.pixel_mean.size + self.target_mean.size

    def answers(self, obsid: pa.ChunkedArray, thousandths: np.ndarray) -> pa.Table:
        outputs = self.outputs(normalised(thousandths))
        n_labels = len(self.targets.labels)
        classes = None
        if classes_of(self.targets):
            classes = np.array(CLASSES)[outputs[:, n_labels:].argmax(axis=1)]
        status = np.full(len(outputs), "parsed")
        return predictions(self.targets, obsid, status, classes, outputs[:, :n_labels])


@dataclass(frozen=True)
class _Source:
    """The spectra that have each of some labels."""

    task: Task
    manifest: pa.Table
    names: tuple[str, ...]

    def batches(self, split: str) -> Iterator[Batch]:
        """A batch per shard: flux, and the labels with, in stage 1, the classes."""
        targets = self.task.targets
        places = [names_of(targets).index(name) for name in self.names]
        for path in self.task.spectra:
            table, stars = read_split(path, ["flux"], self.manifest, split, targets)
            values = labels_of(stars, targets)[:, places]
            if classes_of(targets):
                values = np.hstack([values, one_hot(stars)])
            complete = np.isfinite(values).all(axis=1)
            counts = complete.sum(), len(stars)
            log.info("%s: %d of %d %s spectra have %s", path, *counts, split, ", ".join(self.names))
            yield flux_of(table)[complete].astype(np.float64), values[complete]


def _count(task: Task, manifest: pa.Table, split: str) -> int:
    return sum(len(read_split(path, [], manifest, split, task.targets)[0]) for path in task.spectra)


def _nothing_in(task: Task, what: str) -> InputError:
    found = f"no train spectrum {what}"
    return InputError(task.samples[0].parent, "split", found, "enlarge the sample")


def _fit(source: _Source) -> tuple[Ridge, Training] | None:
    """The model for some labels, or None without spectra that have them.

    One pass over the shards for the normal equations, one for the penalty: that of the least mean
    squared error on the validation split, labels in units of their standard deviation in training.
    If there is no validation split, the training split itself chooses.
    """
    equations = _normal_equations(source.batches("train"), len(source.names))
    if equations is None:
        log.warning("%s: no training star has it", ", ".join(source.names))
        return None
    models = [equations.solve(source.task.targets, penalty) for penalty in PENALTIES]
    split = "validation"
    squares, n_validation = _squared_errors(models, source.batches(split), len(source.names))
    if not n_validation:
        split = "train"
        log.warning(
            "%s: no validation spectra: the penalty is chosen on the training split",
            ", ".join(source.names),
        )
        squares, _ = _squared_errors(models, source.batches(split), len(source.names))
    scores = np.mean(squares / equations.label_variance, axis=1)
    best = int(np.argmin(scores))
    metrics = {
        "penalty": PENALTIES[best],
        "chosen_on": split,
        "standardised_squared_error": dict(zip(map(str, PENALTIES), scores, strict=True)),
        "rms_error": dict(zip(source.names, np.sqrt(squares[best]), strict=True)),
    }
    return models[best], Training(equations.n, n_validation, metrics)


def _beside(models: list[Ridge | None]) -> Ridge:
    """One model of those for different targets; None for a label that is not known."""
    first = next(model for model in models if model)
    nothing = replace(first, weights=0 * first.weights, target_mean=np.full(1, np.nan))
    parts = [model or nothing for model in models]
    return replace(
        first,
        weights=np.hstack([part.weights for part in parts]),
        target_mean=np.concatenate([part.outputs(first.pixel_mean) for part in parts]),
    )


@dataclass(frozen=True)
class _NormalEquations:
    n: int
    pixel_mean: np.ndarray
    target_mean: np.ndarray
    covariance: np.ndarray
    """[grid, grid] of the pixels."""
    cross: np.ndarray
    """[grid, targets], covariance of pixels and targets."""
    label_variance: np.ndarray
    """[labels]; 1 for a label that does not vary."""

    def solve(self, targets: Targets, penalty: float) -> Ridge:
        left = self.covariance.copy()
        left[np.diag_indices_from(left)] += penalty
        weights = cho_solve(cho_factor(left, overwrite_a=True), self.cross)
        return Ridge(targets, self.pixel_mean, np.ascontiguousarray(weights), self.target_mean)


def _normal_equations(batches: Iterable[Batch], n_labels: int) -> _NormalEquations | None:
    """Means and covariances of pixels and targets; None if there are no spectra."""
    n = 0
    x = y = xx = xy = yy = 0.0
    for flux, targets in batches:
        n += len(flux)
        x += flux.sum(axis=0)
        y += targets.sum(axis=0)
        xx += flux.T @ flux
        xy += flux.T @ targets
        yy += np.square(targets).sum(axis=0)
    if not n:
        return None
    pixel_mean, target_mean = x / n, y / n
    xx /= n
    xx -= np.outer(pixel_mean, pixel_mean)
    variance = (yy / n - target_mean**2)[:n_labels]
    return _NormalEquations(
        n=n,
        pixel_mean=pixel_mean,
        target_mean=target_mean,
        covariance=xx,
        cross=xy / n - np.outer(pixel_mean, target_mean),
        label_variance=np.where(variance > 0, variance, 1.0),
    )


def _squared_errors(
    models: list[Ridge], batches: Iterable[Batch], n_labels: int
) -> tuple[np.ndarray, int]:
    """Mean squared errors [models, labels], and of how many spectra."""
    n = 0
    squares = np.zeros((len(models), n_labels))
    for flux, targets in batches:
        n += len(flux)
        for total, model in zip(squares, models, strict=True):
            errors = (model.outputs(flux) - targets)[:, :n_labels]
            total += np.square(errors).sum(axis=0)
    return squares / max(n, 1), n


MODEL = Ridge
