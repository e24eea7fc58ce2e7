"""Stars similar to those of the Galaxy, and zero points of surveys that a comparison recovers."""

import numpy as np
import pytest
from astropy.io import fits

from spectralm.mock import apogee, gaia_eso, galah, lasp
from spectralm.mock.emulator import Emulator
from spectralm.mock.options import SkyOptions
from spectralm.mock.plan import make_plan
from spectralm.mock.population import draw_stars
from spectralm.mock.zero_points import APOGEE, GAIA_ESO, GALAH, LAMOST


@pytest.fixture(scope="module")
def stars():
    return draw_stars(6000, np.random.default_rng(0))


@pytest.fixture(scope="module")
def plan():
    return make_plan(SkyOptions(stars=6000))


def test_every_star_is_in_the_range_of_the_emulator(stars):
    part = slice(0, 1500)
    xfe = {element: values[part] for element, values in stars.xfe.items()}
    flux = Emulator.load().flux(stars.teff[part], stars.logg[part], stars.feh[part], xfe)
    assert np.isfinite(flux).all()
    assert (flux > 0).all()


def test_alpha_separates_the_discs(stars):
    near = (stars.feh > -0.6) & (stars.feh < -0.3)
    thin, thick = (stars.xfe["Mg"][near & (stars.component == c)] for c in ("thin", "thick"))
    assert np.median(thick) - np.median(thin) > 3 * np.std(thin) / np.sqrt(2)
    alpha = np.corrcoef([stars.xfe[e] for e in ("Mg", "Si", "Ca", "Ti", "O")])
    assert alpha.min() > 0.5
    assert np.corrcoef(stars.feh, stars.xfe["Mn"])[0, 1] > 0.7


def test_giants_have_converted_carbon_to_nitrogen(stars):
    solar = np.abs(stars.feh) < 0.2
    giants, dwarfs = solar & stars.giant, solar & ~stars.giant
    for element, sign in (("C", -1), ("N", 1)):
        change = stars.xfe[element][giants].mean() - stars.xfe[element][dwarfs].mean()
        assert sign * change > 0.08


def test_dwarfs_and_giants_lie_where_they_should(stars):
    cool = stars.teff < 4600
    assert stars.logg[cool & stars.giant].max() < 3.2
    assert stars.logg[cool & ~stars.giant].min() > 4.0
    sun = ~stars.giant & (np.abs(stars.teff - 5772) < 60) & (np.abs(stars.feh) < 0.1)
    assert stars.logg[sun].mean() == pytest.approx(4.4, abs=0.15)
    velocity = np.abs(stars.velocity)
    assert 15 < np.median(velocity) < 40
    assert 100 < np.percentile(velocity, 99) < 300


def test_lasp_has_the_stated_errors_and_zero_points():
    rng = np.random.default_rng(4)
    number = 4000
    truth = {"teff": np.full(number, 5500.0), "logg": np.full(number, 4.4), "feh": np.zeros(number)}
    faint, bright = (
        lasp.draw_parameters(truth, np.full(number, "G"), np.full(number, snr), rng)
        for snr in (10.0, 100.0)
    )
    for name, zero in LAMOST["G"].items():
        if name != "velocity":
            found = {
                n: c[name][c[name] > -999] - truth[name][0]
                for n, c in (("faint", faint), ("bright", bright))
            }
            assert found["faint"].std() > 3 * found["bright"].std()
            error = found["bright"].std() / np.sqrt(number)
            assert found["bright"].mean() == pytest.approx(zero, abs=4 * error)
    assert faint["teff"][faint["teff"] > 0].std() == pytest.approx(150, rel=0.15)
    assert 0 < (faint["teff"] == -9999).mean() < 0.02


def test_repeats_have_the_same_type_half_of_the_time():
    rng = np.random.default_rng(5)
    true = np.repeat(["A7", "F5", "G3", "K3", "dM1"], 400)
    snr = np.full(true.size, 40.0)
    one, two = (lasp.draw_subclass(true, snr, rng) for _ in range(2))
    assert 0.35 < (one == two).mean() < 0.65
    assert (lasp.class_of(one[-400:]) == "M").all()


def test_galah_and_apogee_differ_by_their_zero_points(tmp_path, plan):
    apogee.write_allstar(tmp_path / "a.fits", plan, np.random.default_rng(1))
    galah.write_allstar(tmp_path / "g.fits", plan, np.random.default_rng(2))
    ours, theirs = fits.getdata(tmp_path / "a.fits", 1), fits.getdata(tmp_path / "g.fits", 1)
    names = dict(zip(plan.places.gaia_dr2.tolist(), plan.places.gaia_dr3.tolist(), strict=True))
    place = {names[i]: k for k, i in enumerate(ours["GAIA_SOURCE_ID"].tolist())}
    pairs = [
        (place[i], k) for k, i in enumerate(theirs["gaiadr3_source_id"].tolist()) if i in place
    ]
    rows = np.array(pairs).T
    a, g = ours[rows[0]], theirs[rows[1]]
    assert len(a) > 300
    for element in ("MG", "SI", "CA", "MN", "NI", "AL", "TI"):
        good = (a[f"{element}_FE"] > -999) & (a[f"{element}_FE_FLAG"] == 0)
        good &= (
            np.isfinite(g[f"{element}_fe"]) & (g[f"flag_{element}_fe"] == 0) & (g["flag_sp"] == 0)
        )
        difference = g[f"{element}_fe"][good] - a[f"{element}_FE"][good]
        error = 1.4 * difference.std() / np.sqrt(good.sum())
        planned = GALAH[element.lower()] - APOGEE[element]
        assert np.median(difference) == pytest.approx(planned, abs=4 * error), element


def test_gaia_eso_gives_absolute_abundances(tmp_path, plan):
    gaia_eso.write_catalogue(tmp_path / "e.fits", plan, np.random.default_rng(1))
    table = fits.getdata(tmp_path / "e.fits", 1)
    assert len(table) > 100
    silicon = table["SI1"] - gaia_eso.SOLAR["Si"] - table["FEH"]
    silicon = silicon[np.isfinite(silicon)]
    assert np.median(silicon) == pytest.approx(0.05 + GAIA_ESO["SI1"], abs=0.05)
    assert 7 < np.nanmedian(table["SI1"]) < 8


def test_stars_that_move_fast_are_apart_at_apogee_s_epoch(plan):
    then, now = plan.places.at(2000.0), plan.places.at(2016.0)
    assert now[0] == pytest.approx(plan.places.ra)
    moved = np.hypot((then[0] - now[0]) * np.cos(np.radians(now[1])), then[1] - now[1]) * 3600
    total = np.hypot(*plan.stars.motion.T) * 0.016
    assert moved == pytest.approx(total, rel=0.01, abs=1e-3)
    assert 0.005 < (moved > 3).mean() < 0.1
