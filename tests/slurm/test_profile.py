"""The profile of clusters, without one."""

import json
import re

import pytest
import yaml
from processes import finish, started

GPU_RULES = ("train_llm", "predict_llm", "train_baseline", "predict_baseline")


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
    stats = re.search(r"Job stats:\n.*?\n-.*?\n(.*?)\ntotal ", said, re.DOTALL)
    return {rule: int(n) for rule, n in (line.split() for line in stats[1].splitlines())}


def test_the_papers_experiment_is_less_than_a_thousand_jobs(profile, jobs):
    # Of LAMOST's stars, and of APOGEE's, GALAH's and Gaia-ESO's among them.
    assert jobs["resample_spectra"] == 60 + 3 * 4
    assert sum(jobs.values()) < 1000
    # The plugin forgets array tasks beyond these limits.
    assert sum(jobs.values()) < profile["jobs"]
    assert profile["max-jobs-per-timespan"] == f"{profile['jobs']}/1s"


def test_what_has_many_jobs_is_an_array_or_a_group(profile, jobs):
    together = set(profile["slurm-array-jobs"].replace(" ", "").split(",")) | set(profile["groups"])
    assert {rule for rule, count in jobs.items() if count >= 20} <= together <= jobs.keys()
    assert not together & {"train_llm", "train_baseline"}


@pytest.mark.parametrize("rule", GPU_RULES)
def test_gpu_rules_own_their_ranks_and_get_more_at_a_retry(profile, rule):
    given = profile["set-resources"][rule]
    assert given["tasks_per_gpu"] == 0
    assert given["slurm_partition"] == "gpu"
    assert "attempt" in given["mem_mb"]
    assert "attempt" in given["runtime"]
    # How many a language model is trained on is the config's.
    assert ("gpu" in given) == (rule != "train_llm")
