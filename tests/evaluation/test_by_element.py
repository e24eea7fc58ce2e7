"""Tables 5 and 6: our abundances beside the paper's, by class and element."""

import pytest
from evaluation.rows import (
    FROM_PARAMETERS,
    GIVEN_PARAMETERS,
    cell,
    published,
    rows_of,
    tabulate,
    write_manifest,
    write_residuals,
)

from spectralm.evaluation.options import EvaluationOptions
from spectralm.labels.vocabulary import ABUNDANCES, Targets

OPTIONS = EvaluationOptions(
    resamples=20, published={"LLM": ["llm", "llm_abundances"]}, note="All synthetic."
)


@pytest.fixture
def files(tmp_path):
    """Two A stars with magnesium and an M star without; nobody has cerium."""
    columns = {
        "llm_abundances": {"mg_fe_residual": [0.1, 0.3, None], "mg_fe_predicted": [0.1, 0.3, None]},
        "from_parameters": {"mg_fe_residual": [0.3, 0.4, None]},
    }
    manifests = {"llm_abundances": {}, "from_parameters": FROM_PARAMETERS}
    residuals = []
    columns["llm_abundances"] |= {
        "mg_fe_true": [0.0, 0.1, 0.0],
        "mg_fe_bound": [0.06, 0.06, 0.06],
        "mg_fe_label_error": [0.08, 0.08, None],
    }
    for model, values in columns.items():
        table = rows_of(Targets.ABUNDANCES, **{"class": ["A", "A", "M"]}, **values)
        residuals.append(write_residuals(tmp_path, f"{model}-apogee-40", "apogee", table))
    return {
        "residuals": residuals,
        "manifests": [
            write_manifest(tmp_path, f"{model}-apogee-40", **values)
            for model, values in manifests.items()
        ],
    }


def written(folder, repository, files, number):
    given = {"published": [published(repository, number)], "scales": [40], "options": OPTIONS}
    return tabulate(folder, f"table{number}", **given, **files)


def test_mean_and_sigma_beside_the_papers(tmp_path, repository, files):
    table = written(tmp_path, repository, files, 5)

    def llm(class_, label, quantity):
        return cell(table.rows, model="LLM", class_=class_, label=label, quantity=quantity)

    mu = llm("A", "mg_fe", "mu")
    assert [float(mu[k]) for k in ("ours", "published", "difference")] == pytest.approx(
        [0.2, 0.02, 0.18]
    )
    assert float(llm("A", "mg_fe", "sigma")["ours"]) == pytest.approx(0.1)
    assert llm("A", "mg_fe", "n")["ours"] == "2"
    assert llm("M", "mg_fe", "mu")["ours"] == ""
    assert llm("M", "", "n")["ours"] == "1"
    assert llm("A", "", "n")["published"] == "1087.0"
    assert float(llm("A", "mg_fe", "floor_ratio")["ours"]) == pytest.approx(1.4826 * 2)
    assert float(llm("A", "mg_fe", "truth_sigma")["ours"]) == pytest.approx(0.05)
    assert llm("A", "mg_fe", "truth_sigma")["unit"] == "dex"
    ours = "0.200 ± 0.100 | 0.02 ± 0.10 | +0.18; +0.00 | 2.97 | 0.050"
    assert f"| [Mg/Fe] | 2 | {ours} | 0.350 ± 0.050 |" in table.markdown
    assert "| [Ce/Fe] | 0 | – | 0.03 ± 0.30 | – | – | – | – |" in table.markdown
    assert table.latex.isascii()
    assert "{}[Mg/Fe] & 2 & " in table.latex
    assert not any(line.startswith("[") for line in table.latex.splitlines())


def test_root_mean_square_beside_the_papers(tmp_path, repository, files):
    table = written(tmp_path, repository, files, 6)
    keys = {"class_": "All", "label": "mg_fe", "quantity": "rmse"}
    ours = cell(table.rows, model="LLM", **keys)
    assert float(ours["ours"]) == pytest.approx(((0.01 + 0.09) / 2) ** 0.5)
    assert float(ours["difference"]) == pytest.approx(0.05**0.5 - 0.12)
    assert cell(table.rows, model="ResNet-50", **keys)["published"] == "0.08"
    line = "| [Mg/Fe] | 2 | – | 0.08 | – | 0.224 | 0.12 | +0.10 | 2.97 | 0.050 | 0.354 |"
    assert line in table.markdown
    assert "| ResNet-50 | not run | – | – |" in table.markdown


def test_captions_say_what_is_synthetic_and_what_is_no_model_of_spectra(
    tmp_path, repository, files
):
    table = written(tmp_path, repository, files, 5)
    lines = table.markdown.splitlines()
    assert lines[0].startswith("Table 5 of arXiv:2605.22162 beside ours, of a sample of 40 spectra")
    assert lines[0].endswith("All synthetic.")
    assert table.markdown.count("Table 5 of") == table.markdown.count("All synthetic.") == 1
    captions = [line for line in lines if line.startswith(("Abundances (dex), ", "The runs:"))]
    assert len(captions) == 7
    for caption in captions[:-1]:
        assert GIVEN_PARAMETERS in caption
    assert "Cramér-Rao" in lines[0]
    assert table.markdown.count("Cramér-Rao") == 1
    assert table.latex.count("All synthetic.}") == 7
    assert table.latex.count("Table 5 of") == 1


def test_no_test_spectra_and_no_run_at_all(tmp_path, repository):
    empty = rows_of(Targets.ABUNDANCES, **{"class": []})
    path = write_residuals(tmp_path, "llm_abundances-apogee-40", "apogee", empty)
    table = written(tmp_path, repository, {"residuals": [path]}, 5)
    assert {row["ours"] for row in table.rows} == {"", "0"}
    # Of all classes together the paper has no numbers, so that there is nothing in the row.
    assert table.markdown.count("| [Mg/Fe] | 0 | – |") == 5
    assert table.markdown.count("| [Mg/Fe] |") == 5
    table = written(tmp_path, repository, {}, 5)
    assert {row["ours"] for row in table.rows} == {""}
    assert table.markdown.count("| [Mg/Fe] | – | – |") == 5
    assert table.markdown.count("| [Mg/Fe] |") == 5
    assert len(table.rows) == 6 * (2 + 6 * len(ABUNDANCES))
