"""The sky's spectra: features of real spectra, and noise that agrees with the inverse variance."""

import csv

import numpy as np
import pyarrow.compute as pc
import pytest
from astropy.io import fits

from spectralm.mock import instrument
from spectralm.mock.blemishes import blemish
from spectralm.spectra.reader import read_spectrum

LIGHT = 299792.458


@pytest.fixture(scope="module")
def spectra(sky):
    """The healthy spectra that are in the catalogue, with their rows."""
    damaged = sky.truth.filter(pc.is_valid(sky.truth["damage"]))["obsid"].to_pylist()
    rows = [row for row in sky.catalogue.to_pylist() if row["obsid"] not in damaged]
    return [(row, read_spectrum(sky.path(row["obsid"]))) for row in rows]


def test_layouts_and_lengths(sky, spectra):
    lengths = [spectrum.wavelength.size for _, spectrum in spectra]
    assert set(lengths) <= {3909, 3908, 3906, 3904, 3903, 3902, 3820}
    assert 0.65 < lengths.count(3909) / len(lengths) < 0.95
    layouts = sky.truth["layout"].to_pylist()
    assert 0.1 < 1 - layouts.count("C") / len(layouts) < 0.2
    assert layouts.count("1") > 0


@pytest.mark.parametrize(
    ("classes", "line", "half"), [("AFG", 6564.61, 12), ("GK", 8544.44, 8), ("GK", 8664.52, 8)]
)
def test_lines_lie_at_the_catalogue_redshift(spectra, classes, line, half):
    """In vacuum, and not shifted to rest in the file; the pipeline's zero point is -5 km/s."""
    offsets = []
    for row, spectrum in spectra:
        if row["class"] in classes and row["snri"] > 40:
            wavelength = spectrum.wavelength / (1 + row["z"])
            near = np.abs(wavelength - line) < half
            depth = np.clip(1 - spectrum.flux[near] / np.median(spectrum.flux[near]), 0, None)
            if depth.sum() > 0:
                offsets.append((wavelength[near] * depth).sum() / depth.sum() - line)
    assert len(offsets) > 20
    assert abs(np.median(offsets)) < 0.45  # 0.1 A of it is the zero point; air would be 1.8 or 2.3


def test_lines_are_shifted_by_the_velocity():
    wavelength = 10 ** (3.5672 + 1e-4 * np.arange(3929))
    line = 1 - 0.5 * np.exp(-0.5 * ((wavelength - 6000) / 3) ** 2)
    velocity = np.array([-400.0, 0.0, 250.0])
    seen = instrument.observed_frame(np.tile(line, (3, 1)), velocity, np.zeros(3))
    centre = instrument.WAVELENGTH[seen.argmin(axis=1)]
    assert centre / 6000 - 1 == pytest.approx(velocity / LIGHT, abs=1.2e-4)
    weight = 1 - seen
    centroid = (weight * instrument.WAVELENGTH).sum(axis=1) / weight.sum(axis=1)
    assert (centroid / 6000 - 1) * LIGHT == pytest.approx(velocity, abs=1.0)


def test_broadening_lowers_the_resolution_to_the_fibre_s():
    wavelength = 10 ** (3.5672 + 1e-4 * np.arange(3929))
    sigma = 6000 / 1800 / 2.3548
    line = 1 - 0.5 * np.exp(-0.5 * ((wavelength - 6000) / sigma) ** 2)
    width = instrument.broadening(np.array([1500.0]), np.zeros(1))
    seen = 1 - instrument.observed_frame(line[None], np.zeros(1), width)[0]
    centred = instrument.WAVELENGTH - 6000
    measured = np.sqrt((seen * centred**2).sum() / seen.sum())
    assert 6000 / (measured * 2.3548) == pytest.approx(1500, rel=0.01)


def test_dust_reddens():
    """R_V = 3.1, and the colour excess of B and V."""
    blue, visual, red = instrument.extinction(np.array([4400.0, 5495.0, 8500.0]))
    assert visual == pytest.approx(3.1, abs=0.05)
    assert blue - visual == pytest.approx(1, abs=0.05)
    assert red == pytest.approx(1.6, abs=0.15)


def test_noise_agrees_with_the_inverse_variance():
    rng = np.random.default_rng(1)
    flux = np.full((40, instrument.PIXELS), 300.0)
    ones = np.ones_like(flux)
    noisy, ivar = instrument.expose(flux, np.full(40, 8.0), np.full(40, 30.0), ones, rng)
    clean = (instrument.SKY < 1.01) & (np.abs(instrument.WAVELENGTH - 7616) > 60)  # oxygen
    pull = ((noisy - flux) * np.sqrt(ivar))[:, clean]
    assert pull.std() == pytest.approx(1, abs=0.01)
    assert pull.mean() == pytest.approx(0, abs=0.01)


def test_repeats_differ_by_their_noise(sky, spectra):
    """chi^2 per degree of freedom of pairs, in a window without strong lines of A and F stars."""
    star = dict(zip(sky.truth["obsid"].to_pylist(), sky.truth["star"].to_pylist(), strict=True))
    by_star: dict[int, list] = {}
    for row, spectrum in spectra:
        if row["class"] in "AF" and 10 < row["snrg"] < 150:
            by_star.setdefault(star[row["obsid"]], []).append(spectrum)
    reduced = [_reduced_chi2(*pair[:2], (5300, 5540)) for pair in by_star.values() if len(pair) > 1]
    assert len(reduced) >= 8
    assert 0.85 < np.median(reduced) < 1.25


def _reduced_chi2(one, two, window):
    length = min(one.wavelength.size, two.wavelength.size)
    inside = (one.wavelength[:length] > window[0]) & (one.wavelength[:length] < window[1])
    good = inside & (one.ivar[:length] > 0) & (two.ivar[:length] > 0)
    x = np.linspace(-1, 1, good.sum())
    ratio = one.flux[:length][good] / two.flux[:length][good]
    scaled = np.polynomial.Polynomial.fit(x, ratio, 3)(x) * two.flux[:length][good]
    weight = two.flux[:length][good] ** 2 / scaled**2 * two.ivar[:length][good]
    variance = 1 / one.ivar[:length][good] + 1 / weight
    return np.mean((one.flux[:length][good] - scaled) ** 2 / variance)


def test_masks_are_as_measured_on_real_files(spectra):
    """As in real files (docs/survey_files.md)."""
    for _, spectrum in spectra:
        assert (spectrum.ivar[spectrum.ormask != 0] == 0).all()
        assert (spectrum.ormask[spectrum.andmask != 0] != 0).all()
        assert np.isfinite(spectrum.flux).all()
        assert (spectrum.ivar >= 0).all()


def test_mask_statistics():
    rng = np.random.default_rng(2)
    flux = np.ones((600, instrument.PIXELS))
    spectra = blemish(flux, flux, rng)
    assert (spectra.ivar[spectra.ormask != 0] == 0).all()
    assert (spectra.ormask[spectra.andmask != 0] != 0).all()
    flagged = (spectra.ormask != 0).sum(axis=1)
    weightless = (spectra.ivar == 0).sum(axis=1)
    assert 5 <= np.median(flagged) <= 12
    assert 15 < flagged.mean() < 40
    assert 15 <= np.median(weightless) <= 30
    assert 1.6 < weightless.sum() / flagged.sum() < 3.5
    ones = (spectra.ormask == 1).sum() / (spectra.ormask != 0).sum()
    assert 0.95 < ones < 1
    join = (instrument.WAVELENGTH > 5680) & (instrument.WAVELENGTH < 5860)
    share = (spectra.ormask != 0).mean(axis=0)
    assert share[join].mean() > 2 * share[~join].mean()


def test_signal_to_noise_is_that_of_the_pixels(spectra):
    for row, spectrum in spectra[::7]:
        inside = (spectrum.wavelength > 6890) & (spectrum.wavelength < 8180) & (spectrum.ivar > 0)
        ratio = spectrum.flux[inside] * np.sqrt(spectrum.ivar[inside])
        assert np.median(ratio) == pytest.approx(row["snri"], rel=0.01, abs=0.02)


def test_bands_of_hot_and_cool_stars(spectra):
    """A stars are as well exposed in g as in i, M stars far worse."""
    ratio = {
        name: np.median(
            [row["snri"] / max(row["snrg"], 1) for row, _ in spectra if row["class"] == name]
        )
        for name in "AM"
    }
    assert ratio["A"] < 1.8 < 2.5 < ratio["M"]


def test_signal_to_noise_is_spread_like_the_survey_s(spectra, real):
    with open(real / "lamost_dr10_gcbellys" / "labels_and_headers.csv") as handle:
        theirs = [float(row["hdr_snrg"]) for row in csv.DictReader(handle)]
    ours = [row["snrg"] for row, _ in spectra if row["class"] in "AFG"]
    for percentile in (25, 50, 75):
        ratio = np.percentile(ours, percentile) / np.percentile(theirs, percentile)
        assert 0.5 < ratio < 2


def test_the_grid_s_maximum_is_rarely_an_outlier(sky):
    """Cosmic rays and sky residuals spoil the maximum of some spectra, not of most."""
    flux = np.array(sky.spectra["flux"].to_pylist())
    typical = np.percentile(flux, 99, axis=1)
    assert 0.02 < (typical < 650).mean() < 0.3


def test_headers_agree_with_the_catalogue(sky, spectra):
    for row, spectrum in spectra[::11]:
        header = fits.getheader(spectrum.path)
        assert header["SUBCLASS"] == row["subclass"]
        assert header["Z"] == pytest.approx(row["z"], abs=1e-8)
        assert header["RA"] == pytest.approx(row["ra"], abs=1e-6)
        assert header.get("OBSID", row["obsid"]) == row["obsid"]
