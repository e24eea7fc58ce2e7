"""The jobs of an experiment, from a dry run of Snakemake."""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from spectralm.config import made_here
from spectralm.errors import SpectraLMError

#: Rules without a job of their own.
TARGETS = {"all", "tables", "figures", "catalogues"}
STATS = re.compile(r"^Job stats:\n.*\n-.*\n((?:.*\n)*?)total ", re.MULTILINE)
PREDICTION = re.compile(r"^    output: results/predictions/([^/]+)/([^/]+)/\d+", re.MULTILINE)


@dataclass(frozen=True)
class Dag:
    """The jobs of an experiment that has no results yet."""

    jobs: Mapping[str, int]
    """Number of jobs by rule, in Snakemake's order."""
    predictions: Mapping[tuple[str, str], int]
    """Number of shards for which a run predicts, by run and dataset."""


def dag(config: Mapping[str, Any], snakefile: Path) -> Dag:
    """Run Snakemake's dry run in an empty folder. The survey's files need not exist.

    Args:
        config: The config, as Snakemake has merged it.
        snakefile: Path of the Snakefile.

    Raises:
        SpectraLMError: Snakemake refuses the config; its message is included.
    """
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "config.yaml"
        file.write_text(yaml.safe_dump(_with_existing_paths(config, file)))
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile.resolve())]
        command += ["--directory", name, "--configfile", str(file)]
        command += ["--cores", "1", "--dry-run", "--nolock"]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    stats = STATS.search(done.stdout)
    if done.returncode or not stats:
        raise SpectraLMError(f"snakemake cannot plan this config:\n{done.stdout[-2000:]}")
    rows = (line.split() for line in stats[1].splitlines())
    return Dag(
        {rule: int(count) for rule, count in rows if rule not in TARGETS},
        Counter(PREDICTION.findall(done.stdout)),
    )


def _with_existing_paths(config: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """The config with an existing file in place of each path that the workflow does not make."""
    changed = deepcopy(dict(config))
    changed.get("evaluation", {}).pop("floor", None)  # it adds no job
    for survey in changed["surveys"].values():
        for key in ("spectra", "catalogues", "catalogue"):
            if isinstance(path := survey.get(key), list):
                survey[key] = [each if made_here(each) else str(file) for each in path]
            elif path and not made_here(path):
                survey[key] = str(file)
    for model in changed["models"].values():
        if model.get("base", "tiny") != "tiny":
            model["base"] = str(file)
    return changed
