"""The allStar file of APOGEE DR16: near-infrared labels of F to M stars, mostly giants."""

from pathlib import Path

import numpy as np
from astropy.io import fits

from spectralm.mock.emulator import Array
from spectralm.mock.plan import Plan
from spectralm.mock.population import alpha_over_iron
from spectralm.mock.sky import designation
from spectralm.mock.tables import table_hdu, write_fits
from spectralm.mock.zero_points import APOGEE

NAME = "allStar-r12-l33.fits"
SPECIES = (
    *("C", "CI", "N", "O", "NA", "MG", "AL", "SI", "P", "S", "K", "CA", "TI", "TIII", "V", "CR"),
    *("MN", "FE", "CO", "NI", "CU", "GE", "RB", "CE", "ND", "YB"),
)
#: Elements of species with another name. Species that are not among the emulator's elements (GE,
#: RB, ND, YB) are empty, as in DR16.
ELEMENT = {"CI": "C", "TIII": "Ti"}
#: Errors (dex) of giants at S/N 100.
ERRORS = {
    **{"C": 0.04, "CI": 0.06, "N": 0.05, "O": 0.04, "NA": 0.11, "MG": 0.03, "AL": 0.05},
    **{"SI": 0.03, "P": 0.16, "S": 0.09, "K": 0.06, "CA": 0.035, "TI": 0.06, "TIII": 0.13},
    **{"V": 0.1, "CR": 0.07, "MN": 0.04, "CO": 0.12, "NI": 0.03, "CU": 0.1, "CE": 0.12},
}
#: Teff (K) above which the lines of a species are too weak.
HOTTEST = {"N": 5600, "C": 6200, "O": 6000, "P": 5600, "CU": 5300, "CE": 5000, "V": 5800}
HOTTEST |= {"CO": 5800, "NA": 5900, "TIII": 5800, "CI": 6300}
MISSING, BAD_MAGNITUDE = -9999.0, 99.0
STAR_BAD, STAR_WARN, DUPLICATE = 1 << 23, 1 << 7, 1 << 4
OTHER_BAD = 1 << 2


def members(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Indices of the stars that APOGEE observed: most giants, many cool dwarfs."""
    probability = np.where(plan.stars.giant, 0.8, 0.5)
    probability = probability * (plan.places.plate % 5 != 4) * (plan.stars.teff < 7500)
    return np.flatnonzero(rng.random(len(plan.stars)) < probability)


def write_allstar(path: Path, plan: Plan, rng: np.random.Generator) -> dict[str, Array]:
    """Write the table in HDU 1 and the names of the elements of its array columns in HDU 3.

    Returns:
        Standard deviations of the labels' errors, by label [stars]; NaN where there is no label.
    """
    star = members(plan, rng)
    # A few stars were reduced in two fields and have two rows.
    repeated = rng.choice(star, round(0.015 * star.size), replace=False)
    star = np.append(star, repeated)
    extra = np.arange(star.size) >= star.size - repeated.size
    snr = np.clip(10 ** rng.normal(2.1, 0.25, star.size), 20, 900)
    flag = rng.choice([0, STAR_WARN, STAR_BAD], star.size, p=[0.84, 0.12, 0.04])
    columns = (
        _identity(plan, star, extra, rng)
        | {"SNR": snr.astype("f4"), "ASPCAPFLAG": flag.astype("i8")}
        | _parameters(plan, star, snr, flag, rng)
        | _abundances(plan, star, snr, flag, rng)
    )
    order = np.argsort(columns["APOGEE_ID"], kind="stable")
    table = table_hdu({name: values[order] for name, values in columns.items()})
    names = {
        "ELEM_SYMBOL": np.array([[s.title() for s in SPECIES]]),
        "PARAM_SYMBOL": np.array([["TEFF", "LOGG", "LOG10VDOP", "METALS", "C", "N"]]),
    }
    write_fits(path, table, fits.ImageHDU(), _text_hdu(names))
    label_error = {}
    for name in ("TEFF", "LOGG", "FE_H", *(f"{species}_FE" for species in ERRORS)):
        error = columns[f"{name}_ERR"][~extra]
        label = "feh" if name == "FE_H" else name.lower()
        label_error[label] = plan.by_star(star[~extra], np.where(error == MISSING, np.nan, error))
    return label_error


def _text_hdu(columns: dict[str, np.ndarray]) -> fits.BinTableHDU:
    return fits.BinTableHDU.from_columns(
        [
            fits.Column(name, f"{8 * cells.shape[1]}A8", dim=f"(8,{cells.shape[1]})", array=cells)
            for name, cells in columns.items()
        ]
    )


def _identity(
    plan: Plan, star: np.ndarray, extra: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    ra, dec = (values[star].round(6) for values in plan.places.at(2000.0))
    names = [designation(*p)[1:].replace(".", "") for p in zip(ra, dec, strict=True)]
    southern = dec < -15
    colour = np.interp(plan.stars.teff[star], [3200, 4500, 6000, 9500], [0.9, 0.75, 0.3, 0.0])
    h = plan.stars.magnitude[star] - 2.2 * colour - 0.4
    magnitudes = {"J": h + 0.8 * colour, "H": h, "K": h - 0.1 * colour}
    bad = rng.random(star.size) < 0.005
    return {
        "APOGEE_ID": np.array([f"2M{name}" for name in names]),
        "TELESCOPE": np.where(southern, "lco25m", "apo25m"),
        "LOCATION_ID": (4000 + plan.places.plate[star]).astype("i2"),
        "FIELD": np.array([f"F{p + 4000}" for p in plan.places.plate[star].tolist()]),
        **{band: np.where(bad, BAD_MAGNITUDE, m).astype("f4") for band, m in magnitudes.items()},
        "RA": ra,
        "DEC": dec,
        "NVISITS": rng.integers(1, 9, star.size).astype("i4"),
        "STARFLAG": np.zeros(star.size, "i4"),
        "EXTRATARG": np.where(extra, DUPLICATE, 0).astype("i4"),
        "VHELIO_AVG": (plan.stars.velocity[star] + rng.normal(0, 0.1, star.size)).astype("f4"),
        "VSCATTER": rng.gamma(2, 0.06, star.size).astype("f4"),
        "GAIA_SOURCE_ID": plan.places.gaia_dr2[star],
        "GAIA_PARALLAX": (1 / plan.stars.distance[star]).astype("f4"),
        "GAIA_PMRA": plan.stars.motion[star, 0].astype("f4"),
        "GAIA_PMDEC": plan.stars.motion[star, 1].astype("f4"),
        "GAIA_PHOT_G_MEAN_MAG": plan.stars.magnitude[star].astype("f4"),
    }


def _parameters(
    plan: Plan, star: np.ndarray, snr: Array, flag: np.ndarray, rng: np.random.Generator
) -> dict:
    stars = plan.stars
    factor = np.where(stars.giant[star], 1, 1.5) * np.sqrt(np.maximum(100 / snr, 0.3))
    alpha = alpha_over_iron(stars.component[star], stars.feh[star])
    iron = stars.feh[star] + APOGEE["FE_H"]
    truth = {
        "TEFF": (stars.teff[star] + APOGEE["TEFF"], 70 * factor),
        "LOGG": (stars.logg[star] + APOGEE["LOGG"], 0.06 * factor),
        "M_H": (iron, 0.02 * factor),
        "ALPHA_M": (alpha, 0.02 * factor),
        "FE_H": (iron, 0.02 * factor),
    }
    failed = flag == STAR_BAD
    columns = {}
    for name, (value, error) in truth.items():
        measured = value + error * rng.normal(size=star.size)
        columns[name] = np.where(failed, MISSING, measured).astype("f4")
        columns[f"{name}_ERR"] = np.where(failed, MISSING, error).astype("f4")
    columns["FE_H_FLAG"] = np.where(failed, OTHER_BAD, 0).astype("i4")
    columns["VSINI"] = np.where(failed | stars.giant[star], MISSING, stars.vsini[star]).astype("f4")
    return columns


def _abundances(
    plan: Plan, star: np.ndarray, snr: Array, flag: np.ndarray, rng: np.random.Generator
) -> dict:
    """X_FE, X_FE_ERR, X_FE_FLAG of each species, and the arrays of all species."""
    stars, size = plan.stars, star.size
    factor = np.where(stars.giant[star], 1, 1.6) * np.sqrt(np.maximum(100 / snr, 0.3))
    columns = {}
    arrays = np.full((size, len(SPECIES)), MISSING, "f4")
    flags = np.zeros((size, len(SPECIES)), "i4")
    for i, species in enumerate(SPECIES):
        if species == "FE":
            arrays[:, i] = np.where(flag == STAR_BAD, MISSING, 0)
            continue
        values = errors = np.full(size, MISSING)
        failed = np.ones(size, bool)
        if species in ERRORS:
            error = ERRORS[species] * factor
            true = stars.xfe[ELEMENT.get(species, species.title())][star]
            measured = true + APOGEE[species] + error * rng.normal(size=size)
            failed = (flag == STAR_BAD) | (rng.random(size) < 0.02)
            failed |= stars.teff[star] > HOTTEST.get(species, 6800)
            values, errors = np.where(failed, MISSING, measured), np.where(failed, MISSING, error)
        # Some flagged values are present, and some missing values are not flagged.
        flags[:, i] = np.where(failed ^ (rng.random(size) < 0.01), OTHER_BAD, 0)
        arrays[:, i] = values
        columns[f"{species}_FE"] = values.astype("f4")
        columns[f"{species}_FE_ERR"] = errors.astype("f4")
        columns[f"{species}_FE_FLAG"] = flags[:, i]
    return columns | {"X_M": arrays, "ELEMFLAG": flags}
