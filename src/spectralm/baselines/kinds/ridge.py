"""Linear ridge regression on the pixels."""

import logging
from collections.abc import Iterable, Iterator, Sequence
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
from spectralm.baselines.options import BaselineOptions
from spectralm.errors import InputError
from spectralm.labels.vocabulary import CLASSES, Targets
from spectralm.samples.manifest import read_manifests
from spectralm.samples.splits import TRAIN, VALIDATION
from spectralm.spectra.pixels import COLUMNS, Pixels, normalised

log = logging.getLogger(__name__)

#: Factors of |weights|^2, added to the mean squared error; the validation split decides.
PENALTIES = tuple(10.0**power for power in range(-8, 3))

#: Flux [n, grid] and outputs [n, outputs], both float64.
Batch = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Ridge(ArraysModel):
    """Labels and class as linear functions of the pixels, with an intercept.

    The predicted class has the largest of five outputs, which are fitted to the one-hot encoded
    class. The output of a class between two others in temperature is rarely the largest.
    """

    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy")

    pixel_mean: np.ndarray
    """[grid] float64; mean flux of training spectra."""
    weights: np.ndarray
    """[grid, outputs] float64, per unit of flux; outputs are labels and, in stage 1, classes."""
    target_mean: np.ndarray
    """[outputs] float64, at the mean flux; NaN for a label that no training star has."""

    @classmethod
    def train(cls, task: Task[BaselineOptions]) -> tuple[Self, Training]:
        """Train on the spectra that have the labels.

        In stage 1, all outputs are fitted together to the spectra that have every label. In stage
        2, the labels are fitted one after the other, each to the spectra that have it: then only
        one covariance matrix of the pixels is in memory.

        Raises:
            InputError: There is no such spectrum.
        """
        manifest = read_manifests(task.samples)
        names = names_of(task.targets)
        if task.targets == Targets.PARAMETERS:
            fit = cls._fit(_Source(task, manifest, names))
            if fit is None:
                raise _no_spectrum(task, "with every label")
            return fit
        fits = {name: cls._fit(_Source(task, manifest, (name,))) for name in names}
        if not any(fits.values()):
            raise _no_spectrum(task, "with labels")
        model = cls._joined([fit and fit[0] for fit in fits.values()])
        metrics = {name: fit[1].metrics for name, fit in fits.items() if fit}
        n_train, n_validation = (_count(task, manifest, split) for split in (TRAIN, VALIDATION))
        return model, Training(n_train, n_validation, metrics)

    @classmethod
    def _fit(cls, source: "_Source") -> tuple[Self, Training] | None:
        """The model for some labels; None if no training spectrum has them.

        One pass over the shards for the normal equations, one for the penalty: the one with the
        smallest mean squared error on the validation split, of labels in units of their standard
        deviation in training. Without validation spectra, the training split is used for that.
        """
        equations = _normal_equations(source.batches(TRAIN), len(source.names))
        if equations is None:
            log.warning("%s: no training star has it", ", ".join(source.names))
            return None
        mean, target_mean = equations.pixel_mean, equations.target_mean
        models = [
            cls(source.task.targets, mean, equations.weights(penalty), target_mean)
            for penalty in PENALTIES
        ]
        split = VALIDATION
        squares, n_validation = _squared_errors(models, source.batches(split), len(source.names))
        if not n_validation:
            split = TRAIN
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

    @classmethod
    def _joined(cls, models: list[Self | None]) -> Self:
        """One model from models of single labels; None stands for a label without a model."""
        first = next(model for model in models if model)
        empty = replace(first, weights=0 * first.weights, target_mean=np.full(1, np.nan))
        parts = [model or empty for model in models]
        return replace(
            first,
            weights=np.hstack([part.weights for part in parts]),
            target_mean=np.concatenate([part.outputs(first.pixel_mean) for part in parts]),
        )

    def outputs(self, flux: np.ndarray) -> np.ndarray:
        """Labels and, in stage 1, a score per class: [n, outputs] from flux [n, grid]."""
        return (flux - self.pixel_mean) @ self.weights + self.target_mean

    @property
    def parameters(self) -> int:
        """Number of weights and means."""
        return self.weights.size + self.pixel_mean.size + self.target_mean.size

    def answers(self, obsid: pa.ChunkedArray, thousandths: np.ndarray) -> pa.Table:
        """PREDICTIONS from flux in thousandths, int16 [n, grid]."""
        outputs = self.outputs(normalised(thousandths))
        n_labels = len(self.targets.labels)
        classes = None
        if classes_of(self.targets):
            classes = np.array(CLASSES)[outputs[:, n_labels:].argmax(axis=1)]
        status = np.full(len(outputs), "parsed")
        return predictions(self.targets, obsid, status, classes, outputs[:, :n_labels])


@dataclass(frozen=True)
class _Source:
    """The spectra that have all labels of ``names``."""

    task: Task[BaselineOptions]
    manifest: pa.Table
    names: tuple[str, ...]

    def batches(self, split: str) -> Iterator[Batch]:
        """One batch per shard: flux, and labels followed, in stage 1, by the one-hot class."""
        targets = self.task.targets
        columns = [names_of(targets).index(name) for name in self.names]
        for path in self.task.spectra:
            table, stars = read_split(path, COLUMNS, self.manifest, split, targets)
            values = labels_of(stars, targets)[:, columns]
            if classes_of(targets):
                values = np.hstack([values, one_hot(stars)])
            complete = np.isfinite(values).all(axis=1)
            counts = complete.sum(), len(stars)
            log.info("%s: %d of %d %s spectra have %s", path, *counts, split, ", ".join(self.names))
            flux = Pixels.of(table.filter(pa.array(complete))).binned(self.task.options.bin).flux
            yield normalised(flux).astype(np.float64), values[complete]


def _count(task: Task[BaselineOptions], manifest: pa.Table, split: str) -> int:
    return sum(len(read_split(path, [], manifest, split, task.targets)[0]) for path in task.spectra)


def _no_spectrum(task: Task[BaselineOptions], what: str) -> InputError:
    found = f"no train spectrum {what}"
    return InputError(task.samples[0].parent, "split", found, "enlarge the sample")


@dataclass(frozen=True)
class _NormalEquations:
    n: int
    pixel_mean: np.ndarray
    target_mean: np.ndarray
    covariance: np.ndarray
    """[grid, grid] of the pixels."""
    cross: np.ndarray
    """[grid, outputs], covariance of pixels and outputs."""
    label_variance: np.ndarray
    """[labels]; 1 for a label that does not vary."""

    def weights(self, penalty: float) -> np.ndarray:
        left = self.covariance.copy()
        left[np.diag_indices_from(left)] += penalty
        return np.ascontiguousarray(cho_solve(cho_factor(left, overwrite_a=True), self.cross))


def _normal_equations(batches: Iterable[Batch], n_labels: int) -> _NormalEquations | None:
    """Means and covariances of pixels and outputs; None if there are no spectra."""
    n = 0
    sums: list[np.ndarray] = []
    for flux, outputs in batches:
        n += len(flux)
        terms = [flux.sum(axis=0), outputs.sum(axis=0), flux.T @ flux, flux.T @ outputs]
        terms.append(np.square(outputs).sum(axis=0))
        for total, term in zip(sums, terms, strict=bool(sums)):
            total += term
        sums = sums or terms
    if not n:
        return None
    x, y, xx, xy, yy = sums
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
    models: Sequence[Ridge], batches: Iterable[Batch], n_labels: int
) -> tuple[np.ndarray, int]:
    """Mean squared errors [models, labels], and the number of spectra."""
    n = 0
    squares = np.zeros((len(models), n_labels))
    for flux, outputs in batches:
        n += len(flux)
        for total, model in zip(squares, models, strict=True):
            errors = (model.outputs(flux) - outputs)[:, :n_labels]
            total += np.square(errors).sum(axis=0)
    return squares / max(n, 1), n


MODEL = Ridge
