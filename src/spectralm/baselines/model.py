"""What every baseline can do, and the folder that it lives in."""

import json
import platform
from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Self

import pyarrow as pa

from spectralm import __version__
from spectralm.baselines.options import BaselineOptions
from spectralm.errors import InputError
from spectralm.files import sha256, write_json

MANIFEST = "manifest.json"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Training:
    """What is known after training beside the model itself."""

    n_train: int
    """Spectra that were learnt from."""
    n_validation: int
    """Spectra that settings were chosen by."""
    metrics: dict[str, Any]


class Model(ABC):
    """A baseline: one module per kind, whose class is its entry in the registry."""

    kind: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ("numpy",)
    """Distributions whose versions the manifest records."""

    @classmethod
    @abstractmethod
    def train(
        cls, spectra: list[Path], samples: list[Path], options: BaselineOptions
    ) -> tuple[Self, Training]:
        """Learn from the training split of all shards; nothing is learnt from the test split.

        Shards of ``spectra`` and of ``samples`` (manifests) may stand in any order.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the weights into an existing folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read the weights that :meth:`save` wrote."""

    @abstractmethod
    def predict(self, spectra: Path, sample: Path) -> pa.Table:
        """PREDICTIONS of the test spectra of one shard, in the order of the spectra."""


def write_model(
    folder: Path,
    model: Model,
    training: Training,
    spectra: list[Path],
    samples: list[Path],
    options: BaselineOptions,
) -> None:
    """Write weights, metrics.json and, last, manifest.json: where that is, the model is whole."""
    (folder / MANIFEST).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder)
    write_json(folder / "metrics.json", training.metrics)
    write_json(
        folder / MANIFEST,
        {
            "kind": model.kind,
            "n_train": training.n_train,
            "n_validation": training.n_validation,
            "sha256": {"samples": sha256(*samples), "spectra": sha256(*spectra)},
            "options": options.model_dump(mode="json"),
            "versions": {
                "spectralm": __version__,
                "python": platform.python_version(),
                **{package: version(package) for package in model.packages},
            },
        },
    )


def kind_of(folder: Path) -> str:
    """The kind of the model in a folder. Raises InputError if there is no whole model."""
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(path, "file", "missing", "train the model first (train-baseline)")
    return json.loads(path.read_text())["kind"]
