"""Tables in FITS files, written reproducibly."""

import gzip
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from astropy.io import fits

from spectralm.files import atomic

FORMATS = {"f8": "D", "f4": "E", "i2": "I", "i4": "J", "i8": "K", "b1": "L"}


def write_fits(path: Path, *extensions: fits.hdu.base.ExtensionHDU) -> None:
    """Write extensions after an empty primary HDU, gzipped if the suffix is ``.gz``."""
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *extensions]).writeto(buffer)
    write_bytes(path, buffer.getvalue())


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes atomically, gzipped (without a timestamp) if the suffix is ``.gz``."""
    with atomic(path) as temporary:
        temporary.write_bytes(gzip.compress(data, 1, mtime=0) if path.suffix == ".gz" else data)


def table_hdu(columns: Mapping[str, np.ndarray], name: str | None = None) -> fits.BinTableHDU:
    """A table of columns [rows] or [rows, items]; columns of text have the width of the longest."""
    return fits.BinTableHDU.from_columns([_column(*item) for item in columns.items()], name=name)


def _column(name: str, values: np.ndarray) -> fits.Column:
    values = np.asarray(values)
    if values.dtype.kind in "US":
        return fits.Column(
            name, f"{max(1, values.dtype.itemsize // _width(values))}A", array=values
        )
    items = int(np.prod(values.shape[1:]))
    form = FORMATS[values.dtype.str[1:]]
    return fits.Column(name, f"{items if values.ndim > 1 else ''}{form}", array=values)


def _width(values: np.ndarray) -> int:
    return 4 if values.dtype.kind == "U" else 1
