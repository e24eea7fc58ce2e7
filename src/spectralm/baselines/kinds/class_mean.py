"""A reference model: the mean label of the star's class."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa

from spectralm.baselines.data import labels_of, names_of, one_hot, predictions, read_split
from spectralm.baselines.model import ArraysModel, Task, Training
from spectralm.baselines.options import BaselineOptions
from spectralm.labels.vocabulary import CLASSES, Targets
from spectralm.samples.manifest import read_manifest, read_manifests
from spectralm.samples.splits import TEST, TRAIN


@dataclass(frozen=True)
class ClassMean(ArraysModel):
    """The mean labels of each class in the training split.

    It is given the survey's class of the star, does not look at the spectrum, and therefore
    predicts no class.
    """

    looks_at_spectrum: ClassVar[bool] = False
    given: ClassVar[tuple[str, ...]] = ("class",)

    means: np.ndarray
    """[classes, labels] float64. If no training star of a class has a label: NaN in stage 1; in
    stage 2, where surveys lack many labels, the mean of all stars (NaN if no star has it)."""

    @classmethod
    def train(cls, task: Task[BaselineOptions]) -> tuple[Self, Training]:
        """Average the labels of the training stars of each class."""
        manifest = read_manifests(task.samples)
        totals = np.zeros((len(CLASSES), len(task.targets.labels)))
        counts = np.zeros(totals.shape, int)
        n_train = 0
        for path in task.spectra:
            _, stars = read_split(path, [], manifest, TRAIN, task.targets)
            labels = labels_of(stars, task.targets)
            of_class = one_hot(stars)
            totals += of_class.T @ np.nan_to_num(labels)
            counts += of_class.T.astype(int) @ np.isfinite(labels)
            n_train += len(stars)
        means = _quotients(totals, counts)
        if task.targets != Targets.PARAMETERS:
            of_all = _quotients(totals.sum(axis=0), counts.sum(axis=0))
            means = np.where(counts > 0, means, of_all)
        per_class = {
            name: dict(zip(names_of(task.targets), row, strict=True))
            for name, row in zip(CLASSES, counts.tolist(), strict=True)
        }
        return cls(task.targets, means), Training(n_train, 0, {"training_labels": per_class})

    @property
    def parameters(self) -> int:
        """Number of means."""
        return int(np.isfinite(self.means).sum())

    def predict(self, spectra: Path, sample: Path, width: int = 1) -> pa.Table:
        """PREDICTIONS for the test stars of one shard, by their class in the manifest."""
        table, stars = read_split(spectra, [], read_manifest(sample), TEST, self.targets)
        means = dict(zip(CLASSES, self.means, strict=True))
        labels = np.array([means[name] for name in stars["class"].to_pylist()])
        labels = labels.reshape(-1, len(self.targets.labels))
        unseen = np.isnan(labels).all(axis=1)
        status = np.where(unseen, "class not in the training split", "parsed")
        return predictions(self.targets, table["obsid"], status, None, labels)


def _quotients(totals: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)


MODEL = ClassMean
