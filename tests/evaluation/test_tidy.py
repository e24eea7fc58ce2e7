"""Tidy tables read back as they were."""

import dataclasses
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm.errors import InputError
from spectralm.evaluation.calibration import Coverage
from spectralm.evaluation.comparison import Compared
from spectralm.evaluation.snr import Bin
from spectralm.evaluation.statistics import Statistics
from spectralm.evaluation.tidy import csv_text, read_rows, write_rows

#: Names and reasons, such as "failed: out of memory, again".
WORDS = st.text("abcXYZ012 ,;:'\"\n-–[]/μ", max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = {
    str: WORDS,
    int: st.integers(0, 10**15),
    float | None: st.none() | NUMBERS,
}


def rows_of_class(row_class: type) -> st.SearchStrategy:
    """Any rows of a dataclass, and of those in it."""
    fields = {
        name: rows_of_class(kind) if dataclasses.is_dataclass(kind) else VALUES[kind]
        for name, kind in typing.get_type_hints(row_class).items()
    }
    return st.builds(row_class, **fields)


@pytest.mark.parametrize("row_class", [Statistics, Bin, Compared, Coverage])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_rows_read_back_as_they_were(row_class, data, tmp_path_factory):
    rows = data.draw(st.lists(rows_of_class(row_class), max_size=4))
    path = tmp_path_factory.mktemp("tidy") / "rows.csv"
    write_rows(path, row_class, rows)
    assert path.read_text(encoding="utf-8") == csv_text(row_class, rows)
    assert read_rows(path, row_class) == rows


def test_a_nested_row_has_its_columns_in_place():
    head = csv_text(Bin, []).strip().split(",")
    assert head[:6] == ["snr_low", "snr_high", "snr_median", "floor_std", "floor_mad_sigma", "run"]
    assert head[6:9] == ["class", "label", "n"]
    assert len(head) == len(set(head))


@pytest.mark.parametrize("text", ["run,class\nm,A\n", "run,class,label,n\nm,A,teff,many\n"])
def test_a_table_that_is_not_whole_is_named(tmp_path, text):
    path = tmp_path / "calibration.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"calibration\.csv: table"):
        read_rows(path, Coverage)
