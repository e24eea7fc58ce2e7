"""The demo's surveys: true pairs are matched, and the zero points of the mock sky are recovered."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from spectralm.files import read_parquet, write_parquet
from spectralm.mock import apogee, gaia_eso, galah, zero_points
from spectralm.mock.make import truth_table
from spectralm.mock.options import SkyOptions
from spectralm.mock.plan import APOGEE, GAIA_ESO, GALAH, Plan, generator, make_plan
from spectralm.schemas import CATALOGUE, schema
from spectralm.surveys import apogee as apogee_reader
from spectralm.surveys import gaia_eso as gaia_eso_reader
from spectralm.surveys import galah as galah_reader
from spectralm.surveys.crossmatch import Crossmatch, crossmatch
from spectralm.surveys.options import CrossmatchOptions
from spectralm.surveys.sky import directions, pairs_within
from spectralm.surveys.survey import Stars, read_stars

SKY = SkyOptions(stars=4000, twice=0.2, thrice=0.05, seed=11)
#: By our label, the name that the sky's zero points have in each survey.
PLANTED = {
    "apogee": {"teff": "TEFF", "logg": "LOGG", "feh": "FE_H"}
    | {name: name.removesuffix("_fe").upper() for name in apogee_reader.ELEMENTS},
    "galah": {"teff": "teff", "logg": "logg", "feh": "fe_h"}
    | {name: name.removesuffix("_fe") for name in galah_reader.ELEMENTS},
    # The sky's C2 is empty, so [C/Fe] is by the atom.
    "gaia_eso": {"teff": "TEFF", "logg": "LOGG", "feh": "FEH"}
    | gaia_eso_reader.SPECIES
    | {"c_fe": "C1"},
}
ZERO_POINTS = {
    "apogee": zero_points.APOGEE,
    "galah": zero_points.GALAH,
    "gaia_eso": zero_points.GAIA_ESO,
}
TRUE_NAME = {"ci_fe": "c_fe", "tiii_fe": "ti_fe"}


@dataclass(frozen=True)
class Found:
    """The stars of a survey, their matches, and the true star of each spectrum and entry."""

    stars: Stars
    result: Crossmatch
    truth: pa.Table
    star_of: dict[str, int]
    """The true star of each of the survey's ids."""


def lamost(truth: pa.Table, plan: Plan) -> pa.Table:
    """The sky's spectra as a catalogue, made without their files."""
    star = truth["star"].to_numpy()
    rows = truth.num_rows
    gaia = truth["gaia_dr3"].cast(pa.string())
    columns = {field.name: pa.nulls(rows, field.type) for field in schema(CATALOGUE)}
    columns |= {name: truth[name] for name in ("obsid", "path")}
    columns |= {"gaia_source_id": gaia, "star_id": gaia}
    columns |= {"ra": pa.array(plan.places.ra[star]), "dec": pa.array(plan.places.dec[star])}
    columns |= {"gmag": pa.array(plan.stars.magnitude[star]), "snrr": pa.array(np.full(rows, 50.0))}
    return pa.table(columns).cast(schema(CATALOGUE))


@pytest.fixture(scope="module")
def sky(tmp_path_factory) -> dict[str, Found]:
    """Every survey of a sky of 4000 stars, read and matched."""
    folder: Path = tmp_path_factory.mktemp("sky")
    plan = make_plan(SKY)
    seen = plan.observations
    paths = np.array([f"{number}.fits" for number in seen.obsid.tolist()])
    write_parquet(folder / "truth.parquet", truth_table(plan, {"obsid": seen.obsid, "path": paths}))
    truth = read_parquet(folder / "truth.parquet")
    spectra = lamost(truth, plan)
    surveys = {
        "apogee": (apogee.write_allstar, APOGEE, apogee_reader.APOGEE),
        "galah": (galah.write_allstar, GALAH, galah_reader.galah(30.0)),
        "gaia_eso": (
            gaia_eso.write_catalogue,
            GAIA_ESO,
            gaia_eso_reader.gaia_eso(gaia_eso_reader.Sun.GREVESSE_2007),
        ),
    }
    found = {}
    for name, (write, stream, survey) in surveys.items():
        write(folder / f"{name}.fits", plan, generator(SKY, stream))
        stars = read_stars(folder / f"{name}.fits", survey)
        result = crossmatch(spectra, stars.stars, CrossmatchOptions())
        found[name] = Found(stars, result, truth, true_stars(stars.stars, plan))
    return found


def true_stars(stars: pa.Table, plan: Plan) -> dict[str, int]:
    """The star at the exact position in the survey, at the survey's epoch."""
    ra, dec = plan.places.at(stars["epoch"][0].as_py())
    places = directions(pa.table({"ra": ra, "dec": dec}))
    pairs = pairs_within(0.02, directions(stars), places)
    names = stars["survey_id"].take(pa.array(pairs.left)).to_pylist()
    assert len(set(names)) == len(names) == stars.num_rows
    return dict(zip(names, pairs.right.tolist(), strict=True))


@pytest.fixture(params=list(PLANTED))
def survey(request, sky) -> tuple[str, Found, np.ndarray, np.ndarray]:
    """A survey, and the true star of each matched spectrum and of what it is matched with."""
    found = sky[request.param]
    true = dict(zip(found.truth["obsid"].to_pylist(), found.truth["star"].to_pylist(), strict=True))
    ours = np.array([true[obsid] for obsid in found.result.catalogue["obsid"].to_pylist()])
    names = found.result.catalogue["survey_id"].to_pylist()
    return request.param, found, ours, np.array([found.star_of[name] for name in names])


def test_pairs_are_true(survey):
    """The only false pairs are neighbours of stars that the survey has not observed."""
    name, found, ours, theirs = survey
    wrong = ours != theirs
    assert wrong.mean() < {"apogee": 0.005, "galah": 1e-9, "gaia_eso": 0.02}[name]
    assert not np.isin(ours[wrong], list(found.star_of.values())).any()
    assert (found.result.catalogue["separation"].to_numpy()[wrong] > 1).all()


def test_few_true_pairs_are_missed(survey):
    _, found, ours, theirs = survey
    possible = np.isin(found.truth["star"].to_numpy(), list(found.star_of.values())).sum()
    assert (ours == theirs).sum() > 0.985 * possible


def test_all_spectra_and_stars_are_matched_or_rejected(survey):
    _, found, _, _ = survey
    table, rejects = found.result.catalogue, found.result.rejects
    lost = rejects["obsid"].drop_null().to_pylist()
    assert sorted([*table["obsid"].to_pylist(), *lost]) == sorted(found.truth["obsid"].to_pylist())
    stars = rejects.num_rows - len(lost) + len(table["survey_id"].unique())
    assert stars == found.stars.stars.num_rows


def test_the_zero_points_are_recovered(survey):
    name, found, ours, theirs = survey
    table = found.result.catalogue
    # One spectrum of each star: the survey's error is the same in all.
    _, first = np.unique(theirs, return_index=True)
    first = first[(ours == theirs)[first]]
    row = {obsid: i for i, obsid in enumerate(found.truth["obsid"].to_pylist())}
    rows = [row[obsid] for obsid in table["obsid"].take(pa.array(first)).to_pylist()]
    for label, planted in PLANTED[name].items():
        theirs_column = label if label.endswith("_fe") else f"survey_{label}"
        true = found.truth[TRUE_NAME.get(label, label)].to_numpy()[rows]
        difference = table[theirs_column].to_numpy()[first] - true
        difference = difference[np.isfinite(difference)]
        assert difference.size > 90, label
        error = difference.std() / np.sqrt(difference.size)
        assert error < (20 if label == "teff" else 0.02), label
        assert abs(difference.mean() - ZERO_POINTS[name][planted]) < 3.5 * error, label
