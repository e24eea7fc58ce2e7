"""Results of LAMOST's pipeline: spectral type, velocity and parameters, with errors."""

import numpy as np

from spectralm.mock.emulator import Array
from spectralm.mock.instrument import LIGHT
from spectralm.mock.population import TYPES
from spectralm.mock.zero_points import LAMOST

#: Floor of the errors, and their slope with 1 / (S/N in g; in i for M stars), by class; from the
#: scatter of repeated observations (docs/survey_files.md).
ERRORS = {
    "A": {"teff": (70, 2200), "logg": (0.06, 2.5), "feh": (0.08, 2.5)},
    "F": {"teff": (35, 1500), "logg": (0.05, 2.4), "feh": (0.04, 1.6)},
    "G": {"teff": (30, 1400), "logg": (0.05, 2.4), "feh": (0.03, 1.4)},
    "K": {"teff": (35, 1400), "logg": (0.06, 2.5), "feh": (0.04, 1.5)},
    "M": {"teff": (50, 900), "logg": (0.07, 1.2), "feh": (0.12, 2.0)},
}
#: Errors of Teff, logg and [Fe/H] are correlated: a fit with a higher temperature has a higher
#: gravity and metallicity.
CORRELATION = np.linalg.cholesky([[1, 0.5, 0.6], [0.5, 1, 0.3], [0.6, 0.3, 1]])
#: Fraction of the spectra for which the pipeline gives no parameters.
FAILURES = 0.006
MISSING = -9999.0
#: All spectral types, from hot to cool.
LADDER = np.array([name for types in TYPES.values() for name in types])


def draw_subclass(true: np.ndarray, snr: Array, rng: np.random.Generator) -> np.ndarray:
    """Spectral types with errors of about one subtype; M stars stay M, others stay A to K.

    Two spectra of a star have the same type in about half of the cases (docs/survey_files.md).
    """
    first_m = np.flatnonzero(LADDER == "dM0")[0]
    giant = np.char.startswith(true, "g")
    index = _index(np.char.replace(true, "g", "d"))
    error = np.rint(rng.normal(0, 0.45 + 4 / np.maximum(snr, 2))).astype(int)
    cool = index >= first_m
    low, high = np.where(cool, first_m, 0), np.where(cool, LADDER.size, first_m) - 1
    found = LADDER[np.clip(index + error, low, high)]
    return np.where(giant, np.char.replace(found, "d", "g"), found)


def draw_redshift(
    velocity: Array, classes: np.ndarray, snr: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Redshift and its error, in units of c, from the true velocity in km/s."""
    error = np.hypot(2.5, 60 / np.maximum(snr, 2))
    zero = np.array([LAMOST[c]["velocity"] for c in classes.tolist()])
    reported = error * np.exp(rng.normal(0, 0.2, snr.size))
    return (velocity + zero + error * rng.normal(size=snr.size)) / LIGHT, reported / LIGHT


def draw_parameters(
    truth: dict[str, Array], classes: np.ndarray, snr: Array, rng: np.random.Generator
) -> dict[str, Array]:
    """Columns teff, logg, feh and their _err, -9999 where the pipeline fails; also _label_error.

    The last is the standard deviation with which a label is drawn about its zero point, NaN where
    the pipeline fails; _err differs from it, as an estimate does.

    Args:
        truth: True teff, logg, feh [spectra].
        classes: Classes from the pipeline [spectra].
        snr: S/N in the band that determines the errors (g; i for M stars) [spectra].
        rng: The generator of random numbers.
    """
    noise = rng.normal(size=(snr.size, 3)) @ CORRELATION.T
    failed = rng.random(snr.size) < FAILURES
    columns = {}
    for i, name in enumerate(("teff", "logg", "feh")):
        floor, slope = np.array([ERRORS[c][name] for c in classes.tolist()]).T
        error = np.hypot(floor, slope / np.maximum(snr, 4))
        zero = np.array([LAMOST[c][name] for c in classes.tolist()])
        reported = error * np.exp(rng.normal(0, 0.15, snr.size))
        columns[name] = np.where(failed, MISSING, truth[name] + zero + error * noise[:, i])
        columns[f"{name}_err"] = np.where(failed, MISSING, reported)
        columns[f"{name}_label_error"] = np.where(failed, np.nan, error)
    return columns


def class_of(subclass: np.ndarray) -> np.ndarray:
    """A to M from types such as G5 and dM1."""
    return np.array([name.lstrip("dg")[0] for name in subclass.tolist()])


def _index(names: np.ndarray) -> np.ndarray:
    """Indices in LADDER."""
    order = {name: i for i, name in enumerate(LADDER.tolist())}
    return np.array([order[name] for name in names.tolist()])
