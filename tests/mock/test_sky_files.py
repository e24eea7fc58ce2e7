"""The sky's files: the formats of the surveys, no lost rows, reproducible content."""

import json
from collections import Counter

import numpy as np
import pyarrow.compute as pc
import pytest
from astropy.io import fits

from spectralm.errors import InputError
from spectralm.files import sha256
from spectralm.mock.emulator import ELEMENTS
from spectralm.mock.make import make_sky
from spectralm.mock.options import SkyOptions

#: Damage -> the stage that detects it, and the reason that it gives.
DETECTED = {
    "cut short": ("resample_spectra", "damaged_gzip"),
    "empty": ("resample_spectra", "empty_file"),
    "error page": ("resample_spectra", "not_fits"),
    "cut before compression": ("resample_spectra", "damaged_fits"),
    "not fetched": ("build_catalogue", "no file found for it"),
    "another obsid": ("resample_spectra", "obsid_mismatch"),
    "all masked": ("build_catalogue", "no S/N in band r"),
    "no catalogue": ("build_catalogue", "no catalogue row"),
}


def test_every_spectrum_ends_in_the_results_or_in_a_reject(sky):
    truth, damage = sky.truth, Counter(sky.truth["damage"].to_pylist())
    assert damage == Counter({None: truth.num_rows - 8} | dict.fromkeys(DETECTED, 1))
    assert sky.files.num_rows == truth.num_rows - damage["not fetched"]
    rows = sky.catalogue.num_rows + sky.rejects.num_rows
    assert rows == truth.num_rows
    # A ranking may leave rows beyond the first shard; none of the sample's is lost.
    assert sky.spectra.num_rows + sky.refused.num_rows == sky.sample.num_rows


def test_most_spectra_survive(sky):
    """The pipeline's failures and low S/N cut a few rows in a hundred, as in the real survey."""
    assert sky.catalogue.num_rows > 0.85 * sky.truth.num_rows
    assert sky.spectra.num_rows > 0.95 * sky.sample.num_rows


def test_each_damage_is_detected_with_the_right_reason(sky):
    damaged = sky.truth.filter(pc.is_valid(sky.truth["damage"])).to_pylist()
    rejects = sky.rejects.to_pylist() + sky.refused.to_pylist()
    cut = {row["obsid"]: row for row in rejects} | {row["path"]: row for row in rejects}
    sampled = set(sky.sample["obsid"].to_pylist())
    for row in damaged:
        found = cut.get(row["obsid"]) or cut.get(str(sky.folder / row["path"]))
        stage, reason = DETECTED[row["damage"]]
        if found is None:  # only because the first shard does not hold the spectrum
            assert stage == "resample_spectra"
            assert row["obsid"] not in sampled
        # A star may be cut for low S/N or missing labels before its file is opened.
        elif found["reason"] not in ("label missing", "S/N in band r too low"):
            assert (found["stage"], found["reason"]) == (stage, reason)


def test_only_damaged_files_are_refused(sky):
    healthy = pc.is_null(sky.truth["damage"])
    obsids = set(sky.truth.filter(healthy)["obsid"].to_pylist())
    assert not obsids & set(sky.refused["obsid"].to_pylist())


def test_classes_are_balanced(sky):
    stars = {row["star"]: row["type"].lstrip("dg")[0] for row in sky.truth.to_pylist()}
    assert Counter(stars.values()) == dict.fromkeys("AFGKM", 32)
    found = Counter(sky.catalogue["class"].to_pylist())
    assert min(found[name] for name in "AFGKM") > 0.12 * sky.catalogue.num_rows


def test_repeats_share_a_star_id(sky):
    star = dict(zip(sky.truth["obsid"].to_pylist(), sky.truth["star"].to_pylist(), strict=True))
    ids: dict[int, set[str]] = {}
    for row in sky.catalogue.to_pylist():
        ids.setdefault(star[row["obsid"]], set()).add(row["star_id"])
    assert all(len(names) == 1 for names in ids.values())
    assert len(set().union(*ids.values())) == len(ids)
    spectra = Counter(sky.truth["star"].to_pylist())
    assert Counter(spectra.values()) == {1: 112, 2: 32, 3: 16}


@pytest.mark.slow
@pytest.mark.parametrize("change", [{}, {"seed": 6}])
def test_bytes_depend_on_the_options_alone(tmp_path, change):
    options = SkyOptions(stars=70, damaged=3, seed=5)
    make_sky(options, tmp_path / "one", processes=1)
    make_sky(options.model_copy(update=change), tmp_path / "two", processes=2)
    one, two = (
        {str(p.relative_to(d)): sha256(p) for p in sorted(d.rglob("*")) if p.is_file()}
        for d in (tmp_path / "one", tmp_path / "two")
    )
    if change:
        same = [name for name in one if one[name] == two.get(name)]
        assert same == ["README.txt"]
    else:
        assert one == two


def test_another_sky_is_not_written_over(sky):
    with pytest.raises(InputError, match="already contains spectra"):
        make_sky(SkyOptions(stars=20), sky.folder)


LIKE = {
    "C": "lamost_dr10_gcbellys/spectra/type_G/*.fits.gz",
    "I": "lamost_cmost/**/DR5_spec-55859-F5902_sp01-005.fits.gz",
    "1": "lamost_learninglamost/**/spec-55862-B6212_sp06-003.fits",
}


@pytest.mark.parametrize("layout", LIKE)
def test_cards_are_those_of_real_files(sky, real, layout):
    rows = sky.truth.filter(pc.and_(pc.equal(sky.truth["layout"], layout), _healthy(sky)))
    ours = fits.getheader(sky.folder / rows["path"][0].as_py())
    theirs = fits.getheader(next(real.glob(LIKE[layout])))
    assert [key for key in ours if key not in theirs] == []
    missing = {key for key in theirs if key not in ours}
    # DR1 also lists its exposures.
    assert {key for key in missing if not key.startswith("EXPID")} <= {""}


def test_catalogues_have_the_columns_of_real_ones(sky, real):
    folder = real / "lamost_astroquery_nadc/astroquery/nadc/lamost/tests/data"
    schemas = json.loads((folder / "tables_metadata_response.json").read_text())
    for name in ("stellar", "mstellar"):
        columns = next(s["columns"] for s in schemas if s["table_name"] == name)
        table = fits.getdata(sky.folder / f"dr11_v1.1_LRS_{name}.fits.gz")
        assert list(table.names) == [column["column_name"] for column in columns]
        assert (np.diff(table["obsid"]) > 0).all()
        ids = table["gaia_source_id"]
        assert all(len(cell) == 19 and cell.isdigit() for cell in ids)


def test_surveys_identify_stars_by_different_gaia_ids(sky):
    truth = sky.truth
    allstar = fits.getdata(sky.folder / "allStar-r12-l33.fits", 1)
    galah = fits.getdata(sky.folder / "galah_dr4_allstar_240705.fits", 1)
    lamost = set(truth["gaia_dr3"].to_pylist())
    in_both = lamost & set(galah["gaiadr3_source_id"].tolist())
    assert len(in_both) > 10
    dr2 = set(truth["gaia_dr2"].to_pylist())
    by_dr2 = dr2 & set(allstar["GAIA_SOURCE_ID"].tolist())
    by_dr3 = lamost & set(allstar["GAIA_SOURCE_ID"].tolist())
    assert 40 < len(by_dr3) < len(by_dr2)
    with fits.open(sky.folder / "allStar-r12-l33.fits") as hdus:
        symbols = hdus[3].data["ELEM_SYMBOL"][0]
        assert list(symbols[:3]) == ["C", "Ci", "N"]
        assert hdus[1].data["X_M"].shape[1] == len(symbols) == 26


def test_surveys_have_the_columns_that_are_read(sky):
    allstar = fits.getdata(sky.folder / "allStar-r12-l33.fits", 1)
    galah = fits.getdata(sky.folder / "galah_dr4_allstar_240705.fits", 1)
    ges = fits.getdata(sky.folder / "GES_DR5_1_V1.fits", 1)
    for element in (*ELEMENTS, "CI", "TIII"):
        name = f"{element.upper()}_FE"
        assert {name, f"{name}_ERR", f"{name}_FLAG"} <= set(allstar.names)
    for element in set(ELEMENTS) - {"P", "S"}:
        name = f"{element.lower()}_fe"
        assert {name, f"e_{name}", f"flag_{name}"} <= set(galah.names)
    assert {"DECLINATION", "FEH", "MG1", "E_MG1", "N_CN", "CE2"} <= set(ges.names)
    assert "DEC" not in ges.names
    missing = allstar["CE_FE"] == -9999
    assert 0.1 < missing.mean() < 0.9
    assert np.isfinite(allstar["MG_FE"]).all()
    assert np.isnan(galah["ce_fe"]).any()


def _healthy(sky):
    return pc.is_null(sky.truth["damage"])
