"""Recipes for different hardware: the same experiment, with the costs that the plan gives."""

import pytest
import yaml
from snakemake.utils import update_config

from spectralm.config import check
from spectralm.planning.dag import Dag
from spectralm.planning.gpus import gpu_named
from spectralm.planning.plan import Estimate, plan

HARDWARE = ("one_gpu", "one_node", "several_nodes")
#: The runs of a stage whose cost is in the recipe, and the questions of their steps.
STAGES = {
    "stage1": {"llm-lamost-1500000": 16, "llm_soft-lamost-1500000": 128},
    "stage2": {
        "llm_abundances-apogee-100000": 16,
        "llm_soft_abundances-apogee-100000": 128,
    },
}


def sentence(gpu: str, training: Estimate, evaluation: Estimate) -> str:
    best = training.gpu_hours + evaluation.gpu_hours
    worst = training.gpu_hours_at_worst + evaluation.gpu_hours_at_worst
    days = " to ".join(f"{hours / training.gpus / 24:.1f}" for hours in (best, worst))
    return (
        f"#   {gpu}, {training.text} text: {training.memory / 2**30:.0f} GiB per GPU, "
        f"{best:,.0f} to {worst:,.0f} GPU-hours, {days} days\n"
    )


@pytest.mark.parametrize("hardware", HARDWARE)
@pytest.mark.parametrize("stage", STAGES)
def test_the_costs_in_a_recipe_are_those_of_the_plan(repository, stage, hardware):
    recipe = (repository / "config" / "recipes" / f"{stage}_{hardware}.yaml").read_text()
    config = yaml.safe_load((repository / "config" / "config.yaml").read_text())
    update_config(config, yaml.safe_load(recipe))
    checked = check(config)
    for run, questions in STAGES[stage].items():
        training = checked.llms[run.split("-")[0]].training
        assert training.questions_per_step == questions
    expected = ""
    for gpu in ("H100", "A100-80"):
        estimates = plan(checked, Dag({}, {}), gpu_named(gpu)).estimates
        for run in STAGES[stage]:
            mine = [row for row in estimates if row.run == run]
            assert all(row.fits for row in mine)
            training, evaluation = (
                [row for row in mine if row.step == step] for step in ("train", "evaluate")
            )
            for pair in zip(training, evaluation, strict=True):
                expected += sentence(gpu, *pair)
    assert expected in recipe


def test_every_recipe_is_checked(repository):
    recipes = {path.stem for path in (repository / "config" / "recipes").iterdir()}
    assert recipes == {f"{stage}_{hardware}" for stage in STAGES for hardware in HARDWARE}
