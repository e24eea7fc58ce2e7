"""Names of files, and the search for them."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm.errors import InputError
from spectralm.surveys.index import index_files
from spectralm.surveys.names import is_medium_resolution, name_keys, parse_names

PLANS = st.text("ABCdef0123456789_-+", min_size=1, max_size=20)
SPEC = st.tuples(st.integers(50000, 99999), PLANS, st.integers(1, 16), st.integers(1, 250))


def parsed(*paths: str) -> list[dict]:
    return parse_names(pa.chunked_array([list(paths)])).to_pylist()


@settings(deadline=None)
@given(SPEC, st.sampled_from(["", "DR5_", "x-"]), st.sampled_from(["fits", "fits.gz", "FITS"]))
def test_a_name_made_of_parts_gives_them_back(parts, prefix, suffix):
    lmjd, planid, spid, fiberid = parts
    name = f"{prefix}spec-{lmjd}-{planid}_sp{spid:02d}-{fiberid:03d}.{suffix}"
    (row,) = parsed(f"/a/spec-1-b_sp02-003.fits/{name}")
    assert (row["lmjd"], row["planid"], row["spid"], row["fiberid"]) == parts
    assert row["obsid"] is None


@settings(deadline=None)
@given(st.integers(-(10**9), 10**15))
def test_a_name_may_be_an_obsid(obsid):
    (row,) = parsed(f"{obsid}.fits.gz")
    assert row == {"obsid": obsid, "lmjd": None, "planid": None, "spid": None, "fiberid": None}


@pytest.mark.parametrize(
    "name",
    [
        "spec-0266-51602-0031.fits",
        "med-58025-HIP9645901_sp02-051.fits.gz",
        "spec-55859-F5902_sp01-001.fits.bz2",
        "dr11_v1.1_LRS_stellar.fits.gz",
        "123456789012345678901.fits",
    ],
)
def test_other_names_give_no_ids(name):
    assert set(parsed(name)[0].values()) == {None}


def test_medium_resolution_files_are_recognised_by_name():
    names = ["med-58025-HIP9645901_sp02-051.fits.gz", "DR8_med-58025-HIP_sp02-051.fits.gz"]
    names += ["spec-55859-med-1-2_sp01-001.fits", "a_spec-55859-b_med-1-2_sp01-001.fits"]
    assert is_medium_resolution(pa.chunked_array([["/x/" + n for n in names]])).to_pylist() == [
        True,
        True,
        False,
        False,
    ]


@settings(deadline=None)
@given(SPEC)
def test_the_key_of_a_row_is_the_key_of_its_file(parts):
    lmjd, planid, spid, fiberid = parts
    file = parse_names(
        pa.chunked_array([[f"spec-{lmjd}-{planid}_sp{spid:02d}-{fiberid:03d}.fits"]])
    )
    row = pa.table({"lmjd": [lmjd], "planid": [planid], "spid": [spid], "fiberid": [fiberid]})
    assert name_keys(file).equals(name_keys(row))


def test_files_are_sorted_and_each_is_found_once(tmp_path):
    for name in ("b/2.fits", "a/10.fits.gz", "a/1.fits", "a/cat.csv", "a/._1.fits", ".git/3.fits"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    table = index_files([tmp_path, tmp_path / "a"])
    assert table["path"].to_pylist() == [
        str(tmp_path / name) for name in ("a/1.fits", "a/10.fits.gz", "b/2.fits")
    ]
    assert table["obsid"].to_pylist() == [1, 10, 2]


def test_a_name_that_is_not_utf8_is_no_error(tmp_path):
    (tmp_path / "1.fits").touch()
    with open(bytes(tmp_path) + b"/\xff.fits", "w"):
        pass
    assert index_files([tmp_path])["obsid"].to_pylist() == [1, None]


def test_folders_without_spectra_are_refused(tmp_path):
    (tmp_path / "catalogue.csv").touch()
    with pytest.raises(InputError, match=r"no \*\.fits"):
        index_files([tmp_path])
    with pytest.raises(InputError, match="gone"):
        index_files([tmp_path / "gone"])
