"""Readers of spectra of one's own: LAMOST's files, and tables with wavelength and flux."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

from spectralm.errors import InputError
from spectralm.spectra.options import SpectraOptions
from spectralm.spectra.reader import Spectrum, read_spectrum
from spectralm.spectra.refusals import SpectrumRefusedError

#: Names of columns, in lower case; the first that is there is taken.
WAVELENGTH = ("wavelength", "wave", "lambda", "lam", "wl", "loglam")
FLUX = ("flux", "flux_density", "flam", "f_lambda", "spec", "counts")
IVAR = ("ivar", "flux_ivar", "invvar")
ERROR = ("error", "err", "flux_error", "flux_err", "e_flux", "uncertainty", "sigma", "noise")
MASK = ("ormask", "or_mask", "mask")

#: SDSS writes log10 of the wavelength in Angstrom.
LOGARITHMIC = "loglam"

#: The band r, in Angstrom, in which the signal-to-noise ratio is taken.
BAND_R = (5500.0, 7000.0)

#: Refusals of LAMOST's reader after which a file may still be a table.
NOT_LAMOST = {"not_fits", "unknown_layout", "missing_hdu", "sdss_file"}

#: Formats that astropy does not tell by the name.
FORMATS = {".txt": "ascii", ".dat": "ascii"}


class Medium(StrEnum):
    """What a file's wavelengths were measured in."""

    AIR = "air"
    VACUUM = "vacuum"


@dataclass(frozen=True)
class Origin:
    """What a file does not tell of itself."""

    medium: Medium | None = None
    unit: str | None = None
    """Of the wavelength; wins over the file's own."""


def read_own(path: Path, origin: Origin) -> Spectrum:
    """The spectrum of a LAMOST low-resolution file, or of a table (FITS, CSV, ECSV, text, ...).

    A table has columns of wavelength (or ``loglam``) and flux and may have ``ivar`` or ``error``
    and ``mask`` (not 0 where a pixel is bad); it is a row per pixel, or one row of arrays.

    Raises:
        InputError: the file cannot be read, or lacks something that ``origin`` does not tell.
    """
    try:
        return read_spectrum(path)
    except SpectrumRefusedError as error:
        if error.reason not in NOT_LAMOST:
            raise
    return _spectrum(path, _table(path), origin)


def air_to_vacuum(wavelength: np.ndarray) -> np.ndarray:
    """Wavelengths in vacuum of those in standard air, in Angstrom; above 2000 Angstrom.

    The refractive index is the IAU's standard, Morton 2000 (ApJS 130, 403), equation 8, a function
    of the wavelength in vacuum, which three rounds find to 1e-9. Not specutils' default (Greisen et
    al. 2006): its air is at 0 degrees, and H alpha lies 0.09 Angstrom off.
    """
    vacuum = wavelength
    for _ in range(3):
        square = (1e4 / vacuum) ** 2
        index = 1 + 8.34254e-5 + 2.406147e-2 / (130 - square) + 1.5998e-4 / (38.9 - square)
        vacuum = wavelength * index
    return vacuum


def signal_to_noise(spectrum: Spectrum) -> float | None:
    """In r: LAMOST's (card SNRR), else the median of flux over its error; None without either."""
    told = spectrum.header.get("SNRR")
    if isinstance(told, (int, float)) and told > 0:
        return float(told)
    ratio = spectrum.flux * np.sqrt(np.maximum(spectrum.ivar, 0))
    good = (spectrum.ormask == 0) & np.isfinite(ratio) & (spectrum.ivar > 0)
    in_r = good & (spectrum.wavelength > BAND_R[0]) & (spectrum.wavelength < BAND_R[1])
    chosen = ratio[in_r if in_r.any() else good]
    return float(np.median(chosen)) if chosen.size else None


def check(spectrum: Spectrum, options: SpectraOptions) -> None:
    """Raise InputError if a spectrum has no flux, or is elsewhere than the grid."""
    if not np.isfinite(spectrum.flux).any():
        found = f"none of {spectrum.flux.size} values is a finite number"
        raise InputError(spectrum.path, "flux", found, "look at how the file was written")
    first, last = spectrum.wavelength[[0, -1]]
    if first > options.stop or last < options.start:
        found = (
            f"{first:g} to {last:g} Angstrom, but the model reads {options.start:g} to "
            f"{options.stop:g}"
        )
        raise InputError(spectrum.path, "wavelength", found, _unit_hint(first, last, options))


def _unit_hint(first: float, last: float, options: SpectraOptions) -> str:
    for unit, factor in (("nm", 10.0), ("um", 1e4)):
        if first * factor < options.stop and last * factor > options.start:
            return f"if they are in {unit}, give --unit {unit}"
    return "give a spectrum of these wavelengths, or their unit with --unit"


def _table(path: Path) -> Table:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a second table, and of units astropy cannot read
            return Table.read(path, format=FORMATS.get(path.suffix.lower()))
    except Exception as error:  # astropy raises whatever it meets
        told = " ".join(str(error).split())[:200]
        raise InputError(
            path,
            "file",
            f"neither a LAMOST low-resolution spectrum nor a table that astropy reads ({told})",
            "give FITS, ECSV or CSV with columns wavelength and flux",
        ) from error


def _spectrum(path: Path, table: Table, origin: Origin) -> Spectrum:
    wavelength = _wavelength(path, table, origin)
    flux = _values(table, _needed(path, table, "flux", FLUX))
    ivar, error, mask = (_found(table, names) for names in (IVAR, ERROR, MASK))
    if ivar:
        weight = _values(table, ivar)
    elif error:
        with np.errstate(divide="ignore"):
            weight = _values(table, error) ** -2.0
    else:
        weight = np.full(flux.size, np.nan)
    bad = np.nan_to_num(_values(table, mask), nan=1.0) != 0 if mask else np.zeros(flux.size, bool)
    order = np.argsort(wavelength)
    order = order[np.isfinite(wavelength[order])]
    if order.size < 2 or np.any(np.diff(wavelength[order]) <= 0) or wavelength[order[0]] <= 0:
        found = f"{order.size} finite values, which are not positive or repeat"
        raise InputError(path, "wavelength", found, "give each pixel a wavelength of its own")
    return Spectrum(
        path=str(path),
        header=fits.Header(),
        obsid=None,
        offset=False,
        wavelength=wavelength[order],
        flux=flux[order],
        ivar=np.where(np.isfinite(weight), weight, 0.0)[order] if ivar or error else weight,
        andmask=np.zeros(order.size, np.int32),
        ormask=bad[order].astype(np.int32),
    )


def _wavelength(path: Path, table: Table, origin: Origin) -> np.ndarray:
    """Vacuum Angstrom, as the rows stand."""
    name = _needed(path, table, "wavelength", WAVELENGTH)
    values, unit = _values(table, name), origin.unit or table[name].unit
    if name.lower() == LOGARITHMIC:
        values, unit = 10**values, origin.unit or u.AA
    if unit is None:
        found = f"column {name} has no unit ({values.min():g} to {values.max():g})"
        raise InputError(path, "wavelength", found, "give --unit, such as --unit Angstrom or nm")
    if origin.medium is None:
        raise InputError(
            path,
            "wavelength",
            "not told whether measured in air or in vacuum",
            "give --medium vacuum (as LAMOST, SDSS, DESI) or --medium air (as GALAH, Gaia-ESO, "
            "ELODIE, MILES); they differ by 1.8 Angstrom at H alpha",
        )
    try:
        values = u.Quantity(values, unit).to_value(u.AA, u.spectral())
    except (u.UnitsError, ValueError, TypeError) as error:
        found = f"unit {str(unit)!r} is none of wavelength, frequency or wavenumber"
        raise InputError(path, "wavelength", found, "give --unit, such as Angstrom") from error
    return air_to_vacuum(values) if origin.medium is Medium.AIR else values


def _values(table: Table, name: str) -> np.ndarray:
    return np.ma.filled(np.ma.asarray(table[name]).astype(float), np.nan).ravel()


def _found(table: Table, names: Iterable[str]) -> str | None:
    there = {name.lower(): name for name in table.colnames}
    return next((there[name] for name in names if name in there), None)


def _needed(path: Path, table: Table, field: str, names: tuple[str, ...]) -> str:
    name = _found(table, names)
    if name is None:
        found = f"no such column among {', '.join(table.colnames)[:200]}"
        raise InputError(path, field, found, f"name it {' or '.join(names[:2])}")
    return name
