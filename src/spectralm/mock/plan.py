"""What is made: which stars, which spectra of them, in which layout, and what befalls the files."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from spectralm.mock.emulator import Array
from spectralm.mock.lamost_files import DAMAGE
from spectralm.mock.options import SkyOptions
from spectralm.mock.population import Stars, draw_stars
from spectralm.mock.sky import (
    SPECTROGRAPHS,
    Observations,
    Places,
    Plates,
    draw_observations,
    draw_places,
    draw_plates,
)

#: Streams of random numbers, so that a change of one part leaves the others as they are.
PLAN, SPECTRA, CATALOGUES, APOGEE, GALAH, GAIA_ESO = range(6)
#: Stars that LAMOST has not observed but other surveys may have, per star that it has.
OTHERS = 0.5


@dataclass(frozen=True)
class Plan:
    """The sky and LAMOST's work on it."""

    stars: Stars
    """LAMOST's stars first, then those that only other surveys may have observed."""
    places: Places
    plates: Plates
    observations: Observations
    layout: np.ndarray
    """C, I or 1 of each spectrum (see :mod:`~spectralm.mock.lamost_cards`)."""
    damage: np.ndarray
    """Of each spectrum, one of DAMAGE or an empty text."""
    resolution: Array
    """lambda over FWHM of each spectrum."""


def generator(options: SkyOptions, *stream: int) -> np.random.Generator:
    """The generator of random numbers of a stream."""
    return np.random.default_rng([options.seed, *stream])


@cache
def make_plan(options: SkyOptions) -> Plan:
    """Draw everything but the noise."""
    rng = generator(options, PLAN)
    stars = draw_stars(round(options.stars * (1 + OTHERS)), rng)
    plates = draw_plates(options.stars, rng)
    places = draw_places(stars, options.stars, plates, rng)
    observations = draw_observations(
        places.plate[: options.stars], plates, options.twice, options.thrice, rng
    )
    spectra = observations.star.size
    order = rng.permutation(spectra)
    damage = np.full(spectra, "", "U32")
    damage[order[: options.damaged]] = [DAMAGE[i % len(DAMAGE)] for i in range(options.damaged)]
    layout = np.full(spectra, "C")
    old = order[options.damaged :][: round(options.old_layouts * spectra)]
    layout[old] = np.where(np.arange(old.size) % 4 == 3, "1", "I")
    spectrograph = rng.uniform(1530, 1790, SPECTROGRAPHS)
    resolution = spectrograph[observations.spid - 1] + rng.normal(0, 25, spectra)
    resolution = np.clip(resolution, 1500, 1800)
    return Plan(stars, places, plates, observations, layout, damage, resolution)
