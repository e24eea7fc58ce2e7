"""Flux with three decimals: rounded to integer thousandths, and read back.

This is not in the modules that resample and write spectra, so that a change there does not change
the code fingerprint of commands that only read.
"""

import numpy as np
import pyarrow as pa


def to_thousandths(values: np.ndarray, lowest: int, highest: int) -> tuple[np.ndarray, bool]:
    """Flux [grid] rounded to int16 thousandths within limits, and whether any value was clipped."""
    rounded = np.rint(values * 1000)
    thousandths = np.clip(rounded, lowest, highest).astype(np.int16)
    return thousandths, bool(np.any(thousandths != rounded))


def thousandths_of(table: pa.Table) -> np.ndarray:
    """The stored flux, int16 thousandths [spectra, grid]."""
    size = table.schema.field("flux").type.list_size
    chunks = [chunk.flatten().to_numpy() for chunk in table["flux"].chunks]
    return np.concatenate([np.empty(0, np.int16), *chunks]).reshape(-1, size)


def flux_of(table: pa.Table) -> np.ndarray:
    """Normalised flux [spectra, grid], each value the float32 nearest to its three decimals."""
    return normalised(thousandths_of(table))


def normalised(thousandths: np.ndarray) -> np.ndarray:
    """Thousandths of any shape as float32 flux."""
    return thousandths.astype(np.float32) / np.float32(1000)
