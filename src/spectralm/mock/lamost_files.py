"""LAMOST's spectra as files, intact or damaged."""

import gzip
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np

from spectralm.mock.emulator import Array
from spectralm.mock.instrument import WAVELENGTH, Spectra
from spectralm.mock.lamost_cards import BLOCK, coadd_header, primary_header

MJD_ZERO = date(1858, 11, 17)
CONTINUUM_WINDOW = 401  # pixels

#: Kinds of damage. The file of a `not fetched` spectrum does not exist; a `no catalogue` spectrum
#: is not in the catalogues.
DAMAGE = (
    "cut short",
    "empty",
    "error page",
    "cut before compression",
    "not fetched",
    "another obsid",
    "all masked",
    "no catalogue",
)
ERROR_PAGE = b"<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n</html>\r\n"


def evening(lmjd: int) -> date:
    """The date of the evening of a night; its local MJD is that of the next morning."""
    return MJD_ZERO + timedelta(days=lmjd - 1)


def spectrum_path(lmjd: int, planid: str, spid: int, fiberid: int) -> Path:
    """Path of a spectrum in LAMOST's folders."""
    return (
        Path(evening(lmjd).strftime("%Y%m%d"))
        / planid
        / f"spec-{lmjd}-{planid}_sp{spid:02d}-{fiberid:03d}.fits.gz"
    )


def continuum(flux: Array) -> Array:
    """A running mean over 401 pixels [..., pixels], shorter at the ends."""
    half = CONTINUUM_WINDOW // 2
    total = np.cumsum(np.pad(flux, [(0, 0)] * (flux.ndim - 1) + [(1, 0)]), axis=-1)
    pixel = np.arange(flux.shape[-1])
    first, last = np.maximum(pixel - half, 0), np.minimum(pixel + half + 1, flux.shape[-1])
    return (total[..., last] - total[..., first]) / (last - first)


def spectrum_rows(spectra: Spectra, i: int, pixels: slice, norm: bool) -> Array:
    """The rows FLUX, IVAR, WAVELENGTH, ANDMASK, ORMASK, NORMALIZATION of one file [6, pixels]."""
    level = continuum(spectra.flux[i])
    normalised = np.divide(spectra.flux[i], level, np.zeros_like(level), where=level > 0)
    rows = (
        spectra.flux[i],
        spectra.ivar[i],
        WAVELENGTH,
        spectra.andmask[i],
        spectra.ormask[i],
        normalised * norm,
    )
    return np.stack(rows)[:, pixels]


def spectrum_bytes(layout: str, rows: Array, facts: Mapping[str, object]) -> bytes:
    """The content of a FITS file.

    Args:
        layout: One of the layouts of :data:`~spectralm.mock.lamost_cards.CARDS`.
        rows: The result of :func:`spectrum_rows`.
        facts: Values of the primary header.
    """
    header = primary_header(layout, dict(facts) | {"pixels": rows.shape[1]})
    if layout == "C":
        return header + _coadd_header(rows.shape[1]) + _padded(rows)
    if layout == "1":
        rows = rows[[0, 1, 5, 3, 4]]
    return header + _padded(rows[:5])


def write_spectrum(path: Path, data: bytes, damage: str | None) -> None:
    """Write the content of a spectrum's file, gzipped, with damage if there is any."""
    if damage == "not fetched":
        return
    if damage == "empty":
        data = b""
    elif damage == "error page":
        data = ERROR_PAGE
    elif damage == "cut short":
        data = gzip.compress(data, 1, mtime=0)
        data = data[: 2 * len(data) // 3]
    elif damage == "cut before compression":
        data = gzip.compress(data[: len(data) // 2], 1, mtime=0)
    else:
        data = gzip.compress(data, 1, mtime=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


_coadd_header = lru_cache(coadd_header)


def _padded(rows: Array) -> bytes:
    data = rows.astype(">f4").tobytes()
    return data + bytes(-len(data) % BLOCK)
