"""Tables 2 to 4: ours, the paper's, the difference; with runs that are there, failed or not."""

import pytest
from evaluation.rows import cell, published, rows_of, tabulate, write_manifest, write_residuals

from spectralm.evaluation.by_class import duration
from spectralm.evaluation.options import EvaluationOptions

OPTIONS = EvaluationOptions(
    resamples=20,
    published={"LLM": ["llm", "tiny"], "ResNet-50": ["resnet50"], "LightGBM": ["lightgbm"]},
    failed={
        "lightgbm-lamost-20": "out of memory",
        "mlp-lamost-20": "?",
        "gru-lamost-80": "at another scale",
    },
    note="All synthetic.",
)


@pytest.fixture
def results(tmp_path):
    """Residuals of A stars of two models; one manifest has costs, the other not."""
    for model, residual in (("tiny", [10.0, 30.0]), ("ridge", [-5.0, 5.0])):
        table = rows_of(
            **{"class": ["A", "A"], "predicted_class": ["A", "F"]},
            teff_residual=residual,
            logg_residual=[0.1, 0.3],
            feh_residual=[None, None],
            teff_predicted=residual,
            teff_true=[0.0, 10.0],
            teff_bound=[6.0, 6.0],
            teff_label_error=[8.0, 8.0],
        )
        write_residuals(tmp_path, f"{model}-lamost-20", "lamost", table)
        cost = {"parameters": 271104, "seconds": 90.0} if model == "ridge" else {}
        write_manifest(tmp_path, f"{model}-lamost-20", **cost)
    return tmp_path


def written(folder, repository, models, number=3):
    runs = [f"{model}-lamost-20" for model in models]
    return tabulate(
        folder,
        f"table{number}",
        published=[published(repository, number)],
        residuals=[folder / "residuals" / run / "lamost.parquet" for run in runs],
        manifests=[folder / "models" / run / "manifest.json" for run in runs],
        scales=[20],
        options=OPTIONS,
    )


def number(table, model, class_, label, quantity):
    return cell(table.rows, model=model, class_=class_, label=label, quantity=quantity)


def test_difference_is_ours_minus_the_papers(results, repository):
    table = written(results, repository, ["tiny", "ridge"])
    mu = number(table, "LLM", "A", "teff", "mu")
    assert (mu["ours"], mu["published"], mu["difference"]) == ("20.0", "51.0", "-31.0")
    sigma = number(table, "LLM", "A", "teff", "sigma")
    assert (sigma["ours"], sigma["published"], sigma["difference"]) == ("10.0", "297.0", "-287.0")
    line = "| A | 2 | 20 ± 10 | 51 ± 297 | −31; −287 | 0.200 ± 0.100 | 0.05 ± 0.15 |"
    assert line in table.markdown
    assert number(table, "LLM", "A", "feh", "mu")["ours"] == ""


def test_missing_runs_have_rows_that_say_so_and_no_numbers(results, repository):
    table = written(results, repository, ["tiny"])
    assert "| ResNet-50 | not run | – | – | – | – |" in table.markdown
    assert "**LightGBM (failed: out of memory)**" in table.markdown
    assert "| A | failed | – | −13 ± 433 | – |" in table.markdown
    for row in table.rows:
        if row["model"] != "LLM":
            assert row["status"] in ("not run", "failed: out of memory", "failed: ?")
            assert (row["ours"], row["difference"]) == ("", "")
    assert number(table, "GRU", "A", "teff", "sigma")["published"] == "849.0"
    assert "gru-lamost-80" not in table.markdown


def test_no_run_at_all_is_a_table_of_the_papers_numbers(results, repository):
    for place in (2, 4):
        table = written(results, repository, [], place)
        assert {row["ours"] for row in table.rows} == {""}
        assert number(table, "LLM", "All", "teff", "sigma")["published"]
        assert "LLM (not run)" in table.markdown
        assert "LLM (not run)" in table.latex


def test_only_the_table_of_all_models_names_others_that_failed(results, repository):
    for place, named in ((2, False), (3, True)):
        table = written(results, repository, ["tiny"], place)
        assert ("mlp" in {row["model"] for row in table.rows}) == named


def test_a_model_that_the_paper_does_not_have_stands_below_without_difference(results, repository):
    table = written(results, repository, ["ridge", "tiny"])
    models = list(dict.fromkeys(row["model"] for row in table.rows))
    assert models == ["LightGBM", "ResNet-50", "Small CNN", "GRU", "LLM", "ridge", "mlp"]
    assert number(table, "ridge", "A", "teff", "sigma")["difference"] == ""
    assert "| A | 2 | 0 ± 5 | – | – | 0.200 ± 0.100 | – | – |" in table.markdown


def test_costs_are_shown_where_the_manifest_has_them(results, repository):
    table = written(results, repository, ["tiny", "ridge"])
    assert (
        "| ridge | 2 | 0 | 50.0% | 271,104 | 1.5 min | 0.74 | 0 | – | – | – | – |" in table.markdown
    )
    assert "| LLM | 2 | 0 | 50.0% | – | – | 2.97 | 5 | – | – | – | – |" in table.markdown
    assert number(table, "ridge", "", "", "parameters")["ours"] == "271104"
    assert number(table, "LLM", "", "", "seconds")["ours"] == ""
    assert number(table, "ridge", "All", "", "accuracy")["ours"] == "0.5"


def test_the_caption_has_both_scales_and_ends_with_the_note(results, repository):
    table = written(results, repository, ["tiny"])
    first = table.markdown.splitlines()[0]
    assert first.startswith("Table 3 of arXiv")
    assert "of a sample of 100,000 spectra, ours of 20 spectra from lamost." in first
    assert first.endswith("All synthetic.")
    assert table.markdown.count("Table 3 of arXiv") == table.markdown.count("All synthetic.") == 1
    assert table.latex.isascii()
    assert table.latex.count("Table 3 of arXiv") == 1
    assert table.latex.count("All synthetic.}") == 2


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.123, "0.12 s"), (59, "59 s"), (90, "1.5 min"), (9000, "2.5 h")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
