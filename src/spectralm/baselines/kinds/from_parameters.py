"""A reference model: abundances from Teff, log g and [Fe/H] alone."""

import logging
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa

from spectralm.baselines.data import labels_of, names_of, predictions, read_split
from spectralm.baselines.model import ArraysModel, Task, Training
from spectralm.baselines.options import BaselineOptions
from spectralm.errors import InputError
from spectralm.labels.vocabulary import PARAMETERS, Targets
from spectralm.samples.manifest import read_manifest, read_manifests
from spectralm.samples.splits import TEST, TRAIN

log = logging.getLogger(__name__)

#: Ridge penalty: factor of |weights|^2, added to the mean squared error.
PENALTY = 1e-6


@dataclass(frozen=True)
class FromParameters(ArraysModel):
    """Each abundance as a quadratic polynomial of LAMOST's three parameters, without the spectrum.

    Abundances of surveys correlate strongly with Teff, log g and [Fe/H], because of the evolution
    of the Galaxy and because of their own systematic errors. A model that is not better than this
    one need not have used any line of the element.
    """

    looks_at_spectrum: ClassVar[bool] = False
    given: ClassVar[tuple[str, ...]] = tuple(label.name for label in PARAMETERS)

    mean: np.ndarray
    """[parameters] float64; mean in the training split."""
    scale: np.ndarray
    """[parameters] float64; standard deviation in the training split."""
    weights: np.ndarray
    """[terms, labels] float64; NaN for a label that no training star has."""

    @classmethod
    def train(cls, task: Task[BaselineOptions]) -> tuple[Self, Training]:
        """Fit each label by least squares to the training stars that have it.

        Raises:
            InputError: The targets are the parameters; or no training star has parameters.
        """
        if task.targets == Targets.PARAMETERS:
            raise InputError(
                "from_parameters",
                "targets",
                f"{task.targets}, which are its input",
                "run it on apogee, for abundances",
            )
        manifest = read_manifests(task.samples)
        found = [read_split(path, [], manifest, TRAIN, task.targets) for path in task.spectra]
        stars = pa.concat_tables(rows for _, rows in found)
        parameters = _parameters(stars)
        complete = np.isfinite(parameters).all(axis=1)
        if not complete.any():
            raise InputError(
                task.samples[0].parent,
                "split",
                "no train spectrum with labels and parameters",
                "enlarge the sample",
            )
        if missing := np.count_nonzero(~complete):
            log.warning("%d training spectra without Teff, log g or [Fe/H] left out", missing)
        parameters, labels = parameters[complete], labels_of(stars, task.targets)[complete]
        mean, scale = parameters.mean(axis=0), parameters.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        terms = _terms((parameters - mean) / scale)
        weights = np.stack([_solve(terms, values) for values in labels.T], axis=1)
        counts = np.isfinite(labels).sum(axis=0).tolist()
        per_label = dict(zip(names_of(task.targets), counts, strict=True))
        return cls(task.targets, mean, scale, weights), Training(
            int(complete.sum()), 0, {"training_labels": per_label}
        )

    @property
    def parameters(self) -> int:
        """Number of weights, means and standard deviations."""
        return int(np.isfinite(self.weights).sum()) + self.mean.size + self.scale.size

    def predict(self, spectra: Path, sample: Path, width: int = 1) -> pa.Table:
        """PREDICTIONS for the test stars of one shard, by their parameters in the manifest."""
        table, stars = read_split(spectra, [], read_manifest(sample), TEST, self.targets)
        parameters = _parameters(stars)
        labels = _terms((parameters - self.mean) / self.scale) @ self.weights
        complete = np.isfinite(parameters).all(axis=1)
        status = np.where(complete, "parsed", "no Teff, log g or [Fe/H] of LAMOST's")
        return predictions(self.targets, table["obsid"], status, None, labels)


def _parameters(stars: pa.Table) -> np.ndarray:
    """LAMOST's parameters [n, parameters] float64, in any manifest; NaN where missing."""
    return np.stack([stars[label.name].to_numpy() for label in PARAMETERS], axis=1)


def _terms(standardised: np.ndarray) -> np.ndarray:
    """All monomials up to the second degree, [n, terms], of parameters [n, parameters]."""
    factors = np.column_stack([np.ones(len(standardised)), standardised])
    pairs = combinations_with_replacement(factors.T, 2)
    return np.column_stack([one * other for one, other in pairs])


def _solve(terms: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weights [terms] that fit the values [n] that are not NaN."""
    finite = np.isfinite(values)
    if not finite.any():
        return np.full(terms.shape[1], np.nan)
    terms, values = terms[finite], values[finite]
    left = terms.T @ terms / len(terms) + PENALTY * np.eye(terms.shape[1])
    return np.linalg.solve(left, terms.T @ values / len(terms))


MODEL = FromParameters
