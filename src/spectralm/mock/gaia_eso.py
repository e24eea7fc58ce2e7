"""The catalogue of Gaia-ESO DR5.1: absolute abundances of few stars."""

from pathlib import Path

import numpy as np

from spectralm.mock.emulator import Array
from spectralm.mock.plan import Plan
from spectralm.mock.sky import sexagesimal
from spectralm.mock.tables import table_hdu, write_fits
from spectralm.mock.zero_points import GAIA_ESO

NAME = "GES_DR5_1_V1.fits"
HIGHEST_DEC = 30.0
#: Species with their errors (dex) in UVES and in GIRAFFE spectra (0: not measured there).
ERRORS = {
    **{"C1": (0.05, 0), "N_CN": (0.08, 0), "O1": (0.08, 0), "NA1": (0.05, 0.1)},
    **{"MG1": (0.06, 0.09), "AL1": (0.05, 0.08), "SI1": (0.04, 0.07), "S1": (0.08, 0)},
    **{"CA1": (0.05, 0.08), "TI1": (0.05, 0.08), "TI2": (0.06, 0.1), "V1": (0.07, 0.12)},
    **{"CR1": (0.06, 0.11), "MN1": (0.07, 0.13), "CO1": (0.06, 0.12), "NI1": (0.05, 0.09)},
    **{"CU1": (0.08, 0), "CE2": (0.09, 0)},
}
ELEMENT = {"N_CN": "N"}
#: Labels of species that are not named after their element.
LABEL = {"C1": "ci_fe", "TI2": "tiii_fe"}
EMPTY = (
    *("LI1", "C_C2", "SI2", "CA2", "SC1", "SC2", "CR2", "ZN1", "SR1", "Y2", "ZR1", "MO1", "BA2"),
    *("LA2", "PR2", "ND2", "SM2", "EU2"),
)
#: A(X) of the Sun, Grevesse, Asplund & Sauval (2007), the scale of the survey.
SOLAR = {
    **{"C": 8.39, "N": 7.78, "O": 8.66, "Na": 6.17, "Mg": 7.53, "Al": 6.37, "Si": 7.51, "S": 7.14},
    **{"Ca": 6.31, "Ti": 4.90, "V": 4.00, "Cr": 5.64, "Mn": 5.39, "Fe": 7.45, "Co": 4.92},
    **{"Ni": 6.23, "Cu": 4.21, "Ce": 1.70},
}


def members(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Indices of the stars that Gaia-ESO observed."""
    stars = plan.stars
    possible = (plan.places.dec < HIGHEST_DEC) * (stars.teff > 3900) * (stars.teff < 7200)
    return np.flatnonzero(rng.random(len(stars)) < 0.22 * possible)


def write_catalogue(path: Path, plan: Plan, rng: np.random.Generator) -> dict[str, Array]:
    """Write the catalogue, sorted by OBJECT.

    Returns:
        Standard deviations of the labels' errors, by label [stars]; NaN where there is no label.
        [X/Fe] has the errors of A(X) and of [Fe/H].
    """
    star = members(plan, rng)
    size, stars = star.size, plan.stars
    uves = rng.random(size) < 0.35
    snr = np.clip(10 ** rng.normal(1.75, 0.25, size), 8, 400)
    factor = np.sqrt(np.clip(60 / snr, 0.4, 5))
    ra, dec = (values[star].round(7) for values in plan.places.at(2000.0))
    columns = {
        "OBJECT": np.array(["".join(_name(*p)) for p in zip(ra, dec, strict=True)]),
        "GES_FLD": np.array([f"GES_MW_{p:04d}" for p in (plan.places.plate[star] + 1).tolist()]),
        "GES_TYPE": np.full(size, "GE_MW"),
        "SETUP": np.where(uves, "U580", "HR10|HR21"),
        "RA": ra,
        "DECLINATION": dec,
        "SNR": snr.astype("f4"),
        "VRAD": (stars.velocity[star] + rng.normal(0, 0.3, size)).astype("f4"),
        "E_VRAD": np.full(size, 0.3, "f4"),
    }
    iron = stars.feh[star] + GAIA_ESO["FEH"]
    parameter_factor = factor * np.where(uves, 1, 1.5)
    parameters = {
        "TEFF": (stars.teff[star] + GAIA_ESO["TEFF"], 60 * parameter_factor),
        "LOGG": (stars.logg[star] + GAIA_ESO["LOGG"], 0.09 * parameter_factor),
        "FEH": (iron, 0.05 * parameter_factor),
    }
    failed = rng.random(size) < 0.03
    for name, (value, error) in parameters.items():
        measured = value + error * rng.normal(size=size)
        columns[name] = np.where(failed, np.nan, measured).astype("f4")
        columns[f"E_{name}"] = np.where(failed, np.nan, error).astype("f4")
    columns |= _abundances(plan, star, iron, factor, uves, failed, rng)
    columns["SFLAGS"] = np.full(size, "")
    order = np.argsort(columns["OBJECT"])
    write_fits(path, table_hdu({name: values[order] for name, values in columns.items()}))
    label_error = {name.lower(): columns[f"E_{name}"] for name in parameters}
    for species in ERRORS:
        label = LABEL.get(species, f"{_element(species).lower()}_fe")
        label_error[label] = np.hypot(columns[f"E_{species}"], columns["E_FEH"])
    label_error["c_fe"] = label_error["ci_fe"]  # the molecule is not measured
    return {label: plan.by_star(star, error) for label, error in label_error.items()}


def _abundances(
    plan: Plan,
    star: np.ndarray,
    iron: Array,
    factor: Array,
    uves: np.ndarray,
    failed: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """A(X) of each species; [X/Fe] derived from it has the zero point of the species."""
    size, columns = star.size, {}
    for species, (in_uves, in_giraffe) in ERRORS.items():
        element = _element(species)
        error = np.where(uves, in_uves, in_giraffe) * factor
        true = plan.stars.xfe[element][star] + iron + SOLAR[element]
        measured = true + GAIA_ESO[species] + error * rng.normal(size=size)
        blank = failed | (error == 0) | (rng.random(size) < 0.12)
        columns[species] = np.where(blank, np.nan, measured).astype("f4")
        columns[f"E_{species}"] = np.where(blank, np.nan, error).astype("f4")
    for species in ("FE1", "FE2"):
        measured = iron + SOLAR["Fe"] + 0.05 * factor * rng.normal(size=size)
        columns[species] = np.where(failed, np.nan, measured).astype("f4")
        columns[f"E_{species}"] = np.where(failed, np.nan, 0.05 * factor).astype("f4")
    empty = np.full(size, np.nan, "f4")
    return columns | {f"{e}{name}": empty for name in EMPTY for e in ("", "E_")}


def _element(species: str) -> str:
    return ELEMENT.get(species, species[:-1].title())


def _name(ra: float, dec: float) -> str:
    """Name in the format of Gaia-ESO's CNAME: ``hhmmssss+ddmmsss``."""
    return "".join(part.replace(".", "") for part in sexagesimal(ra, dec, 2))
