"""Changes of training spectra: each does what its physics says, and all are reproducible."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm.toy import GRID, questions_of, toy_records

from spectralm.language.flux import FluxText, flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import read_question
from spectralm.llm.augmentation import KNOTS, LIGHT, LONGEST_GAP, Augmentation
from spectralm.llm.options import AugmentationOptions

WAVELENGTH = 3800.0 + np.arange(4901)
TEXT = FluxText("soft", tuple(WAVELENGTH))
#: Each change alone, at a size that changes every spectrum.
ALONE = {"velocity": 300.0, "blur": 3.0, "gain": 0.05, "noise": 0.05, "gaps": 9.0}
OBSID = st.integers(-(2**63), 2**63 - 1)


def changed(spectrum: np.ndarray, obsid: int = 1, epoch: int = 0, seed: int = 0, **options):
    """Flux and mask after changes."""
    change = Augmentation(AugmentationOptions(**options), seed, TEXT)
    return change.spectrum(spectrum, obsid, epoch)


def with_lines(centres: dict[float, float]) -> np.ndarray:
    """A continuum of 0.5 with Gaussian lines, by centre and sigma; 5000 to 5019 A are masked."""
    flux = np.full(WAVELENGTH.size, 0.5)
    for centre, sigma in centres.items():
        flux -= 0.3 * np.exp(-(((WAVELENGTH - centre) / sigma) ** 2) / 2)
    masked = (WAVELENGTH >= 5000) & (WAVELENGTH < 5020)
    return np.stack([flux, masked]).astype(np.float32)


def moments(flux: np.ndarray, near: float) -> tuple[float, float, float]:
    """Area, centre and variance of the line near a wavelength."""
    place = abs(WAVELENGTH - near) < 60
    depth = 0.5 - flux[place].astype(np.float64)
    centre = (depth * WAVELENGTH[place]).sum() / depth.sum()
    variance = (depth * (WAVELENGTH[place] - centre) ** 2).sum() / depth.sum()
    return depth.sum(), centre, variance


LINES = with_lines({4200.0: 4.0, 8000.0: 7.0})


def runs(masked: np.ndarray) -> list[slice]:
    """The runs of masked pixels."""
    places = enumerate(np.flatnonzero(masked))
    found = [[p for _, p in run] for _, run in groupby(places, lambda pair: pair[1] - pair[0])]
    return [slice(run[0], run[-1] + 1) for run in found]


@settings(deadline=None)
@given(OBSID)
def test_a_velocity_moves_lines_and_mask_in_proportion_to_the_wavelength(obsid):
    flux, masked = changed(LINES, obsid, velocity=300.0)
    velocity = [LIGHT * (moments(flux, centre)[1] / centre - 1) for centre in (4200.0, 8000.0)]
    assert velocity[0] == pytest.approx(velocity[1], abs=1)
    assert abs(velocity[0]) < 301
    (run,) = runs(masked)
    assert abs(run.stop - run.start - 20) <= 1
    assert WAVELENGTH[run].mean() == pytest.approx(5009.5 * (1 + velocity[0] / LIGHT), abs=1)


def test_velocities_are_uniform():
    shift = [
        LIGHT * (moments(changed(LINES, obsid, velocity=300.0)[0], 8000.0)[1] / 8000 - 1)
        for obsid in range(300)
    ]
    assert np.mean(shift) == pytest.approx(0, abs=30)
    assert np.std(shift) == pytest.approx(300 / 3**0.5, rel=0.1)
    assert -300 < min(shift) < -270 < 270 < max(shift) < 300


@settings(deadline=None)
@given(OBSID)
def test_a_blur_adds_its_variance_to_that_of_each_line_and_keeps_its_area(obsid):
    flux, masked = changed(LINES, obsid, blur=6.0)
    before, after = ([moments(f, at) for at in (4200.0, 8000.0)] for f in (LINES[0], flux))
    added = [b[2] - a[2] for a, b in zip(before, after, strict=True)]
    assert added[0] == pytest.approx(added[1], abs=0.05)
    assert -0.05 < added[0] < 36
    for a, b in zip(before, after, strict=True):
        assert b[:2] == pytest.approx(a[:2], rel=1e-4)
    assert np.array_equal(masked, LINES[1])


def test_blurs_are_uniform_in_sigma_which_is_in_angstrom():
    for step in (1.0, 2.0):
        text = FluxText("soft", tuple(WAVELENGTH[:: int(step)]))
        change = Augmentation(AugmentationOptions(blur=6.0), 0, text)
        spike = np.zeros((2, len(text.wavelength)), np.float32)
        spike[0, 1000] = 1
        offset = step * (np.arange(len(text.wavelength)) - 1000)
        blurred = [change.spectrum(spike, obsid, 0)[0] for obsid in range(200)]
        sigma = [((flux * offset**2).sum() / flux.sum()) ** 0.5 for flux in blurred]
        assert np.mean(sigma) == pytest.approx(3, rel=0.1)
        assert 5.5 < max(sigma) < 6


@settings(deadline=None)
@given(OBSID)
def test_a_gain_is_a_factor_of_straight_lines_between_twelve_points(obsid):
    flux, masked = changed(LINES, obsid, gain=0.05)
    factor = flux.astype(np.float64) / LINES[0]
    knots = np.linspace(3800, 8700, KNOTS)
    at_knots = np.interp(knots, WAVELENGTH, factor)
    assert np.interp(WAVELENGTH, knots, at_knots) == pytest.approx(factor, abs=1e-3)
    assert np.array_equal(masked, LINES[1])


def test_the_points_of_a_gain_have_its_standard_deviation():
    ends = [changed(LINES, obsid, gain=0.05)[0][[0, -1]] / 0.5 - 1 for obsid in range(400)]
    assert np.mean(ends) == pytest.approx(0, abs=0.006)
    assert np.std(ends) == pytest.approx(0.05, rel=0.1)
    assert abs(np.corrcoef(np.transpose(ends))[0, 1]) < 0.2


def test_noise_is_white_and_its_level_uniform():
    added = [changed(LINES, obsid, noise=0.05)[0] - LINES[0] for obsid in range(200)]
    level = [np.std(each) / LINES[0].mean() for each in added]
    assert np.mean(level) == pytest.approx(0.025, rel=0.1)
    assert 0.047 < max(level) < 0.052
    assert max(abs(np.mean(each[1:] * each[:-1]) / np.var(each)) for each in added) < 0.07
    assert abs(np.mean([each.mean() for each in added])) < 1e-4
    assert max(abs(each).max() / each.std() for each in added) < 6


def test_gaps_are_straight_lines_and_marked():
    counts = []
    for obsid in range(1500):
        flux, masked = changed(LINES, obsid, gaps=0.1)
        new = runs(masked > LINES[1])
        counts.append(len(new))
        kept = masked == LINES[1]
        assert np.array_equal(flux[kept], LINES[0][kept])
        assert masked[0] == masked[-1] == 0
        assert (masked >= LINES[1]).all()
        for run in new:
            assert run.stop - run.start <= LONGEST_GAP
            around = flux[run.start - 1 : run.stop + 1].astype(np.float64)
            line = np.linspace(around[0], around[-1], len(around))
            assert around == pytest.approx(line, abs=1e-6)
    assert np.mean(counts) == pytest.approx(0.1, rel=0.25)
    many = [len(runs(changed(LINES, obsid, gaps=9.0)[1])) for obsid in range(200)]
    assert np.mean(many) == pytest.approx(9.5, rel=0.1)


def test_without_changes_spectrum_and_text_stay_the_same():
    assert np.array_equal(changed(LINES), LINES)
    for flux in ("paper", "compact"):
        text = TextOptions(flux=flux)
        (question,) = questions_of(toy_records(text, 1, seed=0))
        plain = Augmentation(AugmentationOptions(), 0, flux_text(text, GRID))
        assert plain.question(question, 0) == question.text


@pytest.mark.parametrize("alone", ALONE)
def test_a_change_depends_on_seed_epoch_and_spectrum_and_nothing_else(alone):
    sizes = {alone: ALONE[alone]}
    change = Augmentation(AugmentationOptions(**sizes), 3, TEXT)
    once = change.spectrum(LINES, 11, 0)
    others = [change.spectrum(LINES, 11, 1), change.spectrum(LINES, 12, 0)]
    others.append(changed(LINES, 11, 0, seed=4, **sizes))
    assert once.dtype == np.float32
    assert np.array_equal(change.spectrum(LINES, 11, 0), once)
    assert np.array_equal(changed(LINES, 11, 0, seed=3, **sizes), once)
    assert len({each.tobytes() for each in (LINES, once, *others)}) == 5


@pytest.mark.parametrize("flux", ["paper", "compact"])
def test_the_flux_of_a_text_is_changed_alike(flux):
    text = TextOptions(flux=flux)
    words = flux_text(text, GRID)
    (question,) = questions_of(toy_records(text, 1, seed=0))
    before = read_question(question.text, words)
    spectrum = np.stack([before / np.float32(1000), np.zeros(40)]).astype(np.float32)
    for sizes in ({name: size} for name, size in ALONE.items()):
        change = Augmentation(AugmentationOptions(**sizes), 0, words)
        after = read_question(change.question(question, 5), words)
        expected = np.rint(1000 * change.spectrum(spectrum, question.obsid, 5)[0])
        assert np.array_equal(after, expected)
