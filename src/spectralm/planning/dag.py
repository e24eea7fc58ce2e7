"""What the workflow will do, from its own DAG."""

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

#: Rules that only name what is wanted.
TARGETS = {"all", "tables", "figures", "catalogues"}
STATS = re.compile(r"^Job stats:\n.*\n-.*\n((?:.*\n)*?)total ", re.MULTILINE)
PREDICTION = re.compile(r"^    output: results/predictions/([^/]+)/([^/]+)/\d+", re.MULTILINE)


@dataclass(frozen=True)
class Dag:
    """The DAG of an experiment of which nothing is done yet."""

    jobs: Mapping[str, int]
    """Jobs per rule, in the DAG's order."""
    predictions: Mapping[tuple[str, str], int]
    """Shards that a run answers, of a dataset."""


def dag(config: Mapping[str, Any], snakefile: Path) -> Dag:
    """Plan an experiment with Snakemake, in an empty folder, with names for the survey's files.

    Args:
        config: as Snakemake has merged it.

    Raises:
        SpectraLMError: Snakemake cannot plan it; the message is its own.
    """
    with tempfile.TemporaryDirectory() as name:
        there = Path(name) / "config.yaml"
        there.write_text(yaml.safe_dump(_elsewhere(config, there)))
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile.resolve())]
        command += ["--directory", name, "--configfile", str(there)]
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


def _elsewhere(config: Mapping[str, Any], there: Path) -> dict[str, Any]:
    """The config with one path that is there for all that are a user's own."""
    moved = deepcopy(dict(config))
    for survey in (*moved["surveys"].values(), moved.get("evaluation", {})):
        for key in ("spectra", "catalogues", "catalogue", "bound"):
            if isinstance(path := survey.get(key), list):
                survey[key] = [each if made_here(each) else str(there) for each in path]
            elif path and not made_here(path):
                survey[key] = str(there)
    for model in moved["models"].values():
        if model.get("base", "tiny") != "tiny":
            model["base"] = str(there)
    return moved
