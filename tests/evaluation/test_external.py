"""Tables 7 and 8 and their figures: judged by surveys from outside."""

import csv

import pyarrow as pa
import pytest
from evaluation.rows import outputs, write_rows

from spectralm.cli import main
from spectralm.evaluation.external import Unseen
from spectralm.evaluation.options import EvaluationOptions
from spectralm.files import write_parquet
from spectralm.labels.vocabulary import Targets

OPTIONS = EvaluationOptions(resamples=20, published={"LLM": ["llm", "llm_abundances"]})


def sample(folder, dataset, test, others):
    """A manifest with so many spectra of unseen stars, and of others."""
    path = folder / "samples" / dataset / "0000.parquet"
    split = ["test"] * test + ["train", "validation"] * (others // 2)
    write_parquet(path, pa.table({"split": pa.array(split, pa.string())}))
    return path


def tabulate(folder, repository, table, residuals, samples):
    written, arguments = outputs(folder)
    learned, targets = {7: ("lamost", Targets.PARAMETERS), 8: ("apogee", Targets.ABUNDANCES)}[table]
    published = repository / "resources" / "published" / f"table{table}.csv"
    given = ["--published", str(published), "--residuals", *map(str, residuals)]
    given += ["--samples", *map(str, samples), "--learned", learned, "--scale", "40"]
    given += ["--targets", targets]
    status = main(["tabulate-external", *given, "--options", OPTIONS.model_dump_json(), *arguments])
    assert status == 0
    rows = list(csv.DictReader(written["csv"].read_text().splitlines()))
    return rows, written["markdown"].read_text()


def cell(rows, dataset, model, class_, label, quantity):
    keys = ("dataset", "model", "class", "label", "quantity")
    wanted = (dataset, model, class_, label, quantity)
    (row,) = [r for r in rows if tuple(r[k] for k in keys) == wanted]
    return row


@pytest.fixture
def stage_1(tmp_path):
    """Two runs against both surveys."""
    files = []
    for run, shift in (("llm-lamost-40", 0.0), ("class_mean-lamost-40", 90.0)):
        for dataset, number in (("galah", 100.0), ("gaia_eso", 10.0)):
            residual = [shift + number, shift + 3 * number]
            columns = {"class": ["G", "G"], "teff_residual": residual, "feh_residual": [0.1, None]}
            files.append(write_rows(tmp_path, run, dataset, Targets.PARAMETERS, **columns))
    return files


def test_each_survey_has_its_own_numbers_beside_the_papers(tmp_path, repository, stage_1):
    samples = [sample(tmp_path, "galah", 3, 8), sample(tmp_path, "gaia_eso", 2, 4)]
    rows, text = tabulate(tmp_path, repository, 7, stage_1, samples)
    mu = cell(rows, "galah", "LLM", "G", "teff", "mu")
    assert (mu["ours"], mu["published"], mu["difference"]) == ("200.0", "28.0", "172.0")
    mu = cell(rows, "gaia_eso", "class_mean", "G", "teff", "mu")
    assert (mu["ours"], mu["published"], mu["difference"]) == ("110.0", "", "")
    assert "| G | 2 | 200 ± 100 | 28 ± 86 | +172; +14 | 290 ± 100 |" in text
    assert "| G | 1 | 0.100 ± 0.000 | −0.05 ± 0.15 | +0.15; −0.15 | 0.100 ± 0.000 |" in text
    assert "| A | 0 | – | 41 ± 380 | – | – |" in text
    assert "oracle on class" in text
    assert text.index("Gaia-ESO DR5: Teff (K)") < text.index("GALAH DR4: Teff (K)")


def test_what_is_left_out_is_told(tmp_path, repository, stage_1):
    samples = [sample(tmp_path, "galah", 3, 8), sample(tmp_path, "gaia_eso", 2, 4)]
    rows, text = tabulate(tmp_path, repository, 7, stage_1, samples)
    assert cell(rows, "galah", "", "All", "", "left_out")["ours"] == "8"
    assert cell(rows, "gaia_eso", "", "All", "", "spectra")["ours"] == "2"
    told = "LAMOST's 3 spectra of unseen stars of GALAH DR4; 8 are left out, whose stars are for"
    assert text.count(told) == 3


def test_abundances_by_element(tmp_path, repository):
    run = write_rows(
        tmp_path,
        "llm_abundances-apogee-40",
        "galah",
        Targets.ABUNDANCES,
        **{"class": ["G", "K"], "mg_fe_residual": [0.1, 0.3]},
    )
    samples = [sample(tmp_path, "galah", 2, 8)]
    rows, text = tabulate(tmp_path, repository, 8, [run], samples)
    sigma = cell(rows, "galah", "LLM", "All", "mg_fe", "sigma")
    assert float(sigma["difference"]) == pytest.approx(0.1 - 0.13)
    count = cell(rows, "galah", "LLM", "All", "mg_fe", "n")
    assert (count["ours"], count["published"]) == ("2", "56166.0")
    assert "| [Mg/Fe] | 2 | 56166 | 0.200 ± 0.100 | −0.04 ± 0.13 | +0.24; −0.03 |" in text
    assert "| [P/Fe] | 0 | – | – | – | – |" in text
    assert "Gaia-ESO" not in text


def test_a_survey_without_unseen_stars_gives_a_table_that_says_so(tmp_path, repository):
    for table, targets, run in (
        (7, Targets.PARAMETERS, "llm-lamost-40"),
        (8, Targets.ABUNDANCES, "llm_abundances-apogee-40"),
    ):
        empty = write_rows(tmp_path, run, "gaia_eso", targets, **{"class": []})
        samples = [sample(tmp_path, "gaia_eso", 0, 6)]
        rows, text = tabulate(tmp_path, repository, table, [empty], samples)
        assert "Empty: LAMOST has no spectra of unseen stars of Gaia-ESO DR5; 6 are left" in text
        assert cell(rows, "gaia_eso", "", "All", "", "spectra")["ours"] == "0"
        figure = ["--pdf", str(tmp_path / "f.pdf"), "--png", str(tmp_path / "f.png")]
        given = ["--residuals", str(empty), "--samples", *map(str, samples), "--note", ""]
        assert main(["plot-external", *given, *figure]) == 0
        assert (tmp_path / "f.png").stat().st_size > 5000


def test_left_out_are_the_spectra_of_other_splits():
    table = pa.table({"split": ["test", "train", "validation", "test", "train"]})
    assert Unseen.of("galah", table) == Unseen("galah", spectra=2, left_out=3)
