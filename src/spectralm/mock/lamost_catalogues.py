"""LAMOST's catalogues of stars: A, F, G, K (45 columns) and M (64)."""

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
WHOLE = ("lmjd", "mjd", "spid", "fiberid", "offsets")
#: Indices of M stars: value and slope with TiO5 at TiO5 = 0.6, roughly.
INDICES = {
    **{"cah2": (0.62, 0.8), "cah3": (0.83, 0.4), "tio1": (0.87, 0.25), "tio2": (0.82, 0.5)},
    **{"tio3": (0.83, 0.4), "tio4": (0.83, 0.5), "cah1": (0.85, 0.3), "caoh": (0.6, 0.7)},
}


def write_catalogues(
    folder: Path, columns: dict[str, np.ndarray], alpha: np.ndarray, rng: np.random.Generator
) -> None:
    """Write both catalogues, each sorted by obsid.

    Args:
        columns: of all spectra, as :func:`spectralm.mock.observe.observe` gives them.
        alpha: true [alpha/Fe] of their stars.
    """
    number = columns["obsid"].size
    columns = columns | {"class": np.full(number, "STAR"), "fibertype": np.full(number, "Obj")}
    columns |= {name: columns[name].astype(np.int32) for name in WHOLE}
    is_m = class_of(columns["subclass"]) == "M"
    parameters = _rounded({n: columns[n] for n in ("teff", "logg", "feh")}, columns)
    failed = columns["teff"] == MISSING
    stellar = parameters | _lasp_only(columns, alpha, failed, rng)
    m_stellar = {name.replace("feh", "m_h"): values for name, values in parameters.items()}
    m_stellar |= _indices(columns["teff"], rng)
    for name, rows, more in ((STELLAR, ~is_m, stellar), (M_STELLAR, is_m, m_stellar)):
        order = np.flatnonzero(rows)
        order = order[np.argsort(columns["obsid"][order])]
        table = {key: columns[key] for key in GENERAL} | more
        write_fits(folder / name, table_hdu({k: v[order] for k, v in table.items()}))


def _rounded(labels: dict[str, np.ndarray], columns: dict[str, np.ndarray]) -> dict:
    """Labels and errors in the survey's order and number of decimals."""
    decimals = {"teff": 2, "logg": 3, "feh": 3}
    return {
        key: columns[key].round(decimals[name]) for name in labels for key in (name, f"{name}_err")
    }


def _lasp_only(
    columns: dict, alpha: np.ndarray, failed: np.ndarray, rng: np.random.Generator
) -> dict:
    """Velocity, [alpha/M] and rotation, which many good stars lack, too."""
    number = failed.size
    error = np.hypot(0.03, 1.2 / np.maximum(columns["snrg"], 4))
    silent = failed | (rng.random(number) < 0.45)
    velocity = {"rv": columns["z"] * LIGHT, "rv_err": columns["z_err"] * LIGHT}
    alpha = {"alpha_m": alpha + error * rng.normal(size=number), "alpha_m_err": error}
    slow = failed | (rng.random(number) < 0.8)
    return (
        {name: np.where(failed, MISSING, values.round(2)) for name, values in velocity.items()}
        | {name: np.where(silent, MISSING, values.round(6)) for name, values in alpha.items()}
        | {"vsini_lasp": np.where(slow, MISSING, rng.uniform(30, 200, number).round(3))}
    )


def _indices(teff: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Equivalent width of Halpha and molecular indices of M stars."""
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
