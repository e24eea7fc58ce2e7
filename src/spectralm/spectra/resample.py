"""Masks, normalises, resamples and rounds the flux of a spectrum (paper II)."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from spectralm.spectra.flags import (
    ABOVE_ONE,
    BLUE_EDGE,
    CLIPPED,
    HOLE,
    LONG_GAP,
    NEGATIVE,
    NO_OBSID,
    OFFSET_FIBRE,
    RED_EDGE,
)
from spectralm.spectra.options import Mask, SpectraOptions
from spectralm.spectra.reader import Spectrum
from spectralm.spectra.refusals import SpectrumRefusedError
from spectralm.spectra.spline import cubic_spline

LARGEST = np.iinfo(np.int16).max


@dataclass(frozen=True)
class Resampled:
    """A spectrum on the grid."""

    flux: np.ndarray
    """int16 [grid], thousandths of the normalised flux."""
    flags: int
    """Bits of :data:`spectralm.spectra.flags.FLAGS`."""
    masked: np.ndarray
    """bool [grid]: grid points on masked pixels, or beyond the first and last good pixel."""

    @property
    def masked_fraction(self) -> float:
        """Fraction of the grid that is masked."""
        return float(self.masked.mean())


def resample(
    spectrum: Spectrum, options: SpectraOptions, redshift: float | None = None
) -> Resampled:
    """Mask, normalise and resample one spectrum.

    Without a long gap, the flux is that of ``scipy.interpolate.interp1d(kind="cubic")`` through the
    good pixels, divided by their maximum and rounded to three decimals. As the maximum is that of
    all pixels of the file, the largest value on the grid may differ from 1.000; with
    ``normalise="grid"`` it is 1.000.

    Args:
        spectrum: as read from its file.
        options: of mask, normalisation and grid.
        redshift: from the catalogue; used with ``rest_frame`` only.

    Raises:
        SpectrumRefusedError: no pixel is good, too little of the grid is covered, no flux is
            positive, or the redshift is needed and missing.
    """
    grid = options.grid
    wavelength = _frame(spectrum, options, redshift)
    good = np.flatnonzero(good_pixels(spectrum, options.mask))
    masked = masked_points(wavelength, good, grid)
    if masked.mean() > options.largest_masked_fraction or not good.size:
        reason = "too_much_masked" if good.size else "all_masked"
        missed = f"they miss {masked.mean():.1%} of the grid"
        found = f"{good.size} of {wavelength.size} pixels good; {missed}"
        raise _refused(reason, spectrum, "ORMASK", found)
    gaps = np.flatnonzero(good[1:] - good[:-1] > options.longest_cubic_gap + 1)
    wavelength, flux = wavelength[good], spectrum.flux[good]
    flux = flux / _maximum(flux, spectrum)
    values = interpolate(wavelength, flux, grid, gaps)
    lowest, highest = -LARGEST, LARGEST
    if options.normalise != "spectrum":
        values /= _maximum(values, spectrum)
    if options.normalise == "continuum":
        values /= 2 * running_mean(values, options)
        lowest, highest = 0, 999
    flux, clipped = to_thousandths(values, lowest, highest)
    flags = _flags(spectrum, good, wavelength, gaps, grid, flux, clipped)
    return Resampled(flux, flags, masked)


def good_pixels(spectrum: Spectrum, mask: Mask) -> np.ndarray:
    """Which pixels are used, bool [pixels]; pixels without a finite flux never are.

    The paper masks pixels with ORMASK = 1. We mask all with ORMASK other than 0: 1 % of the flagged
    pixels have other values, and in DR3 all have (docs/survey_files.md).
    """
    good = (spectrum.ormask == 0) & np.isfinite(spectrum.flux)
    return good & (spectrum.ivar > 0) if mask == "ormask+ivar" else good


def masked_points(wavelength: np.ndarray, good: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Which grid points have a masked nearest pixel or are outside the good pixels; bool [grid].

    Args:
        wavelength: of all pixels, Angstrom [pixels].
        good: indices of the good pixels, ascending.
        grid: wavelengths, Angstrom, ascending.
    """
    masked = np.ones(grid.size, dtype=bool)
    if not good.size:
        return masked
    gaps = np.flatnonzero(good[1:] - good[:-1] > 1)
    left, right = good[gaps], good[gaps + 1]
    blue = (wavelength[left] + wavelength[left + 1]) / 2
    red = (wavelength[right - 1] + wavelength[right]) / 2
    inside = slice(
        np.searchsorted(grid, wavelength[good[0]]),
        np.searchsorted(grid, wavelength[good[-1]], "right"),
    )
    masked[inside] = False
    for start, stop in zip(np.searchsorted(grid, blue), np.searchsorted(grid, red), strict=True):
        masked[start:stop] = True
    return masked


def interpolate(
    wavelength: np.ndarray, flux: np.ndarray, grid: np.ndarray, gaps: np.ndarray
) -> np.ndarray:
    """Flux on the grid [grid]: splines between gaps, straight lines across them, constant ends.

    Each segment between two gaps has its own spline (cubic, not-a-knot). A single spline would
    oscillate over about five pixels on both sides of a gap, as it is not constrained within it. A
    spline through points on the straight line would oscillate at its ends, and match neither the
    line nor the segment exactly. With separate splines, a segment depends only on its own pixels,
    and the result is continuous, as segments end at pixels. Segments of three, two and one pixels
    become a parabola, a line and a point.

    Args:
        wavelength: of the good pixels [good], ascending.
        flux: of the good pixels [good].
        grid: wavelengths, Angstrom, ascending.
        gaps: indices i such that a gap is between good pixels i and i + 1.
    """
    values = np.empty_like(grid)
    outside = np.ones(grid.size, dtype=bool)
    for first, last in zip([0, *(gaps + 1)], [*gaps, wavelength.size - 1], strict=True):
        inside = slice(
            np.searchsorted(grid, wavelength[first]),
            np.searchsorted(grid, wavelength[last], "right"),
        )
        if first < last and inside.start < inside.stop:
            segment = slice(first, last + 1)
            values[inside] = cubic_spline(wavelength[segment], flux[segment])(grid[inside])
            outside[inside] = False
    values[outside] = np.interp(grid[outside], wavelength, flux)
    return values


def running_mean(values: np.ndarray, options: SpectraOptions) -> np.ndarray:
    """Mean of the values within half a ``continuum_width`` [grid]; end values are repeated outside.

    It is at least a thousandth of the highest value, as noise is not a spectral line.
    """
    pixels = 2 * round(options.continuum_width / options.step / 2) + 1
    return np.maximum(uniform_filter1d(values, pixels, mode="nearest"), values.max() / 1000)


def to_thousandths(values: np.ndarray, lowest: int, highest: int) -> tuple[np.ndarray, bool]:
    """Flux [grid] rounded to int16 thousandths within limits, and whether any value was clipped."""
    rounded = np.rint(values * 1000)
    thousandths = np.clip(rounded, lowest, highest).astype(np.int16)
    return thousandths, bool(np.any(thousandths != rounded))


def _frame(spectrum: Spectrum, options: SpectraOptions, redshift: float | None) -> np.ndarray:
    if not options.rest_frame:
        return spectrum.wavelength
    if redshift is None:
        raise SpectrumRefusedError(
            "no_redshift", spectrum.path, "z", "missing", "turn rest_frame off or cut such rows"
        )
    return spectrum.wavelength / (1 + redshift)


def _flags(
    spectrum: Spectrum,
    good: np.ndarray,
    wavelength: np.ndarray,
    gaps: np.ndarray,
    grid: np.ndarray,
    flux: np.ndarray,
    clipped: bool,
) -> int:
    after = np.searchsorted(grid, wavelength[gaps], "right")
    before = np.searchsorted(grid, wavelength[gaps + 1])
    empty = np.flatnonzero(spectrum.flux[good] == 0)
    holes = wavelength[empty[spectrum.ivar[good[empty]] <= 0]]
    conditions = (
        (LONG_GAP, np.any(after < before)),
        (BLUE_EDGE, grid[0] < wavelength[0]),
        (RED_EDGE, grid[-1] > wavelength[-1]),
        (ABOVE_ONE, np.any(flux > 1000)),
        (NEGATIVE, np.any(flux < 0)),
        (CLIPPED, clipped),
        (OFFSET_FIBRE, spectrum.offset),
        (NO_OBSID, spectrum.obsid is None),
        (HOLE, np.any((holes >= grid[0]) & (holes <= grid[-1]))),
    )
    return sum(flag.value for flag, is_set in conditions if is_set)


def _maximum(flux: np.ndarray, spectrum: Spectrum) -> float:
    highest, lowest = flux.max(), flux.min()
    # A maximum below a millionth of the lowest pixel is noise, and the division may overflow.
    if highest <= 1e-6 * -lowest or highest <= 0:
        found = f"the highest good pixel is {highest:g}, the lowest {lowest:g}"
        raise _refused("no_positive_flux", spectrum, "FLUX", found)
    return highest


def _refused(reason: str, spectrum: Spectrum, field: str, found: str) -> SpectrumRefusedError:
    return SpectrumRefusedError(reason, spectrum.path, field, found, "leave this spectrum out")
