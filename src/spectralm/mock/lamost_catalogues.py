"""LAMOST's catalogues of A, F, G and K stars (45 columns) and of M stars (64 columns)."""

from pathlib import Path

import numpy as np

from spectralm.mock.instrument import LIGHT
from spectralm.mock.lasp import MISSING, class_of
from spectralm.mock.tables import table_hdu, write_fits

STELLAR, M_STELLAR = "dr11_v1.1_LRS_stellar.fits.gz", "dr11_v1.1_LRS_mstellar.fits.gz"
GENERAL = (
    *("obsid", "uid", "gp_id", "designation", "obsdate", "lmjd", "mjd", "planid", "spid"),
    *("fiberid", "ra_obs", "dec_obs", "snru", "snrg", "snrr", "snri", "snrz", "class", "subclass"),
    *("z", "z_err", "ps_id", "mag_ps_g", "mag_ps_r", "mag_ps_i", "mag_ps_z", "mag_ps_y"),
    *("gaia_source_id", "gaia_g_mean_mag", "fibertype", "offsets", "offsets_v", "ra", "dec"),
)
#: Columns of integers.
WHOLE = ("lmjd", "mjd", "spid", "fiberid", "offsets")
#: Indices of M stars as linear functions of TiO5: approximate value and slope at TiO5 = 0.6.
INDICES = {
    **{"cah2": (0.62, 0.8), "cah3": (0.83, 0.4), "tio1": (0.87, 0.25), "tio2": (0.82, 0.5)},
    **{"tio3": (0.83, 0.4), "tio4": (0.83, 0.5), "cah1": (0.85, 0.3), "caoh": (0.6, 0.7)},
}


def write_catalogues(
    folder: Path, columns: dict[str, np.ndarray], alpha: np.ndarray, rng: np.random.Generator
) -> None:
    """Write both catalogues, each sorted by obsid.

    Args:
        folder: Where to write.
        columns: Columns of all spectra, from :func:`spectralm.mock.observe.observe`.
        alpha: True [alpha/Fe] of their stars.
        rng: The generator of random numbers.
    """
    number = columns["obsid"].size
    columns = columns | {"class": np.full(number, "STAR"), "fibertype": np.full(number, "Obj")}
    columns |= {name: columns[name].astype(np.int32) for name in WHOLE}
    is_m = class_of(columns["subclass"]) == "M"
    parameters = _rounded(columns)
    failed = columns["teff"] == MISSING
    stellar = parameters | _lasp_only(columns, alpha, failed, rng)
    m_stellar = {name.replace("feh", "m_h"): values for name, values in parameters.items()}
    m_stellar |= _indices(columns["teff"], rng)
    for name, rows, more in ((STELLAR, ~is_m, stellar), (M_STELLAR, is_m, m_stellar)):
        order = np.flatnonzero(rows)
        order = order[np.argsort(columns["obsid"][order])]
        table = {key: columns[key] for key in GENERAL} | more
        write_fits(folder / name, table_hdu({k: v[order] for k, v in table.items()}))


def _rounded(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Parameters and errors in the survey's order and with its number of decimals."""
    decimals = {"teff": 2, "logg": 3, "feh": 3}
    return {
        key: columns[key].round(digits)
        for name, digits in decimals.items()
        for key in (name, f"{name}_err")
    }


def _lasp_only(
    columns: dict[str, np.ndarray],
    alpha: np.ndarray,
    failed: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Velocity, [alpha/M] and rotation; the last two are also missing for many good stars."""
    number = failed.size
    error = np.hypot(0.03, 1.2 / np.maximum(columns["snrg"], 4))
    no_alpha = failed | (rng.random(number) < 0.45)
    velocity = {"rv": columns["z"] * LIGHT, "rv_err": columns["z_err"] * LIGHT}
    alphas = {"alpha_m": alpha + error * rng.normal(size=number), "alpha_m_err": error}
    no_vsini = failed | (rng.random(number) < 0.8)
    return (
        {name: np.where(failed, MISSING, values.round(2)) for name, values in velocity.items()}
        | {name: np.where(no_alpha, MISSING, values.round(6)) for name, values in alphas.items()}
        | {"vsini_lasp": np.where(no_vsini, MISSING, rng.uniform(30, 200, number).round(3))}
    )


def _indices(teff: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Equivalent width of H alpha and molecular indices of M stars."""
    number = teff.size
    tio5 = np.clip(0.95 - (3950 - teff) / 1200, 0.2, 1) + rng.normal(0, 0.02, number)
    values = {"tio5": tio5} | {
        name: base + slope * (tio5 - 0.6) + rng.normal(0, 0.02, number)
        for name, (base, slope) in INDICES.items()
    }
    order = ("tio5", "cah2", "cah3", "tio1", "tio2", "tio3", "tio4", "cah1", "caoh")
    errors = {f"{name}_err": rng.uniform(0.01, 0.03, number) for name in order}
    columns = {"ewha": rng.normal(-0.2, 0.3, number), "ewha_err": rng.uniform(0.02, 0.1, number)}
    columns |= {name: values[name] for name in order} | errors
    columns |= {"zeta": rng.normal(1, 0.1, number), "zeta_err": rng.uniform(0.05, 0.3, number)}
    columns |= {"type": np.ones(number), "na": 0.95 - 0.3 * (0.9 - tio5)}
    return {name: values.round(6) for name, values in columns.items()}
