"""Spectra by obsid, in memory or memory-mapped from a file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spectralm.errors import InputError
from spectralm.files import atomic, read_parquet
from spectralm.spectra.pixels import COLUMNS, Pixels, normalised

#: Spectra that are read together.
BLOCK = 512


@dataclass(frozen=True)
class Store:
    """Flux and mask of spectra, in bins of the grid."""

    obsid: np.ndarray
    """int64 [spectra], ascending."""
    pixels: Pixels

    def __len__(self) -> int:
        return len(self.obsid)

    @classmethod
    def read(cls, shards: Sequence[Path], obsid: Iterable[int], width: int) -> Self:
        """The spectra of these obsids in memory.

        Args:
            shards: Files of spectra.
            obsid: Of the spectra that are wanted.
            width: Grid points in each pixel.

        Raises:
            InputError: A spectrum is in none of the shards.
        """
        wanted = np.unique(np.fromiter(obsid, np.int64))
        shape = len(wanted), _size(shards, width)
        pixels = Pixels(np.empty(shape, np.int16), np.empty(shape, np.bool_))
        return cls(wanted, _filled(pixels, shards, wanted, width))

    @classmethod
    def copy(cls, shards: Sequence[Path], obsid: Iterable[int], width: int, folder: Path) -> Self:
        """The same, memory-mapped from files in a folder, which are written if they are missing."""
        wanted = np.unique(np.fromiter(obsid, np.int64))
        shape = len(wanted), _size(shards, width)
        files = {"flux": np.int16, "masked": np.bool_}
        paths = {name: folder / f"{name}.npy" for name in files}
        if not all(path.is_file() for path in paths.values()):
            with atomic(paths["flux"]) as flux, atomic(paths["masked"]) as masked:
                parts = [
                    np.lib.format.open_memmap(path, "w+", kind, shape)
                    for path, kind in zip((flux, masked), files.values(), strict=True)
                ]
                _filled(Pixels(*parts), shards, wanted, width)
                for part in parts:
                    part.flush()
        return cls(wanted, Pixels(*(np.load(path, mmap_mode="r") for path in paths.values())))

    def __getitem__(self, obsid: int) -> np.ndarray:
        """Normalised flux and mask (1 where it is masked) of a spectrum, float32 [2, pixels].

        Raises:
            KeyError: There is no such spectrum.
        """
        row = int(np.searchsorted(self.obsid, obsid))
        if row == len(self) or self.obsid[row] != obsid:
            raise KeyError(obsid)
        return channels(self.pixels.flux[row], self.pixels.masked[row])

    @property
    def size(self) -> int:
        """Number of pixels of a spectrum."""
        return self.pixels.flux.shape[1]

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the normalised flux that is not masked, float32 [pixels].

        1 stands for a standard deviation of 0.
        """
        count, total, squares = np.zeros((3, self.size))
        for flux, masked in self._blocks():
            values = np.where(masked, 0, normalised(flux)).astype(np.float64)
            count += (~masked).sum(axis=0)
            total += values.sum(axis=0)
            squares += np.square(values).sum(axis=0)
        mean = total / np.maximum(count, 1)
        scale = np.sqrt(np.maximum(squares / np.maximum(count, 1) - mean**2, 0))
        return mean.astype(np.float32), np.where(scale > 0, scale, 1).astype(np.float32)

    def _blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(self), BLOCK):
            rows = slice(start, start + BLOCK)
            yield self.pixels.flux[rows], self.pixels.masked[rows]


def channels(flux: np.ndarray, masked: np.ndarray) -> np.ndarray:
    """Normalised flux and mask, float32 [2, pixels], from int16 thousandths and bool [pixels]."""
    both = np.empty((2, len(flux)), np.float32)
    both[0], both[1] = normalised(flux), masked
    return both


def _size(shards: Sequence[Path], width: int) -> int:
    return pq.read_schema(shards[0]).field("flux").type.list_size // width


def _filled(pixels: Pixels, shards: Sequence[Path], wanted: np.ndarray, width: int) -> Pixels:
    """The pixels, with the spectra of the shards written into their rows."""
    missing = np.ones(len(wanted), dtype=bool)
    for path in shards:
        table = read_parquet(path, ["obsid", *COLUMNS])
        table = table.filter(pc.is_in(table["obsid"], pa.array(wanted)))
        found = Pixels.of(table).binned(width)
        rows = np.searchsorted(wanted, table["obsid"].to_numpy())
        pixels.flux[rows], pixels.masked[rows] = found.flux, found.masked
        missing[rows] = False
    if missing.any():
        raise InputError(
            shards[0],
            "obsid",
            f"{missing.sum()} spectra are neither there nor in the {len(shards) - 1} other shards "
            f"({wanted[missing][0]}, ...)",
            "give the shards that the questions were made from",
        )
    return pixels
