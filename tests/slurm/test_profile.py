"""The profile of clusters, without one."""

import json
import re
import signal
from pathlib import Path

import pytest
import yaml
from processes import finish, started
from snakemake.utils import update_config

from spectralm.cli import commands
from spectralm.config import check
from spectralm.fingerprint import import_closure
from spectralm.llm.callbacks import WARNING_SIGNAL
from spectralm.llm.options import LlmOptions
from spectralm.planning.dag import Dag
from spectralm.planning.disk import split_sizes
from spectralm.planning.gpus import gpu_named
from spectralm.planning.plan import plan

RECIPES = sorted(
    path.name for path in Path(__file__).parents[2].joinpath("config", "recipes").iterdir()
)


@pytest.fixture(scope="module")
def profile(repository) -> dict:
    """As it is given to Snakemake by `--profile slurm` in the root."""
    return yaml.safe_load((repository / "slurm" / "config.yaml").read_text())


@pytest.fixture(scope="module")
def jobs(repository) -> dict[str, int]:
    """Jobs per rule of the paper's experiment, where only the survey's paths are others."""
    paths = {name: {"catalogue": "README.md"} for name in ("apogee", "galah", "gaia_eso")}
    paths["lamost"] = {"spectra": ["tests"], "catalogues": ["README.md"]}
    command = ["snakemake", "--profile", "slurm", "--dry-run", "--quiet", "rules"]
    command += ["--forceall", "--config", f"surveys={json.dumps(paths)}"]
    said = finish(started(command, repository))
    # A rule that is not meant for a file is none of its candidates.
    assert "Exception" not in said
    stats = re.search(r"Job stats:\n.*?\n-.*?\n(.*?)\ntotal ", said, re.DOTALL)
    return {rule: int(n) for rule, n in (line.split() for line in stats[1].splitlines())}


def test_the_papers_experiment_is_less_than_a_thousand_jobs(profile, jobs):
    # Of LAMOST's stars, and of APOGEE's, GALAH's and Gaia-ESO's among them.
    assert jobs["resample_spectra"] == 60 + 3 * 4
    assert sum(jobs.values()) < 1000
    # The plugin forgets array tasks beyond these limits.
    assert sum(jobs.values()) < profile["jobs"]
    assert profile["max-jobs-per-timespan"] == f"{profile['jobs']}/1m"


def test_what_has_many_jobs_is_an_array_or_a_group(profile, jobs):
    together = set(profile["slurm-array-jobs"].replace(" ", "").split(",")) | set(profile["groups"])
    assert {rule for rule, count in jobs.items() if count >= 20} <= together <= jobs.keys()
    assert not together & {"train_llm", "train_baseline"}


def loads_weights(command: str) -> bool:
    """Whether a command's code loads a language model's base or a network, told by its imports."""
    closure = import_closure(f"spectralm.cli.{command}")
    return bool({"spectralm.llm.base", "spectralm.baselines.model"} & closure)


def test_the_commands_that_load_weights_are_found():
    found = {command for command in map(module_name, commands()) if loads_weights(command)}
    # Not a list to go by: these are among them, and these are not.
    assert {"train_llm", "calibrate_llm", "predict_llm", "train_baseline"} <= found
    assert not {"make_sky", "write_questions", "tabulate_lamost", "write_report"} & found


@pytest.fixture(scope="module")
def gpu_rules(rules) -> dict[str, str]:
    """The rules of such commands, and their text."""
    return {name: text for name, text in rules.items() if loads_weights(name)}


@pytest.fixture(scope="module")
def rules(repository) -> dict[str, str]:
    """The text of each rule that runs a command of its name."""
    texts = [path.read_text() for path in (repository / "workflow" / "rules").glob("*.smk")]
    parts = [part for text in texts for part in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]]
    named = {part.partition(":")[0]: part for part in parts}
    known = set(map(module_name, commands()))
    return {name: text for name, text in named.items() if name in known}


def module_name(command: str) -> str:
    return command.replace("-", "_")


def test_rules_that_load_weights_have_gpus_of_their_own(gpu_rules):
    assert len(gpu_rules) >= 5
    for name, text in gpu_rules.items():
        assert re.search(r"resources:\n        gpu=\w+_gpus,", text), name
        assert "python -m spectralm.gpus {resources.gpu}" in text or "{params.torchrun}" in text
        assert "conda:" in text


def test_other_rules_have_none(rules, gpu_rules):
    for name in rules.keys() - gpu_rules.keys():
        assert "gpu" not in rules[name], name


def test_rules_that_load_weights_get_gpu_memory_and_time(profile, gpu_rules):
    default = profile["default-resources"]
    assert profile["set-resources"].keys() >= gpu_rules.keys()
    for rule in gpu_rules:
        given = profile["set-resources"][rule]
        assert given["tasks_per_gpu"] == 0, rule
        assert given["slurm_partition"] == "gpu", rule
        assert "attempt" in given["mem_mb"], rule
        # How many a language model is trained on is the config's.
        assert ("gpu" in given) == (rule != "train_llm")
        for name in ("mem_mb", "runtime"):
            assert first(given[name]) > first(default[name]) or rule == "predict_baseline"
        assert profile["set-threads"][rule] > 1


def first(resource: str | int) -> int:
    """What a resource of the profile is at the first attempt."""
    return int(re.match(r"\d+", str(resource))[0])


def test_the_node_profile_knows_the_same_rules(repository, gpu_rules):
    node = yaml.safe_load((repository / "node" / "config.yaml").read_text())
    assert node["resources"]["gpu"] >= 1
    assert node["set-threads"].keys() == gpu_rules.keys()


def test_a_retry_of_anything_but_a_training_gets_more_time(profile, gpu_rules):
    for rule in gpu_rules.keys() - {"train_llm"}:
        assert "attempt" in profile["set-resources"][rule]["runtime"]


def test_a_training_has_time_to_save_before_it_is_over_and_is_put_back(profile):
    given = profile["set-resources"]["train_llm"]
    seconds = int(re.search(r"--signal=URG@(\d+)", given["slurm_extra"])[1])
    assert WARNING_SIGNAL == signal.SIGURG
    assert 300 <= seconds < 0.1 * 60 * given["runtime"]
    assert profile["slurm-requeue"] is True


@pytest.mark.parametrize("recipe", [None, *RECIPES], ids=str)
def test_a_training_of_any_length_ends(repository, profile, recipe):
    """It is as many jobs of SLURM as it needs, none of which is an attempt: each gets further."""
    config = yaml.safe_load((repository / "config" / "config.yaml").read_text())
    if recipe:
        update_config(config, yaml.safe_load((repository / "config/recipes" / recipe).read_text()))
    given = profile["set-resources"]["train_llm"]
    hours = given["runtime"] / 60
    warned = int(re.search(r"URG@(\d+)", given["slurm_extra"])[1]) / 3600
    estimates = plan(check(config), Dag({}, {}), gpu_named("H100")).estimates
    for run in {row.run for row in estimates}:
        steps = {row.step: row for row in estimates if row.run == run and row.chosen}
        worst = steps["train"].hours[1] + steps["evaluate"].hours[1]
        # So each job, though it evaluates, comes past a checkpoint, from which the next goes on.
        between = worst / LlmOptions().training.checkpoints
        assert hours - warned - steps["evaluate"].hours[1] > between, run


def test_attempts_suffice_for_a_shard_of_predictions_and_for_a_calibration(repository, profile):
    config = check(yaml.safe_load((repository / "config" / "config.yaml").read_text()))
    estimates = plan(config, Dag({}, {}), gpu_named("H100")).estimates
    answered = [row for row in estimates if row.step == "calibrate" and row.chosen]
    spectra = split_sizes(config, config.samples.shard_size)["test"]
    shard = spectra * max(row.hours[1] / row.spectra for row in answered)
    first_hours = {
        rule: first(profile["set-resources"][rule]["runtime"]) / 60
        for rule in ("calibrate_llm", "predict_llm")
    }
    # A calibration begins anew at each attempt, the last of which has the most time; a prediction
    # goes on.
    attempts = range(1, profile["restart-times"] + 2)
    assert max(row.hours[1] for row in answered) < first_hours["calibrate_llm"] * attempts[-1]
    assert shard < first_hours["predict_llm"] * sum(attempts)
