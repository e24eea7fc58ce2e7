"""Shards of made-up spectra whose labels are linear in the pixels, and their manifests."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from spectralm.files import write_parquet
from spectralm.labels.vocabulary import CLASSES
from spectralm.samples.manifest import write_manifest

GRID = 40
SIZE = 300


@dataclass(frozen=True)
class Shards:
    """Paths of spectra and manifests, shard by shard; rows are in different order in the two."""

    spectra: list[Path]
    samples: list[Path]


def spectra_table(obsid: np.ndarray, flux: np.ndarray) -> pa.Table:
    """Flux [n, grid] int16 as a shard has it."""
    kind = pa.list_(pa.int16(), flux.shape[1])
    column = pa.FixedSizeListArray.from_arrays(pa.array(flux.ravel()), type=kind)
    return pa.table({"obsid": pa.array(obsid), "flux": column})


@pytest.fixture(scope="session")
def truth() -> np.ndarray:
    """Weights [grid, labels] that made the labels of the shards."""
    return np.random.default_rng(11).normal(size=(GRID, 3)) * (3000.0, 2.0, 1.0)


@pytest.fixture(scope="session")
def shards(tmp_path_factory, truth) -> Shards:
    """Four shards of 300 stars; classes are cuts in temperature, so pixels tell them."""
    folder = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(12)
    made = Shards([], [])
    for shard in range(4):
        flux = np.clip(rng.normal(700, 100, (SIZE, GRID)), 0, 1100).astype(np.int16)
        labels = (flux / 1000 - 0.7) @ truth + (5500.0, 4.0, -0.3)
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
