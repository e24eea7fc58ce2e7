"""Predict the mean label of the star's class: what is known from the class alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from safetensors.numpy import load_file, save_file

from spectralm.baselines.data import (
    LABELS,
    labels_of,
    one_hot,
    predictions,
    read_split,
)
from spectralm.baselines.model import TENSORS, Model, Task, Training
from spectralm.baselines.options import BaselineOptions
from spectralm.files import atomic
from spectralm.labels.vocabulary import CLASSES
from spectralm.samples.manifest import read_manifest, read_manifests


@dataclass(frozen=True)
class ClassMean(Model):
    """The mean labels of each class in the training split.

    An oracle on class: it is told the survey's class of the star that it predicts, reads no pixel
    and therefore names no class itself. No model that must find the class has this help.
    """

    means: np.ndarray
    """[classes, labels] float64; NaN for a label that no training star of the class has."""

    @classmethod
    def train(cls, task: Task) -> tuple[Self, Training]:
        manifest = read_manifests(task.samples)
        totals = np.zeros((len(CLASSES), len(LABELS)))
        counts = np.zeros((len(CLASSES), len(LABELS)), int)
        n_train = 0
        for path in task.spectra:
            _, stars = read_split(path, [], manifest, "train")
            labels = labels_of(stars)
            of_class = one_hot(stars)
            totals += of_class.T @ np.nan_to_num(labels)
            counts += of_class.T.astype(int) @ np.isfinite(labels)
            n_train += len(stars)
        means = np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)
        per_class = {
            name: dict(zip(LABELS, row, strict=True))
            for name, row in zip(CLASSES, counts.tolist(), strict=True)
        }
        return cls(means), Training(n_train, 0, {"training_labels": per_class})

    def save(self, folder: Path) -> None:
        with atomic(folder / TENSORS) as temporary:
            save_file({"means": self.means}, temporary)

    @classmethod
    def load(cls, folder: Path, options: BaselineOptions) -> Self:
        return cls(**load_file(folder / TENSORS))

    @property
    def parameters(self) -> int:
        return int(np.isfinite(self.means).sum())

    def predict(self, spectra: Path, sample: Path) -> pa.Table:
        table, stars = read_split(spectra, [], read_manifest(sample), "test")
        means = dict(zip(CLASSES, self.means, strict=True))
        labels = np.array([means[name] for name in stars["class"].to_pylist()])
        labels = labels.reshape(-1, len(LABELS))
        unseen = np.isnan(labels).all(axis=1)
        status = np.where(unseen, "class not in the training split", "parsed")
        return predictions(table["obsid"], status, None, labels)


MODEL = ClassMean
