"""The page on adding a model, followed on a copy of the code."""

import json
import re
from pathlib import Path

import pytest
from baselines.conftest import Shards, task
from workflow.experiment import Experiment, make_sky

from spectralm.baselines.split import Split
from spectralm.files import read_parquet
from spectralm.language.records import read_records

SPLITS = ("train", "validation", "test")
QA = [f"results/qa/lamost/{split}/0000.parameters.compact.jsonl.gz" for split in SPLITS]
PACKAGE = Path("src") / "spectralm" / "baselines"


@pytest.fixture(scope="module")
def experiment(repository, tmp_path_factory) -> Experiment:
    """The page's two models and class_mean on a small sky, with the questions of a shard."""
    folder = tmp_path_factory.mktemp("experiment")
    make_sky(folder, per_class=12)
    nearest, perceptron, options = re.findall(
        r"```python\n(.*?)```", (repository / "docs" / "adding_a_model.md").read_text(), re.DOTALL
    )
    config = {
        "surveys": {"lamost": {"spectra": ["spectra"], "catalogues": ["catalogue.csv"]}},
        "samples": {"shard_size": 40, "validation_fraction": 0.3},
        "spectra": {"step": 50.0},
        "models": {"nearest": {"kind": "nearest"}, "net": {"kind": "perceptron", "epochs": 3}},
        "experiment": [{"models": ["nearest", "net", "class_mean"], "scales": [40]}],
        "evaluation": {"resamples": 50},
    }
    made = Experiment.make(folder, repository, config)
    (folder / PACKAGE / "kinds" / "nearest.py").write_text(nearest)
    (folder / PACKAGE / "kinds" / "perceptron.py").write_text(perceptron)
    (folder / PACKAGE / "options" / "perceptron.py").write_text(options)
    made.run("tables", *QA)
    return made


def test_the_new_models_are_in_the_table(experiment):
    table = (experiment.folder / "results/tables/residuals-lamost-40.md").read_text()
    assert "**nearest-lamost-40**" in table
    assert "**net-lamost-40**" in table
    manifest = experiment.folder / "results/models/net-lamost-40/manifest.json"
    assert json.loads(manifest.read_text())["options"]["epochs"] == 3


def test_every_model_is_given_the_spectra_of_the_question_files(experiment, tmp_path):
    results = experiment.folder / "results"
    asked = {
        split: sorted(row["obsid"] for row in read_records(experiment.folder / path))
        for split, path in zip(SPLITS, QA, strict=True)
    }
    assert all(asked.values())
    shard = [results / kind / "lamost" / "0000.parquet" for kind in ("spectra", "samples")]
    for split in ("train", "validation"):
        given = Split.open(task("cnn", Shards([shard[0]], [shard[1]]), tmp_path), split)
        assert given.obsid.tolist() == asked[split]
    for model in ("nearest", "net", "class_mean"):
        manifest = json.loads((results / f"models/{model}-lamost-40/manifest.json").read_text())
        assert manifest["n_train"] == len(asked["train"])
        predicted = read_parquet(results / f"predictions/{model}-lamost-40/lamost/0000.parquet")
        assert sorted(predicted["obsid"].to_pylist()) == asked["test"]


def test_another_models_code_runs_only_that_model_again(experiment):
    experiment.edit(str(PACKAGE / "kinds" / "perceptron.py"), "64", "32")
    assert experiment.to_do("tables") == {
        "tables": 1,
        "train_baseline": 1,
        "predict_baseline": 1,
        "compute_residuals": 1,
        "tabulate_all_models": 1,
        "tabulate_lamost": 1,
        "tabulate_scaling": 1,
    }
