"""Reading catalogue files: formats, columns, missing values, ids."""

import gzip
from pathlib import Path

import fitsio
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm.errors import InputError
from spectralm.surveys.cells import to_float, to_gaia, to_int, to_text
from spectralm.surveys.lamost import class_of, read_catalogues

ROWS = [
    {
        "obsid": 1,
        "subclass": "G5",
        "teff": 5500.25,
        "logg": 4.5,
        "feh": -0.25,
        "ra": 1.5,
        "dec": 2.5,
    },
    {
        "obsid": 2,
        "subclass": "A1V",
        "teff": 9000.5,
        "logg": 4.0,
        "feh": 0.25,
        "ra": 3.5,
        "dec": 4.5,
    },
]
NEEDED = list(ROWS[0])


def text(rows=ROWS, delimiter=",", start="", end="\n") -> bytes:
    lines = [rows[0].keys(), *(row.values() for row in rows)]
    return (start + end.join(delimiter.join(map(str, line)) for line in lines) + end).encode()


def read(path: Path, data: bytes) -> list[dict]:
    path.write_bytes(data)
    return read_catalogues([path]).table.select(NEEDED).to_pylist()


@pytest.mark.parametrize("delimiter", [",", "|"])
@pytest.mark.parametrize("start", ["", "\ufeff", "#"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_text_files_of_all_formats(tmp_path, delimiter, start, end, packed):
    data = text(delimiter=delimiter, start=start, end=end)
    assert read(tmp_path / "catalogue", gzip.compress(data) if packed else data) == ROWS


@pytest.mark.parametrize("packed", [False, True])
def test_fits(tmp_path, packed):
    table = np.array(
        [tuple(row.values()) for row in ROWS],
        [("OBSID", "i8"), ("subclass", "S8"), *((name, "f4") for name in NEEDED[2:])],
    )
    fitsio.write(str(tmp_path / "plain.fits"), table)
    data = (tmp_path / "plain.fits").read_bytes()
    assert read(tmp_path / "catalogue", gzip.compress(data) if packed else data) == ROWS


def test_fits_ids_of_19_digits_survive(tmp_path):
    path = tmp_path / "c.fits"
    row = [(1, "M1", 3500.0, 5.0, -0.5, 1.0, 1.0, 4611686018427388033)]
    names = ["obsid", "subclass", "teff", "logg", "m_h", "ra", "dec", "gaia_source_id"]
    kinds = ["i8", "S4", "f8", "f8", "f8", "f8", "f8", "i8"]
    fitsio.write(str(path), np.array(row, list(zip(names, kinds, strict=True))))
    assert read_catalogues([path]).table["gaia_source_id"].to_pylist() == ["4611686018427388033"]


def test_the_parts_of_old_file_names_may_be_decimal(tmp_path):
    (tmp_path / "a").write_bytes(
        text([{**ROWS[0], "lmjd": "55862.0", "planid": "B_1", "spid": "6.0", "fiberid": "03"}])
    )
    (tmp_path / "b").write_bytes(
        text([{**ROWS[0], "file": "2011/B_1/spec-55862-B_1_sp06-003.fits"}])
    )
    for name in "ab":
        assert read_catalogues([tmp_path / name]).table["name"].to_pylist() == ["55862-B_1_sp6-3"]


def test_metallicity_has_a_source(tmp_path):
    rows = [
        {**ROWS[0], "feh_err": 0.1, "m_h": -0.5, "m_h_err": 0.2},
        {**ROWS[1], "feh": -9999.0, "feh_err": -9999.0, "m_h": -0.5, "m_h_err": 0.2},
        {**ROWS[1], "feh": "", "feh_err": -0.1, "m_h": -9999, "m_h_err": 0.2},
    ]
    (tmp_path / "c").write_bytes(text(rows))
    table = read_catalogues([tmp_path / "c"]).table
    assert table["feh"].to_pylist() == [-0.25, -0.5, None]
    assert table["feh_err"].to_pylist() == [0.1, 0.2, 0.2]
    assert table["feh_source"].to_pylist() == ["feh", "m_h", None]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (bytes(range(256)), "neither a FITS file nor text"),
        (gzip.compress(text() * 9, mtime=0)[:-30], "truncated or damaged"),
        (text()[: text().index(b"\n") + 1], "rows: none"),
        (b"<!DOCTYPE html>\n<html>", "no column obsid, subclass.*there are: <!doctype html>"),
        (text([{"obsid": 1, "teff": 2}]), "no column subclass, logg, feh or m_h, ra or ra_obs"),
        (text().replace(b"dec", b"teff", 1), "dec or dec_obs"),
        (text([{**ROWS[0], "Teff": 1}]), "column teff: there twice"),
        (text().replace(b"G5", b"\xff").replace(b"5500", b"\xff"), "cannot be read"),
        (text([{**ROWS[0], "obsid": "7.8e8"}]), "none can be read: obsid is '7.8e8'"),
        (b"SIMPLE  =                    T", "cannot be read"),
    ],
    ids=range(12),
)
def test_files_that_are_no_catalogues_are_refused(tmp_path, data, message):
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path / "wrong.csv", data)
    assert "wrong.csv" in str(error.value)


def test_a_missing_catalogue_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.csv: file: not on disk"):
        read_catalogues([tmp_path / "gone.csv"])


def test_a_truncated_fits_catalogue_is_refused(tmp_path):
    path = tmp_path / "c.fits"
    table = np.zeros(2000, [("subclass", "S8"), *((n, "f8") for n in NEEDED if n != "subclass")])
    fitsio.write(str(path), table)
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(InputError, match="cannot be read"):
        read_catalogues([path])


def test_unreadable_rows_are_reported_with_the_cell(tmp_path):
    rows = [
        {**ROWS[0], "teff": "55OO"},
        ROWS[1],
        {**ROWS[0], "obsid": "x1"},
        {**ROWS[0], "obsid": ""},
    ]
    (tmp_path / "c").write_bytes(text(rows) + b"5,G5,1\n")
    found = read_catalogues([tmp_path / "c"])
    assert found.table["obsid"].to_pylist() == [2]
    assert sorted(map(str, found.unreadable["detail"].to_pylist())) == [
        "a line of 3 cells of 7: 5,G5,1",
        "no obsid",
        "obsid is 'x1'",
        "teff is '55OO'",
    ]


NUMBERS = st.floats(-900, 1e6, allow_nan=False)


@settings(deadline=None)
@given(st.lists(NUMBERS | st.sampled_from([-9999.0, -9999.99, -999.0, np.nan, np.inf]), min_size=1))
def test_numbers_and_their_text_are_read_alike(values):
    plain, bad = to_float(pa.chunked_array([pa.array(values, pa.float64())]))
    written, worse = to_float(pa.chunked_array([pa.array([f" {v!r}" for v in values])]))
    assert plain.to_pylist() == written.to_pylist()
    assert plain.to_pylist() == [v if np.isfinite(v) and v >= -900 else None for v in values]
    assert not bad.any()
    assert not worse.any()


def test_one_bad_number_does_not_affect_the_others():
    cells = ["+1.5", "1.5x", None, "", "-9999.00", "5.", "-.5", "1e3", "Non"]
    values, bad = to_float(pa.chunked_array([cells]))
    assert values.to_pylist() == [1.5, None, None, None, None, 5.0, -0.5, 1000.0, None]
    assert np.flatnonzero(bad).tolist() == [1]


@pytest.mark.parametrize(
    "cells",
    [
        pa.array(["101005", "101006.0", "-9999", "1.01e5", "12.5"]),
        pa.array([101005.0, 101006.0, -9999.0, np.nan, 12.5]),
    ],
)
def test_whole_numbers(cells):
    values, bad = to_int(pa.chunked_array([cells]))
    assert values.to_pylist() == [101005, 101006, None, None, None]
    assert bad[-1]


def test_whole_numbers_are_not_rounded():
    values, _ = to_int(pa.chunked_array([[2**62 + 1, -9999]]))
    assert values.to_pylist() == [2**62 + 1, None]


def test_sentinels_in_text_are_missing():
    cells = pa.chunked_array([["HD1 ", "Non", " ", "-9999", "nan", None]])
    assert to_text(cells).to_pylist() == ["HD1", None, None, None, None, None]


def test_gaia_ids_are_not_changed():
    cells = ["605945363488930688", "-9999", "0", "", "-9999.0", "abc", "0.0"]
    ids, bad = to_gaia(pa.chunked_array([cells]), "c.csv")
    assert ids.to_pylist() == ["605945363488930688", *[None] * 6]
    assert np.flatnonzero(bad).tolist() == [5]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["605945363488930688", "6.059453634889307e+17"]),
        pa.array(["605945363488930688.0"]),
        pa.array([605945363488930688.0, np.nan]),
    ],
)
def test_gaia_ids_written_as_decimals_are_refused(column):
    with pytest.raises(InputError, match=r"c\.csv: gaia_source_id.*float64"):
        to_gaia(pa.chunked_array([column]), "c.csv")


def genuine_ids() -> np.ndarray:
    return np.random.default_rng(1).integers(2**50, 2**55, 200) * 128


def test_gaia_ids_rounded_by_float64_are_refused_though_written_as_integers():
    ids = genuine_ids()
    kept, _ = to_gaia(pa.chunked_array([ids]), "c.fits")
    assert kept.to_pylist() == [str(i) for i in ids]
    with pytest.raises(InputError, match="float64"):
        to_gaia(pa.chunked_array([ids.astype(float).astype(np.int64)]), "c.fits")


def test_one_id_that_is_often_repeated_is_not_refused():
    ids, _ = to_gaia(pa.chunked_array([["4611686018427387904"] * 100]), "c.csv")
    assert ids.null_count == 0


@pytest.mark.parametrize(
    ("subclass", "expected"),
    [
        *[(s, "A") for s in ("A7", "A5V", "A1IV", "A0III")],
        *[("F0", "F"), ("G5", "G"), ("K3", "K"), ("K7", "K"), ("G", "G")],
        *[(s, "M") for s in ("dM1", "gM4", "sdM2", "esdM3", "usdM0", "M3", "dM")],
        *[(s, None) for s in ("WD", "Carbon", "Galaxy", "AGN", "B6", "OB", "CV", "dK1", "EM", "")],
        *[(s, None) for s in ("DoubleStar", "Mg", "L0", "dMe")],
    ],
)
def test_class_from_subclass(subclass, expected):
    assert class_of(subclass) == expected


@settings(deadline=None)
@given(st.sampled_from("AFGK"), st.integers(0, 9), st.sampled_from(["", "V", "III", "IV", ".5"]))
def test_class_is_the_letter_of_any_plain_type(letter, number, luminosity):
    assert class_of(f"{letter}{number}{luminosity}") == letter
