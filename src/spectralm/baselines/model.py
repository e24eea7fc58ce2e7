"""The interface of a baseline, and the folder of a trained one."""

import json
import logging
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import pyarrow as pa
from safetensors.numpy import load_file, save_file

from spectralm.baselines.data import read_split
from spectralm.baselines.options import BaselineOptions
from spectralm.errors import InputError
from spectralm.files import atomic, write_json
from spectralm.labels.vocabulary import Targets
from spectralm.provenance import Clock, provenance
from spectralm.samples.manifest import read_manifest
from spectralm.samples.splits import TEST
from spectralm.spectra.pixels import COLUMNS, Pixels
from spectralm.workspace import MANIFEST

#: Folder of the weights in the model's folder, and the file of the weights if they are tensors.
WEIGHTS = "weights"
TENSORS = "model.safetensors"

OptionsT = TypeVar("OptionsT", bound=BaselineOptions)
OptionsT_co = TypeVar("OptionsT_co", bound=BaselineOptions, covariant=True)


@dataclass(frozen=True)
class Task(Generic[OptionsT_co]):
    """A training to be done. The shards in ``spectra`` and ``samples`` may be in any order."""

    spectra: list[Path]
    samples: list[Path]
    """Manifests."""
    targets: Targets
    options: OptionsT_co
    workspace: Path
    """Folder of this training alone, which need not exist yet. A model whose training is long
    keeps its checkpoints there; the folder is removed after the training."""
    clock: Clock
    """Call its ``keep`` after each checkpoint."""


@dataclass(frozen=True)
class Training:
    """Results of a training, apart from the model itself."""

    n_train: int
    """Number of spectra that the model was trained on."""
    n_validation: int
    """Number of spectra that were used to choose hyperparameters or to stop the training."""
    metrics: dict[str, Any]


class Model(ABC, Generic[OptionsT]):
    """A baseline: one module per kind in :mod:`spectralm.baselines.kinds`."""

    packages: ClassVar[tuple[str, ...]] = ("numpy",)
    """Distributions whose versions the manifest records."""
    looks_at_spectrum: ClassVar[bool] = True
    """Whether the prediction depends on the spectrum."""
    given: ClassVar[tuple[str, ...]] = ()
    """Labels of the survey that the model is given at prediction, by name; ``class`` is one."""
    targets: Targets
    """What the model predicts."""

    @classmethod
    @abstractmethod
    def train(cls, task: Task[OptionsT]) -> tuple[Self, Training]:
        """Train on the training split of all shards. The test split must not be used."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the weights into an existing folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, options: OptionsT, targets: Targets) -> Self:
        """Read the weights that :meth:`save` wrote, of a model with these options and targets."""

    @property
    @abstractmethod
    def parameters(self) -> int:
        """Number of fitted parameters."""

    def predict(self, spectra: Path, sample: Path, width: int = 1) -> pa.Table:
        """PREDICTIONS for the test spectra of one shard, in the order of the spectra.

        Args:
            spectra: The shard.
            sample: Its manifest.
            width: Grid points in each of the model's pixels.
        """
        table, _ = read_split(spectra, COLUMNS, read_manifest(sample), TEST, self.targets)
        return self.answers(table["obsid"], Pixels.of(table).binned(width).flux)

    def answers(self, obsid: pa.ChunkedArray, thousandths: np.ndarray) -> pa.Table:
        """PREDICTIONS from the flux alone, if the model needs nothing else.

        Args:
            obsid: Identifiers of the spectra [n].
            thousandths: Flux in thousandths, int16 [n, pixels], in the model's bins.

        Raises:
            InputError: The model also needs labels of the survey (:attr:`given`).
        """
        raise InputError(type(self).__name__, "model", "needs more than flux", "use another run")


@dataclass(frozen=True)
class ArraysModel(Model[BaselineOptions]):
    """A model whose parameters are arrays: the other fields of the subclass, a dataclass."""

    targets: Targets

    def save(self, folder: Path) -> None:
        """Write the arrays as safetensors."""
        arrays = {name: value for name, value in vars(self).items() if name != "targets"}
        with atomic(folder / TENSORS) as temporary:
            save_file(arrays, temporary)

    @classmethod
    def load(cls, folder: Path, options: BaselineOptions, targets: Targets) -> Self:
        """Read the arrays that :meth:`save` wrote."""
        return cls(targets, **load_file(folder / TENSORS))


def train_model(model_class: type[Model], task: Task, facts: dict[str, Any], out: Path) -> None:
    """Train a model and write its folder: weights, metrics.json and, as the last, manifest.json.

    Args:
        model_class: The class of the model.
        task: What to train.
        facts: What determines the result (options, data, code), for the manifest.
        out: The folder.
    """
    model, training = model_class.train(task)
    weights = out / WEIGHTS
    shutil.rmtree(weights, ignore_errors=True)
    weights.mkdir(parents=True)
    model.save(weights)
    write_json(out / "metrics.json", training.metrics)
    manifest = {
        **facts,
        **provenance(model.packages),
        **task.clock.read(),
        "kind": task.options.kind,
        "looks_at_spectrum": model.looks_at_spectrum,
        "given": model.given,
        "n_train": training.n_train,
        "n_validation": training.n_validation,
        "parameters": model.parameters,
        "parameters_total": model.parameters,
    }
    write_json(out / MANIFEST, manifest)
    logging.info(
        "%s: %d training and %d validation spectra, %d parameters",
        out,
        training.n_train,
        training.n_validation,
        model.parameters,
    )


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of the model in a folder. Raises InputError if there is none."""
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(path, "file", "missing", "train the model first (train-baseline)")
    return json.loads(path.read_text())
