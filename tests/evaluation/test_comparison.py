"""Ours | published | difference, with runs that are there, failed, and never were."""

import csv
import json

import pytest
from evaluation.rows import rows_of

from spectralm.cli import main
from spectralm.evaluation.comparison import duration
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.runs import scale_like
from spectralm.files import write_parquet

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
            teff_bound=[10.0, 10.0],
        )
        write_parquet(tmp_path / "residuals" / f"{model}-lamost-20" / "lamost.parquet", table)
        manifest = tmp_path / "models" / f"{model}-lamost-20" / "manifest.json"
        manifest.parent.mkdir(parents=True)
        cost = {"parameters": 271104, "seconds": 90.0} if model == "ridge" else {}
        manifest.write_text(json.dumps(cost))
    return tmp_path


def tabulate(folder, repository, models, table=3):
    """The written CSV rows, Markdown and LaTeX."""
    out = {kind: folder / f"table.{kind}" for kind in ("csv", "markdown", "latex")}
    status = main(
        [
            "tabulate-comparison",
            *("--published", str(repository / "resources" / "published" / f"table{table}.csv")),
            "--residuals",
            *(str(folder / "residuals" / f"{m}-lamost-20" / "lamost.parquet") for m in models),
            "--manifests",
            *(str(folder / "models" / f"{m}-lamost-20" / "manifest.json") for m in models),
            *("--dataset", "lamost", "--scale", "20", "--options", OPTIONS.model_dump_json()),
            *(part for kind, path in out.items() for part in (f"--{kind}", str(path))),
        ]
    )
    assert status == 0
    rows = list(csv.DictReader(out["csv"].read_text().splitlines()))
    return rows, out["markdown"].read_text(), out["latex"].read_text()


def cell(rows, model, class_, label, quantity):
    keys = ("model", "class", "label", "quantity")
    (row,) = [
        row for row in rows if tuple(row[k] for k in keys) == (model, class_, label, quantity)
    ]
    return row


def test_difference_is_ours_minus_the_papers(results, repository):
    rows, text, _ = tabulate(results, repository, ["tiny", "ridge"])
    mu = cell(rows, "LLM", "A", "teff", "mu")
    assert (mu["ours"], mu["published"], mu["difference"]) == ("20.0", "51.0", "-31.0")
    sigma = cell(rows, "LLM", "A", "teff", "sigma")
    assert (sigma["ours"], sigma["published"], sigma["difference"]) == ("10.0", "297.0", "-287.0")
    assert "| A | 2 | 20 ± 10 | 51 ± 297 | −31; −287 | 0.200 ± 0.100 | 0.05 ± 0.15 |" in text
    assert cell(rows, "LLM", "A", "feh", "mu")["ours"] == ""


def test_missing_runs_have_rows_that_say_so_and_no_numbers(results, repository):
    rows, text, _ = tabulate(results, repository, ["tiny"])
    assert "| ResNet-50 | not run | – | – | – | – |" in text
    assert "**LightGBM (failed: out of memory)**" in text
    assert "| A | failed | – | −13 ± 433 | – |" in text
    for row in rows:
        if row["model"] != "LLM":
            assert row["status"] in ("not run", "failed: out of memory", "failed: ?")
            assert (row["ours"], row["difference"]) == ("", "")
    assert cell(rows, "GRU", "A", "teff", "sigma")["published"] == "849.0"
    assert "gru-lamost-80" not in text


def test_no_run_at_all_is_a_table_of_the_papers_numbers(results, repository):
    for table in (2, 4):
        rows, text, latex = tabulate(results, repository, [], table)
        assert {row["ours"] for row in rows} == {""}
        assert cell(rows, "LLM", "All", "teff", "sigma")["published"]
        assert "LLM (not run)" in text
        assert "LLM (not run)" in latex


def test_only_the_table_of_all_models_names_others_that_failed(results, repository):
    for table, named in ((2, False), (3, True)):
        rows, _, _ = tabulate(results, repository, ["tiny"], table)
        assert ("mlp" in {row["model"] for row in rows}) == named


def test_a_model_that_the_paper_has_not_stands_below_without_difference(results, repository):
    rows, text, _ = tabulate(results, repository, ["ridge", "tiny"])
    models = list(dict.fromkeys(row["model"] for row in rows))
    assert models == ["LightGBM", "ResNet-50", "Small CNN", "GRU", "LLM", "ridge", "mlp"]
    assert cell(rows, "ridge", "A", "teff", "sigma")["difference"] == ""
    assert "| A | 2 | 0 ± 5 | – | – | 0.200 ± 0.100 | – | – |" in text


def test_costs_are_told_where_the_manifest_has_them(results, repository):
    rows, text, _ = tabulate(results, repository, ["tiny", "ridge"])
    assert "| ridge | 2 | 0 | 50.0% | 271,104 | 1.5 min | 0.7 | – | – |" in text
    assert "| LLM | 2 | 0 | 50.0% | – | – | 3.0 | – | – |" in text
    assert cell(rows, "ridge", "", "", "parameters")["ours"] == "271104"
    assert cell(rows, "LLM", "", "", "seconds")["ours"] == ""
    assert cell(rows, "ridge", "All", "", "accuracy")["ours"] == "0.5"


def test_the_caption_tells_both_scales_and_ends_with_the_note(results, repository):
    _, text, latex = tabulate(results, repository, ["tiny"])
    captions = [line for line in text.splitlines() if line.startswith("Table 3 of arXiv")]
    assert len(captions) == 2
    for line in captions:
        assert "of a sample of 100,000 spectra, ours of 20 spectra from lamost." in line
        assert line.endswith("All synthetic.")
    assert latex.isascii()
    assert latex.count("All synthetic.}") == 2


@pytest.mark.parametrize(
    ("paper", "runs", "scale"),
    [
        # The paper's experiment: the paper's scales.
        (100000, [(m, 100000) for m in "abc"] + [("c", 500000), ("c", 1500000)], 100000),
        (500000, [("c", 100000), ("c", 500000), ("c", 1500000)], 500000),
        # All models at the largest scale alone, as in a demo.
        (100000, [("c", 800), ("c", 2400), ("a", 8000), ("b", 8000), ("c", 8000)], 8000),
        # All models at all scales: the nearest in ratio.
        (100000, [(m, s) for m in "abc" for s in (50000, 250000)], 50000),
        # None of the table's models.
        (100000, [("x", 800), ("x", 2400)], 2400),
    ],
)
def test_our_scale_is_that_of_most_models_and_then_the_nearest(paper, runs, scale):
    assert scale_like(paper, runs, "abc") == scale


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.123, "0.12 s"), (59, "59 s"), (90, "1.5 min"), (9000, "2.5 h")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
