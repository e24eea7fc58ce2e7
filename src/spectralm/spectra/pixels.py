"""Flux and mask of stored spectra, on the grid or in bins of it.

This is not in the modules that resample and write spectra, so that a change there does not change
the code fingerprint of commands that only read.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

#: The columns of a spectra table that :class:`Pixels` reads.
COLUMNS = ["flux", "mask"]


@dataclass(frozen=True)
class Pixels:
    """Flux of spectra, and where it was not measured."""

    flux: np.ndarray
    """Thousandths of the normalised flux, int16 [spectra, grid]."""
    masked: np.ndarray
    """bool [spectra, grid]; the flux there is interpolated."""

    def __len__(self) -> int:
        return len(self.flux)

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """The pixels of a spectra table."""
        size = table.schema.field("flux").type.list_size
        flux = [chunk.flatten().to_numpy() for chunk in table["flux"].chunks]
        packed = b"".join(table["mask"].to_pylist())
        bits = np.frombuffer(packed, np.uint8).reshape(len(table), -(-size // 8))
        return cls(
            np.concatenate([np.empty(0, np.int16), *flux]).reshape(-1, size),
            np.unpackbits(bits, axis=1, count=size).astype(bool),
        )

    def columns(self) -> dict[str, pa.Array]:
        """The columns of a spectra table; the inverse of :meth:`of`."""
        size = self.flux.shape[1]
        numbers = pa.list_(pa.field("element", pa.int16(), nullable=False), size)
        bits = pa.binary(-(-size // 8))
        return {
            "flux": pa.FixedSizeListArray.from_arrays(pa.array(self.flux.ravel()), type=numbers),
            "mask": pa.array([row.tobytes() for row in np.packbits(self.masked, axis=1)], bits),
        }

    def binned(self, width: int) -> Self:
        """Means over so many grid points, without the masked ones.

        A bin without any other point is the mean of its interpolated flux, and is masked. Grid
        points at the red end that do not fill a bin are left out.
        """
        if width == 1:
            return self
        bins = self.flux.shape[1] // width
        flux, masked = (
            part[:, : bins * width].reshape(len(self), bins, width)
            for part in (self.flux, self.masked)
        )
        empty = np.all(masked, axis=2)
        counted = ~masked | empty[:, :, None]
        means = (flux * counted).sum(axis=2) / counted.sum(axis=2)
        return type(self)(np.rint(means).astype(np.int16), empty)


def bin_centres(grid: np.ndarray, width: int) -> np.ndarray:
    """Mean wavelength of each bin of so many grid points [grid // width]."""
    used = len(grid) // width * width
    return grid[:used].reshape(-1, width).mean(axis=1)


def normalised(thousandths: np.ndarray) -> np.ndarray:
    """Thousandths of any shape as float32 flux."""
    return thousandths.astype(np.float32) / np.float32(1000)
