"""Bad pixels and missing ends, with the statistics of real files (docs/survey_files.md)."""

from collections.abc import Callable

import numpy as np

from spectralm.mock.emulator import Array
from spectralm.mock.instrument import PIXELS, WAVELENGTH, Spectra

#: Number of pixels of a file, and the number of real files with it, of 2,830.
PIXEL_COUNTS = {3909: 2279, 3906: 216, 3904: 116, 3908: 94, 3903: 48, 3820: 46, 3902: 16}
#: Files with fewer pixels lack about 185 A at the red end.
ENDS_EARLY = 3899
#: Non-zero values of ORMASK, and their counts in real files.
OR_VALUES = {1: 82365, 2: 901, 3: 19, 4: 7, 6: 1, 8: 1}
#: Lengths of runs of bad pixels, and their counts in real files.
RUN_LENGTHS = {1: 203, 2: 545, 3: 150, 4: 47, 5: 24, 6: 15, 8: 10, 12: 6}
#: Median number of runs per file, and the standard deviation of its natural logarithm.
MEDIAN_FLAGGED_RUNS, MEDIAN_WEIGHTLESS_RUNS, SPREAD = 3.5, 5.5, 1.25
#: Fraction of the files with a long block of dead pixels, and its maximum length.
BLOCKS, LONGEST_BLOCK = 0.01, 675
#: Fraction of flagged runs near the wavelength where the two arms meet.
JOIN = 0.12
#: Fractions of the files with an unflagged cosmic ray, with a hole, with an empty end.
SPIKES, HOLES, ZERO_ENDS = 0.06, 0.15, 0.4


def blemish(flux: Array, ivar: Array, rng: np.random.Generator) -> Spectra:
    """Add bad pixels to clean spectra [n, pixels].

    Flagged pixels (ORMASK) have no weight (IVAR 0) and often no flux. More pixels, most of them in
    the blue, have no weight but no flag. Some files have a hole without flux, weight or flag. A few
    cosmic rays are not flagged. In many files the last pixels have a weight but no flux.
    """
    masks = (np.zeros(flux.shape, np.int16) for _ in range(2))
    spectra = Spectra(flux.copy(), ivar.copy(), *masks)
    for rows in zip(*vars(spectra).values(), strict=True):
        _blemish_one(Spectra(*rows), rng)
    return spectra


def _blemish_one(rows: Spectra, rng: np.random.Generator) -> None:
    _empty_end(rows, rng)
    rate = np.exp(SPREAD * rng.normal())  # of cosmic rays; higher in long and repeated exposures
    for run in _runs(min(rng.poisson(MEDIAN_WEIGHTLESS_RUNS * rate), 150), _blue, rng):
        rows.ivar[run] = 0
    for run in _runs(min(rng.poisson(MEDIAN_FLAGGED_RUNS * rate), 90), _join, rng):
        _flag(rows, run, rng)
    if rng.random() < BLOCKS:
        length = int(rng.integers(100, LONGEST_BLOCK))
        start = int(rng.integers(PIXELS - length))
        _flag(rows, slice(start, start + length), rng, dead=True)
    if rng.random() < HOLES:
        start = int(rng.integers(PIXELS))
        for values in (rows.flux, rows.ivar):
            values[start : start + 2] = 0
    if rng.random() < SPIKES:
        start = int(rng.integers(PIXELS - 3))
        rows.flux[start : start + 2] += rows.flux.max() * rng.gamma(0.5, 2) * np.array([1, 0.5])


def _flag(rows: Spectra, run: slice, rng: np.random.Generator, dead: bool = False) -> None:
    """Flag a run of pixels: a third are bad in all exposures and have no flux, a few are spikes."""
    rows.ormask[run] = rng.choice(list(OR_VALUES), p=_shares(OR_VALUES))
    rows.ivar[run] = 0
    if dead or rng.random() < 0.35:
        rows.andmask[run] = np.where(rows.ormask[run] == 4, 4, 1)
        rows.flux[run] = 0
    elif rng.random() < 0.05:
        rows.flux[run] += rows.flux.max() * rng.gamma(1, 0.6)


def _empty_end(rows: Spectra, rng: np.random.Generator) -> None:
    if rng.random() < ZERO_ENDS:
        first = PIXELS - int(rng.integers(1, 36))
        rows.flux[first:] = 0
        rows.ivar[first:] = rows.ivar[first - 1]


def draw_pixel_ranges(number: int, rng: np.random.Generator) -> list[slice]:
    """The range of pixels of the grid that each file contains; some lack the red end."""
    missing = PIXELS - rng.choice(list(PIXEL_COUNTS), number, p=_shares(PIXEL_COUNTS))
    return [slice(0, PIXELS - int(n)) for n in missing]


def _runs(
    number: int, place: Callable[[np.random.Generator], int], rng: np.random.Generator
) -> list[slice]:
    lengths = rng.choice(list(RUN_LENGTHS), number, p=_shares(RUN_LENGTHS)).tolist()
    starts = [place(rng) for _ in lengths]
    return [slice(start, start + n) for start, n in zip(starts, lengths, strict=True)]


def _join(rng: np.random.Generator) -> int:
    """A random pixel; one in eight is near the wavelength where the arms meet."""
    if rng.random() < JOIN:
        return int(np.searchsorted(WAVELENGTH, rng.normal(5785, 60)))
    return int(rng.integers(PIXELS - 20))


def _blue(rng: np.random.Generator) -> int:
    """A random pixel, mostly in the blue arm, with a preference for its blue end."""
    part = rng.random()
    blue, red = (3700, 3900) if part < 0.2 else (3700, 5900) if part < 0.9 else (5900, 9050)
    return int(np.searchsorted(WAVELENGTH, rng.uniform(blue, red)))


def _shares(counts: dict[int, int]) -> Array:
    return np.array(list(counts.values())) / sum(counts.values())
