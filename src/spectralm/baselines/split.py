"""One split of a run's spectra, memory-mapped so that it may be larger than the memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spectralm.baselines.data import class_numbers, labels_of, read_split
from spectralm.baselines.model import Task
from spectralm.errors import InputError
from spectralm.files import atomic
from spectralm.samples.manifest import read_manifests
from spectralm.samples.splits import TRAIN, VALIDATION
from spectralm.spectra.pixels import COLUMNS, Pixels

#: Spectra that are read together, except in training.
BLOCK = 512


@dataclass(frozen=True)
class Split:
    """Spectra of one split, of all shards, in the order of obsid."""

    obsid: np.ndarray
    """[n] int64."""
    flux: np.ndarray
    """[n, pixels] int16 thousandths in the model's bins, memory-mapped."""
    labels: np.ndarray
    """[n, labels] float64 in the order of the targets; NaN where missing."""
    classes: np.ndarray
    """[n] int64, indices in CLASSES."""

    def __len__(self) -> int:
        return len(self.obsid)

    @classmethod
    def open(cls, task: Task, split: str) -> Self:
        """Open a split; its flux is copied to the workspace first, one shard at a time.

        Raises:
            InputError: There is no spectrum with labels.
        """
        manifest = read_manifests(task.samples)
        found = [read_split(path, [], manifest, split, task.targets) for path in task.spectra]
        stars = pa.concat_tables(rows for _, rows in found).sort_by("obsid")
        obsid = stars["obsid"].to_numpy()
        if not len(obsid):
            raise InputError(
                task.samples[0].parent,
                "split",
                f"no {split} spectrum with labels",
                "enlarge the sample, or samples.validation_fraction",
            )
        file = task.workspace / f"{split}.npy"
        if not file.is_file():
            _copy_flux(task, manifest, split, obsid, file)
        flux = np.load(file, mmap_mode="r")
        return cls(obsid, flux, labels_of(stars, task.targets), class_numbers(stars))


def blocks(values: np.ndarray) -> Iterator[np.ndarray]:
    """Copies of the rows in memory, :data:`BLOCK` at a time."""
    for start in range(0, len(values), BLOCK):
        yield values[start : start + BLOCK].copy()


def open_splits(task: Task) -> tuple[Split, Split]:
    """The training and the validation split; raises InputError like :meth:`Split.open`."""
    return Split.open(task, TRAIN), Split.open(task, VALIDATION)


def _copy_flux(task: Task, manifest: pa.Table, split: str, obsid: np.ndarray, file: Path) -> None:
    grid = pq.read_schema(task.spectra[0]).field("flux").type.list_size
    width = task.options.bin
    with atomic(file) as temporary:
        flux = np.lib.format.open_memmap(temporary, "w+", np.int16, (len(obsid), grid // width))
        for path in task.spectra:
            table, _ = read_split(path, COLUMNS, manifest, split, task.targets)
            rows = np.searchsorted(obsid, table["obsid"].to_numpy())
            flux[rows] = Pixels.of(table).binned(width).flux
        flux.flush()
