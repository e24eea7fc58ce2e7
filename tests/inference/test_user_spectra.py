"""A user's own files: which are read, and the messages for those that cannot be read."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from fitsmaker import coadd_file, dr1_file, stellar_flux, wavelengths
from hypothesis import given
from hypothesis import strategies as st

from spectralm.errors import InputError
from spectralm.inference.user_spectra import (
    Medium,
    WavelengthScale,
    air_to_vacuum,
    read_user_spectrum,
    signal_to_noise,
)

VACUUM, AIR = WavelengthScale(Medium.VACUUM), WavelengthScale(Medium.AIR)
WAVELENGTH = wavelengths()
FLUX = stellar_flux(WAVELENGTH)


def table(**columns) -> Table:
    """A spectrum with other columns than wavelength and flux."""
    return Table({"wavelength": WAVELENGTH * u.AA, "flux": FLUX} | columns)


def message(path, scale=VACUUM) -> str:
    """The error message for a file that cannot be read."""
    with pytest.raises(InputError) as refused:
        read_user_spectrum(path, scale)
    return str(refused.value)


@pytest.mark.parametrize("ending", ["fits", "ecsv", "csv", "txt"])
def test_a_table_is_the_same_spectrum_in_each_format(tmp_path, ending):
    path = tmp_path / f"star.{ending}"
    table().write(path, format="ascii.csv" if ending == "txt" else None)
    scale = VACUUM if ending in ("fits", "ecsv") else WavelengthScale(Medium.VACUUM, "Angstrom")
    read = read_user_spectrum(path, scale)
    assert read.wavelength == pytest.approx(WAVELENGTH, rel=1e-12)
    assert read.flux == pytest.approx(FLUX, rel=1e-12)
    assert signal_to_noise(read) is None


def test_units_order_errors_and_masks(tmp_path):
    path = tmp_path / "star.fits"
    mask = np.zeros(FLUX.size, bool)
    mask[100:110] = True
    columns = {"WAVE": (WAVELENGTH / 10)[::-1] * u.nm, "Flux": FLUX[::-1]}
    Table(columns | {"FLUX_ERR": FLUX[::-1] / 40, "mask": mask[::-1]}).write(path)
    read = read_user_spectrum(path, VACUUM)
    assert read.wavelength == pytest.approx(WAVELENGTH)
    assert read.flux == pytest.approx(FLUX)
    assert np.flatnonzero(read.ormask).tolist() == list(range(100, 110))
    assert signal_to_noise(read) == pytest.approx(40)


def test_one_row_of_arrays_and_sdss_logarithms(tmp_path):
    path = tmp_path / "star.fits"
    loglam = np.log10(WAVELENGTH)
    Table({"loglam": loglam[None], "flux": FLUX[None], "ivar": (FLUX**-2)[None]}).write(path)
    read = read_user_spectrum(path, VACUUM)
    assert read.wavelength == pytest.approx(WAVELENGTH)
    assert signal_to_noise(read) == pytest.approx(1)


def test_lamost_files_have_a_signal_to_noise_ratio(tmp_path):
    read = read_user_spectrum(coadd_file(tmp_path / "star.fits.gz", snr=40.0), WavelengthScale())
    assert signal_to_noise(read) == 60
    early = read_user_spectrum(dr1_file(tmp_path / "dr1.fits", snr=40.0), WavelengthScale())
    assert signal_to_noise(early) == pytest.approx(40, rel=0.2)


def test_lines_are_converted_from_air_to_vacuum():
    """H alpha, Na D2, Ca II 8542, Ca K: air and vacuum wavelengths of the NIST tables."""
    air = np.array([6562.79, 5889.95, 8542.09, 3933.66])
    assert air_to_vacuum(air) == pytest.approx([6564.60, 5891.58, 8544.44, 3934.77], abs=0.012)


@given(st.floats(3000, 10000))
def test_air_to_vacuum_is_vald_s(air):
    """The formula of VALD3 (N. Piskunov), a function of the wavelength in air."""
    square = (1e4 / air) ** 2
    index = 1 + 8.336624212083e-5 + 2.408926869968e-2 / (130.1065924522 - square)
    index += 1.599740894897e-4 / (38.92568793293 - square)
    assert air_to_vacuum(np.array([air]))[0] == pytest.approx(air * index, abs=0.0005)


def test_messages_name_the_missing_option(tmp_path):
    path = tmp_path / "star.csv"
    table().write(path)
    assert "--unit" in message(path)
    assert "--medium air" in message(path, WavelengthScale(unit="Angstrom"))
    assert "unit 'parsec2' is none" in message(path, WavelengthScale(Medium.AIR, "parsec2"))
    assert "unit 'Jy' is none" in message(path, WavelengthScale(Medium.AIR, "Jy"))


def test_messages_for_files_that_are_not_spectra(tmp_path):
    path = tmp_path / "star.ecsv"
    Table({"energy": WAVELENGTH, "flux": FLUX}).write(path)
    assert "wavelength: no such column among energy, flux" in message(path)
    Table({"wave": WAVELENGTH * u.AA, "magnitude": FLUX}).write(path, overwrite=True)
    assert "flux: no such column" in message(path)
    Table({"wave": 0 * WAVELENGTH * u.AA, "flux": FLUX}).write(path, overwrite=True)
    assert "not positive or repeat" in message(path)
    path.write_text("not a table")
    assert "give FITS, ECSV or CSV" in message(path)
    fits.PrimaryHDU(FLUX).writeto(tmp_path / "image.fits")
    assert "give FITS, ECSV or CSV" in message(tmp_path / "image.fits")
    assert "not on disk" in message(tmp_path / "nothing.fits")


def test_real_sdss_and_lamost_files_are_read(real):
    sdss = read_user_spectrum(real / "sdss_rvspecfit" / "spec-0266-51602-0031.fits", VACUUM)
    assert 3790 < sdss.wavelength[0] < 3850
    assert sdss.flux.size > 3000
    assert 1 < signal_to_noise(sdss) < 200
    for path in sorted((real / "lamost_dr10_gcbellys").rglob("*.fits*"))[:10]:
        assert signal_to_noise(read_user_spectrum(path, WavelengthScale())) > 1
    mrs = next((real / "rrnet_mrs").rglob("*.fits*"))
    assert "medium-resolution" in message(mrs)
