"""Errors that are known to be right, too small, or of no use."""

import numpy as np
import pytest
from evaluation.rows import plot, rows_of, tabulate, write_manifest, write_residuals
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt

from spectralm.evaluation.calibration import coverages, factor, pit
from spectralm.evaluation.figures import calibration as figure_of_calibration
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.tables import calibration as table_of_calibration
from spectralm.labels.vocabulary import ABUNDANCES, TEFF, Targets

N = 4000


def residuals_of(times: float):
    """Residuals whose errors are ``times`` the right ones, which differ from star to star."""
    random = np.random.default_rng(3)
    right = random.uniform(20, 200, N)
    columns = {"class": ["G", "K"] * (N // 2)}
    for name in ("teff", "logg", "feh"):
        columns[f"{name}_residual"] = random.normal(0, right)
        columns[f"{name}_err"] = times * right
    return rows_of(**columns)


@given(st.floats(0.1, 10), st.integers(0, 100))
@settings(max_examples=20)
def test_the_factor_is_what_was_wrong(wrong, seed):
    random = np.random.default_rng(seed)
    right = random.uniform(1, 5, 3000)
    assert factor(random.normal(0, right), right / wrong) == pytest.approx(wrong, rel=0.08)


def test_a_factor_found_on_half_of_the_stars_is_right_for_the_others():
    """Also where residuals have the tails of Student's t, and the sigmas are only rough."""
    random = np.random.default_rng(0)
    sigmas = random.uniform(1, 3, 2 * N)
    residuals = sigmas * random.standard_t(6, 2 * N)
    scaled = factor(residuals[:N], sigmas[:N]) * sigmas[N:]
    assert np.mean(np.abs(residuals[N:]) < scaled) == pytest.approx(0.683, abs=0.02)


def test_one_wild_residual_does_not_move_it():
    random = np.random.default_rng(0)
    residuals = random.normal(0, 1, 500)
    wild = np.append(residuals, 1e6)
    assert factor(wild, np.ones(501)) == pytest.approx(factor(residuals, np.ones(500)), rel=0.02)


def test_coverage_and_pit_of_right_errors():
    table = residuals_of(1.0)
    by_class = {(row.class_, row.label): row for row in coverages("tiny-lamost-20", table)}
    whole = by_class["All", "teff"]
    assert whole.n == N == by_class["G", "teff"].n + by_class["K", "teff"].n
    assert whole.within_68 == pytest.approx(0.683, abs=0.02)
    assert whole.within_95 == pytest.approx(0.95, abs=0.01)
    assert whole.median_error == pytest.approx(110, rel=0.05)
    assert by_class["M", "teff"].within_68 is None
    counts, _ = np.histogram(pit(table, TEFF), 10, (0, 1))
    assert counts == pytest.approx(np.full(10, N / 10), abs=4 * np.sqrt(N / 10))


def test_errors_that_are_too_small_hold_too_few_spectra():
    row = coverages("tiny-lamost-20", residuals_of(0.5))[-1]
    assert row.within_68 == pytest.approx(0.383, abs=0.02)


def test_stage_2_has_a_row_per_element():
    random = np.random.default_rng(1)
    columns = {"class": ["G"] * N, "mg_fe_residual": random.normal(0, 0.1, N)}
    table = rows_of(Targets.ABUNDANCES, **columns, mg_fe_err=[0.1] * N)
    found = coverages("llm-apogee-20", table)
    (panel,) = table_of_calibration.table(found, Inputs(at="apogee-20")).panels
    rows = {row[0]: row[1:] for row in panel.blocks["llm-apogee-20"]}
    assert rows.keys() == {label.latex for label in ABUNDANCES}
    assert rows["[Mg/Fe]"][0] == "–"
    assert float(rows["[Mg/Fe]"][-1].split("%")[0]) == pytest.approx(68.3, abs=2)


@pytest.mark.parametrize("elements", [1, 3, 8, 21])
def test_the_figure_has_two_panels_of_each_label_with_errors(tmp_path, elements):
    random = np.random.default_rng(1)
    columns = {"class": ["G"] * 50}
    for label in ABUNDANCES[:elements]:
        columns |= {f"{label.name}_residual": random.normal(0, 0.1, 50)}
        columns |= {f"{label.name}_err": [0.1] * 50}
    table = rows_of(Targets.ABUNDANCES, **columns)
    path = write_residuals(tmp_path, "llm-apogee-50", "apogee", table)
    figure = figure_of_calibration.draw(Inputs(residuals=[path]))
    titles = [panel.get_title() for panel in figure.axes if panel.get_title()]
    assert titles == [label.latex for label in ABUNDANCES[:elements]]
    assert len(figure.axes) == 2 * elements
    plt.close(figure)


def test_commands_write_coverage_and_name_models_without_errors(tmp_path):
    tables = {
        "tiny-lamost-20": residuals_of(1.0),
        "ridge-lamost-20": rows_of(**{"class": ["A"]}, teff_residual=[1.0]),
    }
    manifests = [write_manifest(tmp_path, run) for run in tables]
    paths = [write_residuals(tmp_path, run, "lamost", table) for run, table in tables.items()]
    for run, path in zip(tables, paths, strict=True):
        _, png = plot(tmp_path, "calibration", at=run, residuals=[path])
        assert png.stat().st_size > 3000
    written = tabulate(
        tmp_path,
        "calibration",
        at="lamost-20",
        residuals=paths,
        manifests=manifests,
        options=EvaluationOptions(note="All synthetic."),
    )
    assert "of a sample of 20 spectra from lamost" in written.markdown
    assert "All synthetic." in written.markdown
    assert "Without errors: ridge-lamost-20." in written.markdown
    # Nothing is known of the errors for A stars.
    assert "| A |" not in written.markdown
    assert "| G |" in written.markdown
    assert len(written.rows) == 18
    assert {row["run"] for row in written.rows} == {"tiny-lamost-20"}
