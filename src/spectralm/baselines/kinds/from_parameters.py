"""Abundances from Teff, log g and [Fe/H] alone: what a star's kind tells of its elements."""

import logging
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa

from spectralm.baselines.data import labels_of, names_of, predictions, read_split
from spectralm.baselines.model import ArraysModel, Task, Training
from spectralm.errors import InputError
from spectralm.labels.vocabulary import PARAMETERS, Targets
from spectralm.samples.manifest import read_manifest, read_manifests

log = logging.getLogger(__name__)

#: Factor of |w|^2 beside the mean squared error of standardised parameters.
PENALTY = 1e-6


@dataclass(frozen=True)
class FromParameters(ArraysModel):
    """Each abundance as a quadratic in LAMOST's three parameters; no pixel is read.

    Surveys' abundances follow Teff, log g and [Fe/H] closely, by the evolution of the Galaxy and by
    their own systematics. A model that does not beat this one need not have seen a line.
    """

    targets: Targets
    mean: np.ndarray
    """[parameters] float64; of the training split."""
    scale: np.ndarray
    """[parameters] float64; standard deviation in the training split."""
    weights: np.ndarray
    """[terms, labels] float64; NaN for a label that no training star has."""

    @classmethod
    def train(cls, task: Task) -> tuple[Self, Training]:
        """Least squares, label by label, over the training stars that have it.

        Raises:
            InputError: asked for anything but abundances; no training star has its parameters.
        """
        if task.targets == Targets.PARAMETERS:
            raise InputError(
                "from_parameters",
                "targets",
                f"{task.targets}, which it starts from",
                "run it on apogee, for abundances",
            )
        manifest = read_manifests(task.samples)
        found = [read_split(path, [], manifest, "train", task.targets) for path in task.spectra]
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
        return int(np.isfinite(self.weights).sum()) + self.mean.size + self.scale.size

    def predict(self, spectra: Path, sample: Path) -> pa.Table:
        table, stars = read_split(spectra, [], read_manifest(sample), "test", self.targets)
        parameters = _parameters(stars)
        labels = _terms((parameters - self.mean) / self.scale) @ self.weights
        complete = np.isfinite(parameters).all(axis=1)
        status = np.where(complete, "parsed", "no Teff, log g or [Fe/H] of LAMOST's")
        return predictions(self.targets, table["obsid"], status, None, labels)


def _parameters(stars: pa.Table) -> np.ndarray:
    """LAMOST's own [n, parameters] float64, also in crossmatched manifests; NaN where missing."""
    return np.stack([stars[label.name].to_numpy() for label in PARAMETERS], axis=1)


def _terms(standardised: np.ndarray) -> np.ndarray:
    """1 and all products of one or two parameters, [n, terms] for [n, parameters]."""
    factors = np.column_stack([np.ones(len(standardised)), standardised])
    pairs = combinations_with_replacement(factors.T, 2)
    return np.column_stack([one * other for one, other in pairs])


def _solve(terms: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weights [terms] of the values [n] that are not NaN."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(terms.shape[1], np.nan)
    terms, values = terms[known], values[known]
    left = terms.T @ terms / len(terms) + PENALTY * np.eye(terms.shape[1])
    return np.linalg.solve(left, terms.T @ values / len(terms))


MODEL = FromParameters
