"""The allstar file of GALAH DR4: optical labels of stars south of +12 deg."""

from pathlib import Path

import numpy as np

from spectralm.mock.emulator import Array
from spectralm.mock.lamost_files import evening
from spectralm.mock.plan import Plan
from spectralm.mock.sky import designation
from spectralm.mock.tables import table_hdu, write_fits
from spectralm.mock.zero_points import GALAH

NAME = "galah_dr4_allstar_240705.fits"
#: Errors (dex) of dwarfs at S/N 50.
ERRORS = {
    **{"c": 0.09, "n": 0.15, "o": 0.09, "na": 0.05, "mg": 0.05, "al": 0.05, "si": 0.04, "k": 0.09},
    **{"ca": 0.05, "ti": 0.05, "v": 0.12, "cr": 0.05, "mn": 0.06, "co": 0.12, "ni": 0.06},
    **{"cu": 0.07, "ce": 0.13},
}
#: Elements of the survey that the emulator does not have; their columns are NaN.
EMPTY = (*("sc", "zn", "rb", "sr", "y", "zr", "mo", "ru", "ba", "la", "nd", "sm", "eu"),)
HIGHEST_DEC = 12.0
LOW_SNR, NO_CONVERGENCE, EMISSION = 2048, 4096, 1
UPPER_LIMIT, NOT_DETECTABLE = 1, 2


def members(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Indices of the stars that GALAH observed: G < 16.5, 3800 to 8000 K."""
    stars = plan.stars
    possible = (plan.places.dec < HIGHEST_DEC) * (stars.teff > 3800) * (stars.teff < 8000)
    possible = possible * (stars.magnitude < 16.5)
    return np.flatnonzero(rng.random(len(stars)) < 0.75 * possible)


def write_allstar(path: Path, plan: Plan, rng: np.random.Generator) -> dict[str, Array]:
    """Write the catalogue, sorted by sobject_id.

    Returns:
        Standard deviations of the labels' errors, by label [stars]; NaN where there is no label.
    """
    star = members(plan, rng)
    size = star.size
    snr = np.clip(60 * 10 ** (-0.2 * (plan.stars.magnitude[star] - 13)), 5, 400)
    snr = snr * np.exp(rng.normal(0, 0.2, size))
    flag = np.where(snr < 12, LOW_SNR, 0)
    flag |= np.where(rng.random(size) < 0.02, NO_CONVERGENCE, 0)
    flag |= np.where(rng.random(size) < 0.01, EMISSION, 0)
    columns = (
        _identity(plan, star, rng)
        | {"flag_sp": flag.astype("i4"), "flag_red": np.zeros(size, "i4")}
        | {f"snr_px_ccd{i}": (snr * f).astype("f4") for i, f in enumerate((0.6, 0.8, 1, 0.9), 1)}
        | _labels(plan, star, snr, flag, rng)
    )
    order = np.argsort(columns["sobject_id"])
    write_fits(path, table_hdu({name: values[order] for name, values in columns.items()}))
    names = {"teff": "teff", "logg": "logg", "feh": "fe_h"}
    names |= {f"{name}_fe": f"{name}_fe" for name in ERRORS}
    return {label: plan.by_star(star, columns[f"e_{name}"]) for label, name in names.items()}


def _identity(plan: Plan, star: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    ra, dec = plan.places.ra[star], plan.places.dec[star]
    old = zip(*(values[star] for values in plan.places.at(2000.0)), strict=True)
    mjd = rng.uniform(56610, 60150, star.size)
    night = [int(evening(int(day) + 1).strftime("%y%m%d")) for day in mjd.tolist()]
    serial = rng.choice(np.arange(10**6, 10**7), star.size, replace=False)
    return {
        "sobject_id": np.array(night) * 10**9 + serial * 100 + 1,
        "tmass_id": np.array([designation(*p)[1:].replace(".", "") for p in old]),
        "gaiadr3_source_id": plan.places.gaia_dr3[star],
        "ra": ra,
        "dec": dec,
        "mjd": mjd,
        "phot_g_mean_mag": plan.stars.magnitude[star].astype("f4"),
        "rv_comp_1": (plan.stars.velocity[star] + rng.normal(0, 0.3, star.size)).astype("f4"),
        "e_rv_comp_1": np.full(star.size, 0.3, "f4"),
    }


def _labels(
    plan: Plan, star: np.ndarray, snr: Array, flag: np.ndarray, rng: np.random.Generator
) -> dict:
    stars, size = plan.stars, star.size
    factor = np.sqrt(np.clip(50 / snr, 0.3, 6))
    failed = (flag & NO_CONVERGENCE) != 0
    truth = {"teff": (stars.teff, 70.0), "logg": (stars.logg, 0.05), "fe_h": (stars.feh, 0.05)}
    columns = {}
    for name, (true, error) in truth.items():
        measured = true[star] + GALAH[name] + error * factor * rng.normal(size=size)
        columns[name] = np.where(failed, np.nan, measured).astype("f4")
        columns[f"e_{name}"] = np.where(failed, np.nan, error * factor).astype("f4")
    # The flag of [Fe/H] in DR4 is wrong: it is set for good values.
    columns["flag_fe_h"] = np.where(rng.random(size) < 0.3, UPPER_LIMIT, 0).astype("i4")
    columns["vsini"] = np.where(failed, np.nan, stars.vsini[star] + 2).astype("f4")
    weak = np.clip((stars.teff[star] - 5200) / 4000, 0, 1) - 0.3 * stars.feh[star].clip(-2, 0)
    for name, error in ERRORS.items():
        undetected = rng.random(size) < 0.02 + weak * error * 5
        measured = stars.xfe[name.title()][star] + GALAH[name]
        measured = measured + error * factor * rng.normal(size=size)
        blank = failed | (undetected & (rng.random(size) < 0.5))
        columns[f"{name}_fe"] = np.where(blank, np.nan, measured).astype("f4")
        columns[f"e_{name}_fe"] = np.where(blank, np.nan, error * factor).astype("f4")
        reason = np.where(blank, NOT_DETECTABLE, UPPER_LIMIT)
        columns[f"flag_{name}_fe"] = np.where(blank | undetected, reason, 0).astype("i4")
    empty = np.full(size, np.nan, "f4")
    for name in ("nn_li", *EMPTY):
        columns |= {f"{name}_fe": empty, f"e_{name}_fe": empty}
        columns[f"flag_{name}_fe"] = np.full(size, NOT_DETECTABLE, "i4")
    return columns
