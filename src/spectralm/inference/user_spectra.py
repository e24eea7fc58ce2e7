"""Readers of a user's own spectra: LAMOST files, and tables with wavelength and flux."""

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

#: Names of columns, in lower case; the first that exists is used.
WAVELENGTH = ("wavelength", "wave", "lambda", "lam", "wl", "loglam")
FLUX = ("flux", "flux_density", "flam", "f_lambda", "spec", "counts")
IVAR = ("ivar", "flux_ivar", "invvar")
ERROR = ("error", "err", "flux_error", "flux_err", "e_flux", "uncertainty", "sigma", "noise")
MASK = ("ormask", "or_mask", "mask")

#: SDSS writes log10 of the wavelength in Angstrom.
LOGARITHMIC = "loglam"

#: Limits of the band r, in Angstrom, for the signal-to-noise ratio.
BAND_R = (5500.0, 7000.0)

#: If LAMOST's reader refuses a file for one of these reasons, it may be a table.
NOT_LAMOST = {"not_fits", "unknown_layout", "missing_hdu", "sdss_file"}

#: Formats that astropy does not recognise by the suffix.
FORMATS = {".txt": "ascii", ".dat": "ascii"}


class Medium(StrEnum):
    """The medium in which wavelengths were measured."""

    AIR = "air"
    VACUUM = "vacuum"


@dataclass(frozen=True)
class WavelengthScale:
    """Medium and unit of the wavelengths of a table."""

    medium: Medium | None = None
    unit: str | None = None
    """Used instead of the unit in the file."""


def read_user_spectrum(path: Path, scale: WavelengthScale) -> Spectrum:
    """The spectrum in a LAMOST low-resolution file, or in a table (FITS, CSV, ECSV, text, ...).

    A table has columns of wavelength (or ``loglam``) and flux and may have ``ivar`` or ``error``
    and ``mask`` (not 0 if a pixel is bad). It has a row per pixel, or one row of arrays.

    Args:
        path: The file.
        scale: Medium and unit of the wavelengths, for tables.

    Raises:
        InputError: The file cannot be read, or medium or unit are not known.
    """
    try:
        return read_spectrum(path)
    except SpectrumRefusedError as error:
        if error.reason not in NOT_LAMOST:
            raise
    return _spectrum(path, _table(path), scale)


def air_to_vacuum(wavelength: np.ndarray) -> np.ndarray:
    """Convert wavelengths above 2000 Angstrom from standard air to vacuum, in Angstrom.

    The refractive index is the IAU standard, Morton 2000 (ApJS 130, 403), equation 8. It is a
    function of the wavelength in vacuum, so it is iterated: three times for a precision of 1e-9.
    The default of specutils (Greisen et al. 2006) is for air at 0 degrees Celsius and would be
    wrong by 0.09 Angstrom at H alpha.
    """
    vacuum = wavelength
    for _ in range(3):
        square = (1e4 / vacuum) ** 2
        index = 1 + 8.34254e-5 + 2.406147e-2 / (130 - square) + 1.5998e-4 / (38.9 - square)
        vacuum = wavelength * index
    return vacuum


def signal_to_noise(spectrum: Spectrum) -> float | None:
    """Signal-to-noise ratio in r: LAMOST's card SNRR, else the median of flux / error.

    None if the file has neither.
    """
    snrr = spectrum.header.get("SNRR")
    if isinstance(snrr, (int, float)) and snrr > 0:
        return float(snrr)
    ratio = spectrum.flux * np.sqrt(np.maximum(spectrum.ivar, 0))
    good = (spectrum.ormask == 0) & np.isfinite(ratio) & (spectrum.ivar > 0)
    in_r = good & (spectrum.wavelength > BAND_R[0]) & (spectrum.wavelength < BAND_R[1])
    ratios = ratio[in_r if in_r.any() else good]
    return float(np.median(ratios)) if ratios.size else None


def check(spectrum: Spectrum, options: SpectraOptions) -> None:
    """Raise InputError if a spectrum has no flux, or none at the wavelengths of the grid."""
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
            warnings.simplefilter("ignore")  # about a second table, and units that are not known
            return Table.read(path, format=FORMATS.get(path.suffix.lower()))
    except Exception as error:  # astropy raises errors of many types
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            path,
            "file",
            f"neither a LAMOST low-resolution spectrum nor a table that astropy reads ({reason})",
            "give FITS, ECSV or CSV with columns wavelength and flux",
        ) from error


def _spectrum(path: Path, table: Table, scale: WavelengthScale) -> Spectrum:
    wavelength = _wavelength(path, table, scale)
    flux = _values(table, _required(path, table, "flux", FLUX))
    ivar, error, mask = (_column(table, names) for names in (IVAR, ERROR, MASK))
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
        found = f"{order.size} finite values, of which some are not positive or repeat"
        raise InputError(path, "wavelength", found, "give each pixel a different wavelength")
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


def _wavelength(path: Path, table: Table, scale: WavelengthScale) -> np.ndarray:
    """Wavelengths in vacuum, in Angstrom, in the order of the rows."""
    name = _required(path, table, "wavelength", WAVELENGTH)
    values, unit = _values(table, name), scale.unit or table[name].unit
    if name.lower() == LOGARITHMIC:
        values, unit = 10**values, scale.unit or u.AA
    if unit is None:
        found = f"column {name} has no unit ({values.min():g} to {values.max():g})"
        raise InputError(path, "wavelength", found, "give --unit, such as --unit Angstrom or nm")
    if scale.medium is None:
        raise InputError(
            path,
            "wavelength",
            "not known whether it is measured in air or in vacuum",
            "give --medium vacuum (as LAMOST, SDSS, DESI) or --medium air (as GALAH, Gaia-ESO, "
            "ELODIE, MILES); they differ by 1.8 Angstrom at H alpha",
        )
    try:
        values = u.Quantity(values, unit).to_value(u.AA, u.spectral())
    except (u.UnitsError, ValueError, TypeError) as error:
        found = f"unit {str(unit)!r} is none of wavelength, frequency or wavenumber"
        raise InputError(path, "wavelength", found, "give --unit, such as Angstrom") from error
    return air_to_vacuum(values) if scale.medium is Medium.AIR else values


def _values(table: Table, name: str) -> np.ndarray:
    return np.ma.filled(np.ma.asarray(table[name]).astype(float), np.nan).ravel()


def _column(table: Table, names: Iterable[str]) -> str | None:
    columns = {name.lower(): name for name in table.colnames}
    return next((columns[name] for name in names if name in columns), None)


def _required(path: Path, table: Table, field: str, names: tuple[str, ...]) -> str:
    name = _column(table, names)
    if name is None:
        found = f"no such column among {', '.join(table.colnames)[:200]}"
        raise InputError(path, field, found, f"name it {' or '.join(names[:2])}")
    return name
