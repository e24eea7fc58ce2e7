"""Cramer-Rao bounds, compared with an estimator that reaches them."""

import numpy as np
import pytest

from spectralm.mock.bound import bounds, nuisances
from spectralm.mock.emulator import Emulator
from spectralm.mock.instrument import PIXELS, WAVELENGTH, observed_frame
from spectralm.mock.lamost_files import continuum


def test_a_least_squares_fit_of_everything_reaches_the_bound():
    rng = np.random.default_rng(0)
    flux = 100 * (1 - 0.5 * np.exp(-0.5 * ((WAVELENGTH - 5000) / 4) ** 2))
    gradient = 20 * np.array(
        [np.exp(-0.5 * ((WAVELENGTH - centre) / 3) ** 2) for centre in (5000.0, 5003.0, 8000.0)]
    )
    ivar = rng.uniform(0.01, 0.04, PIXELS)
    ivar[rng.random(PIXELS) < 0.2] = 0
    sigma = bounds(gradient[None], flux[None], ivar[None])[0]
    design = np.concatenate([gradient, nuisances(flux[None])[0]])
    weighted = (design * np.sqrt(ivar)).T
    noise = rng.normal(size=(PIXELS, 4000))
    fitted = np.linalg.lstsq(weighted, noise, rcond=None)[0][:3]
    assert fitted.std(axis=1) == pytest.approx(sigma, rel=0.05)


def test_bounds_halve_when_the_noise_does_and_grow_with_masked_pixels():
    rng = np.random.default_rng(1)
    flux = rng.uniform(50, 100, (1, PIXELS))
    gradient = rng.normal(size=(1, 3, PIXELS))
    ivar = np.ones((1, PIXELS))
    once, twice = bounds(gradient, flux, ivar), bounds(gradient, flux, 4 * ivar)
    assert twice == pytest.approx(once / 2)
    ivar[:, 1000:3000] = 0
    assert (bounds(gradient, flux, ivar) > once).all()


def test_the_bound_of_a_label_without_effect_is_infinite():
    flux = np.ones((1, PIXELS))
    gradient = np.stack([np.exp(-0.5 * ((WAVELENGTH - 5000) / 3) ** 2), np.zeros(PIXELS)])[None]
    sigma = bounds(gradient, flux, np.ones((1, PIXELS)))[0]
    assert np.isfinite(sigma[0])
    assert np.isinf(sigma[1])
    continuum = bounds(np.ones((1, 1, PIXELS)), flux, np.ones((1, PIXELS)))
    assert continuum > 100  # a change of level is the continuum's


def test_the_sun_s_bounds():
    """At S/N 50 per pixel: those of full synthesis, within a factor of three."""
    emulator = Emulator.load()
    sun = (5777.0, 4.44, 0.0, {})
    seen = np.concatenate([emulator.flux(*sun)[None], emulator.gradient(*sun)])
    seen = observed_frame(seen[None], np.zeros(1), np.zeros(1))
    flux = seen[:, 0]
    ivar = (50 / continuum(flux)) ** 2 * ((WAVELENGTH > 3800) & (WAVELENGTH < 8730))
    sigma = dict(zip(emulator.labels, bounds(seen[:, 1:], flux, ivar)[0], strict=True))
    expected = {"teff": 30, "logg": 0.05, "feh": 0.021, "C": 0.021, "Mg": 0.023, "Si": 0.041}
    expected |= {"Ca": 0.016, "Cr": 0.037, "Mn": 0.047, "Ti": 0.048, "Ni": 0.048, "Na": 0.052}
    for label, value in expected.items():
        assert value / 3 < sigma[label] < 3 * value, label
    assert sigma["P"] > 3  # phosphorus has no line there
