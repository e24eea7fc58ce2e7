"""An adapter that was trained elsewhere, in an experiment of its own."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from workflow.experiment import Experiment

pytestmark = pytest.mark.slow

UNKNOWN = "given is the adapter of elsewhere, which has no manifest: what it was trained on"


@pytest.fixture
def adopting(experiment: Experiment, tmp_path: Path) -> Experiment:
    """A copy of the experiment, with a model that is the adapter of another folder."""
    folder = tmp_path / "experiment"
    shutil.copytree(experiment.folder, folder, symlinks=True)
    shutil.copytree(folder / "results" / "models" / "tiny-lamost-20", folder / "elsewhere")
    config = yaml.safe_load((folder / "mine.yaml").read_text())
    config["models"]["given"] = config["models"]["tiny"] | {"adapter": "elsewhere"}
    config["experiment"][0]["models"] = ["given", "class_mean"]
    config["evaluation"]["published"] = {"LLM": ["given"]}
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    return Experiment(folder)


def test_with_its_manifest_it_is_a_run_like_others(adopting):
    to_do = adopting.to_do()
    assert to_do["adopt_adapter"] == to_do["calibrate_llm"] == to_do["predict_llm"] == 1
    assert "train_llm" not in to_do
    adopting.run("tables")
    run = adopting.folder / "results" / "models" / "given-lamost-20"
    assert json.loads((run / "manifest.json").read_text())["adopted_from"] == "elsewhere"
    residuals = (adopting.folder / "results" / "tables" / "residuals-lamost-20.md").read_text()
    assert "**given-lamost-20**" in residuals
    assert "no manifest" not in residuals


def test_without_one_every_table_and_the_report_say_so(adopting):
    (adopting.folder / "elsewhere" / "manifest.json").unlink()
    adopting.run()
    tables = list((adopting.folder / "results" / "tables").glob("*.md"))
    assert len(tables) >= 7
    for table in tables:
        assert UNKNOWN in table.read_text(), table.name
    assert UNKNOWN in (adopting.folder / "results" / "report" / "index.html").read_text()
    assert not (adopting.folder / "results" / "models" / "given-lamost-20" / "README.md").exists()
    assert adopting.to_do() == {}


def test_a_folder_that_is_not_there_stops_before_anything_runs(adopting):
    shutil.rmtree(adopting.folder / "elsewhere")
    done = adopting.snakemake("--dry-run")
    assert done.returncode != 0
    assert "models.given.adapter: elsewhere is not there" in done.stdout
