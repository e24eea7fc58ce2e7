"""The language models of the shipped configs that need no GPU: a few steps of each."""

import json
from pathlib import Path

import pytest
import yaml
from llm.toy import make_toy
from llm.trainings import start
from processes import finish
from snakemake.utils import update_config

from spectralm.cli import main
from spectralm.config import Config, check
from spectralm.llm.tiny import make_tiny_base

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def shipped(name: str) -> Config:
    """A config as it extends config.yaml."""
    whole, more = (
        yaml.safe_load((ROOT / "config" / file).read_text()) for file in ("config.yaml", name)
    )
    update_config(whole, more)
    return check(whole)


MODELS = [
    (file, name)
    for file in ("demo.yaml", "lamost_folder.yaml")
    for name in shipped(file).run_models
    if name in shipped(file).llms
    # Models of stage 2 have the same options as those of stage 1.
    and shipped(file).llms[name].after is None
]


@pytest.mark.parametrize(("file", "name"), MODELS, ids=str)
def test_a_model_is_trained_saved_loaded_and_answers(file, name, tmp_path):
    config = shipped(file)
    options, text = config.llms[name], config.texts[config.llms[name].text]
    assert options.base == "tiny"
    make_tiny_base(tmp_path / "base", config.tiny)
    counts = (2 * options.training.questions_per_step, 40)
    toy = make_toy(tmp_path, tmp_path / "base", text, counts=counts, spectra=config.spectra)
    training = options.training.model_copy(update={"epochs": 1.0})
    short = options.model_copy(update={"training": training})
    finish(start(toy, tmp_path, short))
    run = tmp_path / "run"
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["eval_parsed"] == 1
    assert metrics["check_loss_loaded"] == pytest.approx(metrics["check_loss"], rel=0.01)
    given = ["--model", run, "--base", tmp_path / "base", "--options", short.model_dump_json()]
    given += ["--text", text.model_dump_json(), "--questions", toy.validation]
    given += ["--spectra", *toy.shards] if toy.shards else []
    given += ["--out", run / "calibration.json"]
    assert main(["calibrate-llm", *map(str, given)]) == 0
    assert json.loads((run / "calibration.json").read_text())["factors"].keys() == {
        *("teff", "logg", "feh")
    }
