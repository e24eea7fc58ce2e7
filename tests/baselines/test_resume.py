"""A training that is killed can be resumed and ends with the same weights."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from baselines.conftest import SMALL, Shards
from processes import finish, started

from spectralm.baselines.registry import BASELINES

#: By kind: options of a training that takes some seconds, and its first checkpoint.
LONG = {
    "cnn": (SMALL["cnn"] | {"epochs": 12}, "checkpoint.pt"),
    "mlp": (SMALL["mlp"] | {"epochs": 30}, "checkpoint.pt"),
    "lightgbm": ({"rounds": 300, "stop_after": 300, "leaves": 8}, "class.txt"),
}


def start(kind: str, shards: Shards, folder: Path) -> subprocess.Popen:
    """Start a training as the rule does."""
    options = BASELINES.options_class(kind)(**LONG[kind][0]).model_dump_json()
    command = [
        *(sys.executable, "-m", "spectralm", "train-baseline", "--targets", "parameters"),
        *("--options", options),
        *("--samples", *shards.samples, "--spectra", *shards.spectra),
        *("--workspaces", folder / "workspaces", "--out", folder / "run"),
    ]
    return started(command)


def weights(folder: Path) -> dict[str, bytes]:
    """Contents of a model's files, but for the manifest, which has times."""
    paths = [*(folder / "run" / "weights").iterdir(), folder / "run" / "metrics.json"]
    return {path.name: path.read_bytes() for path in paths}


@pytest.mark.parametrize("kind", LONG)
def test_a_killed_training_ends_with_the_same_weights(shards, kind, tmp_path):
    finish(start(kind, shards, tmp_path / "whole"))
    folder = tmp_path / "killed"
    process = start(kind, shards, folder)
    while not list(folder.glob(f"workspaces/*/{LONG[kind][1]}")):
        assert process.poll() is None, process.stdout.read()[-5000:]
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (folder / "run").exists()
    kept = next(folder.glob("workspaces/*/*")).parent
    output = finish(start(kind, shards, folder))
    assert ("class: " not in output) if kind == "lightgbm" else ("resumed after epoch" in output)
    assert [path.name for path in kept.iterdir()] == ["finished"]
    assert weights(folder) == weights(tmp_path / "whole")
    manifest = json.loads((folder / "run" / "manifest.json").read_text())
    assert manifest["seconds"] > 0
