"""The emulator in the repository: its spectra agree with stellar physics."""

import numpy as np
import pytest

from spectralm.mock.emulator import WEIGHTS, Emulator, monomials

STARS = {
    "A": (8500, 4.0, 0.0),
    "F": (6700, 4.2, 0.0),
    "G": (5777, 4.44, 0.0),
    "K": (4700, 4.6, 0.0),
    "M": (3600, 4.8, 0.0),
}
BALMER = (4341.7, 4862.7, 6564.6)
MG_B = (5168.8, 5174.1, 5185.0)
NA_D = (5891.6, 5897.6)
CA_TRIPLET = (8500.4, 8544.4, 8664.5)


@pytest.fixture(scope="module")
def emulator():
    return Emulator.load()


def depth(emulator, flux, centre, half_width=8.0, shoulder=60.0):
    """Mean absorption around a line below the straight line through its two shoulders."""
    wavelength = emulator.wavelength
    line = abs(wavelength - centre) < half_width
    shoulders = [
        (centre + side * shoulder, np.median(flux[abs(wavelength - centre - side * shoulder) < 12]))
        for side in (-1, 1)
    ]
    level = np.interp(wavelength[line], *zip(*shoulders, strict=True))
    return 1 - (flux[line] / level).mean()


def response(emulator, star, element):
    """Relative change of flux for +0.2 dex of an element."""
    return emulator.flux(*star, {element: 0.2}) / emulator.flux(*star, {}) - 1


def test_weights_are_small():
    assert WEIGHTS.stat().st_size < 3 * 2**20


def test_wavelengths_are_the_grid_of_lamost(emulator):
    index = (np.log10(emulator.wavelength) - 3.5682) / 1e-4
    np.testing.assert_allclose(index, np.arange(-10, 3919), atol=1e-6)


def test_monomials_are_products_of_powers():
    variables = np.array([[2.0, 3.0], [0.0, -1.0]])
    exponents = np.array([[0, 0], [1, 0], [2, 3]], np.int8)
    np.testing.assert_array_equal(monomials(variables, exponents), [[1, 2, 108], [1, 0, 0]])


def test_flux_is_that_of_the_sun(emulator):
    """The solar constant at 5000-5600 A is 1.87 W m-2 nm-1 (ASTM E490); 1 au is 215 radii."""
    flux = emulator.flux(*STARS["G"], {})
    green = (emulator.wavelength > 5000) & (emulator.wavelength < 5600)
    assert flux[green].mean() == pytest.approx(187 * 215**2, rel=0.1)


def test_balmer_lines_are_strongest_in_a_stars(emulator):
    for centre in BALMER:
        depths = {
            name: depth(emulator, emulator.flux(*star, {}), centre) for name, star in STARS.items()
        }
        assert depths["A"] > depths["F"] > max(depths["G"], depths["K"])
        assert depths["A"] > 0.2


def test_titanium_oxide_is_in_m_stars_alone(emulator):
    wavelength = emulator.wavelength

    def band(star):
        flux = emulator.flux(*star, {})
        inside = flux[(wavelength > 7056) & (wavelength < 7100)].mean()
        return inside / flux[(wavelength > 7030) & (wavelength < 7050)].mean()

    assert band(STARS["M"]) < 0.8
    assert band((3700, 1.0, 0.0)) < 0.87
    for name in "AFGK":
        assert band(STARS[name]) > 0.95


def test_titanium_oxide_deepens_with_titanium_and_with_oxygen(emulator):
    band = (emulator.wavelength > 7056) & (emulator.wavelength < 7150)
    for element in ("Ti", "O"):
        assert response(emulator, STARS["M"], element)[band].mean() < -0.03


def test_metal_lines_are_where_they_belong(emulator):
    flux = emulator.flux(*STARS["G"], {})
    for centre in (*MG_B, *NA_D, *CA_TRIPLET, 3934.8, 3969.6):
        near = abs(emulator.wavelength - centre) < 4
        minimum = emulator.wavelength[near][flux[near].argmin()]
        assert minimum == pytest.approx(centre, abs=1.3), "one pixel is 0.9 to 2.1 A"


def test_line_centres_are_in_vacuum(emulator):
    """H alpha is at 6564.61 A in vacuum, 6562.80 in air."""
    flux = emulator.flux(*STARS["A"], {})
    near = abs(emulator.wavelength - 6563.7) < 40
    absorbed = 1 - flux[near] / np.interp(
        emulator.wavelength[near], [6500, 6630], np.interp([6500, 6630], emulator.wavelength, flux)
    )
    deep = absorbed > 0.6 * absorbed.max()
    centre = np.average(emulator.wavelength[near][deep], weights=absorbed[deep])
    assert centre == pytest.approx(6564.61, abs=0.4)


def test_sodium_deepens_na_d(emulator):
    near = abs(emulator.wavelength - 5893.6) < 6
    for name in "FGK":
        shallow, solar, deep = (
            emulator.flux(*STARS[name], {"Na": na})[near].sum() for na in (-0.4, 0.0, 0.4)
        )
        assert shallow > solar > deep


def test_magnesium_b_responds_to_magnesium_and_not_to_nickel(emulator):
    near = abs(emulator.wavelength - 5176) < 12
    for star in (STARS["G"], STARS["K"], (4800, 2.5, -0.2)):
        magnesium = response(emulator, star, "Mg")[near].mean()
        nickel = response(emulator, star, "Ni")[near].mean()
        assert magnesium < -0.02
        assert abs(nickel) < 0.2 * abs(magnesium)


def test_calcium_triplet_responds_to_calcium(emulator):
    for star in (STARS["G"], (4800, 2.5, -0.2)):
        change = response(emulator, star, "Ca")
        assert all(
            change[abs(emulator.wavelength - centre) < 5].mean() < -0.01 for centre in CA_TRIPLET
        )


def test_carbon_deepens_the_g_band(emulator):
    near = abs(emulator.wavelength - 4305) < 15
    for star in (STARS["G"], (4800, 2.5, -0.2)):
        assert response(emulator, star, "C")[near].mean() < -0.03


def test_phosphorus_cannot_be_measured(emulator):
    for star in STARS.values():
        assert abs(response(emulator, star, "P")).max() < 0.01
        assert abs(response(emulator, star, "P")).mean() < 0.001


def test_flux_is_continuous_from_region_to_region(emulator):
    """Between 4000 and 6200 K, and between giants and dwarfs, the model changes gradually."""
    for stars in (
        np.array([(t, 4.6, 0.0) for t in range(3900, 4401, 10)]),
        np.array([(t, 4.2, 0.0) for t in range(5700, 6301, 10)]),
        np.array([(t, 1.6, 0.0) for t in range(3900, 4401, 10)]),
        np.array([(4900, g, -0.3) for g in np.arange(3.2, 4.0, 0.02)]),
        np.array([(4150, 4.5, m) for m in np.arange(-1.8, -0.9, 0.02)]),
    ):
        log_flux = np.log(emulator.flux(*stars.T, {}))
        step = np.diff(log_flux, axis=0)
        bend = abs(np.diff(step, axis=0)).mean(axis=1)
        assert bend.max() < 0.01


def test_vectorised_as_one_by_one(emulator):
    teff, logg, feh = (np.array(column) for column in zip(*STARS.values(), strict=True))
    magnesium = np.linspace(-0.2, 0.4, len(teff))
    together = emulator.flux(teff, logg, feh, {"Mg": magnesium})
    assert together.shape == (5, len(emulator.wavelength))
    for i in range(len(teff)):
        alone = emulator.flux(teff[i], logg[i], feh[i], {"Mg": magnesium[i]})
        np.testing.assert_allclose(together[i], alone, rtol=1e-12)
    assert emulator.flux([[5000], [5500]], [4.4, 4.5, 4.6], 0.0, {}).shape[:2] == (2, 3)


@pytest.mark.parametrize("star", [STARS["G"], (4100, 4.5, -0.2), (6100, 4.2, 0.1)])
def test_gradient_agrees_with_finite_differences(emulator, star):
    xfe = {"Mg": 0.1, "C": -0.1}
    gradient = emulator.gradient(*star, xfe)
    assert gradient.shape == (len(emulator.labels), len(emulator.wavelength))
    for label, step in (("teff", 1.0), ("logg", 0.004), ("feh", 0.004), ("Mg", 0.004)):
        ends = []
        for side in (1, -1):
            labels = dict(zip(("teff", "logg", "feh"), star, strict=True))
            abundances = dict(xfe)
            target = labels if label in labels else abundances
            target[label] += side * step
            ends.append(emulator.flux(*labels.values(), abundances))
        difference = (ends[0] - ends[1]) / (2 * step)
        error = abs(gradient[emulator.labels.index(label)] - difference)
        assert error.max() < 0.01 * abs(difference).max()


def test_gradient_is_finite_on_the_edges(emulator):
    edges = emulator.gradient([3200, 9500, 6100], [4.5, 4.0, 5.0], [0.5, -2.0, 0.5], {"Na": 0.8})
    assert np.isfinite(edges).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2900, 4.8, 0.0, {}), r"teff = 2900 is outside 3200 \.\. 4300"),
        ((12000, 4.0, 0.0, {}), r"teff = 12000 is outside 5800 \.\. 9500"),
        ((5777, 5.6, 0.0, {}), r"logg = 5\.6 is outside"),
        ((4800, 2.5, -3.1, {}), r"feh = -3\.1 is outside -2\.5 \.\. 0\.5"),
        ((3500, 4.8, -2.0, {}), r"feh = -2 is outside -1\.5 \.\. 0\.5"),
        ((np.nan, 4.8, 0.0, {}), r"teff = nan is outside"),
        ((5777, 4.4, 0.0, {"Na": 1.2}), r"\[Na/Fe\] = 1\.2 is outside -0\.5 \.\. 0\.8"),
        ((5777, 4.4, 0.0, {"Mg": [0.0, np.nan]}), r"\[Mg/Fe\] = nan is outside"),
        ((5777, 4.4, 0.0, {"C": 0.5}), r"\[C/Fe\] - \[O/Fe\] = 0\.5 is above 0\.2"),
        ((5777, 4.4, 0.0, {"Sc": 0.1}), r"no element 'Sc'"),
    ],
)
def test_outside_of_the_training_set_is_refused(emulator, arguments, message):
    with pytest.raises(ValueError, match=message):
        emulator.flux(*arguments)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        Emulator.load(tmp_path / "nothing.npz")
