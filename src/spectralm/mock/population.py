"""Stars with parameters, abundances and motions similar to those in the Galaxy."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spectralm.mock.emulator import ELEMENTS, MAX_CARBON_OVER_OXYGEN, XFE_RANGE, Array

#: Spectral types of LAMOST: their relative frequency in the class, and Teff (K) of dwarfs, from the
#: catalogue of DR10 within the emulator's range (3200 to 9500 K).
TYPES = {
    "A": {"A1": (15, 9100), "A2": (10, 8750), "A3": (5, 8450), "A5": (25, 8050), "A6": (18, 7800)}
    | {"A7": (36, 7350), "A8": (3, 7050), "A9": (5, 6850)},
    "F": {"F0": (19, 6700), "F2": (12, 6550), "F3": (3, 6450), "F4": (2, 6400), "F5": (22, 6300)}
    | {"F6": (9, 6200), "F7": (14, 6100), "F8": (4, 6030), "F9": (20, 5920)},
    "G": {"G0": (8, 5870), "G1": (2, 5830), "G2": (15, 5770), "G3": (18, 5670), "G4": (4, 5590)}
    | {"G5": (18, 5490), "G6": (6, 5400), "G7": (12, 5310), "G8": (11, 5220), "G9": (7, 5120)},
    "K": {"K0": (4, 5020), "K1": (25, 4940), "K3": (30, 4720), "K4": (6, 4570), "K5": (22, 4400)}
    | {"K7": (15, 4150)},
    "M": {"dM0": (30, 3900), "dM1": (26, 3760), "dM2": (20, 3620), "dM3": (14, 3480)}
    | {"dM4": (8, 3350), "dM5": (2, 3250)},
}
#: Teff (K) of dwarfs minus Teff of giants of the same type.
GIANT_COOLER = {"F": 500, "G": 450, "K": 230, "M": -20}
#: Scatter of Teff (K) within a type.
TYPE_SCATTER = {"A": 220, "F": 130, "G": 120, "K": 90, "M": 45}
#: Teff (K) and logg of dwarfs on the zero-age main sequence.
MAIN_SEQUENCE = (
    [3200, 3800, 4500, 5500, 6300, 8000, 9500],
    [5.0, 4.72, 4.62, 4.52, 4.34, 4.18, 4.12],
)
MAX_DISTANCE = 12  # kpc
#: Fraction of giants in each class.
GIANTS = {"A": 0.0, "F": 0.02, "G": 0.3, "K": 0.45, "M": 0.2}


@dataclass(frozen=True)
class Component:
    """One population of the Galaxy."""

    weight: dict[str, float]
    """Fraction of the stars of each class."""
    feh: tuple[float, float]
    """Mean and scatter of [Fe/H]."""
    velocity: tuple[float, float]
    """Mean and dispersion of the radial velocity, km/s."""


COMPONENTS = {
    "thin": Component(
        {"A": 0.97, "F": 0.8, "G": 0.75, "K": 0.78, "M": 0.9}, (-0.08, 0.19), (0, 32)
    ),
    "thick": Component(
        {"A": 0.0, "F": 0.13, "G": 0.19, "K": 0.17, "M": 0.1}, (-0.5, 0.25), (0, 58)
    ),
    "halo": Component(
        {"A": 0.03, "F": 0.07, "G": 0.06, "K": 0.05, "M": 0.0}, (-1.4, 0.4), (-20, 140)
    ),
}

#: [X/Fe] = a * [alpha/Fe] + b * min([Fe/H], 0) + c * max([Fe/H], 0) + scatter, after the trends of
#: optical surveys of the discs (such as Bensby et al. 2014, A&A 562, A71).
TRENDS = {
    "C": (0.45, 0.0, 0.0, 0.04),
    "N": (0.10, 0.05, 0.25, 0.06),
    "O": (1.35, 0.0, -0.15, 0.04),
    "Na": (0.25, 0.12, 0.30, 0.04),
    "Mg": (1.10, 0.0, 0.0, 0.03),
    "Al": (0.95, 0.08, 0.10, 0.05),
    "Si": (0.85, 0.0, 0.05, 0.03),
    "P": (0.60, -0.05, 0.0, 0.08),
    "S": (0.95, 0.0, 0.0, 0.05),
    "K": (0.75, 0.0, 0.0, 0.05),
    "Ca": (0.70, 0.0, 0.0, 0.03),
    "Ti": (0.85, 0.0, 0.0, 0.03),
    "V": (0.45, 0.0, 0.10, 0.05),
    "Cr": (0.0, 0.02, 0.0, 0.03),
    "Mn": (-0.20, 0.22, 0.15, 0.03),
    "Co": (0.45, 0.05, 0.15, 0.04),
    "Ni": (0.15, 0.02, 0.12, 0.02),
    "Cu": (0.20, 0.35, 0.25, 0.06),
    "Ce": (-0.30, -0.15, -0.25, 0.10),
}


@dataclass(frozen=True)
class Stars:
    """True properties of stars; arrays are [stars]."""

    type: np.ndarray
    """Spectral type, str."""
    component: np.ndarray
    """``thin``, ``thick`` or ``halo``."""
    giant: np.ndarray
    teff: Array
    logg: Array
    feh: Array
    xfe: dict[str, Array]
    """[X/Fe] by element symbol."""
    vsini: Array
    """Projected rotational velocity, km/s."""
    velocity: Array
    """Heliocentric radial velocity, km/s."""
    magnitude: Array
    """Gaia G."""
    distance: Array
    """kpc."""
    reddening: Array
    """E(B-V), mag."""
    motion: Array
    """Proper motion in right ascension (times cos dec) and declination, mas/yr [stars, 2]."""

    def __len__(self) -> int:
        return self.teff.size


def draw_stars(number: int, rng: np.random.Generator) -> Stars:
    """Draw stars with the classes A, F, G, K, M in equal numbers: one of each in every five."""
    fives = np.tile(list(TYPES), (-(-number // len(TYPES)), 1))
    classes = rng.permuted(fives, axis=1).ravel()[:number]
    kind = np.empty(number, "U3")
    component = np.empty(number, "U5")
    for name, types in TYPES.items():
        members = np.flatnonzero(classes == name)
        shares = np.array([share for share, _ in types.values()], float)
        kind[members] = rng.choice(list(types), members.size, p=shares / shares.sum())
        weights = [part.weight[name] for part in COMPONENTS.values()]
        component[members] = rng.choice(list(COMPONENTS), members.size, p=weights)
    giant = rng.random(number) < _by(GIANTS, classes)
    feh = _draw_feh(component, classes, rng)
    teff = _draw_teff(kind, classes, giant, feh, rng)
    logg = _draw_logg(teff, giant, feh, rng)
    kind[giant & (classes == "M")] = np.char.replace(kind[giant & (classes == "M")], "d", "g")
    xfe = _draw_abundances(component, giant, logg, feh, rng)
    absolute = absolute_magnitude(teff, logg)
    farthest = absolute + 10 + 5 * np.log10(MAX_DISTANCE)
    magnitude = np.minimum(rng.triangular(10.5, 15.0, 17.8, number), farthest)
    distance = 10 ** ((magnitude - absolute - 10) / 5)
    reddening = 0.28 * -np.expm1(-distance / 0.8) * rng.gamma(1.5, 1 / 1.5, number)
    mean, spread = (
        _by({k: c.velocity[i] for k, c in COMPONENTS.items()}, component) for i in (0, 1)
    )
    motion = (mean + spread * rng.normal(size=(2, number))) / (4.74 * distance)
    return Stars(
        type=kind,
        component=component,
        giant=giant,
        teff=teff,
        logg=logg,
        feh=feh,
        xfe=xfe,
        vsini=np.where(giant, 3, np.clip((teff - 5900) / 15, 3, 130)) * rng.gamma(3, 1 / 3, number),
        velocity=np.clip(rng.normal(mean, spread), -520, 520),
        magnitude=magnitude,
        distance=distance,
        reddening=np.minimum(reddening, 1.2),
        motion=np.clip(motion.T, -900, 900),
    )


def absolute_magnitude(teff: Array, logg: Array) -> Array:
    """Absolute magnitude in Gaia G, from Teff (K) and logg, with a simple relation for the mass."""
    mass = np.clip(teff / 5772, 0.3, 2.0)
    luminosity = mass * (teff / 5772) ** 4 * 10 ** (4.44 - logg)
    return 4.67 - 2.5 * np.log10(luminosity) + 2 * np.clip((5772 - teff) / 2572, 0, 1) ** 2


def _by(values: Mapping[str, float], keys: np.ndarray) -> Array:
    return np.array([values[key] for key in keys.tolist()], float)


def _draw_feh(component: np.ndarray, classes: np.ndarray, rng: np.random.Generator) -> Array:
    mean, spread = (_by({k: c.feh[i] for k, c in COMPONENTS.items()}, component) for i in (0, 1))
    feh = mean + spread * rng.normal(size=mean.size)
    # The emulator's lower limit is -2.0 for A and F stars, -2.5 for G and K, and -1.5 for M stars.
    lowest = _by({"A": -1.9, "F": -1.9, "G": -2.4, "K": -2.4, "M": -1.4}, classes)
    return _reflected(feh, lowest, 0.45)


def _draw_teff(
    kind: np.ndarray, classes: np.ndarray, giant: np.ndarray, feh: Array, rng: np.random.Generator
) -> Array:
    """Teff (K) by type; lower for giants, and for metal-poor stars because their lines are weak."""
    teff = _by({name: t for types in TYPES.values() for name, (_, t) in types.items()}, kind)
    teff += _by(TYPE_SCATTER, classes) * rng.normal(size=teff.size)
    teff -= giant * _by(GIANT_COOLER | {"A": 0}, classes)
    solar = np.isin(classes, ["F", "G", "K"])
    teff += np.where(solar, 200 * np.clip(feh, -2, 0), 0)
    metal_poor = (feh < -1.4) & ~giant
    lowest = np.where(giant, 3450, np.where(metal_poor, 4400, 3220))
    return _reflected(teff, np.where(feh < -1.4, np.maximum(lowest, 4050), lowest), 9400)


def _draw_logg(teff: Array, giant: np.ndarray, feh: Array, rng: np.random.Generator) -> Array:
    """Main sequence with evolved stars above 5100 K; red giant branch with a red clump."""
    sequence = np.interp(teff, *MAIN_SEQUENCE)
    evolved = np.abs(rng.normal(0, 0.22, teff.size)) * np.clip((teff - 5100) / 700, 0, 1)
    dwarf = sequence - 0.1 * np.clip(feh, -1, 0) * (teff < 5300) - evolved
    dwarf += rng.normal(0, 0.04, teff.size)
    branch = 2.75 + 1.75 * (teff + 220 * feh - 4800) / 1000 + rng.normal(0, 0.15, teff.size)
    clump = rng.normal(2.42, 0.08, teff.size)
    is_clump = (rng.random(teff.size) < 0.4) & (teff > 4550) & (teff < 5100)
    branch = np.where(is_clump, clump, branch)
    branch = np.minimum(branch, np.where(teff < 4300, 2.7, rng.normal(3.6, 0.12, teff.size)))
    branch = np.maximum(branch, np.where(teff < 4000, 0.1, 0.6))
    lowest, highest = np.where(teff < 4300, 4.1, 3.5), np.where(teff < 4000, 5.3, 4.95)
    return np.where(giant, branch, np.clip(dwarf, lowest, highest))


def _reflected(values: Array, low: Array | float, high: Array | float) -> Array:
    """Values reflected at the limits of a range, so that they do not accumulate there."""
    values = low + np.abs(values - low)
    return high - np.abs(high - values)


def _draw_abundances(
    component: np.ndarray,
    giant: np.ndarray,
    logg: Array,
    feh: Array,
    rng: np.random.Generator,
) -> dict[str, Array]:
    alpha = alpha_over_iron(component, feh) + rng.normal(0, 0.025, feh.size)
    xfe = {}
    for element in ELEMENTS:
        of_alpha, poor, rich, scatter = TRENDS[element]
        trend = of_alpha * alpha + poor * np.minimum(feh, 0) + rich * np.maximum(feh, 0)
        xfe[element] = trend + rng.normal(0, scatter, feh.size)
    # The first dredge-up, and mixing on the upper giant branch, convert carbon to nitrogen.
    mixed = giant * (0.12 + 0.08 * np.clip(2.5 - logg, 0, 2)) * np.clip(1 - 0.4 * feh, 0.8, 1.6)
    xfe["C"] -= mixed
    xfe["N"] += 1.7 * mixed
    low, high = XFE_RANGE
    xfe = {element: np.clip(values, low + 0.02, high - 0.02) for element, values in xfe.items()}
    xfe["C"] = np.minimum(xfe["C"], xfe["O"] + MAX_CARBON_OVER_OXYGEN - 0.05)
    return xfe


def alpha_over_iron(component: np.ndarray, feh: Array) -> Array:
    """Mean [alpha/Fe] of the thin disc, the thick disc, and the halo, as functions of [Fe/H]."""
    thin = 0.03 - 0.13 * np.clip(feh, -0.8, 0.3)
    thick = np.interp(feh, [-0.6, -0.3, 0.2], [0.28, 0.24, 0.07])
    halo = np.interp(feh, [-1.6, -0.8], [0.32, 0.18])
    return np.select([component == "thin", component == "thick"], [thin, thick], halo)
