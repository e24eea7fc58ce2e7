"""Masks, normalisation, resampling and rounding, compared with SciPy or with simple rules."""

import numpy as np
import pytest
from astropy.io import fits
from fitsmaker import stellar_flux, wavelengths
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.interpolate import CubicSpline, interp1d

from spectralm.spectra import flags
from spectralm.spectra.flags import FLAGS, flag_names
from spectralm.spectra.options import SpectraOptions
from spectralm.spectra.reader import Spectrum, read_spectrum
from spectralm.spectra.refusals import SpectrumRefusedError
from spectralm.spectra.resample import interpolate, masked_points, resample
from spectralm.spectra.spline import cubic_spline

PAPER = SpectraOptions()
WAVELENGTH = wavelengths()


def spectrum(flux=None, masked=(), ivar=None, wavelength=WAVELENGTH, obsid=1, offset=False):
    """A spectrum in memory; by default, that of a simulated star with little noise."""
    if flux is None:
        noise = np.random.default_rng(1).normal(1, 0.01, wavelength.size)
        flux = stellar_flux(wavelength) * noise
    ormask = np.zeros(wavelength.size, np.int32)
    ormask[list(masked)] = 1
    ivar = np.ones(wavelength.size) if ivar is None else ivar
    andmask = np.zeros_like(ormask)
    return Spectrum(
        "made.fits", fits.Header(), obsid, offset, wavelength, flux, ivar, andmask, ormask
    )


def refused(reason, *arguments):
    with pytest.raises(SpectrumRefusedError) as caught:
        resample(*arguments)
    assert caught.value.reason == reason
    assert "made.fits" in str(caught.value)


def pixel_at(angstrom):
    return int(np.searchsorted(WAVELENGTH, angstrom))


def test_defaults_are_the_papers_grid():
    assert PAPER.size == PAPER.grid.size == 4901
    assert (PAPER.grid[0], PAPER.grid[1], PAPER.grid[-1]) == (3800, 3801, 8700)


@pytest.mark.parametrize(
    "bad",
    [{"stop": 3800.5}, {"stop": 3700.0}, {"step": 0.0}, {"stop": 3800.0}, {"mask": "x"}],
)
def test_bad_options_are_refused(bad):
    with pytest.raises(ValidationError):
        SpectraOptions(**bad)


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(st.floats(0.1, 10), min_size=1, max_size=50),
    seed=st.integers(0, 1000),
)
def test_spline_is_scipys(steps, seed):
    x = 3700 + np.cumsum([0.0, *steps])
    y = np.random.default_rng(seed).normal(size=x.size)
    at = np.linspace(x[0], x[-1], 200)
    np.testing.assert_allclose(cubic_spline(x, y)(at), CubicSpline(x, y)(at), atol=1e-9)


@pytest.mark.parametrize("masked", [(), (700,), (700, 701, 702, 703, 704, 900, 2000, 2001)])
def test_without_a_long_gap_it_is_interp1d_cubic(masked):
    star = spectrum(masked=masked)
    good = star.ormask == 0
    scaled = star.flux[good] / star.flux[good].max()
    expected = np.round(interp1d(WAVELENGTH[good], scaled, kind="cubic")(PAPER.grid), 3)
    result = resample(star, PAPER)
    np.testing.assert_array_equal(result.flux, np.rint(expected * 1000))
    assert flag_names(result.flags & ~flags.ABOVE_ONE.value) == []


def test_long_gap_is_a_straight_line_and_flagged():
    gap = range(pixel_at(5000), pixel_at(5000) + 6)
    result = resample(spectrum(masked=gap), PAPER)
    assert result.flags & flags.LONG_GAP.value
    inside = (PAPER.grid > WAVELENGTH[gap[0] - 1]) & (PAPER.grid < WAVELENGTH[gap[-1] + 1])
    line = result.flux[inside].astype(float)
    assert line.size > 5
    assert np.abs(np.diff(line, 2)).max() <= 2  # a line, rounded
    longer = PAPER.model_copy(update={"longest_cubic_gap": 6})
    assert not resample(spectrum(masked=gap), longer).flags & flags.LONG_GAP.value


def test_long_gap_outside_the_grid_is_not_flagged():
    gap = range(pixel_at(8800), pixel_at(8800) + 50)
    result = resample(spectrum(masked=gap), PAPER)
    assert not result.flags & flags.LONG_GAP.value
    assert result.masked_fraction == 0


def test_a_gap_changes_nothing_on_the_other_side():
    """Each segment depends only on its own pixels."""
    gap = range(2000, 2100)
    star = spectrum(masked=gap)
    other = star.flux.copy()
    other[2100:2110] *= 0.5
    before, after = resample(star, PAPER), resample(spectrum(other, masked=gap), PAPER)
    blue = PAPER.grid <= WAVELENGTH[1999]
    np.testing.assert_array_equal(before.flux[blue], after.flux[blue])
    assert np.any(before.flux != after.flux)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 299), st.integers(1, 40)), max_size=30), st.integers(0, 9))
def test_any_mask_gives_finite_values_between_the_pixels(runs, longest):
    """Values at pixels are exact; gaps are straight lines and edges constant."""
    wavelength = np.linspace(4000, 4299, 300)
    flux = np.random.default_rng(3).uniform(0.2, 1, 300)
    good = np.ones(300, bool)
    for first, length in runs:
        good[first : first + length] = False
    good = np.flatnonzero(good)
    grid = np.arange(3990.0, 4311)
    if not good.size:
        assert masked_points(wavelength, good, grid).all()
        return
    gaps = np.flatnonzero(np.diff(good) - 1 > longest)
    values = interpolate(wavelength[good], flux[good], grid, gaps)
    np.testing.assert_allclose(values[good + 10], flux[good], atol=1e-9)
    np.testing.assert_array_equal(values[: good[0] + 10], flux[good[0]])
    np.testing.assert_array_equal(values[good[-1] + 11 :], flux[good[-1]])
    for i in gaps:
        line = values[good[i] + 10 : good[i + 1] + 11]
        np.testing.assert_allclose(
            line, np.linspace(flux[good[i]], flux[good[i + 1]], line.size), atol=1e-9
        )
    covered = np.flatnonzero(~masked_points(wavelength, good, grid))
    np.testing.assert_array_equal(covered, good + 10)


#: Quarters of an Angstrom: midpoints between pixels are exact, and may be grid points.
QUARTERS = st.integers(2, 16).map(lambda quarters: quarters / 4)


@settings(max_examples=200, deadline=None)
@given(
    pixels=st.lists(st.tuples(QUARTERS, st.booleans()), min_size=1, max_size=40),
    step=QUARTERS,
    start=st.integers(0, 40),
)
def test_a_point_is_masked_where_the_nearest_pixel_is_bad_or_beyond_the_good_ones(
    pixels, step, start
):
    steps, is_good = map(np.array, zip(*pixels, strict=True))
    wavelength = 4000 + np.cumsum(steps)
    good = np.flatnonzero(is_good)
    grid = 3995 + start / 4 + step * np.arange(60)
    masked = masked_points(wavelength, good, grid)
    for point, is_masked in zip(grid, masked, strict=True):
        distance = np.abs(wavelength - point)
        nearest = np.flatnonzero(distance == distance.min())[-1]  # the redder one of two
        usable = wavelength[good]
        inside = usable.size > 0 and usable[0] <= point <= usable[-1]
        assert is_masked == (not inside or not is_good[nearest])


def test_masked_pixels_are_masked_points():
    gap = range(pixel_at(5000), pixel_at(5010))
    result = resample(spectrum(masked=gap), PAPER)
    beyond = (WAVELENGTH[gap[0] - 1], WAVELENGTH[gap[-1] + 1])
    inside = (PAPER.grid >= WAVELENGTH[gap[0]]) & (PAPER.grid <= WAVELENGTH[gap[-1]])
    outside = (PAPER.grid <= beyond[0]) | (PAPER.grid >= beyond[1])
    assert result.masked[inside].all()
    assert not result.masked[outside].any()
    assert result.masked_fraction == result.masked.sum() / 4901


def test_edges_are_constant_and_flagged():
    wide = SpectraOptions(start=3600.0, stop=9200.0)
    star = spectrum()
    result = resample(star, wide)
    assert {"blue_edge", "red_edge"} <= set(flag_names(result.flags))
    scaled = np.rint(1000 * star.flux / star.flux.max())
    assert set(result.flux[:99]) == {scaled[0]}
    assert set(result.flux[-90:]) == {scaled[-1]}
    beyond = (wide.grid < WAVELENGTH[0]) | (wide.grid > WAVELENGTH[-1])
    assert result.masked_fraction == pytest.approx(beyond.mean())


def test_masked_flux_never_counts():
    spiked = spectrum().flux.copy()
    spiked[[100, 1500]] = 1e6
    spiked[2500] = np.nan
    expected = resample(spectrum(masked=(100, 1500, 2500)), PAPER)
    result = resample(spectrum(spiked, masked=(100, 1500)), PAPER)
    np.testing.assert_array_equal(result.flux, expected.flux)


def test_maximum_of_the_spectrum_or_of_the_grid():
    flux = spectrum().flux.copy()
    flux[pixel_at(3720)] = 3 * flux.max()
    paper = resample(spectrum(flux), PAPER)
    assert paper.flux.max() < 400
    grid = resample(spectrum(flux), SpectraOptions(normalise="grid"))
    assert grid.flux.max() == 1000
    assert not grid.flags & flags.ABOVE_ONE.value


def test_continuum_is_half_and_reddening_does_not_matter():
    options = SpectraOptions(normalise="continuum")
    line = 1 - 0.4 * np.exp(-0.5 * ((WAVELENGTH - 5000) / 15) ** 2)
    result = resample(spectrum(line), options)
    red = resample(spectrum(line * np.exp((WAVELENGTH - 6000) / 4000)), options)
    away = (np.abs(options.grid - 5000) > 600) & (options.grid > 4400) & (options.grid < 8100)
    np.testing.assert_array_equal(result.flux[away], 500)
    assert np.abs(red.flux[away] - 500).max() <= 6
    deepest = np.argmin(result.flux)
    assert abs(options.grid[deepest] - 5000) <= 1
    assert abs(int(red.flux[deepest]) - result.flux[deepest]) <= 6


def test_continuum_is_a_mean_over_its_width():
    options = SpectraOptions(normalise="continuum", continuum_width=200)
    plain = SpectraOptions(normalise="grid")
    star = spectrum()
    flux = resample(star, plain).flux / 1000
    held = np.pad(flux, 100, mode="edge")
    mean = np.array([held[i : i + 201].mean() for i in range(flux.size)])
    np.testing.assert_allclose(resample(star, options).flux, 500 * flux / mean, atol=1.5)


def test_continuum_clips_to_three_digits_and_sets_a_flag():
    options = SpectraOptions(normalise="continuum")
    flux = spectrum().flux.copy()
    flux[pixel_at(6563) - 8 : pixel_at(6563) + 8] *= 20
    flux[pixel_at(4000) : pixel_at(4030)] *= -1
    result = resample(spectrum(flux), options)
    assert result.flux.min() == 0
    assert result.flux.max() == 999
    assert result.flags & flags.CLIPPED.value
    assert not resample(spectrum(), options).flags & flags.CLIPPED.value


def test_pixels_without_weight():
    star = spectrum()
    star.ivar[1000:1003] = 0
    star.flux[1000:1003] = 0
    loose = resample(star, PAPER)
    strict = resample(star, SpectraOptions(mask="ormask+ivar"))
    hole = np.searchsorted(PAPER.grid, WAVELENGTH[1001])
    assert loose.flux[hole] < 100 < strict.flux[hole]
    assert loose.flags & flags.HOLE.value
    assert not strict.flags & flags.HOLE.value


def test_overshoot_and_negative_flux_are_flagged():
    flux = np.ones(WAVELENGTH.size)
    flux[2000:2002] = 2.0, -1.0
    result = resample(spectrum(flux), PAPER)
    assert {"above_one", "negative"} <= set(flag_names(result.flags))
    assert result.flux.min() < 0
    smooth = resample(spectrum(np.linspace(1, 2, WAVELENGTH.size)), PAPER)
    assert smooth.flags == 0


def test_values_that_do_not_fit_are_clipped_and_flagged():
    flux = np.ones(WAVELENGTH.size)
    flux[2000] = -1000
    result = resample(spectrum(flux), PAPER)
    assert result.flags & flags.CLIPPED.value
    assert result.flux.min() == -32767


def test_flags_from_the_header():
    assert flag_names(resample(spectrum(offset=True), PAPER).flags) == ["offset_fibre"]
    assert flag_names(resample(spectrum(obsid=None), PAPER).flags) == ["no_obsid"]


def test_flags_have_a_bit_each():
    assert [flag.bit for flag in FLAGS] == list(range(len(FLAGS)))
    assert flag_names(sum(flag.value for flag in FLAGS)) == [flag.name for flag in FLAGS]


def test_rest_frame_puts_the_line_at_rest():
    redshift = 0.001
    flux = stellar_flux(WAVELENGTH / (1 + redshift), teff=9000)
    options = SpectraOptions(rest_frame=True)
    around = (PAPER.grid > 6550) & (PAPER.grid < 6580)
    rest = resample(spectrum(flux), options, redshift).flux[around]
    assert abs(PAPER.grid[around][rest.argmin()] - 6564.6) <= 1
    observed = resample(spectrum(flux), PAPER, redshift).flux[around]
    assert abs(PAPER.grid[around][observed.argmin()] - 6571.2) <= 1
    refused("no_redshift", spectrum(flux), options, None)


@pytest.mark.parametrize("flux", [np.zeros(3909), -np.ones(3909), np.r_[1e-30, -np.ones(3908)]])
def test_no_positive_flux(flux):
    refused("no_positive_flux", spectrum(flux), PAPER)


def test_nothing_good():
    refused("all_masked", spectrum(masked=range(3909)), PAPER)
    refused("all_masked", spectrum(np.full(3909, np.nan)), PAPER)
    refused("all_masked", spectrum(ivar=np.zeros(3909)), SpectraOptions(mask="ormask+ivar"))


def test_limit_of_the_masked_fraction():
    half = spectrum(masked=range(pixel_at(4500), pixel_at(7000)))
    assert resample(half, SpectraOptions(largest_masked_fraction=0.52)).masked_fraction > 0.5
    refused("too_much_masked", half, PAPER)
    blue_arm = slice(0, pixel_at(5900))
    refused("too_much_masked", spectrum(wavelength=WAVELENGTH[blue_arm]), PAPER)


def test_one_good_pixel_is_enough():
    lonely = spectrum(masked=[i for i in range(3909) if i != 2000])
    result = resample(lonely, SpectraOptions(largest_masked_fraction=1.0))
    assert set(result.flux) == {1000}


def real_lrs(real):
    files = [*real.glob("lamost_*/**/*.fits"), *real.glob("lamost_*/**/*.fits.gz")]
    return sorted(path for path in files if "sdss" not in str(path))


def test_real_files_without_a_long_gap_equal_interp1d(real):
    compared = 0
    for path in real_lrs(real)[::12]:
        star = read_spectrum(path)
        result = resample(star, SpectraOptions(largest_masked_fraction=1.0))
        held = flags.BLUE_EDGE.value | flags.RED_EDGE.value
        good = star.ormask == 0
        longest = np.diff(np.flatnonzero(good)).max() - 1
        if result.flags & held or longest > PAPER.longest_cubic_gap:
            continue
        scaled = star.flux[good] / star.flux[good].max()
        expected = np.round(interp1d(star.wavelength[good], scaled, kind="cubic")(PAPER.grid), 3)
        np.testing.assert_array_equal(result.flux, np.rint(expected * 1000))
        compared += 1
    assert compared > 20


def test_real_grid_to_9000_flags_files_that_end_before(real):
    """The 3820-pixel files end at 8914.6 Angstrom."""
    options = SpectraOptions(stop=9000.0, largest_masked_fraction=1.0)
    short = 0
    for path in real_lrs(real):
        star = read_spectrum(path)
        if star.wavelength[-1] > 9000:
            continue
        result = resample(star, options)
        assert result.flags & flags.RED_EDGE.value
        good = np.flatnonzero(star.ormask == 0)[-1]
        assert len(set(result.flux[options.grid > star.wavelength[good]])) == 1
        short += star.wavelength.size == 3820
    assert short > 0


def test_real_file_without_normalised_spectrum(real):
    """NORM = 0: NORMALIZATION is all zeros, and nothing divides by it."""
    path = real / "lamost_cmost" / "tests" / "spec-55859-F5902_sp01-002.fits.gz"
    assert fits.getval(path, "NORM") == 0
    flux = resample(read_spectrum(path), PAPER).flux
    assert 0 < np.median(flux) < 1000
