"""Shards of synthetic spectra whose labels are linear in the pixels, and their manifests."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from spectralm.baselines.model import Model, Task, Training
from spectralm.baselines.registry import BASELINES, model_class
from spectralm.evaluation.residuals import residuals
from spectralm.files import read_parquet, write_parquet
from spectralm.labels.vocabulary import ABUNDANCES, CLASSES, Targets
from spectralm.provenance import Clock
from spectralm.samples.manifest import write_manifest
from spectralm.spectra.pixels import Pixels

GRID = 40
SIZE = 300
#: Three patterns; each spectrum is a linear combination of them.
LINES = np.sin(np.outer([1, 2, 3], np.linspace(0, 6, GRID)))


@dataclass(frozen=True)
class Shards:
    """Paths of spectra and manifests, shard by shard; rows are in different order in the two."""

    spectra: list[Path]
    samples: list[Path]

    def with_columns(
        self, folder: Path, **columns: Callable[[pa.Table], pa.Array | pa.ChunkedArray]
    ) -> "Shards":
        """The shards with columns of their manifests replaced by functions of the table."""
        paths = []
        for path in self.samples:
            table = read_parquet(path)
            for name, make in columns.items():
                place = table.column_names.index(name)
                table = table.set_column(place, name, make(table))
            paths.append(folder / path.name)
            write_manifest(paths[-1], table)
        return Shards(self.spectra, paths)

    def mixed(self, folder: Path) -> "Shards":
        """The same stars in another order of rows."""
        rng = np.random.default_rng(1)
        mixed = Shards([], [])
        for old, new, write in (
            (self.spectra, mixed.spectra, write_parquet),
            (self.samples, mixed.samples, write_manifest),
        ):
            for path in old:
                table = read_parquet(path)
                new.append(folder / path.parent.name / path.name)
                write(new[-1], table.take(rng.permutation(len(table))))
        return mixed


def task(
    kind: str, shards: Shards, workspace: Path, targets: Targets = Targets.PARAMETERS, **options
) -> Task:
    """A training in a workspace."""
    checked = BASELINES.options_class(kind)(**options)
    clock = Clock(workspace / "clock.json")
    return Task(shards.spectra, shards.samples, targets, checked, workspace, clock)


def train(
    kind: str, shards: Shards, workspace: Path, targets: Targets = Targets.PARAMETERS, **options
) -> tuple[Model, Training]:
    """A trained model."""
    return model_class(kind).train(task(kind, shards, workspace, targets, **options))


def spectra_table(obsid: np.ndarray, flux: np.ndarray) -> pa.Table:
    """Flux [n, grid] int16 in the format of a shard, with a tenth of the grid points masked."""
    masked = np.random.default_rng(obsid[0]).random(flux.shape) < 0.1
    return pa.table({"obsid": pa.array(obsid)} | Pixels(flux, masked).columns())


@pytest.fixture(scope="session")
def truth() -> np.ndarray:
    """Weights [grid, labels] from which the labels of the shards are computed."""
    return np.random.default_rng(11).normal(size=(GRID, 3)) * (1000.0, 0.5, 0.4)


@pytest.fixture(scope="session")
def shards(tmp_path_factory, truth) -> Shards:
    """Four shards of 300 stars; classes are intervals of temperature."""
    folder = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(12)
    made = Shards([], [])
    for shard in range(4):
        light = 700 + rng.normal(0, 100, (SIZE, 3)) @ LINES + rng.normal(0, 20, (SIZE, GRID))
        flux = np.clip(light, 0, 1100).astype(np.int16)
        labels = (flux / 1000 - 0.7) @ truth + (7000.0, 3.0, -1.0)
        rank = labels[:, 0].argsort().argsort()
        obsid = 10_000 * (shard + 1) + np.arange(SIZE)
        manifest = pa.table(
            {
                "obsid": obsid,
                "split": rng.choice(["train", "validation", "test"], SIZE, p=[0.6, 0.1, 0.3]),
                "class": np.array(CLASSES[::-1])[rank * len(CLASSES) // SIZE],
                "teff": labels[:, 0],
                "logg": labels[:, 1],
                "feh": labels[:, 2],
            }
        )
        order = rng.permutation(SIZE)
        refused = 3 * shard
        made.samples.append(folder / "samples" / f"{shard}.parquet")
        made.spectra.append(folder / "spectra" / f"{shard}.parquet")
        write_manifest(made.samples[-1], manifest.take(order))
        write_parquet(made.spectra[-1], spectra_table(obsid[refused:], flux[refused:]))
    return made


@pytest.fixture(scope="session")
def abundances(shards, tmp_path_factory) -> Shards:
    """The same spectra with abundances that are linear in the pixels.

    Seven in eight stars have [Mg/Fe], half of the stars [C/Fe], the cool ones of those seven in
    eight [Ni/Fe]; no star has another abundance.
    """
    folder = tmp_path_factory.mktemp("abundances")
    rng = np.random.default_rng(13)
    weights = dict(zip(("mg_fe", "c_fe", "ni_fe"), rng.normal(0, 0.3, (3, GRID)), strict=True))
    flux = read_parquet(shards.spectra)
    made = Shards(shards.spectra, [])
    for path in shards.samples:
        manifest = read_parquet(path)
        stars = flux.take(pc.index_in(manifest["obsid"], flux["obsid"]))["flux"]
        light = np.array([row or [700] * GRID for row in stars.to_pylist()]) / 1000 - 0.7
        obsid = manifest["obsid"].to_numpy()
        unknown = {
            "mg_fe": obsid % 8 == 0,
            "c_fe": obsid % 4 < 2,
            "ni_fe": (obsid % 8 == 0) | np.isin(manifest["class"].to_numpy(), ["A", "F"]),
        }
        for label in ABUNDANCES:
            values = pa.nulls(len(obsid), pa.float64())
            if label.name in weights:
                values = pa.array(light @ weights[label.name], mask=unknown[label.name])
            manifest = manifest.append_column(label.name, values)
        made.samples.append(folder / path.name)
        write_manifest(made.samples[-1], manifest)
    return made


#: Options with which a training takes about a second.
SMALL = {
    "class_mean": {},
    "cnn": {
        **{"channels": [8], "hidden": 32},
        **{"epochs": 8, "schedule": "cosine", "learning_rate": 0.003},
    },
    "from_parameters": {},
    "gru": {
        **{"hidden": 24, "window": 8},
        **{"epochs": 12, "schedule": "cosine", "learning_rate": 0.01},
    },
    "lightgbm": {"rounds": 40, "leaves": 8},
    "mlp": {
        **{"hidden": [32, 16], "dropout": 0.1},
        **{"epochs": 10, "schedule": "cosine", "learning_rate": 0.003},
    },
    "resnet": {
        **{"depths": (1, 1, 1, 1), "width": 4},
        **{"epochs": 6, "schedule": "cosine", "learning_rate": 0.003},
    },
    "ridge": {},
}


class Trained(dict):
    """Models and results of their training, by kind; each is trained when it is first used."""

    def __init__(self, shards: Shards, folder: Path, targets: Targets = Targets.PARAMETERS):
        super().__init__()
        self.shards, self.folder, self.targets = shards, folder, targets

    def __missing__(self, kind: str) -> tuple[Model, Training]:
        self[kind] = train(kind, self.shards, self.folder / kind, self.targets, **SMALL[kind])
        return self[kind]


@pytest.fixture(scope="session")
def trained(shards, tmp_path_factory) -> Trained:
    """A small model of each kind."""
    return Trained(shards, tmp_path_factory.mktemp("trained"))


def predict(model: Model, shards: Shards) -> pa.Table:
    """Predictions for all shards, in the order of obsid."""
    pairs = zip(shards.spectra, shards.samples, strict=True)
    return pa.concat_tables(model.predict(*pair) for pair in pairs).sort_by("obsid")


def rms(model: Model, shards: Shards, label: str) -> float:
    """Root mean square of a label's residuals."""
    spectra = read_parquet(shards.spectra, ["obsid"])["obsid"]
    sample = read_parquet(shards.samples)
    for name, values in (("star_id", "s"), ("snrr", 1.0), ("snri", 1.0)):
        sample = sample.append_column(name, pa.array([values] * len(sample)))
    table = residuals(sample, spectra, predict(model, shards), model)
    return float(np.sqrt(np.mean(np.square(table[f"{label}_residual"].to_numpy()))))
