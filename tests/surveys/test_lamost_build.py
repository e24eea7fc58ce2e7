"""Catalogues matched with files: the rows that are kept, and the rejects with their details."""

import gzip
import shutil
from itertools import pairwise

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from spectralm.cli import main
from spectralm.errors import InputError
from spectralm.schemas import CATALOGUE, FILES, REJECTS, schema
from spectralm.surveys.catalogue import build_catalogue
from spectralm.surveys.options import LamostCuts

NAME_PARTS = ("lmjd", "planid", "spid", "fiberid")


def test_a_good_row_arrives_whole(survey):
    path = survey.add()
    built = survey.build()
    assert built.catalogue.schema.equals(schema(CATALOGUE), check_metadata=True)
    assert built.catalogue.to_pylist() == [
        {
            "obsid": 101001,
            "path": str(path),
            "star_id": "gaia:605945363488930816",
            "class": "G",
            "subclass": "G2",
            "teff": 5777.12,
            "teff_err": 50.1,
            "logg": 4.438,
            "logg_err": 0.05,
            "feh": -0.0123,
            "feh_err": 0.04,
            "feh_source": "feh",
            "snrg": 20.5,
            "snrr": 30.5,
            "snri": 40.5,
            "ra": 100.1,
            "dec": -2.1,
            "z": 0.0001,
            "gaia_source_id": "605945363488930816",
            "gmag": 12.5,
            "source": "catalogue.csv",
        }
    ]
    assert built.rejects.schema.equals(schema(REJECTS))
    assert built.rejects.num_rows == 0


@pytest.mark.parametrize(
    ("cells", "reason", "detail"),
    [
        ({"teff": "5x"}, "unreadable row", "teff is '5x'"),
        ({"class": "GALAXY", "subclass": "Non"}, "not a star", "class GALAXY"),
        ({"subclass": "WD"}, "class not in AFGKM", "subclass WD"),
        ({"subclass": "Non"}, "class not in AFGKM", "subclass missing"),
        ({"teff": "-9999", "feh": ""}, "label missing", "no teff, feh"),
        ({"logg": "inf"}, "label missing", "no logg"),
        ({"snrr": "1.99"}, "S/N in band r too low", "1.99 is below 2"),
        ({"snri": "-0.5"}, "S/N in band i too low", "-0.5 is below 2"),
        (
            {"ra": "-9999", "gaia_source_id": "", "uid": "Non"},
            "no position and no id",
            "nothing tells which star it is of",
        ),
    ],
)
def test_every_cut_says_what_was_found(survey, cells, reason, detail):
    survey.add(1)
    path = survey.add(2, **cells)
    built = survey.build()
    assert built.catalogue["obsid"].to_pylist() == [101001]
    rows = {row["reason"]: row for row in built.rejects.to_pylist()}
    assert rows[reason]["detail"] == detail
    assert rows[reason]["obsid"] == 101002
    assert {row["path"] for row in rows.values()} - {None} == {str(path)}
    (counted,) = (row for row in built.cuts.to_pylist() if row["rows_cut"])
    assert counted == {"reason": reason, "rows_before": 2, "rows_cut": 1, "rows_left": 1}


def test_the_cuts_add_up(survey):
    for number in range(1, 9):
        survey.add(number, snrr=str(number), snri=str(9 - number))
    counts = survey.build(smallest_snr_r=3.0, smallest_snr_i=3.0).cuts.to_pylist()
    for one, following in pairwise(counts):
        assert one["rows_left"] == one["rows_before"] - one["rows_cut"] == following["rows_before"]
    assert counts[-1]["rows_left"] == 4


def test_the_snr_cap_is_a_value_and_the_limit_is_kept(survey):
    survey.add(1, snrr="999.00", snri="2.0")
    assert survey.build().catalogue["snrr"].to_pylist() == [999.0]


@pytest.mark.parametrize("file", ["spec", "obsid", "DR5_spec-55859-F5902_sp01-002.fits.gz"])
@pytest.mark.parametrize("without", [(), NAME_PARTS])
def test_files_are_found_by_any_name(survey, file, without):
    survey.add(1)
    path = survey.add(2, file=file)
    assert survey.build(*without).catalogue["path"].to_pylist()[1] == str(path)


def test_a_renamed_file_is_recognised_by_its_header(survey):
    survey.add(1)
    path = survey.add(2, file="my favourite star.fits")
    assert survey.build().catalogue["path"].to_pylist()[1] == str(path)


def test_headers_are_not_read_if_names_suffice(survey):
    survey.add(1)
    survey.add(2, file=None)
    survey.spectra.joinpath("spec-55859-OTHER_sp01-001.fits").write_bytes(b"no header to read")
    built = survey.build()
    assert {row["reason"] for row in built.rejects.to_pylist()} == {
        "no file found for it",
        "no catalogue row",
    }


def test_files_without_a_row_have_different_reasons(survey, rejected):
    survey.add(1)
    survey.add(2, file=None)
    survey.file("med-58025-HIP9645901_sp02-051.fits.gz", obsid=101002)
    survey.file("spec-55859-F5902_sp01-009.fits.gz", obsid=7)
    survey.file("spec-55859-F5902_sp01-008.fits.gz", obsid=None)
    survey.file("777.fits", obsid=777)
    survey.file("spec-0266-51602-0031.fits", obsid=101002, TELESCOP="SDSS 2.5-M")
    survey.spectra.joinpath("spec-55859-F5902_sp01-010.fits").write_bytes(b"<html>")
    survey.spectra.joinpath("labels.csv").touch()
    expected = {
        ("med-58025-HIP9645901_sp02-051.fits.gz", "LAMOST medium-resolution file"),
        (7, "no catalogue row"),
        ("spec-55859-F5902_sp01-008.fits.gz", "no catalogue row"),
        (777, "no catalogue row"),
        ("spec-0266-51602-0031.fits", "not a LAMOST file name"),
        ("spec-55859-F5902_sp01-010.fits", "unreadable header"),
        (101002, "no file found for it"),
    }
    assert rejected(survey.build(*NAME_PARTS).rejects) == expected


def test_the_later_of_two_reductions_is_kept(survey):
    new = survey.add(1)
    old = survey.file("DR5_" + new.name, obsid=101001, DATE="2019-06-13T08:03:16")
    newest = survey.add(2)
    kept = survey.file("renamed_" + newest.name, obsid=101002, DATE="2025-01-01T00:00:00")
    copy = survey.spectra / "copy" / kept.name
    copy.parent.mkdir()
    shutil.copy(kept, copy)
    built = survey.build()
    assert built.catalogue["path"].to_pylist() == [str(new), str(copy)]
    lost = {row["path"]: row for row in built.rejects.to_pylist()}
    assert lost.keys() == {str(old), str(newest), str(kept)}
    for path, row in lost.items():
        assert row["reason"] == "second file of one observation"
        assert row["obsid"] == (101001 if path == str(old) else 101002)


def test_a_damaged_second_file_is_not_kept(survey):
    good = survey.add(1)
    survey.spectra.joinpath("101001.fits").write_bytes(b"")
    built = survey.build()
    assert built.catalogue["path"].to_pylist() == [str(good)]
    assert built.rejects["reason"].to_pylist() == ["second file of one observation"]


def test_a_repeated_row_is_kept_once(survey):
    survey.add(1)
    survey.add(2)
    survey.add(1, file=None)
    survey.add(2, file=None, teff="6000", subclass="F9")
    survey.add(2, file=None, teff="5777.120117")
    built = survey.build()
    assert built.catalogue["teff"].to_pylist() == [5777.12, 5777.12]
    rows = sorted((row["obsid"], row["reason"], row["detail"]) for row in built.rejects.to_pylist())
    where = "kept the row of catalogue.csv, which has "
    assert rows == [
        (101001, "obsid twice", where + "the same labels"),
        (101002, "obsid twice", where + "another teff, subclass"),
        (101002, "obsid twice", where + "the same labels"),
    ]


def test_the_repeated_row_with_labels_is_kept(survey):
    survey.add(1, file=None, teff="-9999")
    survey.add(1, teff="5000")
    assert survey.build().catalogue["teff"].to_pylist() == [5000.0]


def test_two_rows_cannot_have_one_file(survey, rejected):
    survey.add(1)
    survey.add(2, file=None, fiberid="1")
    assert rejected(survey.build().rejects) == {(101002, "file name twice")}


def test_snr_that_the_catalogue_lacks_is_from_the_header(survey):
    survey.add(1, snrr="-9999", snri="5.5")
    survey.file("101002.fits", obsid=101002, SNRR=None, SNRI=None, SN_R=7.25, SN_I=99.0)
    survey.add(2, file=None)
    survey.add(3)
    catalogue = survey.build("snri").catalogue
    assert catalogue["snri"].to_pylist() == [100.0, 99.0, 100.0]
    survey.rows[1] |= {"snrr": ""}
    catalogue = survey.build().catalogue
    assert catalogue["snrr"].to_pylist() == [75.0, 7.25, 30.5]
    assert catalogue["snri"].to_pylist() == [5.5, 40.5, 40.5]


def test_missing_snr_is_a_reason_of_its_own(survey, rejected):
    survey.add(1)
    survey.file("101002.fits", obsid=101002, SNRR=-9999.0)
    survey.file("101003.fits", obsid=101003, SNRI=None)
    broken = survey.add(4)
    broken.write_bytes(gzip.compress(b"SIMPLE")[:-5])
    for number in (2, 3):
        survey.add(number, file=None)
    assert rejected(survey.build("snrr", "snri").rejects) == {
        (101002, "no S/N in band r"),
        (101003, "no S/N in band i"),
        (101004, "unreadable header"),
    }


def test_wrong_folders_stop_at_once(survey):
    survey.add(1, file="spec-1-OTHER_sp01-001.fits")
    with pytest.raises(
        InputError, match=r"none of 1 has a file among 1 such as .*OTHER.* give the"
    ):
        survey.build()


def test_the_error_counts_the_cuts_if_no_row_is_left(survey):
    survey.add(1, subclass="QSO")
    survey.add(2, snrr="1")
    with pytest.raises(InputError, match=r"class not in AFGKM: 1, S/N in band r too low: 1"):
        survey.build()


def test_commands_write_what_the_library_gives(survey, tmp_path):
    for number, snr in ((1, "30"), (2, "1"), (3, "30")):
        survey.add(number, snrr=snr)
    catalogue, out = survey.write(), tmp_path / "out"
    files, cuts = str(out / "files.parquet"), out / "cuts.csv"
    assert main(["index-spectra", "--folders", str(survey.spectra), "--out", files]) == 0
    assert pq.read_schema(files).equals(schema(FILES))
    command = ["build-catalogue", "--files", files, "--catalogues", str(catalogue)]
    command += ["--options", '{"smallest_snr_r": 5}', "--out", str(out / "c.parquet")]
    assert main([*command, "--rejects", str(out / "r.parquet"), "--cuts", str(cuts)]) == 0
    built = build_catalogue([catalogue], pq.read_table(files), LamostCuts(smallest_snr_r=5))
    assert pq.read_table(out / "c.parquet").equals(built.catalogue)
    assert pq.read_table(out / "r.parquet").equals(built.rejects)
    assert csv.read_csv(cuts).to_pylist() == built.cuts.to_pylist()
    catalogue.write_text("obsid\n1\n")
    assert main([*command, "--rejects", str(out / "r"), "--cuts", str(cuts)]) == 1


def test_many_rows_in_few_seconds(tmp_path):
    rows = 200_000
    numbers = range(rows)
    columns = {
        "obsid": pa.array(numbers),
        "lmjd": pa.array([55859] * rows),
        "planid": pa.array([f"P_{i // 250}" for i in numbers]),
        "spid": pa.array([1] * rows),
        "fiberid": pa.array([i % 250 for i in numbers]),
        "subclass": pa.array([("A1", "F2", "G3", "K4", "dM5")[i % 5] for i in numbers]),
        "ra": pa.array([i % 1000 * 0.36 for i in numbers]),
        "dec": pa.array([i % 100_000 // 1000 * 0.5 for i in numbers]),
        **{name: pa.array([3.0] * rows) for name in ("snrr", "snri", "teff", "logg", "feh")},
    }
    csv.write_csv(pa.table(columns), tmp_path / "c.csv")
    names = [f"d/spec-55859-P_{i // 250}_sp01-{i % 250:03d}.fits.gz" for i in reversed(numbers)]
    files = {"path": names, "lmjd": [55859] * rows, "spid": [1] * rows}
    files |= {"planid": [f"P_{i // 250}" for i in reversed(numbers)]}
    files |= {"fiberid": [i % 250 for i in reversed(numbers)], "obsid": [None] * rows}
    table = pa.table({field.name: files[field.name] for field in schema(FILES)}).cast(schema(FILES))
    built = build_catalogue([tmp_path / "c.csv"], table, LamostCuts())
    assert built.catalogue["path"].to_pylist() == names[::-1]
    assert len(built.catalogue["star_id"].unique()) == rows // 2
    assert built.rejects.num_rows == 0
