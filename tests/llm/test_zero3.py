"""Two ranks under DeepSpeed's ZeRO-3: trained, stopped, gone on, and an adapter that loads."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from llm.toy import GRID, STAGE_2, Toy, stage_2_records
from processes import finish, started
from safetensors.torch import load_file

from spectralm.files import sha256
from spectralm.language.questions import read_records, write_records
from spectralm.llm.base import load_adapter, load_base, load_tokenizer
from spectralm.llm.generation import Reader
from spectralm.llm.options import LlmOptions
from spectralm.spectra.options import SpectraOptions

PIXELS = SpectraOptions(start=GRID[0], stop=GRID[-1], step=20.0)
STEPS = 24
pytestmark = pytest.mark.parametrize("toy", ["grouped"], indirect=True)


def start(toy: Toy, folder: Path, quantise: bool, *more) -> subprocess.Popen:
    """Start a training of two ranks, as the rule does."""
    options = LlmOptions(
        base="tiny",
        quantise=quantise,
        lora={"rank": 8, "alpha": 16, "dropout": 0.1},
        training={
            "epochs": 2.0,
            "learning_rate": 0.003,
            "batch_size": 2,
            "accumulation": 2,
            "flux_noise": 0.01,
            "evaluations": 1,
            "evaluation_spectra": 8,
            "checkpoints": 3,
            "processes": 2,
            "zero3": True,
        },
        generation={"batch_size": 4},
    )
    return started(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "spectralm", "train-llm"),
            *("--train-questions", toy.train, "--validation-questions", toy.validation),
            *("--base", toy.base, "--ask", toy.ask, "--options", options.model_dump_json()),
            *("--text", toy.text.model_dump_json(), "--grid", PIXELS.model_dump_json()),
            *("--workspaces", folder / "workspaces", "--tensorboard", folder / "tensorboard"),
            *("--out", folder / "run"),
            *more,
        ]
    )


@pytest.fixture(scope="module")
def trained(toy, tmp_path_factory) -> Path:
    """The folder of an uninterrupted QLoRA training."""
    folder = tmp_path_factory.mktemp("trained")
    finish(start(toy, folder, quantise=True))
    return folder


def check(toy: Toy, run: Path, quantise: bool) -> None:
    """The adapter has all its parameters, was trained, and answers."""
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["steps"] == STEPS
    tensors = load_file(run / "adapter_model.safetensors")
    assert sum(tensor.numel() for tensor in tensors.values()) == manifest["parameters"]
    assert manifest["parameters"] < manifest["parameters_total"]
    metrics = json.loads((run / "metrics.json").read_text())
    losses = [step["loss"] for step in metrics["history"] if "loss" in step]
    # The loss of the last step alone would be noise.
    assert metrics["eval_loss"] < 0.9 * losses[0]
    model = load_adapter(load_base(str(toy.base), quantise), run)
    reader = Reader(model, load_tokenizer(str(toy.base)), toy.text, 4096, 4)
    replies = list(reader.replies([row["question"] for row in read_records(toy.validation)]))
    assert {reply.status for reply in replies} == {"parsed"}


def test_with_nf4(toy, trained):
    check(toy, trained / "run", quantise=True)


def test_with_bf16(toy, tmp_path):
    finish(start(toy, tmp_path, quantise=False))
    check(toy, tmp_path / "run", quantise=False)


def test_a_killed_training_ends_with_the_same_adapter(toy, trained, tmp_path):
    process = start(toy, tmp_path, quantise=True)
    while not list(tmp_path.glob("workspaces/*/checkpoint-*/trainer_state.json")):
        assert process.poll() is None, process.stdout.read()[-5000:]
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    output = finish(start(toy, tmp_path, quantise=True))
    assert "from the beginning" not in output
    name = "adapter_model.safetensors"
    assert sha256(tmp_path / "run" / name) == sha256(trained / "run" / name)


def test_stage_2_goes_on_from_the_adapter_of_stage_1(toy, trained, tmp_path):
    files = {name: tmp_path / f"{name}.gz" for name in ("train", "validation")}
    second = replace(toy, ask=STAGE_2, **files)
    write_records(second.train, stage_2_records(toy.text, 32, seed=3))
    write_records(second.validation, stage_2_records(toy.text, 4, seed=4))
    finish(start(second, tmp_path, True, "--after", trained / "run"))
    before, after = (
        load_file(folder / "run" / "adapter_model.safetensors") for folder in (trained, tmp_path)
    )
    assert before.keys() == after.keys()
    for name, tensor in after.items():
        likeness = torch.cosine_similarity(tensor.flatten(), before[name].flatten(), dim=0)
        assert likeness > 0.5, f"{name} was not gone on from, but begun anew"
        assert not tensor.equal(before[name]), f"{name} was not trained"
