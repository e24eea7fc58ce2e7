"""Positions and identifiers of stars, and LAMOST's observations of them."""

from dataclasses import dataclass

import numpy as np

from spectralm.mock.emulator import Array
from spectralm.mock.population import Stars

PLATE_STARS = 150
PLATE_RADIUS = 2.4  # deg
NIGHTS = (55858, 60110)  # LAMOST's local MJD, from the first night to DR11's last
SPECTROGRAPHS, FIBRES = 16, 250
GAIA_EPOCH = 2016.0
#: Fraction of stars that have another id in Gaia DR2.
NEW_IDS = 0.08
#: Fractions of the stars that LAMOST has not observed: within 5 arcsec of one that it has observed,
#: and in the south, where LAMOST cannot observe.
NEIGHBOURS, SOUTHERN = 0.06, 0.3
ARCSEC = 1 / 3600


@dataclass(frozen=True)
class Places:
    """Positions and identifiers; arrays are [stars]."""

    plate: np.ndarray
    """Index of the star's LAMOST plate; -1 if it is in none."""
    ra: Array
    """ICRS, deg, at epoch 2016, as in Gaia DR3."""
    dec: Array
    motion: Array
    """Proper motion in right ascension (times cos dec) and declination, mas/yr [stars, 2]."""
    gaia_dr3: np.ndarray
    """int64."""
    gaia_dr2: np.ndarray

    def at(self, epoch: float) -> tuple[Array, Array]:
        """Right ascension and declination (deg) at an epoch (Julian year)."""
        moved = self.motion * (epoch - GAIA_EPOCH) / 3.6e6
        return (self.ra + moved[:, 0] / np.cos(np.radians(self.dec))) % 360, self.dec + moved[:, 1]


@dataclass(frozen=True)
class Plates:
    """Fields of LAMOST; arrays are [plates]."""

    ra: Array
    dec: Array
    lmjd: np.ndarray
    """[plates, 3]; local MJD of each visit, ascending."""
    number: np.ndarray
    """[plates, 3]; number of the visit in the observation ids."""
    planid: np.ndarray
    """[plates, 3]; name of the visit's plan."""


@dataclass(frozen=True)
class Observations:
    """LAMOST's spectra, in the order of their stars; arrays are [spectra]."""

    star: np.ndarray
    plate: np.ndarray
    visit: np.ndarray
    lmjd: np.ndarray
    planid: np.ndarray
    spid: np.ndarray
    fiberid: np.ndarray
    obsid: np.ndarray


def draw_plates(stars: int, rng: np.random.Generator) -> Plates:
    """Draw fields from declination -8 to 55 deg, with about 150 stars and three nights each."""
    number = max(4, -(-stars // PLATE_STARS))
    dec = -8 + 63 * (np.arange(number) + rng.random(number)) / number
    ra = 360 * rng.random(number)
    lmjd = np.sort(rng.choice(np.arange(*NIGHTS), (number, 3), replace=False), axis=1)
    serial = np.sort(rng.choice(np.arange(1010, 12400), lmjd.size, replace=False))
    survey = rng.choice(["HD", "GAC", "EG", "VB"], number)
    bright = rng.choice(["M", "B", "V", "F"], number)
    planid = [
        [f"{survey[i]}{compact(ra[i], dec[i])}{bright[i]}{visit:02d}" for visit in (1, 2, 3)]
        for i in range(number)
    ]
    return Plates(ra, dec, lmjd, _in_order_of(lmjd, serial), np.array(planid))


def draw_places(stars: Stars, observed: int, plates: Plates, rng: np.random.Generator) -> Places:
    """Draw positions in the plates, and identifiers.

    Args:
        stars: The stars.
        observed: Number of stars that LAMOST observes; they are the first of ``stars``.
        plates: The fields.
        rng: The generator of random numbers.
    """
    number = len(stars)
    plate = rng.integers(plates.ra.size, size=number)
    radius = PLATE_RADIUS * np.sqrt(rng.random(number))
    angle = 2 * np.pi * rng.random(number)
    dec = plates.dec[plate] + radius * np.sin(angle)
    ra = plates.ra[plate] + radius * np.cos(angle) / np.cos(np.radians(dec))
    others = np.arange(observed, number)
    random = rng.random(others.size)
    near = others[random < NEIGHBOURS]
    neighbour = rng.integers(observed, size=near.size)
    distance = rng.uniform(1.5, 5, near.size) * ARCSEC
    dec[near] = dec[neighbour] + distance * np.sin(angle[near])
    ra[near] = ra[neighbour] + distance * np.cos(angle[near]) / np.cos(np.radians(dec[near]))
    plate[near] = plate[neighbour]
    south = others[random > 1 - SOUTHERN]
    ra[south] = rng.uniform(0, 360, south.size)
    dec[south] = np.degrees(np.arcsin(rng.uniform(-0.95, -0.2, south.size)))
    plate[south] = -1
    gaia_dr3 = draw_gaia_ids(number, rng)
    renamed = rng.random(number) < NEW_IDS
    gaia_dr2 = np.where(renamed, gaia_dr3 + 128 * rng.integers(1, 1000, number), gaia_dr3)
    return Places(plate, ra % 360, dec, stars.motion, gaia_dr3, gaia_dr2)


def draw_gaia_ids(number: int, rng: np.random.Generator) -> np.ndarray:
    """Ids of 19 digits, int64; multiples of 128, as most of Gaia's are."""
    return 128 * rng.integers(10**18 // 128, 69 * 10**17 // 128, number)


def draw_observations(
    plate: np.ndarray, plates: Plates, twice: float, thrice: float, rng: np.random.Generator
) -> Observations:
    """Draw the nights and fibres of each star.

    Args:
        plate: Index of the plate of each star [stars].
        plates: The fields.
        twice: Fraction of the stars with two observations.
        thrice: Fraction of the stars with three observations.
        rng: The generator of random numbers.
    """
    stars = plate.size
    order = rng.permutation(stars)
    times = np.ones(stars, int)
    times[order[: round(stars * (twice + thrice))]] = 2
    times[order[: round(stars * thrice)]] = 3
    star = np.repeat(np.arange(stars), times)
    within = np.arange(star.size) - np.repeat(np.cumsum(times) - times, times)
    visit = (rng.integers(3, size=stars)[star] + within) % 3
    plate = plate[star]
    spid, fiberid = np.empty((2, star.size), int)
    for night in np.unique(3 * plate + visit):
        members = np.flatnonzero(3 * plate + visit == night)
        slot = rng.choice(SPECTROGRAPHS * FIBRES, members.size, replace=False)
        spid[members], fiberid[members] = slot // FIBRES + 1, slot % FIBRES + 1
    number = plates.number[plate, visit]
    return Observations(
        star=star,
        plate=plate,
        visit=visit,
        lmjd=plates.lmjd[plate, visit],
        planid=plates.planid[plate, visit],
        spid=spid,
        fiberid=fiberid,
        obsid=100_000 * number + 1000 * spid + fiberid,
    )


def sexagesimal(ra: float, dec: float, decimals: int) -> tuple[str, str]:
    """Position (deg) as ``hhmmss.ss`` and ``+ddmmss.s``, truncated as in the names of objects.

    The seconds of right ascension have ``decimals`` decimals, those of declination one less.
    """
    hours = _split(ra / 15, decimals)
    degrees = _split(abs(dec), decimals - 1)
    return hours, ("-" if dec < 0 else "+") + degrees


def designation(ra: float, dec: float) -> str:
    """Name from coordinates in the format of LAMOST and 2MASS: ``J091240.85+125805.4``."""
    return "J" + "".join(sexagesimal(ra, dec, 2))


def compact(ra: float, dec: float) -> str:
    """Name of a field from coordinates in the format of LAMOST's plans: ``090808N144241``."""
    hours, degrees = sexagesimal(ra, dec, 1)
    return hours[:6] + degrees.replace("+", "N").replace("-", "S")[:7]


def _split(value: float, decimals: int) -> str:
    units = int(value * 3600 * 10**decimals)
    seconds, fraction = divmod(units, 10**decimals)
    text = f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"
    return f"{text}.{fraction:0{decimals}d}" if decimals else text


def _in_order_of(keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Ascending values, rearranged to have the same order as the keys."""
    arranged = np.empty(keys.size, values.dtype)
    arranged[np.argsort(keys, axis=None, kind="stable")] = values
    return arranged.reshape(keys.shape)
