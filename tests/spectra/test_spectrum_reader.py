"""Every layout is read exactly; other files are refused with a reason."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from fitsmaker import coadd_file, dr1_file, image_file, wavelengths, write_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spectralm.errors import InputError
from spectralm.spectra import reader
from spectralm.spectra.reader import read_spectrum
from spectralm.spectra.refusals import SpectrumRefusedError


def by_astropy(path: Path) -> dict[str, np.ndarray]:
    """The expected values: what ``fits.open`` gives."""
    with fits.open(path) as hdus:
        if hdus[0].data is None:
            return {name: hdus[1].data[name][0].copy() for name in reader.COLUMNS}
        image, header = hdus[0].data, hdus[0].header
        rows = dict(zip(reader.COLUMNS, image.copy(), strict=True))
        if not np.all(np.diff(image[2]) > 0):
            pixels = np.arange(image.shape[1])
            rows["WAVELENGTH"] = 10 ** (header["COEFF0"] + header["COEFF1"] * pixels)
        return rows


def assert_as_astropy(path: Path) -> None:
    spectrum = read_spectrum(path)
    for name, expected in by_astropy(path).items():
        np.testing.assert_array_equal(getattr(spectrum, name.lower()), expected, strict=False)


def refusal(path: Path) -> SpectrumRefusedError:
    with pytest.raises(SpectrumRefusedError) as caught:
        read_spectrum(path)
    assert str(path) in str(caught.value)
    return caught.value


@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
@pytest.mark.parametrize("write", [coadd_file, image_file, dr1_file])
def test_made_files_are_read_as_astropy_reads_them(tmp_path, write, suffix):
    path = write(tmp_path / f"star{suffix}", masked=range(500, 520), mask_value=64)
    assert_as_astropy(path)
    assert set(np.flatnonzero(read_spectrum(path).ormask)) == set(range(500, 520))


def test_usual_files_are_read_by_the_fast_method(tmp_path, monkeypatch):
    def astropy(data, path):
        raise AssertionError(f"{path} went to fits.open")

    monkeypatch.setattr(reader, "_rows_by_astropy", astropy)
    for write in (coadd_file, image_file, dr1_file):
        assert read_spectrum(write(tmp_path / "star.fits")).flux.size == 3909


def test_float64_image_of_dr2_with_fiberid_as_text(tmp_path):
    path = image_file(tmp_path / "star.fits", dtype="f8", obsid=None, fiberid="126", pixels=3897)
    assert_as_astropy(path)
    spectrum = read_spectrum(path)
    assert spectrum.obsid is None
    np.testing.assert_array_equal(spectrum.wavelength, wavelengths(3897))


def test_dr1_wavelength_is_not_row_2(tmp_path):
    spectrum = read_spectrum(dr1_file(tmp_path / "star.fits"))
    np.testing.assert_allclose(spectrum.wavelength, wavelengths(), rtol=1e-12)
    assert spectrum.obsid is None


def test_scaled_image_is_read_as_astropy_reads_it(tmp_path):
    path = image_file(tmp_path / "star.fits", cards={"BSCALE": 2.0, "BZERO": 0.0})
    np.testing.assert_array_equal(read_spectrum(path).flux, by_astropy(path)["FLUX"])


def test_table_whose_header_is_longer_than_a_block(tmp_path):
    path = coadd_file(tmp_path / "star.fits")
    with fits.open(path) as hdus:
        for i in range(40):
            hdus[1].header[f"NOTE{i}"] = i
        hdus.writeto(tmp_path / "long.fits", output_verify="ignore")
    expected = read_spectrum(path)
    np.testing.assert_array_equal(read_spectrum(tmp_path / "long.fits").flux, expected.flux)


def test_normalization_is_never_used(tmp_path):
    filled = read_spectrum(coadd_file(tmp_path / "1.fits", norm=1))
    empty = read_spectrum(coadd_file(tmp_path / "0.fits", norm=0))
    np.testing.assert_array_equal(filled.flux, empty.flux)


@pytest.mark.parametrize(("obsid", "expected"), [(353301001, 353301001), (-28762, None), (0, None)])
def test_obsid_that_is_not_positive_is_unknown(tmp_path, obsid, expected):
    star = {"cards": {"OBSID": obsid}}
    assert read_spectrum(coadd_file(tmp_path / "star.fits", **star)).obsid == expected


def test_header_values(tmp_path):
    spectrum = read_spectrum(coadd_file(tmp_path / "a.fits", z=-2.5e-4, offset=True))
    assert (spectrum.redshift, spectrum.offset) == (-2.5e-4, True)
    spectrum = read_spectrum(coadd_file(tmp_path / "b.fits", cards={"Z": -9999.0}))
    assert (spectrum.redshift, spectrum.offset) == (None, False)


def test_missing_file(tmp_path):
    assert refusal(tmp_path / "star.fits").reason == "missing_file"


def test_folder_in_place_of_a_file(tmp_path):
    assert refusal(tmp_path).reason == "unreadable_file"


def test_truncated_gzip(tmp_path):
    whole = coadd_file(tmp_path / "star.fits.gz").read_bytes()
    path = tmp_path / "cut.fits.gz"
    path.write_bytes(whole[: len(whole) // 2])
    assert refusal(path).reason == "damaged_gzip"


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)], ids=["plain", "gzipped"])
def test_empty_file(tmp_path, content):
    path = tmp_path / "star.fits"
    path.write_bytes(content)
    assert refusal(path).reason == "empty_file"


def test_not_fits(tmp_path):
    path = tmp_path / "star.fits"
    path.write_text("<html>404 Not Found</html>")
    assert refusal(path).reason == "not_fits"


@pytest.mark.parametrize("write", [coadd_file, image_file])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.9])
def test_truncated_fits(tmp_path, write, kept):
    whole = write(tmp_path / "whole.fits").read_bytes()
    path = tmp_path / "cut.fits"
    path.write_bytes(whole[: int(kept * len(whole))])
    assert refusal(path).reason == "damaged_fits"


def test_missing_hdu(tmp_path):
    whole = coadd_file(tmp_path / "whole.fits").read_bytes()
    path = write_bytes(tmp_path / "cut.fits", whole[: whole.index(b"XTENSION")])
    assert refusal(path).reason == "missing_hdu"


def test_other_fits_files(tmp_path):
    fits.PrimaryHDU(np.zeros((7, 100))).writeto(tmp_path / "image.fits")
    assert refusal(tmp_path / "image.fits").reason == "unknown_layout"
    column = fits.Column("FLUX", "E", array=np.zeros(3))
    fits.BinTableHDU.from_columns([column]).writeto(tmp_path / "table.fits")
    error = refusal(tmp_path / "table.fits")
    assert error.reason == "unknown_layout"
    assert "'IVAR'" in str(error)


def pixel_rows(path: Path, extension: str, names: tuple[str, ...], telescope: str) -> Path:
    columns = [fits.Column(name, "E", array=np.ones(50)) for name in names]
    primary = fits.PrimaryHDU()
    primary.header["TELESCOP"] = telescope
    table = fits.BinTableHDU.from_columns(columns, name=extension)
    fits.HDUList([primary, table]).writeto(path)
    return path


def test_mrs_file_is_named(tmp_path):
    names = ("FLUX", "IVAR", "LOGLAM", "ANDMASK", "ORMASK")
    error = refusal(pixel_rows(tmp_path / "med.fits", "COADD_B", names, "LAMOST"))
    assert error.reason == "mrs_file"
    assert "LAMOST medium-resolution (MRS)" in str(error)


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_sdss_file_is_named(tmp_path, case):
    names = tuple(map(case, ("flux", "loglam", "ivar", "and_mask", "or_mask")))
    error = refusal(pixel_rows(tmp_path / "spec.fits", "COADD", names, "unknown"))
    assert error.reason == "sdss_file"
    assert "SDSS" in str(error)


def test_sdss_image_is_named(tmp_path):
    path = image_file(tmp_path / "spSpec.fits", cards={"TELESCOP": "SDSS 2.5-M"})
    assert refusal(path).reason == "sdss_file"


def test_wavelength_must_ascend(tmp_path):
    path = coadd_file(tmp_path / "star.fits")
    with fits.open(path) as hdus:
        hdus[1].data["WAVELENGTH"][0, 100] = np.nan
        hdus.writeto(tmp_path / "nan.fits", output_verify="ignore")
    assert refusal(tmp_path / "nan.fits").reason == "bad_wavelength"
    no_card = dr1_file(tmp_path / "dr1.fits", cards={"COEFF0": None})
    assert refusal(no_card).reason == "bad_wavelength"


@pytest.fixture(scope="module", params=[coadd_file, image_file])
def small(request, tmp_path_factory) -> tuple[Path, bytes]:
    path = request.param(tmp_path_factory.mktemp("small") / "star.fits", pixels=40)
    return path.with_name("damaged.fits"), path.read_bytes()


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(damage=st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 255)), max_size=8))
def test_damaged_bytes_are_read_or_refused_and_nothing_else(small, damage):
    path, data = small
    damaged = bytearray(data)
    for position, byte in damage:
        damaged[position % len(data)] = byte
    path.write_bytes(damaged)
    try:
        spectrum = read_spectrum(path)
    except InputError:
        return
    assert np.all(np.diff(spectrum.wavelength) > 0)
    assert spectrum.flux.shape == spectrum.ormask.shape == spectrum.wavelength.shape


def real_files(real: Path, pattern: str) -> list[Path]:
    return sorted(path for path in real.glob(pattern) if path.name.endswith((".fits", ".fits.gz")))


def test_every_real_file_is_read_as_astropy_reads_it(real):
    for path in real_files(real, "lamost_*/**/*"):
        if "sdss" not in str(path):
            assert_as_astropy(path)


def test_real_foreign_files_are_named(real):
    for path in real_files(real, "rrnet_mrs/**/*"):
        assert "LAMOST medium-resolution (MRS)" in str(refusal(path))
    for pattern in ("sdss_rvspecfit/*", "lamost_bopy/**/sdss_dr10/*"):
        for path in real_files(real, pattern):
            assert refusal(path).reason == "sdss_file"


def test_one_observation_in_dr5_and_dr9(real):
    """The image and the table hold the same spectrum, reduced twice."""
    folder = real / "lamost_cmost" / "tests"
    dr5 = read_spectrum(folder / "DR5_spec-55859-F5902_sp01-005.fits.gz")
    dr9 = read_spectrum(folder / "spec-55859-F5902_sp01-005.fits.gz")
    common = slice(0, min(dr5.flux.size, dr9.flux.size))
    np.testing.assert_array_equal(dr5.wavelength[common], dr9.wavelength[common])
    good = (dr5.wavelength > 3900) & (dr5.wavelength < 8900) & (dr5.flux != 0) & (dr9.flux != 0)
    ratio = dr9.flux[good] / dr5.flux[good]
    assert abs(np.median(ratio) - 1.0055) < 0.002
    assert 1.4826 * np.median(np.abs(ratio - np.median(ratio))) < 0.02
    assert dr5.obsid == dr9.obsid == 101005
    assert abs(dr5.redshift - dr9.redshift) < 1e-6


def test_dr1_file_spans_3700_to_9088(real):
    for path in real_files(real, "lamost_learninglamost/SampleFits/*")[:5]:
        spectrum = read_spectrum(path)
        assert abs(spectrum.wavelength[0] - 3700) < 0.1
        assert 9060 < spectrum.wavelength[-1] < 9100


def test_mask_value_64_of_dr2_and_dr3(real):
    """A test for == 1 would flag none of these pixels."""
    spectra = [
        read_spectrum(path)
        for path in real_files(real, "lamost_bopy/**/*")
        if "sdss" not in str(path)
    ]
    assert sum(np.count_nonzero(s.ormask) for s in spectra) == 45
    assert {64} == {value for s in spectra for value in np.unique(s.ormask[s.ormask != 0])}
