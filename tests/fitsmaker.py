"""Writes LAMOST low-resolution files as the survey does: same cards, same layouts, full length.

There are three layouts (docs/survey_files.md): :func:`coadd_file` (DR9 and later),
:func:`image_file` (DR2 to DR8) and :func:`dr1_file` (row 2 is not the wavelength). The bytes are
not written by astropy, which would correct irregular cards of the survey (NAXIS1 and NAXIS2
although NAXIS = 0).
"""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits

PIXELS = 3909
COEFF0, COEFF1 = 3.5682, 1e-4
BLOCK = 2880

#: (vacuum wavelength in Angstrom, sigma in Angstrom, depth at the best temperature,
#:  that temperature in K, its width in K, power of 10**feh in the depth)
LINES = (
    (3889.1, 7.0, 0.55, 9000, 1800, 0.0),  # H8
    (3971.2, 8.0, 0.60, 9000, 1800, 0.0),  # H epsilon
    (4102.9, 9.0, 0.60, 9000, 1800, 0.0),  # H delta
    (4341.7, 9.0, 0.60, 9000, 1800, 0.0),  # H gamma
    (4862.7, 9.0, 0.60, 9000, 1800, 0.0),  # H beta
    (6564.6, 8.0, 0.50, 9000, 2000, 0.0),  # H alpha
    (3934.8, 6.0, 0.75, 4500, 1500, 0.3),  # Ca II K
    (3969.6, 6.0, 0.70, 4500, 1500, 0.3),  # Ca II H
    (4227.9, 3.0, 0.50, 4000, 1000, 0.4),  # Ca I
    (4305.6, 8.0, 0.35, 5000, 900, 0.4),  # G band
    (4384.8, 2.5, 0.35, 4800, 1300, 0.4),  # Fe I
    (5173.9, 5.0, 0.45, 4300, 1200, 0.4),  # Mg b
    (5270.8, 3.0, 0.35, 4600, 1300, 0.4),  # Fe I
    (5894.6, 4.0, 0.45, 4000, 1000, 0.4),  # Na D
    (8544.4, 3.0, 0.45, 5000, 2000, 0.2),  # Ca II triplet
    (8664.5, 3.0, 0.40, 5000, 2000, 0.2),
    (6200.0, 60.0, 0.40, 3000, 500, 0.2),  # TiO
    (7100.0, 60.0, 0.50, 3000, 500, 0.2),
    (7600.0, 70.0, 0.40, 3000, 500, 0.2),
)


def wavelengths(pixels: int = PIXELS) -> np.ndarray:
    """The survey's log-linear vacuum wavelengths [pixels], beginning at 3699.99 Angstrom."""
    return 10 ** (COEFF0 + COEFF1 * np.arange(pixels))


def stellar_flux(
    wavelength: np.ndarray, teff: float = 5800.0, logg: float = 4.4, feh: float = 0.0
) -> np.ndarray:
    """A simple stellar spectrum: a black body times Gaussian lines, with a median of 1000.

    Hydrogen lines are strongest at 9000 K and wider in dwarfs; metal lines grow with ``feh``.
    """
    curve = wavelength**-5 / np.expm1(1.4388e8 / (wavelength * teff))
    for centre, sigma, depth, best, width, power in LINES:
        sigma = sigma * (0.8 + 0.05 * logg)
        strength = depth * np.exp(-0.5 * ((teff - best) / width) ** 2) * 10 ** (power * feh)
        offset = (wavelength - centre) / sigma
        curve = curve * (1 - min(strength, 0.95) * np.exp(-0.5 * offset**2))
    return 1000 * curve / np.median(curve)


def file_name(lmjd: int, planid: str, spid: int, fiberid: int) -> str:
    """The survey's name of a spectrum."""
    return f"spec-{lmjd}-{planid}_sp{spid:02d}-{fiberid:03d}.fits.gz"


def coadd_file(path: Path, **star: object) -> Path:
    """Write the layout of DR9 and later: an empty primary HDU and a one-row table COADD.

    ``star`` are arguments of :func:`_star`, and ``norm``: 0 sets the normalised spectrum to zero,
    as in the survey's files whose normalisation failed.
    """
    norm = star.pop("norm", 1)
    header, rows = _star(path, release="LAMOST DR10", **star)
    pixels = rows.shape[1]
    cards = [("BITPIX", 16), ("NAXIS", 0), ("NAXIS1", pixels), ("NAXIS2", 5), ("EXTEND", True)]
    header = fits.Header([("SIMPLE", True), *cards, ("NORM", norm), *header.items()])
    names = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK", "NORMALIZATION")
    arrays = (*rows, rows[0] / 1000 if norm else np.zeros(pixels))
    columns = [fits.Column(name, f"{pixels}E") for name in names]
    table = fits.BinTableHDU.from_columns(columns, nrows=1, name="COADD")
    body = _padded(np.concatenate(arrays).astype(">f4").tobytes())
    return write_bytes(path, _header_bytes(header) + _header_bytes(table.header) + body)


def image_file(path: Path, *, dtype: str = "f4", **star: object) -> Path:
    """Write the layout of DR2 (dtype f8) to DR8 (f4): one image whose row 2 is the wavelength."""
    header, rows = _star(path, release="LAMOST DR7", **star)
    return _image(path, header, rows, dtype)


def dr1_file(path: Path, **star: object) -> Path:
    """Write DR1's layout: row 2 is continuum-subtracted flux; neither OBSID nor DATA_V."""
    header, rows = _star(path, release=None, **star)
    del header["OBSID"], header["OFFSET"]
    for band in "UGRIZ":
        header.rename_keyword(f"SNR{band}", f"SN_{band}")
    rows[2] = rows[0] - np.median(rows[0])
    return _image(path, header, rows, "f4")


def write_bytes(path: Path, data: bytes) -> Path:
    """Write ``data`` into a new folder if need be, gzipped if the name ends in ``.gz``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 1, mtime=0) if path.suffix == ".gz" else data)
    return path


def _star(
    path: Path,
    *,
    release: str | None,
    obsid: int | None = 353301001,
    lmjd: int = 57278,
    planid: str = "EG224429N215706B01",
    spid: int = 1,
    fiberid: int | str = 1,
    ra: float = 341.064566,
    dec: float = 19.566591,
    kind: str = "STAR",
    subclass: str = "G2",
    z: float = 0.0,
    snr: float | None = 50.0,
    offset: bool = False,
    teff: float = 5800.0,
    logg: float = 4.4,
    feh: float = 0.0,
    pixels: int = PIXELS,
    flux: np.ndarray | None = None,
    masked: Sequence[int] | np.ndarray = (),
    mask_value: int = 1,
    zero_ivar: Sequence[int] | np.ndarray = (),
    cards: Mapping[str, object] | None = None,
) -> tuple[fits.Header, np.ndarray]:
    """Header cards and the rows FLUX, IVAR, WAVELENGTH, ANDMASK, ORMASK [5, pixels] of one star.

    The default ``flux`` is :func:`stellar_flux` of teff, logg, feh, shifted by z, with noise at
    ``snr`` (none if None). ``masked`` pixels have ORMASK = mask_value, IVAR = 0, and a spike
    instead of their flux, so that tests detect a reader that uses them. ``zero_ivar`` pixels have
    IVAR = 0 and FLUX = 0 but no mask. ``cards`` replace the cards here or are added to them.
    """
    wavelength = wavelengths(pixels)
    if flux is None:
        flux = stellar_flux(wavelength / (1 + z), teff, logg, feh)
        if snr is not None:
            flux = flux + np.random.default_rng(obsid or 0).normal(0, flux / snr)
        flux[list(masked)] = 5 * flux.max()
    flux = np.array(flux, dtype=float)
    ivar = np.full(pixels, ((snr or 1000.0) / 1000.0) ** 2)
    ormask = np.zeros(pixels)
    ormask[list(masked)] = mask_value
    ivar[list(masked)] = 0
    ivar[list(zero_ivar)] = 0
    flux[list(zero_ivar)] = 0
    rows = np.stack([flux, ivar, wavelength, np.zeros(pixels), ormask])
    noise = 0.0 if snr is None else snr
    values = {
        "FILENAME": path.name.removesuffix(".gz"),
        "OBSID": obsid,
        "AUTHOR": "LAMOST Pipeline",
        "DATA_V": release,
        "EXTEN0": "Flux, Inverse, Wavelength, Andmask, Ormask",
        "ORIGIN": "NAOC-LAMOST",
        "DATE": "2024-07-26T06:42:49",
        "TELESCOP": "LAMOST",
        "LONGITUD": 117.58,
        "LATITUDE": 40.39,
        "DATE-OBS": "2015-09-12T15:45:58.40",
        "LMJD": lmjd,
        "MJD": lmjd - 1,
        "PLANID": planid,
        "RA": ra,
        "DEC": dec,
        "RA_OBS": ra,
        "DEC_OBS": dec,
        "OFFSET": offset,
        "OFFSET_V": 2.0 if offset else 0.0,
        "DESIG": "LAMOST J224415.49+193359.7",
        "FIBERID": fiberid,
        "OBJTYPE": "Star",
        "FIB_TYPE": "Obj",
        "FIB_MASK": 0,
        "MAG_PS_G": -999.0,
        "MAG_PS_I": 18.16,
        "RADECSYS": "FK5",
        "EQUINOX": 2000.0,
        "SPID": spid,
        "HELIO": True,
        "HELIO_RV": -0.14804,
        "VACUUM": True,
        "NWORDER": 2,
        "WFITTYPE": "LOG-LINEAR",
        "COEFF0": COEFF0,
        "COEFF1": COEFF1,
        "CRVAL1": COEFF0,
        "CD1_1": COEFF1,
        "CRPIX1": 1,
        "CTYPE1": "LINEAR",
        "DC-FLAG": 1,
        "VERSPIPE": "v2.9.8",
        "CLASS": kind,
        "SUBCLASS": subclass,
        "Z": z,
        "Z_ERR": 2e-5,
        "ZFLAG": "LASP",
        "SNRU": 0.3 * noise,
        "SNRG": noise,
        "SNRR": 1.5 * noise,
        "SNRI": 2 * noise,
        "SNRZ": 1.2 * noise,
    } | dict(cards or {})
    return fits.Header([(key, value) for key, value in values.items() if value is not None]), rows


def _image(path: Path, header: fits.Header, rows: np.ndarray, dtype: str) -> Path:
    bits = -8 * np.dtype(dtype).itemsize
    cards = [("BITPIX", bits), ("NAXIS", 2), ("NAXIS1", rows.shape[1]), ("NAXIS2", 5)]
    header = fits.Header([("SIMPLE", True), *cards, ("EXTEND", True), *header.items()])
    body = _padded(rows.astype(">" + dtype).tobytes())
    return write_bytes(path, _header_bytes(header) + body)


def _header_bytes(header: fits.Header) -> bytes:
    return header.tostring().encode("ascii")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)
