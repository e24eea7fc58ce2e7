"""The plan of a sky: stars, observations, layouts of the files, and their damage."""

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

#: Streams of random numbers, so that a change in one part does not change the others.
PLAN, SPECTRA, CATALOGUES, APOGEE, GALAH, GAIA_ESO = range(6)
#: Number of stars that only other surveys may have observed, as a fraction of LAMOST's stars.
OTHERS = 0.5


@dataclass(frozen=True)
class Plan:
    """The sky and LAMOST's observations."""

    stars: Stars
    """First LAMOST's stars, then those that only other surveys may have observed."""
    places: Places
    plates: Plates
    observations: Observations
    layout: np.ndarray
    """[spectra]; C, I or 1 (see :mod:`~spectralm.mock.lamost_cards`)."""
    damage: np.ndarray
    """[spectra]; one of DAMAGE, or an empty string."""
    resolution: Array
    """[spectra]; wavelength / FWHM."""

    def by_star(self, star: np.ndarray, values: np.ndarray) -> Array:
        """Values of some stars [n], at the places of these among all [stars]; NaN for others."""
        found = np.full(len(self.stars), np.nan)
        found[star] = values
        return found


def generator(options: SkyOptions, *stream: int) -> np.random.Generator:
    """The generator of a stream of random numbers."""
    return np.random.default_rng([options.seed, *stream])


@cache
def make_plan(options: SkyOptions) -> Plan:
    """Draw everything except the spectra and catalogues."""
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
