import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from evaluation.rows import rows_of

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.residuals import residuals
from spectralm.evaluation.statistics import bootstrap, floor_of, statistics
from spectralm.labels.vocabulary import TEFF

OPTIONS = EvaluationOptions(resamples=200)


def one(rows, class_, label="teff"):
    (row,) = [row for row in rows if (row.class_, row.label) == (class_, label)]
    return row


def test_values_worked_out_by_hand():
    table = rows_of(
        **{"class": ["A"] * 5 + ["F"], "predicted_class": ["A", "A", "F", None, "A", "F"]},
        teff_residual=[1.0, 2.0, 3.0, None, 100.0, -6.0],
        status=["parsed"] * 3 + ["empty"] + ["parsed"] * 2,
    )
    rows = statistics("m", table, OPTIONS)
    a = one(rows, "A")
    assert (a.n, a.unparsed, a.unlabelled, a.used) == (5, 1, 0, 4)
    assert a.accuracy == 3 / 5
    assert a.mean == 26.5
    assert a.std == pytest.approx(np.sqrt(((25.5**2) + 24.5**2 + 23.5**2 + 73.5**2) / 4))
    assert a.median == 2.5
    assert a.mad_sigma == pytest.approx(1.4826)  # deviations 1.5 0.5 0.5 97.5
    assert a.outlier_fraction == 1 / 4
    everything = one(rows, "All")
    assert (everything.n, everything.used, everything.mean) == (6, 5, 20.0)
    assert everything.accuracy == 4 / 6


@pytest.mark.parametrize("excess", [0.0, 1.0, 3.0])
def test_floor_and_truth_of_a_model_with_an_error_of_some_bounds(manifest, predictions, excess):
    """A model that predicts the truth is below the floor, one that reaches the bound is at it."""
    random = np.random.default_rng(2)
    n = len(manifest)
    bound, label_error = random.uniform(20, 200, (2, n))
    true = manifest["teff"].to_numpy() - label_error * random.normal(size=n)
    own = excess * bound * random.normal(size=n)
    limits = {"teff_true": true, "teff_bound": bound, "teff_label_error": label_error}
    floor = pa.table({"obsid": manifest["obsid"], **limits})
    rows = pc.index_in(predictions["obsid"], manifest["obsid"]).to_numpy()
    place = predictions.column_names.index("teff")
    answers = predictions.set_column(place, "teff", pa.array((true + own)[rows]))
    table = residuals(manifest, manifest["obsid"], answers, "run", floor=floor)
    found = statistics("m", table, OPTIONS)
    teff, used = one(found, "All"), rows[predictions["status"].to_numpy() == "parsed"]
    share = np.hypot(excess * bound, label_error) / np.hypot(bound, label_error)
    expected = 1.4826 * np.median(np.abs(random.normal(size=(200, n)) * share))
    assert teff.floor_ratio == pytest.approx(expected, rel=0.05)
    assert (teff.truth_mean, teff.truth_std) == pytest.approx((own[used].mean(), own[used].std()))
    if excess == 0:
        assert teff.floor_ratio < 0.9
        assert (teff.truth_mean, teff.truth_std) == (0, 0)
    if excess == 1:
        assert teff.floor_ratio == pytest.approx(1, rel=0.05)
    logg = one(found, "All", "logg")
    assert (logg.floor_ratio, logg.truth_mean, logg.truth_std) == (None, None, None)


def test_a_floor_needs_both_of_its_parts():
    table = rows_of(
        **{"class": ["A"] * 4},
        teff_residual=[1.0, 2.0, 30.0, 4.0],
        teff_predicted=[1.0, 2.0, 30.0, 4.0],
        teff_true=[None, 1.0, None, None],
        teff_bound=[3.0, None, np.inf, np.inf],
        teff_label_error=[4.0, 1.0, 1.0, None],
    )
    floor = floor_of(table, TEFF)
    np.testing.assert_array_equal(floor, [5.0, np.nan, np.inf, np.nan])
    a = one(statistics("m", table, OPTIONS), "A")
    # The third spectrum says nothing: its residual is nothing beside an infinite floor.
    assert a.floor_ratio == pytest.approx(1.4826 * (0.2 + 0) / 2)
    assert (a.truth_mean, a.truth_std) == (1.0, 0.0)


def test_no_spectra_give_no_statistic():
    rows = statistics("m", rows_of(**{"class": ["A"]}, teff_residual=[1.0]), OPTIONS)
    m = one(rows, "M")
    assert (m.n, m.unparsed, m.used) == (0, 0, 0)
    unknown = (m.accuracy, m.mean, m.std, m.std_low, m.median, m.mad_sigma, m.outlier_fraction)
    assert unknown == (None,) * 7


def test_one_star_has_no_interval():
    table = rows_of(**{"class": ["A", "A"]}, teff_residual=[1.0, 3.0], star_id=["s", "s"])
    a = one(statistics("m", table, OPTIONS), "A")
    assert (a.mean, a.mean_low, a.std_high) == (2.0, None, None)


def test_unparsed_stay_in_the_denominators(manifest, predictions):
    table = residuals(manifest, manifest["obsid"], predictions, "run")
    row = one(statistics("m", table, OPTIONS), "All")
    failed = sum(status != "parsed" for status in predictions["status"].to_pylist())
    assert (row.n, row.unparsed, row.used) == (len(predictions), failed, len(predictions) - failed)
    assert row.accuracy == pytest.approx(1 - failed / len(predictions))


def test_a_missing_survey_label_is_not_an_unparsed_answer():
    table = rows_of(**{"class": ["A", "A"]}, teff_residual=[1.0, None], teff=[0.0, None])
    a = one(statistics("m", table, OPTIONS), "A")
    assert (a.n, a.unparsed, a.unlabelled, a.used) == (2, 0, 1, 1)


def test_accuracy_is_nothing_for_a_model_that_names_no_class_and_zero_for_one_that_is_mute():
    columns = {"class": ["A", "A"], "teff_residual": [1.0, 2.0]}
    silent = one(statistics("m", rows_of(**columns), OPTIONS), "A")
    assert silent.accuracy is None
    mute = one(statistics("m", rows_of(**columns, status=["x", "x"]), OPTIONS), "A")
    assert mute.accuracy == 0


def test_interval_of_the_mean_is_the_standard_error():
    residual = np.random.default_rng(1).normal(3, 10, 400)
    (low, high), (std_low, std_high) = bootstrap(residual, np.arange(400), EvaluationOptions())
    assert low < residual.mean() < high
    assert high - low == pytest.approx(2 * 10 / np.sqrt(400), rel=0.15)
    assert std_high - std_low == pytest.approx(2 * 10 / np.sqrt(800), rel=0.2)


def test_repeats_of_a_star_widen_the_interval():
    residual = np.repeat(np.random.default_rng(1).normal(0, 1, 100), 4)
    (low, high), _ = bootstrap(residual, np.arange(400), OPTIONS)
    (star_low, star_high), _ = bootstrap(residual, np.repeat(np.arange(100), 4), OPTIONS)
    assert (star_high - star_low) == pytest.approx(2 * (high - low), rel=0.25)


def test_statistics_repeat_and_do_not_know_the_order_of_rows(manifest, predictions):
    table = residuals(manifest, manifest["obsid"], predictions, "run")
    mixed = table.take(np.random.default_rng(3).permutation(len(table)))
    straight = statistics("m", table, OPTIONS)
    for row, other in zip(straight, statistics("m", mixed, OPTIONS), strict=True):
        assert (row.class_, row.label, row.n) == (other.class_, other.label, other.n)
        assert row.mean_low == pytest.approx(other.mean_low, rel=1e-9)
        assert row.std_high == pytest.approx(other.std_high, rel=1e-9)
    assert statistics("m", table, OPTIONS) == straight


def test_a_hundred_thousand_residuals_take_seconds():
    residual = np.random.default_rng(1).normal(size=100_000)
    start = time.process_time()
    bootstrap(residual, np.arange(100_000) // 2, EvaluationOptions(resamples=1000))
    assert time.process_time() - start < 10
