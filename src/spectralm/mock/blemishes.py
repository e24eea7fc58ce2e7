"""Bad pixels and cut ends, as often and where real files have them (docs/survey_files.md)."""

from collections.abc import Callable

import numpy as np

from spectralm.mock.emulator import Array
from spectralm.mock.instrument import PIXELS, WAVELENGTH, Spectra

#: Numbers of pixels of real files, and in how many of 2,830 they were found.
PIXEL_COUNTS = {3909: 2279, 3906: 216, 3904: 116, 3908: 94, 3903: 48, 3820: 46, 3902: 16}
#: Files with fewer pixels lack some 185 A at the red end.
ENDS_EARLY = 3899
#: Values of ORMASK where it is set.
OR_VALUES = {1: 82365, 2: 901, 3: 19, 4: 7, 6: 1, 8: 1}
RUN_LENGTHS = {1: 203, 2: 545, 3: 150, 4: 47, 5: 24, 6: 15, 8: 10, 12: 6}
#: Typical number of runs per file; files differ by exp of a normal with this spread.
MEDIAN_FLAGGED_RUNS, MEDIAN_WEIGHTLESS_RUNS, SPREAD = 3.5, 5.5, 1.25
#: Share of the files with a long block of dead pixels, and its greatest length.
BLOCKS, LONGEST_BLOCK = 0.01, 675
#: Share of flagged runs that lie near the join of the arms.
JOIN = 0.12
#: Shares of the files with a cosmic ray that nothing tells, a hole, an empty end.
SPIKES, HOLES, ZERO_ENDS = 0.06, 0.15, 0.4


def blemish(flux: Array, ivar: Array, rng: np.random.Generator) -> Spectra:
    """Add bad pixels to clean spectra [n, pixels].

    Flagged pixels (ORMASK) have no weight (IVAR 0) and often no flux; more pixels have no weight
    and no flag, most of them in the blue; some files have a hole without flux, weight or flag; a
    few cosmic rays are told by nothing; and the last pixels of many files are empty though they
    have a weight.
    """
    masks = (np.zeros(flux.shape, np.int16) for _ in range(2))
    spectra = Spectra(flux.copy(), ivar.copy(), *masks)
    for rows in zip(*vars(spectra).values(), strict=True):
        _blemish_one(Spectra(*rows), rng)
    return spectra


def _blemish_one(rows: Spectra, rng: np.random.Generator) -> None:
    _empty_end(rows, rng)
    rate = np.exp(SPREAD * rng.normal())  # of cosmic rays: long and repeated exposures have more
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
    """Flag a run: a third are bad in all exposures and without flux, a few are left as spikes."""
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
    """Which of the grid's pixels each file holds: all, or some cut off, mostly red ones."""
    lost = PIXELS - rng.choice(list(PIXEL_COUNTS), number, p=_shares(PIXEL_COUNTS))
    return [slice(0, PIXELS - int(n)) for n in lost]


def _runs(
    number: int, place: Callable[[np.random.Generator], int], rng: np.random.Generator
) -> list[slice]:
    lengths = rng.choice(list(RUN_LENGTHS), number, p=_shares(RUN_LENGTHS)).tolist()
    starts = [place(rng) for _ in lengths]
    return [slice(start, start + n) for start, n in zip(starts, lengths, strict=True)]


def _join(rng: np.random.Generator) -> int:
    """A pixel anywhere, but one in eight near the join of the arms."""
    if rng.random() < JOIN:
        return int(np.searchsorted(WAVELENGTH, rng.normal(5785, 60)))
    return int(rng.integers(PIXELS - 20))


def _blue(rng: np.random.Generator) -> int:
    """A pixel mostly of the blue arm, and most of all of its blue end."""
    part = rng.random()
    blue, red = (3700, 3900) if part < 0.2 else (3700, 5900) if part < 0.9 else (5900, 9050)
    return int(np.searchsorted(WAVELENGTH, rng.uniform(blue, red)))


def _shares(counts: dict[int, int]) -> Array:
    return np.array(list(counts.values())) / sum(counts.values())
