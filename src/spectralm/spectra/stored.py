"""Flux as spectra shards hold it.

Apart from what makes it, so that the code fingerprint of its readers does not change with that.
"""

import numpy as np
import pyarrow as pa


def thousandths_of(table: pa.Table) -> np.ndarray:
    """Flux as it is stored, int16 thousandths [spectra, grid]."""
    size = table.schema.field("flux").type.list_size
    chunks = [chunk.flatten().to_numpy() for chunk in table["flux"].chunks]
    return np.concatenate([np.empty(0, np.int16), *chunks]).reshape(-1, size)


def flux_of(table: pa.Table) -> np.ndarray:
    """Normalised flux float32 [spectra, grid]: each value is the float32 nearest its 3 decimals."""
    return normalised(thousandths_of(table))


def normalised(thousandths: np.ndarray) -> np.ndarray:
    """Flux float32 of thousandths, of any shape."""
    return thousandths.astype(np.float32) / np.float32(1000)
