"""Power laws of known exponents, on the common test set alone."""

import re

import numpy as np
import pyarrow as pa
import pytest
from evaluation.rows import arguments, plot, rows_of, tabulate, write_manifest, write_residuals
from evaluation.rows import published as papers_table
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm.cli import main
from spectralm.errors import InputError
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.published import Published
from spectralm.evaluation.scaling import common_test, published_scaling, scaling
from spectralm.evaluation.scaling_rows import OURS, PAPER, scaling_of
from spectralm.evaluation.scaling_rows import rows_of as rows_of_scaling
from spectralm.evaluation.statistics import star_resamples

OPTIONS = EvaluationOptions(resamples=200)


def run_at(scale: int, exponent: float, seed: int = 0, amplitude: float = 1000.0) -> pa.Table:
    """Residuals on scale / 5 test spectra, normal with sigma = amplitude * (0.8 scale)^-exponent.

    The test spectra of a smaller scale are the first; those that only a larger scale has are of
    no use to a fit (residual 1e6).
    """
    n = scale // 5
    noise = np.random.default_rng(seed + scale).normal(size=n)
    residual = amplitude * (0.8 * scale) ** -exponent * noise
    residual[200:] = 1e6
    return rows_of(
        **{"class": ["G"] * n},
        **{f"{label}_residual": residual.tolist() for label in ("teff", "logg", "feh")},
    )


def sweep(exponent: float, scales=(1000, 3000, 9000), model="ridge", seed=0):
    tables = {f"{model}-lamost-{scale}": run_at(scale, exponent, seed) for scale in scales}
    return tables, {run: int(0.8 * int(run.split("-")[-1])) for run in tables}


@settings(max_examples=5, deadline=None)
@given(exponent=st.floats(-0.2, 0.8), seed=st.integers(0, 50))
def test_a_known_exponent_is_found_within_its_interval(exponent, seed):
    """Five half-widths: chance alone does not reach so far."""
    found = scaling(*sweep(exponent, seed=seed), EvaluationOptions(resamples=50))
    for statistic, widest in (("std", 0.06), ("mad_sigma", 0.15)):
        law = found.law_of("ridge", "teff", statistic)
        width = (law.high - law.low) / 2
        assert 0 < width < widest
        assert abs(law.exponent - exponent) < 5 * width
        assert law.scatter < 0.4


def test_an_interval_of_68_per_cent_holds_the_truth_about_so_often():
    held = 0
    for seed in range(30):
        law = scaling(*sweep(0.3, seed=20_000 * seed), EvaluationOptions(resamples=40)).laws[0]
        held += law.low < 0.3 < law.high
    assert 13 <= held <= 28


def test_the_law_of_exact_points_by_hand():
    """Sigma 2, 1 and 0.5 at 100, 400 and 1600: b = 1/2, a = 20, no scatter."""
    tables = {
        f"m-x-{scale}": rows_of(**{"class": ["A", "A"]}, teff_residual=[-sigma, sigma])
        for scale, sigma in ((10, 2.0), (40, 1.0), (160, 0.5))
    }
    found = scaling(tables, {"m-x-10": 100, "m-x-40": 400, "m-x-160": 1600}, OPTIONS)
    law = found.law_of("m", "teff", "std")
    assert (law.exponent, law.amplitude) == (pytest.approx(0.5), pytest.approx(20))
    assert law.scatter == pytest.approx(0, abs=1e-9)
    assert law.at(10_000) == pytest.approx(0.2)


def test_only_the_common_test_spectra_count():
    found = scaling(*sweep(0.5), OPTIONS)
    assert found.test_scale == 1000
    for point in found.points:
        assert (point.n, point.used) == (200, 200)
        assert point.sigma < 100


def test_two_scales_give_a_line_without_goodness_of_fit():
    law = scaling(*sweep(0.5, scales=(1000, 3000)), OPTIONS).law_of("ridge", "feh", "std")
    assert law.points == 2
    assert law.scatter is None
    assert law.low < law.exponent < law.high


def test_an_unanswered_spectrum_is_no_zero():
    tables, n_train = sweep(0.5)
    gone = tables["ridge-lamost-3000"]
    place = gone.column_names.index("teff_residual")
    mute = gone.set_column(place, "teff_residual", pa.nulls(len(gone), pa.float64()))
    found = scaling({**tables, "ridge-lamost-3000": mute}, n_train, OPTIONS)
    (point,) = [p for p in found.points_of("ridge", "teff", "std") if p.scale == 3000]
    assert (point.used, point.sigma, point.low) == (0, None, None)
    assert found.law_of("ridge", "teff", "std") is None
    assert found.law_of("ridge", "logg", "std") is not None


def test_samples_that_are_not_nested_are_refused():
    tables, _ = sweep(0.5)
    tables["ridge-lamost-9000"] = tables["ridge-lamost-9000"].slice(3)
    with pytest.raises(InputError, match="3 of the 200 test spectra of ridge-lamost-1000"):
        common_test(tables)


def test_resamples_hold_all_spectra_of_each_star_drawn():
    star = np.array([7, 2, 7, 2, 2, 9])
    options = EvaluationOptions(resamples=50)
    for rows in star_resamples(star, options):
        drawn, count = np.unique(star[rows], return_counts=True)
        stars = {7: 2, 2: 3, 9: 1}
        assert sum(n // stars[s] for s, n in zip(drawn.tolist(), count, strict=True)) == 3
        for row in range(len(star)):
            others = np.flatnonzero(star == star[row])
            assert len({np.sum(rows == other) for other in others}) == 1
    assert list(star_resamples(np.array([1, 1]), options)) == []


def test_the_papers_points_are_those_of_models_at_several_scales():
    rows = [
        Published(3, model, "lamost", scale, class_, "teff", "sigma", value, "K")
        for model, scale, class_, value in (
            ("LLM", 100000, "All", 150.0),
            ("LLM", 500000, "All", 133.0),
            ("LLM", 500000, "A", 1.0),
            ("GRU", 100000, "All", 440.0),
        )
    ]
    found = published_scaling(rows)
    assert [(p.model, p.n_train, p.sigma) for p in found.points] == [
        ("LLM", 80000, 150.0),
        ("LLM", 400000, 133.0),
    ]
    (law,) = found.laws
    assert law.exponent == pytest.approx(np.log(150 / 133) / np.log(5))
    assert (law.low, law.scatter) == (None, None)


@pytest.fixture
def folder(tmp_path):
    tables, n_train = sweep(0.4)
    tables["class_mean-lamost-1000"] = run_at(1000, 0.0)
    for run, table in tables.items():
        write_residuals(tmp_path, run, "lamost", table)
        write_manifest(tmp_path, run, **({"n_train": n_train[run]} if run in n_train else {}))
    return tmp_path


def files(folder, repository, runs):
    return {
        "at": "lamost",
        "residuals": [folder / "residuals" / run / "lamost.parquet" for run in runs],
        "manifests": [folder / "models" / run / "manifest.json" for run in runs],
        "published": [papers_table(repository, number) for number in (2, 3, 4)],
        "options": OPTIONS,
    }


def draw(folder):
    tidy = folder / "tables" / "scaling-lamost.csv"
    _, png = plot(folder, "scaling", at="lamost", tables=[tidy], models=["class_mean", "ridge"])
    return png


def test_commands_leave_out_models_at_one_scale(folder, repository):
    runs = sorted(path.name for path in (folder / "residuals").iterdir())
    written = tabulate(folder, "scaling", **files(folder, repository, runs))
    ours = [row for row in written.rows if row["source"] == "ours"]
    assert {row["model"] for row in ours} == {"ridge"}
    assert len([row for row in ours if row["quantity"] == "sigma"]) == 3 * 3 * 2
    paper = [row for row in written.rows if (row["source"], row["quantity"]) == ("paper", "sigma")]
    assert {row["model"] for row in paper} == {"LLM", "ResNet-50"}
    text = written.markdown
    assert "the 200 test spectra of scale 1,000" in text
    assert re.search(
        r"\| ridge \| 3 \| σ \| 0\.[34]\d+ \[0\.\d+, 0\.\d+; scatter 0\.\d\d\] \|", text
    )
    assert "no goodness of fit" in text
    assert written.latex.isascii()
    assert draw(folder).stat().st_size > 30_000


def test_one_scale_gives_a_table_and_a_figure_that_say_why_they_are_empty(folder, repository):
    runs = ["ridge-lamost-1000", "class_mean-lamost-1000"]
    written = tabulate(folder, "scaling", **files(folder, repository, runs))
    assert "Empty: no model was run at several scales" in written.markdown
    assert {row["source"] for row in written.rows} == {"paper"}
    assert draw(folder).exists()


def test_a_manifest_without_its_number_of_spectra_is_named(folder, repository, capsys):
    write_manifest(folder, "ridge-lamost-3000")
    runs = ["ridge-lamost-1000", "ridge-lamost-3000"]
    given = arguments(files(folder, repository, runs))
    assert main(["tabulate", "scaling", *given, "--out", str(folder)]) == 1
    assert "manifest of ridge-lamost-3000: n_train" in capsys.readouterr().err


def test_the_tidy_rows_give_the_points_and_laws_back():
    """Also where a sigma is unknown, and no law was fitted."""
    tables, n_train = sweep(0.5)
    gone = tables["ridge-lamost-3000"]
    place = gone.column_names.index("teff_residual")
    tables["ridge-lamost-3000"] = gone.set_column(
        place, "teff_residual", pa.nulls(len(gone), pa.float64())
    )
    other, sizes = sweep(0.2, scales=(1000, 3000), model="tiny")
    ours = scaling(tables | other, n_train | sizes, EvaluationOptions(resamples=10))
    paper = published_scaling(
        Published(3, "LLM", "lamost", scale, "All", "teff", "sigma", sigma, "K")
        for scale, sigma in ((100000, 150.0), (500000, 133.0))
    )
    rows = [*rows_of_scaling(OURS, ours), *rows_of_scaling(PAPER, paper)]
    assert scaling_of(OURS, rows) == ours
    assert scaling_of(PAPER, rows) == paper
    assert any(point.sigma is None for point in ours.points)
    assert scaling_of(OURS, rows_of_scaling(PAPER, paper)) == scaling({}, {}, OPTIONS)
