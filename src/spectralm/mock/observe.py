"""A batch of stars -> LAMOST's files, the results of its pipeline, and Cramer-Rao bounds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spectralm.mock import instrument, lasp
from spectralm.mock.blemishes import ENDS_EARLY, blemish, draw_pixel_ranges
from spectralm.mock.bound import bounds
from spectralm.mock.emulator import ELEMENTS, Array, Emulator
from spectralm.mock.instrument import WAVELENGTH, Spectra
from spectralm.mock.lamost_files import (
    evening,
    spectrum_bytes,
    spectrum_path,
    spectrum_rows,
    write_spectrum,
)
from spectralm.mock.options import SkyOptions
from spectralm.mock.plan import SPECTRA, Plan, generator, make_plan
from spectralm.mock.sky import designation
from spectralm.mock.weather import draw_weather

BATCH_STARS = 64
FLUX_AT_15 = 300.0  # of a star with G = 15
PHOTONS_AT_15 = 2600.0  # per pixel at the maximum of the blue arm
SKY_AT_15 = FLUX_AT_15 * 10 ** (-0.4 * (instrument.SKY_MAGNITUDE - 15))
#: Values of FIB_MASK and their fractions; -1 marks spectra that lack the red end.
FIBRE_MASKS = {0: 0.583, 64: 0.381, 128: 0.018, 80: 0.007, 16: 0.007, 192: 0.004}
G_BAND = (WAVELENGTH > 4000) & (WAVELENGTH < 9000)


@dataclass(frozen=True)
class Batch:
    """Results for some spectra; arrays are [spectra]."""

    columns: dict[str, np.ndarray]
    """Columns of LAMOST's catalogues by name, and ``path`` in its folders."""
    bound: Array
    """Cramer-Rao bounds, in the order of the emulator's labels [spectra, labels]; NaN for damaged
    files."""


def observe(options: SkyOptions, emulator: Emulator, number: int, folder: Path) -> Batch:
    """Simulate a batch of 64 stars and write its spectra.

    Args:
        options: Options of the sky.
        emulator: The emulator of stellar spectra.
        number: Index of the batch.
        folder: Folder of LAMOST's spectra.
    """
    plan = make_plan(options)
    rng = generator(options, SPECTRA, number)
    index = np.flatnonzero(plan.observations.star // BATCH_STARS == number)
    flux, gradient = received_flux(plan, emulator, index)
    quality = np.exp(rng.normal(0, 0.4, index.size))
    photons = PHOTONS_AT_15 / FLUX_AT_15 * quality
    sky = SKY_AT_15 * np.exp(rng.normal(0, 0.35, index.size))
    level = np.exp(rng.normal(0, 0.4, index.size))
    calibration = level[:, None] * instrument.draw_calibration(index.size, rng)
    noisy, ivar = instrument.expose(flux, photons, sky, calibration, rng)
    spectra = blemish(noisy, ivar, rng)
    masked = plan.damage[index] == "all masked"
    for rows, value in zip(vars(spectra).values(), (0, 0, 1, 1), strict=True):
        rows[masked] = value
    pixels = draw_pixel_ranges(index.size, rng)
    columns = _columns(plan, index, instrument.signal_to_noise(spectra), rng)
    columns["fibermask"][[part.stop < ENDS_EARLY for part in pixels]] = -1
    _write(plan, index, columns, spectra, pixels, folder, rng)
    used = _used(spectra, pixels)
    bound = bounds(gradient * calibration[:, None], flux * calibration, spectra.ivar * used)
    bound[plan.damage[index] != ""] = np.nan
    return Batch(columns, bound)


def received_flux(plan: Plan, emulator: Emulator, index: np.ndarray) -> tuple[Array, Array]:
    """Flux above the atmosphere [n, pixels] and its derivatives [n, labels, pixels], no noise."""
    stars, inverse = np.unique(plan.observations.star[index], return_inverse=True)
    teff, logg, feh = (getattr(plan.stars, name)[stars] for name in ("teff", "logg", "feh"))
    xfe = {element: plan.stars.xfe[element][stars] for element in ELEMENTS}
    surface = emulator.flux(teff, logg, feh, xfe)[:, None]
    surface = np.concatenate([surface, emulator.gradient(teff, logg, feh, xfe)], axis=1)
    star = stars[inverse]
    width = instrument.broadening(plan.resolution[index], plan.stars.vsini[star])
    flux = instrument.observed_frame(surface[inverse], plan.stars.velocity[star], width)
    dust = np.outer(plan.stars.reddening[star], instrument.extinction(WAVELENGTH))
    flux *= 10 ** (-0.4 * dust)[:, None]
    apparent = FLUX_AT_15 * 10 ** (-0.4 * (plan.stars.magnitude[star] - 15))
    flux *= (apparent / flux[:, 0, G_BAND].mean(axis=1))[:, None, None]
    return flux[:, 0], flux[:, 1:]


def _used(spectra: Spectra, pixels: list[slice]) -> np.ndarray:
    """Whether a pixel is in the file and has data, bool [n, pixels]."""
    used = np.zeros(spectra.flux.shape, bool)
    for row, part in zip(used, pixels, strict=True):
        row[part] = True
    return used & (spectra.ormask == 0) & (spectra.flux != 0)


def _columns(
    plan: Plan, index: np.ndarray, snr: dict[str, Array], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Columns of LAMOST's catalogues for spectra, by name, and ``path``."""
    observations = plan.observations
    star = observations.star[index]
    snr_i = np.maximum(snr["i"], 2)
    subclass = lasp.draw_subclass(plan.stars.type[star], snr_i, rng)
    classes = lasp.class_of(subclass)
    z, z_err = lasp.draw_redshift(plan.stars.velocity[star], classes, snr_i, rng)
    truth = {name: getattr(plan.stars, name)[star] for name in ("teff", "logg", "feh")}
    parameter_snr = np.where(classes == "M", snr["i"], snr["g"])
    names = ("lmjd", "planid", "spid", "fiberid")
    rows = {name: getattr(observations, name)[index] for name in names}
    return (
        {"obsid": observations.obsid[index], **rows, "mjd": rows["lmjd"] - 1}
        | {f"snr{band}": values for band, values in snr.items()}
        | {"subclass": subclass, "z": z, "z_err": z_err}
        | lasp.draw_parameters(truth, classes, parameter_snr, rng)
        | _input_catalogue(plan, index, rng)
        | {
            "fibermask": rng.choice(list(FIBRE_MASKS), index.size, p=list(FIBRE_MASKS.values())),
            "with_norm_flux": (rng.random(index.size) > 0.0008).astype(np.int32),
            "path": np.array(
                [
                    str(spectrum_path(*row))
                    for row in zip(*(v.tolist() for v in rows.values()), strict=True)
                ]
            ),
        }
    )


def _input_catalogue(
    plan: Plan, index: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Columns about the target: names, positions, magnitudes, and the offset of the fibre."""
    star = plan.observations.star[index]
    ra, dec = plan.places.ra[star].round(7), plan.places.dec[star].round(7)
    offset = rng.random(index.size) < 0.03
    distance = np.where(offset, rng.uniform(1, 4, index.size), 0).round(3)
    gaia = plan.places.gaia_dr3[star]
    days = plan.observations.lmjd[index].tolist()
    return {
        "uid": np.array([f"G{number % 10**14:014d}" for number in gaia.tolist()]),
        "gp_id": gaia,
        "designation": np.array([designation(*p) for p in zip(ra, dec, strict=True)]),
        "obsdate": np.array([str(evening(day)) for day in days]),
        "ra": ra,
        "dec": dec,
        "ra_obs": ra,
        "dec_obs": (dec + distance / 3600).round(7),
        "offsets": offset.astype(np.int32),
        "offsets_v": distance,
        "gaia_source_id": gaia.astype("U19"),
        "gaia_g_mean_mag": plan.stars.magnitude[star].round(6),
        **_pan_starrs(plan.stars.teff[star], plan.stars.magnitude[star], rng),
    }


def _pan_starrs(teff: Array, magnitude: Array, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Pan-STARRS magnitudes and ids; -999 where missing, as for bright stars."""
    number = teff.size
    missing = (rng.random(number) < 0.1) | (magnitude < 13)
    red = np.interp(teff, [3200, 4000, 5000, 6000, 7500, 9500], [2.0, 1.2, 0.7, 0.4, 0.1, -0.2])
    slopes = {"g": 0.6, "r": -0.05, "i": -0.3, "z": -0.45, "y": -0.55}
    columns = {
        f"mag_ps_{band}": np.where(missing, -999.0, magnitude + slope * red).round(4)
        for band, slope in slopes.items()
    }
    ids = rng.integers(10**16, 2 * 10**17, number)
    return {"ps_id": np.where(missing, -999, ids), **columns}


def _write(
    plan: Plan,
    index: np.ndarray,
    columns: dict[str, np.ndarray],
    spectra: Spectra,
    pixels: list[slice],
    folder: Path,
    rng: np.random.Generator,
) -> None:
    for i, facts in enumerate(_facts(plan, index, columns, rng)):
        damage = plan.damage[index[i]]
        if damage == "another obsid":
            facts["obsid"] = columns["obsid"][i] + 1
        rows = spectrum_rows(spectra, i, pixels[i], bool(facts["with_norm_flux"]))
        data = spectrum_bytes(plan.layout[index[i]], rows, facts)
        write_spectrum(folder / columns["path"][i], data, damage)


def _facts(
    plan: Plan, index: np.ndarray, columns: dict[str, np.ndarray], rng: np.random.Generator
) -> list[dict[str, object]]:
    """Values of the header cards, one mapping per spectrum."""
    plates = plan.plates
    plate = plan.observations.plate[index]
    weather = draw_weather(columns["lmjd"], rng)
    east = (columns["ra"] - plates.ra[plate] + 180) % 360 - 180
    more = {
        "filename": [Path(path).name.removesuffix(".gz") for path in columns["path"].tolist()],
        "offset": np.where(columns["offsets"], "T", "F"),
        "spectrograph_ra": (plates.ra[plate] + columns["spid"] / 16 - 0.5) % 360,
        "spectrograph_dec": plates.dec[plate] + columns["spid"] % 4 / 2 - 0.75,
        "x": 290 * east * np.cos(np.radians(columns["dec"])),
        "y": 290 * (columns["dec"] - plates.dec[plate]),
        **weather,
    }
    table = {name: np.asarray(values).tolist() for name, values in (columns | more).items()}
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
