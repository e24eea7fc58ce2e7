"""Recipes per hardware: one experiment, and what they say of its cost is what the plan says."""

import pytest
import yaml
from snakemake.utils import update_config

from spectralm.config import check
from spectralm.planning.gpus import gpu_named
from spectralm.planning.plan import Estimate, plan

QUESTIONS = 16
RECIPES = ("stage1_one_gpu", "stage1_one_node", "stage1_several_nodes")


def sentence(gpu: str, estimate: Estimate) -> str:
    return (
        f"#   {gpu}, {estimate.text} text: {estimate.memory / 2**30:.0f} GiB per GPU, "
        f"{estimate.gpu_hours:,.0f} GPU-hours, {estimate.hours / 24:.1f} days\n"
    )


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_what_the_plan_says(repository, name):
    config, recipe = (
        (repository / "config" / file).read_text()
        for file in ("config.yaml", f"recipes/{name}.yaml")
    )
    config = yaml.safe_load(config)
    update_config(config, yaml.safe_load(recipe))
    config["experiment"] = [{"models": ["llm"], "scales": [1500000]}]
    checked = check(config)
    training = checked.llms["llm"].training
    gpus = training.processes * training.nodes
    assert training.batch_size * training.accumulation * gpus == QUESTIONS
    told = ""
    for gpu in ("H100", "A100-80"):
        for estimate in plan(checked, {}, gpu_named(gpu)).estimates:
            assert estimate.fits
            told += sentence(gpu, estimate) * (estimate.step == "train")
    assert told in recipe


def test_every_recipe_is_checked(repository):
    assert {path.stem for path in (repository / "config" / "recipes").iterdir()} == set(RECIPES)
