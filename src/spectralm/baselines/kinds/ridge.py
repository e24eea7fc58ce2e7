"""Linear ridge regression on the pixels."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from safetensors.numpy import load_file, save_file
from scipy.linalg import cho_factor, cho_solve

from spectralm.baselines.data import (
    LABELS,
    labels_of,
    one_hot,
    predictions,
    read_split,
)
from spectralm.baselines.model import TENSORS, Model, Task, Training
from spectralm.baselines.options import BaselineOptions
from spectralm.errors import InputError
from spectralm.files import atomic
from spectralm.labels.vocabulary import CLASSES
from spectralm.samples.manifest import read_manifests
from spectralm.spectra.stored import flux_of, normalised

log = logging.getLogger(__name__)


#: Factors of |w|^2 beside the mean squared error; the best on the validation split is kept.
PENALTIES = tuple(10.0**power for power in range(-8, 3))

#: Flux [n, grid] and targets [n, labels + classes], both float64.
Batch = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Ridge(Model):
    """Labels and class as linear functions of the pixels, with an intercept.

    The class is that of the largest of five outputs, which are fitted to 1 for the star's class
    and 0 for the others; a class that lies between two others is seldom the largest.
    """

    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy")

    pixel_mean: np.ndarray
    """[grid] float64; mean flux of the training split."""
    weights: np.ndarray
    """[grid, labels + classes] float64; targets in their units per unit of flux."""
    target_mean: np.ndarray
    """[labels + classes] float64; mean of the training split."""

    @classmethod
    def train(cls, task: Task) -> tuple[Self, Training]:
        """Learn from the training spectra that have every label.

        One pass over the shards for the normal equations, one for the penalty: that of the least
        mean squared error on the validation split, labels in units of their standard deviation in
        training. If there is no validation split, the training split itself chooses.

        Raises:
            InputError: no training spectrum has every label.
        """
        manifest = read_manifests(task.samples)
        equations = _normal_equations(_batches(task.spectra, manifest, "train"))
        if equations is None:
            raise InputError(
                task.samples[0].parent,
                "split",
                "no train spectrum with every label",
                "enlarge the sample",
            )
        models = [equations.solve(cls, penalty) for penalty in PENALTIES]
        split = "validation"
        squares, n_validation = _squared_errors(models, _batches(task.spectra, manifest, split))
        if not n_validation:
            split = "train"
            log.warning("no validation spectra: the penalty is chosen on the training split")
            squares, _ = _squared_errors(models, _batches(task.spectra, manifest, split))
        scores = np.mean(squares / equations.label_variance, axis=1)
        best = int(np.argmin(scores))
        metrics = {
            "penalty": PENALTIES[best],
            "chosen_on": split,
            "standardised_squared_error": dict(zip(map(str, PENALTIES), scores, strict=True)),
            "rms_error": dict(zip(LABELS, np.sqrt(squares[best]), strict=True)),
        }
        return models[best], Training(equations.n, n_validation, metrics)

    def save(self, folder: Path) -> None:
        with atomic(folder / TENSORS) as temporary:
            save_file(vars(self), temporary)

    @classmethod
    def load(cls, folder: Path, options: BaselineOptions) -> Self:
        return cls(**load_file(folder / TENSORS))

    def outputs(self, flux: np.ndarray) -> np.ndarray:
        """Labels, then a number per class, [n, labels + classes] for flux [n, grid]."""
        return (flux - self.pixel_mean) @ self.weights + self.target_mean

    @property
    def parameters(self) -> int:
        return self.weights.size + self.pixel_mean.size + self.target_mean.size

    def answers(self, obsid: pa.ChunkedArray, thousandths: np.ndarray) -> pa.Table:
        outputs = self.outputs(normalised(thousandths))
        classes = np.array(CLASSES)[outputs[:, len(LABELS) :].argmax(axis=1)]
        status = np.full(len(outputs), "parsed")
        return predictions(obsid, status, classes, outputs[:, : len(LABELS)])


@dataclass(frozen=True)
class _NormalEquations:
    n: int
    pixel_mean: np.ndarray
    target_mean: np.ndarray
    covariance: np.ndarray
    """[grid, grid] of the pixels."""
    cross: np.ndarray
    """[grid, labels + classes], covariance of pixels and targets."""
    label_variance: np.ndarray
    """[labels]; 1 for a label that does not vary."""

    def solve(self, model: type[Ridge], penalty: float) -> Ridge:
        left = self.covariance.copy()
        left[np.diag_indices_from(left)] += penalty
        weights = cho_solve(cho_factor(left, overwrite_a=True), self.cross)
        return model(self.pixel_mean, np.ascontiguousarray(weights), self.target_mean)


def _batches(spectra: Iterable[Path], manifest: pa.Table, split: str) -> Iterator[Batch]:
    """A batch per shard, without the stars that lack a label."""
    for path in spectra:
        table, stars = read_split(path, ["flux"], manifest, split)
        targets = np.hstack([labels_of(stars), one_hot(stars)])
        complete = np.isfinite(targets).all(axis=1)
        log.info("%s: %d of %d %s spectra", path, complete.sum(), len(stars), split)
        yield flux_of(table)[complete].astype(np.float64), targets[complete]


def _normal_equations(batches: Iterable[Batch]) -> _NormalEquations | None:
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
    variance = (yy / n - target_mean**2)[: len(LABELS)]
    return _NormalEquations(
        n=n,
        pixel_mean=pixel_mean,
        target_mean=target_mean,
        covariance=xx,
        cross=xy / n - np.outer(pixel_mean, target_mean),
        label_variance=np.where(variance > 0, variance, 1.0),
    )


def _squared_errors(models: list[Ridge], batches: Iterable[Batch]) -> tuple[np.ndarray, int]:
    """Mean squared errors [models, labels], and of how many spectra."""
    n = 0
    squares = np.zeros((len(models), len(LABELS)))
    for flux, targets in batches:
        n += len(flux)
        for total, model in zip(squares, models, strict=True):
            errors = (model.outputs(flux) - targets)[:, : len(LABELS)]
            total += np.square(errors).sum(axis=0)
    return squares / max(n, 1), n


MODEL = Ridge
