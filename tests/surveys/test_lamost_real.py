"""Real catalogues and files, if there are any."""

import csv
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from spectralm.surveys.catalogue import Built, build_catalogue
from spectralm.surveys.index import index_files
from spectralm.surveys.lamost import read_catalogues
from spectralm.surveys.options import LamostCuts


@pytest.fixture(scope="module")
def catalogues(real: Path) -> list[Path]:
    dr1 = real / "lamost_learninglamost" / "my_data3_rows_for_these_spectra.csv"
    return [*sorted((real / "lamost_dr10_gcbellys").glob("type_*_params.csv")), dr1]


@pytest.fixture(scope="module")
def built(real: Path, catalogues: list[Path]) -> Built:
    return build_catalogue(catalogues, index_files([real]), LamostCuts())


def written(catalogues: list[Path]) -> list[dict[str, str]]:
    return [row for path in catalogues for row in csv.DictReader(path.read_text().splitlines())]


def test_every_fits_file_is_kept_or_rejected(real, built):
    found = {str(path) for pattern in ("*.fits", "*.fits.gz") for path in real.rglob(pattern)}
    kept, lost = built.catalogue["path"].to_pylist(), built.rejects["path"].drop_null().to_pylist()
    assert len(kept) == len(set(kept))
    assert len(lost) == len(set(lost))
    assert set(kept).isdisjoint(lost)
    assert {*kept, *lost} == found


def test_every_row_is_kept_or_rejected(catalogues, built):
    rows = [int(row["obsid"]) for row in written(catalogues)]
    lost = built.rejects.filter(built.rejects["obsid"].is_valid())
    there = {*built.catalogue["obsid"].to_pylist(), *lost["obsid"].to_pylist()}
    assert set(rows) <= there
    assert built.cuts["rows_before"][0].as_py() == len(rows)
    assert built.cuts["rows_left"][-1].as_py() == built.catalogue.num_rows


def test_files_of_the_catalogues_are_all_found(real, built):
    """405 of DR10 by the OBSID card and 131 of DR1 by name; only files without S/N are rejected."""
    lost = [
        row
        for row in built.rejects.to_pylist()
        if row["path"] and row["reason"] not in ("no catalogue row", "not a LAMOST file name")
    ]
    assert {row["reason"] for row in lost} == {
        "LAMOST medium-resolution file",
        "no S/N in band r",
        "no S/N in band i",
    }
    assert built.catalogue.num_rows + len(lost) - 1 == 405 + 131


def test_rows_have_their_own_files_and_values(catalogues, built):
    rows = {int(row["obsid"]): row for row in written(catalogues)}
    for kept in built.catalogue.to_pylist()[::9]:
        header, row = fits.getheader(kept["path"]), rows[kept["obsid"]]
        assert header.get("OBSID", kept["obsid"]) == kept["obsid"]
        assert row.get("filename") in (None, Path(kept["path"]).name)
        snri = float(row.get("snri", -9999))
        assert kept["snri"] == (snri if snri > 0 else header.get("SNRI", header.get("SN_I")))
        assert min(kept["snrr"], kept["snri"]) >= 2
        assert [kept[name] for name in ("teff", "logg", "feh")] == [
            float(row[name]) for name in ("teff", "logg", "feh")
        ]
        assert kept["class"] == kept["subclass"][0] == row["subclass"][0]


def test_neighbours_on_the_sky_are_one_star(built):
    table = built.catalogue
    ra, dec = (np.radians(table[name].to_numpy()) for name in ("ra", "dec"))
    xyz = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
    near = np.linalg.norm(xyz[:, None] - xyz[None], axis=2) < np.radians(3 / 3600)
    star = np.array(table["star_id"].to_pylist())
    assert (star[:, None] == star[None])[near].all()
    assert near.sum() > table.num_rows


def test_the_service_csv_with_a_byte_order_mark(real):
    (path,) = real.rglob("sql_response_csv.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = {row["obsid"]: row for row in read_catalogues([path]).table.to_pylist()}
    assert rows[780407018]["gaia_source_id"] == "605945363488930688"
    assert rows[780407018]["teff"] is None
    assert rows[780407020]["feh_source"] == "feh"
    assert (rows[780407007]["feh"], rows[780407007]["feh_source"]) == (-0.2066, "m_h")


def test_an_old_catalogue_without_gaia_ids(real):
    path = next(real.rglob("test_lamost_dr3_catalog_part.csv"))
    table = read_catalogues([path]).table
    assert table["name"][0].as_py() == "56669-HD092600N030149B_sp1-225"
    assert table["gaia_source_id"].null_count == table.num_rows


def test_two_reductions_of_one_observation(real, tmp_path):
    """Files of obsid 101005 from DR5 and DR9 are in one folder; that of DR9 is kept."""
    catalogue = tmp_path / "c.csv"
    names = "obsid,subclass,teff,logg,feh,ra,dec,lmjd,planid,spid,fiberid"
    catalogue.write_text(f"{names}\n101005,G0,5900,4,-0.2,332.5,-2.1,55859,F5902,1,5\n")
    built = build_catalogue(
        [catalogue], index_files([real / "lamost_cmost"]), LamostCuts(smallest_snr_i=0)
    )
    (kept,) = built.catalogue["path"].to_pylist()
    assert Path(kept).name == "spec-55859-F5902_sp01-005.fits.gz"
    second = [row for row in built.rejects.to_pylist() if "second" in row["reason"]]
    assert [Path(row["path"]).name[:4] for row in second] == ["DR5_"]
