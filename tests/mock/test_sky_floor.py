"""What limits residuals: the bounds of a sky, and the noise that its labels were drawn with."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from spectralm.files import read_parquet
from spectralm.labels.vocabulary import LABELS, PARAMETERS
from spectralm.mock import apogee, gaia_eso, galah
from spectralm.mock.emulator import ELEMENTS
from spectralm.mock.floor import floor_table
from spectralm.mock.options import SkyOptions
from spectralm.mock.plan import Plan, make_plan
from spectralm.mock.zero_points import LAMOST
from spectralm.schemas import floor_columns, schema
from spectralm.surveys import apogee as apogee_reader
from spectralm.surveys import gaia_eso as gaia_eso_reader
from spectralm.surveys import galah as galah_reader
from spectralm.surveys.sky import directions, pairs_within
from spectralm.surveys.survey import read_stars

SURVEYS = {
    "apogee": (apogee.write_allstar, apogee_reader.APOGEE),
    "galah": (galah.write_allstar, galah_reader.galah(0.0)),
    "gaia_eso": (
        gaia_eso.write_catalogue,
        gaia_eso_reader.gaia_eso(gaia_eso_reader.Sun.GREVESSE_2007),
    ),
}
TRUE_NAME = {"ci_fe": "c_fe", "tiii_fe": "ti_fe"}


@pytest.fixture(scope="module")
def plan() -> Plan:
    """One spectrum of each of 6000 stars."""
    return make_plan(SkyOptions(stars=6000, twice=0, thrice=0))


@pytest.fixture(params=list(SURVEYS))
def survey(request, plan, tmp_path) -> tuple[pa.Table, pa.Table]:
    """The stars of a survey as they are read, and its floor, both with the number of the star."""
    write, reader = SURVEYS[request.param]
    path = tmp_path / "survey.fits"
    errors = write(path, plan, np.random.default_rng(7))
    found = read_stars(path, reader).stars
    places = pa.table(dict(zip(("ra", "dec"), plan.places.at(reader.epoch), strict=True)))
    pairs = pairs_within(0.02, directions(found), directions(places))
    found = found.take(pa.array(pairs.left)).append_column("star", pa.array(pairs.right))
    star = plan.observations.star
    bound = np.ones((star.size, len(PARAMETERS) + len(ELEMENTS)))
    bound[1] = np.nan
    floor = floor_table(plan, star, bound, {name: e[star] for name, e in errors.items()})
    return found.filter(pc.less(found["star"], 6000)), floor.rename_columns({"obsid": "star"})


def test_a_label_minus_truth_is_as_wide_as_its_error(survey):
    """For every label of every survey, as the crossmatch reads it, whatever its zero point."""
    found, floor = survey
    both = found.join(floor, "star", join_type="inner")
    compared = 0
    for name in LABELS:
        if name not in found.column_names or f"{name}_true" not in floor.column_names:
            continue
        label, true, error = (
            both[f"{name}{part}"].to_numpy() for part in ("", "_true", "_label_error")
        )
        used = np.isfinite(label)
        if not used.any():
            continue
        assert np.isfinite(error[used]).all(), name
        # The zero point is a constant in the label's unit.
        weight = 1 / error[used] ** 2
        difference = label[used] - true[used]
        pull = (difference - np.average(difference, weights=weight)) / error[used]
        assert pull.std() == pytest.approx(1, abs=4 / np.sqrt(2 * used.sum())), name
        compared += 1
    assert compared > 15


def test_stars_without_labels_and_damaged_spectra_have_no_row(survey, plan):
    found, floor = survey
    assert set(found["star"].to_pylist()) - {1} <= set(floor["star"].to_pylist())
    assert 1 not in floor["star"].to_pylist()
    assert len(floor) < 6000
    errors = [floor[name] for name in floor.column_names if name.endswith("_label_error")]
    assert pc.all(pc.is_valid(pc.coalesce(*errors))).as_py()
    assert pc.any(pc.is_null(floor["c_fe_label_error"])).as_py()
    assert floor["ti_fe_true"].to_numpy() == pytest.approx(
        plan.stars.xfe["Ti"][floor["star"].to_numpy()]
    )


def test_lamost_s_floor(sky):
    floor = read_parquet(sky.folder / "floor" / "lamost.parquet")
    assert floor.schema.equals(schema(floor_columns(PARAMETERS)))
    healthy = sky.truth.filter(pc.is_null(sky.truth["damage"]))
    assert set(floor["obsid"].to_pylist()) <= set(healthy["obsid"].to_pylist())
    assert len(floor) > 0.97 * len(healthy)
    rows = {row["obsid"]: row for row in floor.to_pylist()}
    true = {row["obsid"]: row for row in healthy.to_pylist()}
    labels = [row for row in sky.catalogue.to_pylist() if row["obsid"] in rows]
    assert len(labels) > 100
    for name in ("teff", "logg", "feh"):
        assert all(rows[obsid][f"{name}_true"] == true[obsid][name] for obsid in rows)
        pull = [
            (label[name] - rows[label["obsid"]][f"{name}_true"] - LAMOST[label["class"]][name])
            / rows[label["obsid"]][f"{name}_label_error"]
            for label in labels
        ]
        assert np.std(pull) == pytest.approx(1, abs=4 / np.sqrt(2 * len(pull)))
        assert np.mean(pull) == pytest.approx(0, abs=4 / np.sqrt(len(pull)))


def test_the_sky_s_bounds(sky):
    """They grow with the noise; a star has one bound in all surveys, and an ion its element's."""
    snr = dict(
        zip(sky.catalogue["obsid"].to_pylist(), sky.catalogue["snri"].to_pylist(), strict=True)
    )
    lamost, apogee_ = (
        {row["obsid"]: row for row in read_parquet(sky.folder / "floor" / name).to_pylist()}
        for name in ("lamost.parquet", "apogee.parquet")
    )
    for rows, labels in ((lamost, ("teff", "logg", "feh")), (apogee_, ("mg_fe", "ca_fe"))):
        seen = [obsid for obsid in rows if obsid in snr]
        assert len(seen) > 50
        for label in labels:
            values = np.array([rows[obsid][f"{label}_bound"] for obsid in seen])
            assert (values > 0).all()
            noise = 1 / np.array([snr[obsid] for obsid in seen])
            assert np.corrcoef(np.log(values), np.log(noise))[0, 1] > 0.6
    assert 0.001 < np.median([row["feh_bound"] for row in lamost.values()]) < 0.1
    for obsid, row in apogee_.items():
        assert row["feh_bound"] == lamost.get(obsid, row)["feh_bound"]
        for ion, element in TRUE_NAME.items():
            for part in ("true", "bound"):
                assert row[f"{ion}_{part}"] == row[f"{element}_{part}"]
