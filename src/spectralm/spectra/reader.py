"""Reads LAMOST low-resolution spectra of every layout (docs/survey_files.md).

The layout is recognised by the file's structure, not by its release. Usual files are read by a fast
method (a few cards and a view of the bytes, seven times faster), all others by
:func:`astropy.io.fits.open`. Tests compare the two.
"""

import io
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from astropy.io import fits

from spectralm.labels.vocabulary import MISSING_NUMBERS
from spectralm.spectra.refusals import SpectrumRefusedError
from spectralm.surveys.fitsbytes import BLOCK, CARD, FileError, primary_header, read_bytes

CARDS = (
    *("NAXIS", "NAXIS1", "NAXIS2", "BITPIX", "BSCALE", "BZERO", "COEFF0", "COEFF1", "TELESCOP"),
    *("OBSID", "OFFSET", "SNRR", "Z"),
)
COLUMNS = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK")

#: Row 2 is not the wavelength if it begins below this (Angstrom); in DR1 it is flux.
SHORTEST_WAVELENGTH = 3000.0


@dataclass(frozen=True)
class Spectrum:
    """One spectrum as it is in its file; arrays are [pixels]."""

    path: str
    header: fits.Header
    """The cards of the primary header that are in :data:`CARDS`."""
    obsid: int | None
    """None if the file has none (DR1, DR2) or one that is not positive (DR3)."""
    offset: bool
    """Whether the fibre was offset from the star."""
    wavelength: np.ndarray
    """float64, ascending; Angstrom, vacuum, heliocentric, not shifted to rest."""
    flux: np.ndarray
    """float64; relative, not absolute."""
    ivar: np.ndarray
    """float64; inverse variance of the flux, 0 where there are no data."""
    andmask: np.ndarray
    """int32; not 0 where a pixel is bad in all exposures."""
    ormask: np.ndarray
    """int32; not 0 where a pixel is bad in at least one exposure."""

    @property
    def redshift(self) -> float | None:
        """The pipeline's redshift; None if it gives none."""
        redshift = self.header.get("Z")
        if not isinstance(redshift, (int, float)) or redshift in MISSING_NUMBERS:
            return None
        return float(redshift)


def read_spectrum(path: Path) -> Spectrum:
    """Read a low-resolution spectrum, gzipped or not, of any release.

    Raises:
        SpectrumRefusedError: the file cannot be read, does not have one of LAMOST's low-resolution
            layouts, or its wavelengths are not ascending; see its ``reason``.
    """
    try:
        data = read_bytes(path)
        header, start = primary_header(data, path, CARDS)
    except FileError as error:
        raise SpectrumRefusedError(
            error.reason, path, error.field, error.found, error.remedy
        ) from error
    try:
        rows = _rows(data, header, start)
        if rows is None:
            rows = _rows_by_astropy(data, path)
        return _spectrum(path, header, rows)
    except SpectrumRefusedError:
        raise
    except Exception as error:  # astropy raises errors of any kind on damaged bytes
        raise SpectrumRefusedError(
            "damaged_fits", path, "file", f"not readable as FITS ({error})", "fetch it again"
        ) from error


def _rows(data: bytes, header: fits.Header, start: int) -> tuple[np.ndarray, ...] | None:
    """The rows FLUX to ORMASK by the fast method, or None if it cannot read the file."""
    if "BSCALE" in header or "BZERO" in header:
        return None
    if data.startswith(b"XTENSION", start):
        row_type = _row_type(data[start : start + BLOCK])
        if row_type is None or len(data) < start + BLOCK + row_type.itemsize:
            return None
        row = np.frombuffer(data, row_type, 1, start + BLOCK)[0]
        return tuple(row[name] for name in COLUMNS)
    shape = header.get("NAXIS2"), header.get("NAXIS1")
    if header["NAXIS"] != 2 or shape[0] != 5 or _is_sdss(header):
        return None
    dtype = np.dtype(fits.BITPIX2DTYPE[header["BITPIX"]]).newbyteorder(">")
    if len(data) < start + dtype.itemsize * shape[0] * shape[1]:
        return None
    image = np.frombuffer(data, dtype, shape[0] * shape[1], start).reshape(shape)
    return _image_rows(image, header)


def _image_rows(image: np.ndarray, header: fits.Header) -> tuple[np.ndarray, ...]:
    """The rows of an image; if the third is not the wavelength (DR1), it is from the header."""
    flux, ivar, wavelength, andmask, ormask = image
    coefficients = header.get("COEFF0"), header.get("COEFF1")
    is_wavelength = wavelength[0] > SHORTEST_WAVELENGTH and _ascends(wavelength)
    if None not in coefficients and not is_wavelength:
        wavelength = 10 ** (coefficients[0] + coefficients[1] * np.arange(wavelength.size))
    return flux, ivar, wavelength, andmask, ormask


@lru_cache(maxsize=256)  # in practice, one for each number of pixels
def _row_type(block: bytes) -> np.dtype | None:
    """The dtype of a usual one-row table whose header is ``block``; None for all others."""
    cards = [block[i : i + CARD] for i in range(0, len(block), CARD)]
    if not block.startswith(b"XTENSION= 'BINTABLE'") or b"END".ljust(CARD) not in cards:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy warns of missing data, which are not needed here
        hdu = fits.BinTableHDU.fromstring(block)
    row_type = hdu.columns.dtype.newbyteorder(">")
    fields = [row_type.fields.get(name, (np.dtype("V"),))[0] for name in COLUMNS]
    floats = all(field.base.kind == "f" and field.shape == fields[0].shape for field in fields)
    scaled = any(key.startswith(("TSCAL", "TZERO", "TNULL")) for key in hdu.header)
    usual = hdu.header["NAXIS2"] == 1 and hdu.header["PCOUNT"] == 0 and not scaled
    return row_type if usual and floats and len(fields[0].shape) == 1 else None


def _rows_by_astropy(data: bytes, path: Path) -> tuple[np.ndarray, ...]:
    """The rows FLUX to ORMASK by :func:`astropy.io.fits.open`.

    Raises:
        SpectrumRefusedError: the file is not a LAMOST low-resolution spectrum.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SpectrumRefusedError reports what astropy warns of
        with fits.open(io.BytesIO(data)) as hdus:
            _refuse_other_spectra(hdus, path)
            if hdus[0].header["NAXIS"]:
                if hdus[0].shape[:-1] != (5,):
                    found = f"an image of shape {hdus[0].shape}, not (5, pixels)"
                    raise _refused("unknown_layout", path, "primary HDU", found)
                return _image_rows(hdus[0].data, hdus[0].header)
            if len(hdus) < 2:
                raise _refused("missing_hdu", path, "HDU 1", "missing, and HDU 0 has no data")
            names = getattr(hdus[1], "columns", fits.ColDefs([])).names
            lacking = [name for name in COLUMNS if name not in names]
            if lacking or hdus[1].header["NAXIS2"] != 1:
                found = f"{hdus[1].header['NAXIS2']} rows, not 1; lacks {lacking or 'no column'}"
                raise _refused("unknown_layout", path, f"HDU 1 {hdus[1].name}", found)
            return tuple(np.array(hdus[1].data[name][0]) for name in COLUMNS)


def _is_sdss(header: fits.Header) -> bool:
    return str(header.get("TELESCOP", "")).startswith("SDSS")


def _refuse_other_spectra(hdus: fits.HDUList, path: Path) -> None:
    arms = [hdu.name for hdu in hdus if re.fullmatch(r"COADD_[BR]|[BR]-\d+", hdu.name)]
    if arms:
        found = f"a LAMOST medium-resolution (MRS) file, with extension {arms[0]}"
        raise _refused("mrs_file", path, "file", found)
    tables = [hdu.columns.names for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
    if any("loglam" in map(str.lower, names) for names in tables) or _is_sdss(hdus[0].header):
        raise _refused("sdss_file", path, "file", "an SDSS spectrum")


def _refused(reason: str, path: Path, field: str, found: str) -> SpectrumRefusedError:
    remedy = "give a LAMOST low-resolution spectrum"
    return SpectrumRefusedError(reason, path, field, found, remedy)


def _spectrum(path: Path, header: fits.Header, rows: tuple[np.ndarray, ...]) -> Spectrum:
    flux, ivar, wavelength, *masks = np.array(rows, dtype=float)
    if not (wavelength[0] > 0 and np.isfinite(wavelength[-1]) and _ascends(wavelength)):
        found = f"not ascending or not finite ({wavelength[0]:g} to {wavelength[-1]:g} Angstrom)"
        raise _refused("bad_wavelength", path, "wavelength", found)
    return Spectrum(
        path=str(path),
        obsid=_obsid(header),
        header=header,
        offset=header.get("OFFSET") is True,
        wavelength=wavelength,
        flux=flux,
        ivar=ivar,
        andmask=_integers(masks[0]),
        ormask=_integers(masks[1]),
    )


def _ascends(wavelength: np.ndarray) -> bool:
    return bool(np.all(wavelength[1:] > wavelength[:-1]))


def _integers(mask: np.ndarray) -> np.ndarray:
    """A mask, stored as floats, as int32; a value that is no 32-bit integer counts as set."""
    integers = np.abs(mask) < 2**31
    return mask.astype(np.int32) if integers.all() else np.where(integers, mask, 1).astype(np.int32)


def _obsid(header: fits.Header) -> int | None:
    try:
        obsid = int(header["OBSID"])
    except (KeyError, TypeError, ValueError):
        return None
    return obsid if obsid > 0 else None
