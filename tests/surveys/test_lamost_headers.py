"""Headers are read without the spectra that follow them."""

import fitsmaker
import pytest

from spectralm.errors import InputError
from spectralm.surveys.fitsbytes import BLOCK, read_primary_header
from spectralm.surveys.headers import HeaderCache, HeaderValues, read_header


@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz"])
def test_a_header_is_read_though_the_rest_is_lost(tmp_path, name):
    many = {f"CARD{i}": i for i in range(100)}
    path = fitsmaker.coadd_file(tmp_path / name, obsid=7, cards={**many, "SNRR": 12.5})
    path.write_bytes(path.read_bytes()[: -2 * BLOCK])
    assert dict(read_primary_header(path, ["OBSID", "CARD99"])) == {"OBSID": 7, "CARD99": 99}
    values = read_header(str(path))
    assert (values.obsid, values.snrr, values.error) == (7, 12.5, None)
    assert values.date == "2024-07-26T06:42:49"


def test_old_cards_and_sentinels(tmp_path):
    dr1 = fitsmaker.dr1_file(tmp_path / "a.fits", snr=10.0, cards={"SNRI": -9999.0})
    assert read_header(str(dr1)) == HeaderValues(None, 15.0, None, "2024-07-26T06:42:49")


def test_the_obsid_of_another_survey_is_none(tmp_path):
    path = fitsmaker.coadd_file(tmp_path / "a.fits", cards={"TELESCOP": "SDSS 2.5-M"})
    assert read_header(str(path)).obsid is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"<html>", "not FITS"),
        (b"SIMPLE  =                    T".ljust(BLOCK), "no END card"),
        (b"\x1f\x8b\x08", "truncated or damaged"),
    ],
)
def test_an_unreadable_header_is_reported(tmp_path, data, message):
    path = tmp_path / "a.fits"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_primary_header(path, ["OBSID"])
    assert message in read_header(str(path)).error


def test_headers_are_given_in_order_and_read_once(tmp_path):
    paths = [
        str(fitsmaker.coadd_file(tmp_path / f"{i}.fits", obsid=i, pixels=4)) for i in range(1, 40)
    ]
    headers = HeaderCache()
    assert [values.obsid for values in headers.read(paths)] == list(range(1, 40))
    (tmp_path / "5.fits").unlink()
    assert [values.obsid for values in headers.read([paths[4], paths[0], paths[4]])] == [5, 1, 5]
    assert "not on disk" in headers.read([str(tmp_path / "gone.fits")])[0].error
