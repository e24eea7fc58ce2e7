"""What every baseline can do, and the folder that it lives in."""

import json
import logging
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

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
from spectralm.spectra.stored import thousandths_of
from spectralm.workspace import MANIFEST

#: Folder of the weights within a model's, and their file where they are tensors.
WEIGHTS = "weights"
TENSORS = "model.safetensors"


@dataclass(frozen=True)
class Task:
    """What is to be trained. Shards of ``spectra`` and ``samples`` may stand in any order."""

    spectra: list[Path]
    samples: list[Path]
    """Manifests."""
    targets: Targets
    options: BaselineOptions
    workspace: Path
    """Folder of this training alone, which may not be there yet: a kind whose training is worth
    more than a retry keeps in it what it needs to go on. That is removed in the end."""
    clock: Clock
    """To be kept whenever something is kept in the workspace."""


@dataclass(frozen=True)
class Training:
    """What is known after training beside the model itself."""

    n_train: int
    """Spectra that were learnt from."""
    n_validation: int
    """Spectra that settings were chosen by."""
    metrics: dict[str, Any]


class Model(ABC):
    """A baseline: one module per kind in :mod:`spectralm.baselines.kinds`."""

    packages: ClassVar[tuple[str, ...]] = ("numpy",)
    """Distributions whose versions the manifest records."""
    targets: Targets
    """What it was asked; of a model that answers from flux alone."""

    @classmethod
    @abstractmethod
    def train(cls, task: Task) -> tuple[Self, Training]:
        """Learn from the training split of all shards; nothing is learnt from the test split."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the weights into an existing folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, options: BaselineOptions, targets: Targets) -> Self:
        """Read the weights that :meth:`save` wrote, of a model with these options, so asked."""

    @property
    @abstractmethod
    def parameters(self) -> int:
        """How many numbers were learnt."""

    def predict(self, spectra: Path, sample: Path) -> pa.Table:
        """PREDICTIONS of the test spectra of one shard, in the order of the spectra."""
        table, _ = read_split(spectra, ["flux"], read_manifest(sample), TEST, self.targets)
        return self.answers(table["obsid"], thousandths_of(table))

    def answers(self, obsid: pa.ChunkedArray, thousandths: np.ndarray) -> pa.Table:
        """PREDICTIONS from flux alone, int16 [n, grid]; of a model that can, so not of an oracle.

        Raises:
            InputError: this kind needs more than the flux.
        """
        raise InputError(type(self).__name__, "model", "needs more than flux", "use another run")


class ArraysModel(Model):
    """A model that is arrays: a dataclass of ``targets`` and of these."""

    def save(self, folder: Path) -> None:
        arrays = {name: value for name, value in vars(self).items() if name != "targets"}
        with atomic(folder / TENSORS) as temporary:
            save_file(arrays, temporary)

    @classmethod
    def load(cls, folder: Path, options: BaselineOptions, targets: Targets) -> Self:
        return cls(targets, **load_file(folder / TENSORS))


def train_model(model_class: type[Model], task: Task, facts: dict[str, Any], out: Path) -> None:
    """Train, and write weights, metrics.json and, last, manifest.json: then the model is whole.

    ``facts`` are what decided the result, for the manifest.
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
    """The manifest of the model in a folder. Raises InputError if there is no whole model."""
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(path, "file", "missing", "train the model first (train-baseline)")
    return json.loads(path.read_text())
