"""Every rule of docs/crossmatch.md on a few stars."""

import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm.errors import SpectraLMError
from spectralm.schemas import CATALOGUE, CROSSMATCHED, REJECTS, STARS, schema
from spectralm.surveys.crossmatch import Crossmatch, crossmatch
from spectralm.surveys.options import CrossmatchOptions
from spectralm.surveys.sky import directions, pairs_within, separations

ARCSEC = 1 / 3600
FAR = {"ra": 200.0, "dec": 5.0}


def spectrum(obsid: int, **cells) -> dict:
    """A spectrum of a star of its own at (10, 60) deg."""
    row = dict.fromkeys(column.name for column in CATALOGUE)
    row |= {"obsid": obsid, "path": f"{obsid}.fits", "star_id": f"sky:{obsid}", "snrr": 50.0}
    return row | {"teff": 5000.0, "ra": 10.0, "dec": 60.0} | cells


def star(name: str, **cells) -> dict:
    """A star of another survey at (10, 60) deg in 2016."""
    row = dict.fromkeys(column.name for column in STARS)
    row |= {"survey_id": name, "ra": 10.0, "dec": 60.0, "epoch": 2016.0, "snr": 99.0}
    return row | {"teff": 4900.0, "mg_fe": 0.25} | cells


def match(spectra: list[dict], stars: list[dict], **options) -> Crossmatch:
    """The crossmatch of rows; one pair far from all others is always there."""
    spectra = [*spectra, spectrum(999, **FAR)]
    stars = [*stars, star("far", **FAR)]
    found = crossmatch(
        pa.Table.from_pylist(spectra, schema=schema(CATALOGUE)),
        pa.Table.from_pylist(stars, schema=schema(STARS)),
        CrossmatchOptions(**options),
    )
    lost = found.rejects["obsid"].drop_null().to_pylist()
    assert sorted(lost + found.catalogue["obsid"].to_pylist()) == sorted(
        r["obsid"] for r in spectra
    )
    return found


def pairs(found: Crossmatch) -> dict[int, tuple[str, str]]:
    """By obsid, the other survey's star and how it was matched, but for the pair far away."""
    rows = found.catalogue.to_pylist()
    return {r["obsid"]: (r["survey_id"], r["matched_by"]) for r in rows if r["obsid"] != 999}


def reasons(found: Crossmatch) -> dict[int | str, str]:
    """Reason by obsid, or by the detail of a star without one."""
    return {r["obsid"] or r["detail"]: r["reason"] for r in found.rejects.to_pylist()}


def test_all_columns_of_lamost_and_the_labels_of_the_other(tmp_path):
    found = match([spectrum(1)], [star("A", dec=60 + ARCSEC)])
    assert found.catalogue.schema.equals(schema(CROSSMATCHED), check_metadata=True)
    assert found.rejects.schema.equals(schema(REJECTS))
    row = found.catalogue.to_pylist()[0]
    assert (row["teff"], row["survey_teff"], row["mg_fe"]) == (5000, 4900, 0.25)
    assert (row["survey_snr"], row["matched_by"], row["ce_fe"]) == (99, "sky", None)
    assert row["separation"] == pytest.approx(1, abs=1e-6)


def test_every_spectrum_of_a_star_gets_the_match():
    same = {"star_id": "uid:7"}
    spectra = [spectrum(1, **same), spectrum(2, **same, snrr=None), spectrum(3, ra=50.0)]
    found = match(spectra, [star("A")])
    assert pairs(found) == {1: ("A", "sky"), 2: ("A", "sky")}
    assert reasons(found) == {3: "no counterpart"}


def test_stars_with_the_same_gaia_id_of_the_same_release_match():
    ours = {"gaia_source_id": "1001"}
    theirs = {"gaia_source_id": "1001", "gaia_release": "DR3"}
    near = star("near", dec=60 + ARCSEC)
    found = match([spectrum(1, **ours)], [star("A", **theirs, dec=60 + 9 * ARCSEC), near])
    assert pairs(found) == {1: ("A", "gaia")}
    assert reasons(found) == {"star near": "no LAMOST spectrum"}


def test_different_gaia_ids_of_one_release_are_different_stars():
    ours, theirs = {"gaia_source_id": "1001"}, {"gaia_source_id": "1002", "gaia_release": "DR3"}
    found = match([spectrum(1, **ours)], [star("A", **theirs)])
    assert reasons(found) == {1: "no counterpart", "star A": "no LAMOST spectrum"}


@pytest.mark.parametrize("theirs", ["1001", "1002"])
def test_gaia_ids_of_different_releases_are_not_compared(theirs):
    ids = {"gaia_source_id": theirs, "gaia_release": "DR2"}
    ours = spectrum(1, gaia_source_id="1001")
    assert pairs(match([ours], [star("A", **ids)])) == {1: ("A", "sky")}
    assert pairs(match([ours], [star("A", **ids, dec=61.0)])) == {}
    by_dr2 = match([ours], [star("A", **ids, dec=61.0)], lamost_gaia_release="DR2")
    assert pairs(by_dr2) == ({1: ("A", "gaia")} if theirs == "1001" else {})


def test_proper_motion_is_applied():
    """800 mas/yr for 16 years are 12.8 arcsec; without them, there is no match."""
    old = {"epoch": 2000.0, "ra": 10 - 16 * 0.8 * ARCSEC / np.cos(np.radians(60))}
    found = match([spectrum(1)], [star("A", **old, pmra=800.0, pmdec=0.0)])
    assert pairs(found) == {1: ("A", "sky with proper motion")}
    assert found.catalogue["separation"][0].as_py() < 0.001
    assert pairs(match([spectrum(1)], [star("A", **old)])) == {}


@pytest.mark.parametrize("motion", [(None, None), (None, 900.0), (900.0, None)])
def test_a_star_of_unknown_motion_is_not_moved(motion):
    motion = dict(zip(("pmra", "pmdec"), motion, strict=True))
    found = match([spectrum(1)], [star("A", epoch=2000.0, **motion)])
    assert pairs(found) == {1: ("A", "sky")}
    assert found.catalogue["separation"][0].as_py() == pytest.approx(0, abs=1e-6)


def test_two_candidates_are_no_match_unless_their_magnitudes_differ():
    two = [star("A", gmag=12.1), star("B", dec=60 + 2 * ARCSEC, gmag=12.4)]
    found = match([spectrum(1, gmag=12.0)], two)
    assert reasons(found) == dict.fromkeys((1, "star A", "star B"), "ambiguous counterpart")
    bright = match([spectrum(1, gmag=12.8)], two)
    assert pairs(bright) == {1: ("B", "sky")}
    assert reasons(bright) == {"star A": "G magnitude differs"}
    unknown = match([spectrum(1)], two)
    assert reasons(unknown)[1] == "ambiguous counterpart"


def test_two_lamost_stars_near_one_of_the_survey_are_no_match():
    found = match([spectrum(1), spectrum(2, dec=60 + 2 * ARCSEC)], [star("A", dec=60 + ARCSEC)])
    reason = "ambiguous counterpart"
    assert reasons(found) == {1: reason, 2: reason, "star A": reason}


def test_stars_of_different_magnitudes_do_not_match_by_id():
    ids = {"gaia_source_id": "1001"}
    stars = [star("A", **ids, gaia_release="DR3", gmag=13.0)]
    found = match([spectrum(1, **ids, gmag=12.0)], stars)
    assert reasons(found) == {1: "G magnitude differs", "star A": "G magnitude differs"}
    (detail,) = (r["detail"] for r in found.rejects.to_pylist() if r["obsid"])
    assert detail == "1 near; the nearest is A, 0.00 arcsec away, G 13.00 where LAMOST has 12.00"
    assert pairs(match([spectrum(1, **ids, gmag=12.0)], stars, largest_g_difference=1.5))


def test_a_lamost_star_with_two_gaia_ids_is_not_matched():
    spectra = [spectrum(i, star_id="sky:1", gaia_source_id=f"100{i}") for i in (1, 2)]
    stars = [star("A", gaia_source_id="1001", gaia_release="DR3")]
    reason = "several Gaia ids in one LAMOST star"
    assert reasons(match(spectra, stars)) == {1: reason, 2: reason, "star A": reason}


def test_spectra_without_a_position_can_have_an_id():
    nowhere = {"ra": None, "dec": None}
    spectra = [spectrum(1, **nowhere, gaia_source_id="1001"), spectrum(2, **nowhere)]
    found = match(spectra, [star("A", gaia_source_id="1001", gaia_release="DR3")])
    assert pairs(found) == {1: ("A", "gaia")}
    assert found.catalogue["separation"][0].as_py() is None


def test_the_error_explains_why_nothing_matches():
    spectra = pa.Table.from_pylist(
        [spectrum(1, gaia_source_id="1001", gmag=12.0), spectrum(2, dec=61.0)],
        schema=schema(CATALOGUE),
    )
    hours = star("A", ra=10 / 15, gaia_source_id="1001", gaia_release="DR2")
    stars = pa.Table.from_pylist([hours], schema=schema(STARS))
    with pytest.raises(SpectraLMError) as error:
        crossmatch(spectra, stars, CrossmatchOptions())
    for words in (
        "none of 2 LAMOST stars is one of the survey's 1",
        "1 LAMOST stars have a Gaia id (DR3) and 0 of the survey's (its ids: DR2;",
        "candidates within 3 arcsec: 0",
        "LAMOST ra 10.00 to 10.00, dec 60.00 to 61.00 deg; the survey ra 0.67 to 0.67",
        "right ascensions are in degrees",
    ):
        assert words in str(error.value)
    other = pa.Table.from_pylist([star("A", gmag=15.0)], schema=schema(STARS))
    with pytest.raises(SpectraLMError, match=r"arcsec: 1 \(G magnitude differs: 1\)"):
        crossmatch(spectra, other, CrossmatchOptions())


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(-89.9, 89.9), st.floats(0, 360, exclude_max=True))
def test_motion_and_separation_are_astropys(seed, dec, ra):
    rng = np.random.default_rng(seed)
    pmra, pmdec = rng.uniform(-5000, 5000, 2)
    row = {"ra": [ra], "dec": [dec], "epoch": [2000.0], "pmra": [pmra], "pmdec": [pmdec]}
    moved = directions(pa.table(row), 2016.0)
    start = SkyCoord(ra * u.deg, dec * u.deg)
    angle = np.arctan2(pmra, pmdec) * u.rad
    end = start.directional_offset_by(angle, np.hypot(pmra, pmdec) * 16 * u.mas)
    there = directions(pa.table({"ra": [end.ra.deg], "dec": [end.dec.deg]}))
    assert separations(moved, there)[0] < 0.001
    still = directions(pa.table({"ra": [ra], "dec": [dec]}))
    assert separations(moved, still)[0] == pytest.approx(start.separation(end).arcsec, abs=0.001)


def test_pairs_within_are_all_and_only_those():
    rng = np.random.default_rng(0)
    table = pa.table(
        {"ra": rng.uniform(359.99, 360.01, 300) % 360, "dec": rng.uniform(0, 0.02, 300)}
    )
    xyz = directions(table)
    found = pairs_within(3.0, xyz[:200], xyz[200:])
    distances = np.array([separations(xyz[:200], xyz[i][None]) for i in range(200, 300)]).T
    expected = set(zip(*np.nonzero(distances <= 3), strict=True))
    assert set(zip(found.left.tolist(), found.right.tolist(), strict=True)) == expected
    assert len(expected) > 5
