import numpy as np
import pytest
from evaluation.rows import plot, rows_of, tabulate, write_residuals
from matplotlib import pyplot as plt

from spectralm.evaluation.figures import snr as figure_of_snr
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.residuals import residuals
from spectralm.evaluation.snr import by_snr, least_sigmas
from spectralm.evaluation.tables import snr

OPTIONS = EvaluationOptions(resamples=20, snr_bins=[10.0, 40.0])


@pytest.fixture
def five():
    return rows_of(
        **{"class": ["A", "A", "F", "F", "M"]},
        teff_residual=[30.0, 50.0, 1.0, 5.0, 7.0],
        snrr=[5.0, 9.9, 10.0, 39.0, None],
        teff_bound=[3.0, 4.0, None, 1.0, 1.0],
        teff_label_error=[4.0, 3.0, 1.0, 0.0, 1.0],
    )


def of_all(rows, label="teff"):
    return [r for r in rows if (r.statistics.class_, r.statistics.label) == ("All", label)]


def test_bins_by_hand(five):
    low, middle, unknown = of_all(by_snr("m-x-1", five, OPTIONS))
    assert (low.title, low.snr_median, low.statistics.n) == ("< 10", 7.45, 2)
    assert (low.statistics.mean, low.statistics.std) == (40.0, 10.0)
    assert low.floor_std == pytest.approx(5.0)
    assert (middle.title, middle.statistics.std, middle.floor_std) == ("10–40", 2.0, 1.0)
    assert (unknown.title, unknown.snr_median, unknown.statistics.n) == ("unknown", None, 1)


def test_every_test_spectrum_is_in_one_bin(manifest, predictions):
    table = residuals(manifest, manifest["obsid"], predictions, "run")
    rows = of_all(by_snr("m-x-1", table, OPTIONS))
    assert [row.title for row in rows] == ["10–40", "≥ 40"]
    assert sum(row.statistics.n for row in rows) == len(table)
    assert sum(row.statistics.unparsed for row in rows) == table["teff_predicted"].null_count


def test_no_sigma_is_below_the_least():
    """Normal residuals as wide as their floors have the least sigmas, the robust one too."""
    random = np.random.default_rng(0)
    floor = random.uniform(1, 30, 100_000)
    residual = floor * random.normal(size=floor.size)
    std, robust = least_sigmas(floor)
    assert residual.std() == pytest.approx(std, rel=0.02)
    mad = np.median(np.abs(residual - np.median(residual)))
    assert 1.4826 * mad == pytest.approx(robust, rel=0.02)
    assert least_sigmas(np.full(9, 2.5)) == pytest.approx((2.5, 2.5), rel=1e-4)
    assert least_sigmas(np.array([])) == (None, None)


def test_floor_and_truth_are_shown_where_they_are_known(five, manifest, predictions):
    inputs = Inputs(at="x-1", options=OPTIONS)
    assert len(snr.table(list(by_snr("m-x-1", five, OPTIONS)), inputs).panels) == 3
    table = residuals(manifest, manifest["obsid"], predictions, "run")
    assert len(snr.table(list(by_snr("m-x-1", table, OPTIONS)), inputs).panels) == 1


def shown(folder, table):
    """The table of a run, and the PNG that shows it."""
    path = write_residuals(folder, "ridge-lamost-20", "lamost", table)
    given = {"at": "lamost-20", "options": OPTIONS}
    written = tabulate(folder, "snr", residuals=[path], **given)
    tidy = folder / "tables" / "snr-lamost-20.csv"
    _, png = plot(folder, "snr", tables=[tidy], models=["tiny", "ridge"], **given)
    return written, png


def test_commands(tmp_path, manifest, predictions):
    written, png = shown(tmp_path, residuals(manifest, manifest["obsid"], predictions, "run"))
    assert len(written.rows) == 2 * 6 * 3
    first = written.rows[0]
    assert (first["snr_low"], first["snr_high"], first["class"]) == ("10.0", "40.0", "A")
    assert png.stat().st_size > 30_000


def test_a_figure_of_too_few_spectra_says_so(tmp_path, five):
    _, png = shown(tmp_path, five)
    assert png.exists()
    inputs = Inputs(at="lamost-20", tables=[tmp_path / "tables" / "snr-lamost-20.csv"])
    figure = figure_of_snr.draw(inputs)
    reason = figure.texts[0].get_text()
    plt.close(figure)
    assert "no bin of S/N has enough residuals" in reason
