"""Tables 5 and 6: our abundances beside the paper's, by class and element."""

import csv

import pytest
from evaluation.rows import outputs, write_rows

from spectralm.cli import main
from spectralm.evaluation.options import EvaluationOptions
from spectralm.labels.vocabulary import ABUNDANCES, Targets

OPTIONS = EvaluationOptions(
    resamples=20, published={"LLM": ["llm", "llm_abundances"]}, note="All synthetic."
)


def cell(rows, model, class_, label, quantity):
    keys = ("model", "class", "label", "quantity")
    (row,) = [r for r in rows if tuple(r[k] for k in keys) == (model, class_, label, quantity)]
    return row


@pytest.fixture
def files(tmp_path):
    """Two A stars with magnesium and an M star without; nobody has cerium."""
    classes = {"class": ["A", "A", "M"]}
    llm = write_rows(
        tmp_path,
        "llm_abundances-apogee-40",
        "apogee",
        Targets.ABUNDANCES,
        **classes,
        mg_fe_residual=[0.1, 0.3, None],
        mg_fe_bound=[0.1, 0.1, 0.1],
    )
    trivial = write_rows(
        tmp_path,
        "from_parameters-apogee-40",
        "apogee",
        Targets.ABUNDANCES,
        **classes,
        mg_fe_residual=[0.3, 0.4, None],
    )
    return [llm, trivial]


def tabulate(folder, repository, files, table):
    written, arguments = outputs(folder)
    published = repository / "resources" / "published" / f"table{table}.csv"
    given = ["--published", str(published), "--residuals", *map(str, files), *arguments]
    given += ["--dataset", "apogee", "--scale", "40", "--targets", Targets.ABUNDANCES]
    given += ["--options", OPTIONS.model_dump_json()]
    assert main(["tabulate-abundances", *given]) == 0
    rows = list(csv.DictReader(written["csv"].read_text().splitlines()))
    return rows, written["markdown"].read_text(), written["latex"].read_text()


def test_mean_and_sigma_beside_the_papers(tmp_path, repository, files):
    rows, text, latex = tabulate(tmp_path, repository, files, 5)
    mu = cell(rows, "LLM", "A", "mg_fe", "mu")
    assert [float(mu[k]) for k in ("ours", "published", "difference")] == pytest.approx(
        [0.2, 0.02, 0.18]
    )
    sigma = cell(rows, "LLM", "A", "mg_fe", "sigma")
    assert float(sigma["ours"]) == pytest.approx(0.1)
    assert cell(rows, "LLM", "A", "mg_fe", "n")["ours"] == "2"
    assert cell(rows, "LLM", "M", "mg_fe", "mu")["ours"] == ""
    assert cell(rows, "LLM", "M", "", "n")["ours"] == "1"
    assert cell(rows, "LLM", "A", "", "n")["published"] == "1087.0"
    assert float(cell(rows, "LLM", "A", "mg_fe", "bound_ratio")["ours"]) == pytest.approx(
        1.4826 * 2
    )
    line = "| [Mg/Fe] | 2 | 0.200 ± 0.100 | 0.02 ± 0.10 | +0.18; +0.00 | 0.350 ± 0.050 | 3.0 |"
    assert line in text
    assert "| [Ce/Fe] | 0 | – | 0.03 ± 0.30 | – | – | – |" in text
    assert latex.isascii()
    assert "{}[Mg/Fe] & 2 & " in latex
    assert not any(line.startswith("[") for line in latex.splitlines())


def test_root_mean_square_beside_the_papers(tmp_path, repository, files):
    rows, text, _ = tabulate(tmp_path, repository, files, 6)
    ours = cell(rows, "LLM", "All", "mg_fe", "rmse")
    assert float(ours["ours"]) == pytest.approx(((0.01 + 0.09) / 2) ** 0.5)
    assert float(ours["difference"]) == pytest.approx(0.05**0.5 - 0.12)
    assert cell(rows, "ResNet-50", "All", "mg_fe", "rmse")["published"] == "0.08"
    assert "| [Mg/Fe] | 2 | – | 0.08 | – | 0.224 | 0.12 | +0.10 | 0.354 | 3.0 |" in text
    assert "| ResNet-50 | not run | – | – |" in text


def test_captions_say_what_is_synthetic_and_what_is_no_model_of_spectra(
    tmp_path, repository, files
):
    _, text, latex = tabulate(tmp_path, repository, files, 5)
    captions = [line for line in text.splitlines() if line.startswith("Table 5 of")]
    assert len(captions) == 7
    for caption in captions:
        assert caption.endswith("All synthetic.")
    for caption in captions[:-1]:
        assert "from_parameters is told LAMOST's Teff, log g and [Fe/H]" in caption
    assert ["Cramér-Rao" in caption for caption in captions] == [True, *[False] * 4, True, False]
    assert latex.count("All synthetic.}") == 7


def test_no_test_spectra_and_no_run_at_all(tmp_path, repository):
    empty = write_rows(
        tmp_path, "llm_abundances-apogee-40", "apogee", Targets.ABUNDANCES, **{"class": []}
    )
    rows, text, _ = tabulate(tmp_path, repository, [empty], 5)
    assert {row["ours"] for row in rows} == {"", "0"}
    assert text.count("| [Mg/Fe] | 0 | – |") == 6
    rows, text, _ = tabulate(tmp_path, repository, [], 5)
    assert {row["ours"] for row in rows} == {""}
    assert text.count("| [Mg/Fe] | – | – |") == 6
    assert len(rows) == 6 * (2 + 5 * len(ABUNDANCES))
