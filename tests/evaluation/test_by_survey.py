"""Tables 7 and 8 and their figures: comparison with external surveys."""

import pyarrow as pa
import pytest
from evaluation.rows import (
    CLASS_MEAN,
    GIVEN_CLASS,
    cell,
    plot,
    published,
    rows_of,
    tabulate,
    write_manifest,
    write_residuals,
)

from spectralm.evaluation.external import Unseen
from spectralm.evaluation.options import EvaluationOptions
from spectralm.files import write_parquet
from spectralm.labels.vocabulary import Targets

OPTIONS = EvaluationOptions(resamples=20, published={"LLM": ["llm", "llm_abundances"]})


def sample(folder, dataset, test, others):
    """A manifest with the given numbers of spectra of unseen stars, and of others."""
    path = folder / "samples" / dataset / "0000.parquet"
    split = ["test"] * test + ["train", "validation"] * (others // 2)
    write_parquet(path, pa.table({"split": pa.array(split, pa.string())}))
    return path


def written(folder, repository, number, **files):
    given = {"published": [published(repository, number)], "scales": [40], "options": OPTIONS}
    return tabulate(folder, f"table{number}", **given, **files)


@pytest.fixture
def stage_1(tmp_path):
    """Two runs against both surveys."""
    residuals = []
    for run, shift in (("llm-lamost-40", 0.0), ("class_mean-lamost-40", 90.0)):
        for dataset, size in (("galah", 100.0), ("gaia_eso", 10.0)):
            residual = [shift + size, shift + 3 * size]
            columns = {"class": ["G", "G"], "teff_residual": residual, "feh_residual": [0.1, None]}
            residuals.append(write_residuals(tmp_path, run, dataset, rows_of(**columns)))
    return {
        "residuals": residuals,
        "manifests": [
            write_manifest(tmp_path, "llm-lamost-40"),
            write_manifest(tmp_path, "class_mean-lamost-40", **CLASS_MEAN),
        ],
        "samples": [sample(tmp_path, "galah", 3, 8), sample(tmp_path, "gaia_eso", 2, 4)],
    }


def test_each_survey_has_its_own_numbers_beside_the_papers(tmp_path, repository, stage_1):
    table = written(tmp_path, repository, 7, **stage_1)
    keys = {"class_": "G", "label": "teff", "quantity": "mu"}
    mu = cell(table.rows, dataset="galah", model="LLM", **keys)
    assert (mu["ours"], mu["published"], mu["difference"]) == ("200.0", "28.0", "172.0")
    mu = cell(table.rows, dataset="gaia_eso", model="class_mean", **keys)
    assert (mu["ours"], mu["published"], mu["difference"]) == ("110.0", "", "")
    text = table.markdown
    assert "| G | 2 | 200 ± 100 | 28 ± 86 | +172; +14 | 290 ± 100 |" in text
    assert "| G | 1 | 0.100 ± 0.000 | −0.05 ± 0.15 | +0.15; −0.15 | 0.100 ± 0.000 |" in text
    assert "| A | 0 | – | 41 ± 380 | – | – |" in text
    assert GIVEN_CLASS in text
    assert text.index("Gaia-ESO DR5: Teff (K)") < text.index("GALAH DR4: Teff (K)")


def test_the_spectra_that_are_left_out_are_counted(tmp_path, repository, stage_1):
    table = written(tmp_path, repository, 7, **stage_1)
    keys = {"model": "", "class_": "All", "label": ""}
    left_out = cell(table.rows, dataset="galah", quantity="left_out", **keys)
    assert left_out["ours"] == "8"
    assert cell(table.rows, dataset="gaia_eso", quantity="spectra", **keys)["ours"] == "2"
    sentence = "LAMOST's 3 spectra of unseen stars of GALAH DR4; 8 are left out, whose stars are"
    assert table.markdown.count(f"{sentence} for") == 3


def test_abundances_by_element(tmp_path, repository):
    residuals = rows_of(Targets.ABUNDANCES, **{"class": ["G", "K"], "mg_fe_residual": [0.1, 0.3]})
    run = write_residuals(tmp_path, "llm_abundances-apogee-40", "galah", residuals)
    samples = [sample(tmp_path, "galah", 2, 8)]
    table = written(tmp_path, repository, 8, residuals=[run], samples=samples)
    keys = {"dataset": "galah", "model": "LLM", "class_": "All", "label": "mg_fe"}
    sigma = cell(table.rows, quantity="sigma", **keys)
    assert float(sigma["difference"]) == pytest.approx(0.1 - 0.13)
    count = cell(table.rows, quantity="n", **keys)
    assert (count["ours"], count["published"]) == ("2", "56166.0")
    line = "| [Mg/Fe] | 2 | 56166 | 0.200 ± 0.100 | −0.04 ± 0.13 | +0.24; −0.03 |"
    assert line in table.markdown
    # Neither the paper nor we have phosphorus.
    assert cell(table.rows, **keys | {"label": "p_fe"}, quantity="n")["ours"] == "0"
    assert "[P/Fe]" not in table.markdown
    assert "Gaia-ESO" not in table.markdown


@pytest.mark.parametrize(
    ("number", "targets", "run"),
    [
        (7, Targets.PARAMETERS, "llm-lamost-40"),
        (8, Targets.ABUNDANCES, "llm_abundances-apogee-40"),
    ],
)
def test_a_survey_without_unseen_stars_gives_a_table_that_says_so(
    tmp_path, repository, number, targets, run
):
    empty = write_residuals(tmp_path, run, "gaia_eso", rows_of(targets, **{"class": []}))
    files = {"residuals": [empty], "samples": [sample(tmp_path, "gaia_eso", 0, 6)]}
    table = written(tmp_path, repository, number, **files)
    sentence = "Empty: LAMOST has no spectra of unseen stars of Gaia-ESO DR5; 6 are left"
    assert sentence in table.markdown
    keys = {"dataset": "gaia_eso", "model": "", "class_": "All", "label": ""}
    assert cell(table.rows, quantity="spectra", **keys)["ours"] == "0"
    _, png = plot(tmp_path, "gaia_eso", at=run, **files)
    assert png.stat().st_size > 5000


def test_left_out_are_the_spectra_of_other_splits():
    table = pa.table({"split": ["test", "train", "validation", "test", "train"]})
    assert Unseen.of("galah", table) == Unseen("galah", spectra=2, left_out=3)
