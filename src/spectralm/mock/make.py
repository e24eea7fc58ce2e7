"""The complete sky: the files of the surveys, and the true labels."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa

from spectralm.errors import InputError
from spectralm.files import write_parquet, write_text
from spectralm.mock import apogee, gaia_eso, galah
from spectralm.mock.emulator import PARAMETERS, WEIGHTS, Emulator
from spectralm.mock.floor import floor_table
from spectralm.mock.lamost_catalogues import write_catalogues
from spectralm.mock.observe import BATCH_STARS, Batch, observe
from spectralm.mock.options import SkyOptions
from spectralm.mock.plan import APOGEE, CATALOGUES, GAIA_ESO, GALAH, Plan, generator, make_plan
from spectralm.mock.population import alpha_over_iron
from spectralm.progress import progress
from spectralm.schemas import TRUTH, schema

TREE = "lamost"
README = """Everything in this folder is synthetic: no telescope has seen these stars. Formats,
names of columns and header cards are those of LAMOST DR11, APOGEE DR16, GALAH DR4 and Gaia-ESO
DR5.1; `truth.parquet` (what each star is) and `floor/` (what limits the residuals of each survey's
labels) are no survey's and are for checks alone.
"""


def make_sky(
    options: SkyOptions, folder: Path, processes: int = 1, weights: Path = WEIGHTS
) -> pa.Table:
    """Write the sky to a folder.

    The content of the files depends on the options and the weights only.

    Args:
        options: Options of the sky.
        folder: The folder.
        processes: Number of processes.
        weights: Weights of the emulator.

    Returns:
        The true labels, the table in ``truth.parquet``.

    Raises:
        InputError: The folder already has a sky.
    """
    if (folder / TREE).exists():
        raise InputError(folder, TREE, "already contains spectra", "give an empty folder")
    plan = make_plan(options)
    write_text(folder / "README.txt", README)
    numbers = range(-(-options.stars // BATCH_STARS))
    observed = _batches(options, folder / TREE, processes, weights, numbers)
    batches = list(progress(observed, len(numbers), f"batches of {BATCH_STARS} stars"))
    columns = {
        name: np.concatenate([batch.columns[name] for batch in batches])
        for name in batches[0].columns
    }
    star = plan.observations.star
    listed = plan.damage != "no catalogue"
    alpha = alpha_over_iron(plan.stars.component, plan.stars.feh)[star]
    listed_columns = {name: values[listed] for name, values in columns.items()}
    write_catalogues(folder, listed_columns, alpha[listed], generator(options, CATALOGUES))
    of_stars = {
        "apogee": apogee.write_allstar(folder / apogee.NAME, plan, generator(options, APOGEE)),
        "galah": galah.write_allstar(folder / galah.NAME, plan, generator(options, GALAH)),
        "gaia_eso": gaia_eso.write_catalogue(
            folder / gaia_eso.NAME, plan, generator(options, GAIA_ESO)
        ),
    }
    label_errors = {"lamost": {name: columns[f"{name}_label_error"] for name in PARAMETERS}}
    for dataset, errors in of_stars.items():
        label_errors[dataset] = {label: error[star] for label, error in errors.items()}
    bound = np.concatenate([batch.bound for batch in batches])
    for dataset, errors in label_errors.items():
        table = floor_table(plan, columns["obsid"], bound, errors)
        write_parquet(folder / "floor" / f"{dataset}.parquet", table)
    truth = truth_table(plan, columns)
    write_parquet(folder / "truth.parquet", truth)
    return truth


def _batches(
    options: SkyOptions, folder: Path, processes: int, weights: Path, numbers: range
) -> Iterator[Batch]:
    work = partial(_observe, options, folder, weights)
    if processes == 1:
        yield from map(work, numbers)
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        yield from pool.map(work, numbers)


def _observe(options: SkyOptions, folder: Path, weights: Path, number: int) -> Batch:
    return observe(options, _emulator(weights), number, folder)


_emulator = cache(Emulator.load)


def truth_table(plan: Plan, columns: dict[str, np.ndarray]) -> pa.Table:
    """The table TRUTH: true labels of the star of each spectrum, and damage of its file."""
    star, stars = plan.observations.star, plan.stars
    names = (
        *("type", "component", "giant", "teff", "logg", "feh"),
        *("velocity", "vsini", "reddening", "distance"),
    )
    table = {
        "obsid": columns["obsid"],
        "path": [f"{TREE}/{path}" for path in columns["path"].tolist()],
        "star": star,
        "gaia_dr3": plan.places.gaia_dr3[star],
        "gaia_dr2": plan.places.gaia_dr2[star],
        **{name: getattr(stars, name)[star] for name in names},
        **{f"{element.lower()}_fe": values[star] for element, values in stars.xfe.items()},
        "resolution": plan.resolution,
        "layout": plan.layout,
        "damage": pa.array(plan.damage, mask=plan.damage == ""),
    }
    return pa.table({c.name: table[c.name] for c in TRUTH}).cast(schema(TRUTH))
