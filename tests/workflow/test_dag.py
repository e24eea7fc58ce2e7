"""The DAG run for real on a small sky, and what each kind of change makes it do again."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from workflow.experiment import Experiment

from spectralm.files import read_parquet, write_parquet

pytestmark = pytest.mark.slow

#: Figures of three models at one scale, and the page that shows them.
FIGURES = {
    "plot_llm": 1,
    "plot_baseline": 2,
    "plot_scaling": 1,
    "plot_snr": 1,
    "write_report": 1,
}

#: Tables of three models at one scale.
TABLES = {
    "tabulate_lamost": 1,
    "tabulate_llm": 1,
    "tabulate_all_models": 1,
    "tabulate_llm_and_resnet": 1,
    "tabulate_scaling": 1,
}

#: Catalogues of three runs, and cards of one adapter and of its questions.
READ_BY_OTHERS = {"write_catalogue": 3, "write_model_card": 1, "write_dataset_card": 1}

#: What follows from new spectra, for three models at one scale of one shard.
BELOW_SPECTRA = {
    "resample_spectra": 1,
    "write_questions": 1,
    "train_llm": 1,
    "train_baseline": 2,
    "calibrate_llm": 1,
    "predict_llm": 1,
    "predict_baseline": 2,
    "compute_residuals": 3,
    **TABLES,
    "tabulate_rejects": 1,
    "describe_training": 3,
    **READ_BY_OTHERS,
    **FIGURES,
}

#: What follows from one model's new predictions, besides the figures of its run.
BELOW_PREDICTIONS = {
    "compute_residuals": 1,
    "tabulate_lamost": 1,
    "tabulate_all_models": 1,
    "tabulate_scaling": 1,
    "plot_scaling": 1,
    "plot_snr": 1,
    "write_catalogue": 1,
    "write_report": 1,
}


@pytest.fixture
def edit(experiment: Experiment):
    """Change the copied code for one test."""
    kept: dict[Path, bytes] = {}

    def change(path: str, old: str, new: str) -> None:
        file = experiment.folder / path
        kept.setdefault(file, file.read_bytes())
        experiment.edit(path, old, new)

    yield change
    for file, content in kept.items():
        file.write_bytes(content)


def test_the_road_ends_in_tables_and_figures(experiment):
    results = experiment.folder / "results"
    table = (results / "tables" / "residuals-lamost-20.md").read_text()
    for run in ("tiny-lamost-20", "ridge-lamost-20", "class_mean-lamost-20"):
        assert f"**{run}**" in table
        assert (results / "figures" / f"residuals-{run}.png").stat().st_size > 10_000
        assert (results / "figures" / f"histograms-{run}.pdf").read_bytes()[:4] == b"%PDF"
    for number in (2, 3, 4):
        text = (results / "tables" / f"table{number}.md").read_text()
        assert "LLM (tiny-lamost-20)" in text
        assert ("ResNet-50 (not run)" in text) == (number != 2)
    assert "Empty: no model was run" in (results / "tables" / "scaling-lamost.md").read_text()
    page = (results / "report" / "index.html").read_text()
    assert "LLM (tiny-lamost-20)" in page
    assert "<code>train_llm</code>" in page
    assert "<code>train_baseline</code>" in page
    for run in ("tiny-lamost-20", "ridge-lamost-20"):
        assert len(Table.read(results / "catalogue" / f"{run}.fits")) == 5
    assert "library_name: peft" in (results / "models" / "tiny-lamost-20" / "README.md").read_text()
    assert "parameters-compact" in (results / "qa" / "lamost" / "README.md").read_text()
    manifest = json.loads((results / "models" / "tiny-lamost-20" / "manifest.json").read_text())
    assert manifest["n_train"] == 10
    for workspace in (experiment.folder / "workspaces").iterdir():
        assert [path.name for path in workspace.iterdir()] == ["finished"]


def test_every_model_is_judged_on_the_same_test_spectra(experiment):
    results = experiment.folder / "results"
    sample = read_parquet(results / "samples" / "lamost" / "0000.parquet").to_pylist()
    asked = sorted(row["obsid"] for row in sample if row["split"] == "test")
    assert len(asked) == 5
    for run in (results / "residuals").iterdir():
        rows = pq.read_table(run / "lamost.parquet")
        assert sorted(rows["obsid"].to_pylist()) == asked


def test_a_run_tells_labels_of_a_file(experiment):
    """`spectralm predict` gives what the workflow's predictions say of the same spectra."""
    results = experiment.folder / "results"
    sample = read_parquet(results / "samples" / "lamost" / "0000.parquet").to_pylist()
    paths = {row["obsid"]: row["path"] for row in sample if row["split"] == "test"}
    for run in ("tiny-lamost-20", "ridge-lamost-20"):
        expected = read_parquet(results / "predictions" / run / "lamost" / "0000.parquet")
        rows = [row for row in expected.to_pylist() if row["obsid"] in paths]
        given = ["predict", *(paths[row["obsid"]] for row in rows), "--run", run]
        done = experiment.command(*given, "--device", "cpu", "--out", f"{run}.ecsv")
        assert done.returncode == 0, done.stdout
        found = Table.read(experiment.folder / f"{run}.ecsv")
        assert found["class"].tolist() == [row["class"] for row in rows]
        assert found["teff"].tolist() == pytest.approx([row["teff"] for row in rows])


def test_every_rule_logs_and_is_timed(experiment):
    results = experiment.folder / "results"
    made = [path for path in results.rglob("*") if path.is_file()]
    logs = {
        path.relative_to(experiment.folder / "logs").with_suffix("")
        for path in (experiment.folder / "logs").rglob("*.log")
    }
    timed = {
        path.relative_to(experiment.folder / "benchmarks").with_suffix("")
        for path in (experiment.folder / "benchmarks").rglob("*.tsv")
    }
    assert logs == timed
    assert len(logs) == 38
    assert len(made) > len(logs)


def test_a_second_run_has_nothing_to_do(experiment):
    assert experiment.to_do() == {}


def test_comments_docstrings_and_touched_files_change_nothing(experiment, edit):
    for file in (experiment.folder / "src" / "spectralm").rglob("*.py"):
        path = str(file.relative_to(experiment.folder))
        text = file.read_text()
        assert text.startswith('"""')
        edit(path, text, f'# A comment.\n"""Other words."""{text.split(chr(34) * 3, 2)[2]}\n# End.')
    assert experiment.to_do() == {}


def test_a_constant_of_the_resampler_reruns_spectra_and_all_below(experiment, edit):
    edit("src/spectralm/spectra/resample.py", "1000", "1001")
    assert experiment.to_do() == BELOW_SPECTRA


def test_a_colour_reruns_its_figure_alone(experiment, edit):
    edit("src/spectralm/evaluation/figures/scaling.py", '"0.55"', '"0.6"')
    assert experiment.to_do() == {"plot_scaling": 1, "write_report": 1}


def test_a_colour_reruns_the_figures_that_are_made_with_it(experiment, edit):
    edit("src/spectralm/evaluation/figures/histograms.py", 'color="black"', 'color="red"')
    assert experiment.to_do() == {"plot_llm": 1, "plot_baseline": 2, "write_report": 1}


def test_the_style_of_figures_reruns_figures_alone(experiment, edit):
    edit("src/spectralm/evaluation/spectralm.mplstyle", "font.size: 8", "font.size: 9")
    assert experiment.to_do() == FIGURES


def test_one_baselines_code_reruns_that_baseline(experiment, edit):
    edit(
        "src/spectralm/baselines/kinds/ridge.py",
        "import logging\n",
        "import logging\n\nWIDTH = 1\n",
    )
    assert experiment.to_do() == {
        "train_baseline": 1,
        "predict_baseline": 1,
        "plot_baseline": 1,
        **BELOW_PREDICTIONS,
    }


def test_a_larger_scale_adds_its_shards_and_its_runs(experiment, edit):
    edit("mine.yaml", "  - 20\n", "  - 20\n  - 40\n")
    assert experiment.to_do() == {
        "draw_shard": 1,
        "resample_spectra": 1,
        "write_questions": 1,
        "train_llm": 1,
        "train_baseline": 2,
        "calibrate_llm": 1,
        "predict_llm": 2,
        "predict_baseline": 4,
        "compute_residuals": 3,
        **TABLES,
        "tabulate_sample": 1,
        "tabulate_rejects": 1,
        "describe_training": 3,
        **READ_BY_OTHERS,
        **FIGURES,
    }


def test_a_larger_scale_of_one_model_alone(experiment, edit):
    more = "experiment:\n- models: [class_mean]\n  scales: [40]\n"
    edit("mine.yaml", "experiment:\n", more)
    to_do = experiment.to_do()
    assert to_do["train_baseline"] == 1
    assert to_do["compute_residuals"] == 1
    assert "write_questions" not in to_do
    assert "train_llm" not in to_do


def test_how_answers_are_read_does_not_train_again(experiment, edit):
    edit("mine.yaml", "    generation:\n", "    generation:\n      reading: expected\n")
    assert experiment.to_do() == {
        "calibrate_llm": 1,
        "predict_llm": 1,
        "plot_llm": 1,
        **BELOW_PREDICTIONS,
        **TABLES,
        "write_model_card": 1,
    }


def test_targets_tables_and_figures(experiment):
    for table in (experiment.folder / "results" / "tables").iterdir():
        table.unlink()
    assert experiment.to_do("figures") == {}
    assert set(experiment.to_do("tables")) == {
        "tables",
        *TABLES,
        "tabulate_sample",
        "tabulate_rejects",
    }
    experiment.run("tables")
    assert experiment.to_do() == {}


def test_a_wrong_config_stops_before_anything_runs(experiment, edit):
    edit("mine.yaml", "resamples: 50", "resample: 50")
    done = experiment.snakemake("--dry-run")
    assert done.returncode != 0
    assert "evaluation.resample: unknown key; did you mean resamples?" in done.stdout


def test_a_folder_of_floors_makes_residuals_again_and_what_they_are_in(experiment, edit):
    floor = experiment.folder / "floor" / "lamost.parquet"
    edit("mine.yaml", "evaluation:\n", "evaluation:\n  floor: floor\n")
    assert "floor is not there" in experiment.snakemake("--dry-run").stdout
    write_parquet(floor, pa.table({"obsid": pa.array([], pa.int64())}))
    done = experiment.snakemake("--dry-run", "--printshellcmds")
    assert done.stdout.count("--floor floor/lamost.parquet --targets parameters") == 3
    to_do = experiment.to_do()
    assert to_do.keys() <= {"compute_residuals", "write_model_card", *TABLES, *FIGURES}
    assert to_do.items() >= {"compute_residuals": 3, **TABLES}.items()


@pytest.fixture
def made_again(experiment: Experiment):
    """Make all again when a test, and its edits, are over: others use the experiment, too."""
    yield
    experiment.run()


def test_a_run_that_failed_is_not_tried_and_is_named(made_again, experiment, edit):
    shutil.rmtree(experiment.folder / "results" / "models" / "ridge-lamost-20")
    edit("mine.yaml", "evaluation:\n", "evaluation:\n  failed: {ridge-lamost-20: it diverged}\n")
    to_do = experiment.to_do()
    assert "train_baseline" not in to_do
    experiment.run("tables")
    tables = experiment.folder / "results" / "tables"
    assert "| ridge | failed | – | – |" in (tables / "table3.md").read_text()
    assert "ridge-lamost-20 (it diverged)" in (tables / "residuals-lamost-20.md").read_text()
    assert "**ridge-lamost-20**" not in (tables / "residuals-lamost-20.md").read_text()


def test_snakemakes_own_report_has_every_table_and_figure(experiment):
    done = experiment.snakemake("--report", "report.html")
    assert done.returncode == 0, done.stdout[-4000:]
    page = (experiment.folder / "report.html").read_text()
    results = experiment.folder / "results"
    for shown in (*results.glob("tables/*.csv"), *results.glob("figures/*.png")):
        assert str(shown.relative_to(experiment.folder)) in page, shown
