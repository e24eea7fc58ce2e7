"""Trainings of two processes, under DDP and under DeepSpeed's ZeRO-3.

They are stopped and resumed, and give an adapter that loads and answers.
"""

import json
import os
import re
import signal
import time
import zipfile
from pathlib import Path

import pytest
from llm.toy import ENCODER, PATCHES, STAGE_2, Toy, base_on_cpu, make_toy, questions_of
from llm.trainings import BUFFERS, check_continued, start, start_of, workers_of
from processes import finish
from safetensors.torch import load_file

from spectralm.files import sha256
from spectralm.language.options import TextOptions
from spectralm.llm.adapter import load_adapter
from spectralm.llm.generation import Reader
from spectralm.llm.options import LlmOptions, TinyOptions
from spectralm.llm.tiny import make_tiny_base
from spectralm.llm.tokenizer import load_tokenizer
from spectralm.spectra.store import Store

STEPS = 24
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A base of three layers."""
    folder = tmp_path_factory.mktemp("base") / "deep"
    make_tiny_base(folder, TinyOptions(hidden=64, layers=3, heads=4, mlp=64))
    return folder


@pytest.fixture(scope="module")
def toy(base, tmp_path_factory) -> Toy:
    """The toy experiment."""
    text = TextOptions(flux="compact", answer="grouped")
    return make_toy(tmp_path_factory.mktemp("toy"), base, text)


@pytest.fixture(scope="module")
def soft(base, tmp_path_factory) -> Toy:
    """The same with soft tokens."""
    text = TextOptions(flux="soft", answer="grouped")
    return make_toy(tmp_path_factory.mktemp("soft"), base, text)


def options(
    zero3: bool = True, quantise: bool = True, processes: int = 2, read_in: dict | None = None
) -> LlmOptions:
    """A small training; its steps have eight questions."""
    return LlmOptions(
        base="tiny",
        read_in=read_in,
        quantise=quantise,
        lora={"rank": 8, "alpha": 16, "dropout": 0.1},
        training={
            "epochs": 2.0,
            "learning_rate": 0.003,
            "batch_size": 2,
            "accumulation": 4 // processes,
            "augmentation": {"noise": 0.01},
            "evaluations": 1,
            "evaluation_spectra": 9,
            "checkpoints": 3,
            "processes": processes,
            "zero3": zero3,
        },
    )


@pytest.fixture(scope="module")
def trained(toy, tmp_path_factory) -> Path:
    """The folder of an uninterrupted QLoRA training."""
    folder = tmp_path_factory.mktemp("trained")
    finish(start(toy, folder, options()))
    return folder


@pytest.fixture(scope="module")
def soft_trained(soft, tmp_path_factory) -> Path:
    """The same with soft tokens."""
    folder = tmp_path_factory.mktemp("soft_trained")
    finish(start(soft, folder, options(read_in=ENCODER)))
    return folder


def check(toy: Toy, run: Path, quantise: bool) -> None:
    """The adapter has all its parameters, was trained, and answers."""
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["steps"] == STEPS
    tensors = load_file(run / "adapter_model.safetensors")
    trained = [tensor for name, tensor in tensors.items() if not name.endswith(BUFFERS)]
    assert sum(tensor.numel() for tensor in trained) == manifest["parameters"]
    assert manifest["parameters"] < manifest["parameters_total"]
    metrics = json.loads((run / "metrics.json").read_text())
    losses = [step["loss"] for step in metrics["history"] if "loss" in step]
    # The loss of the last step alone would be noise.
    assert metrics["eval_loss"] < 0.9 * losses[0]
    read_in = LlmOptions.model_validate(manifest["options"]).read_in
    model = load_adapter(base_on_cpu(toy.base, quantise), run, read_in)
    tokenizer = load_tokenizer(str(toy.base))
    reader = Reader(model, tokenizer, toy.text, 4096, 4, spectra=toy.store())
    replies = list(reader.replies(questions_of(toy.validation)))
    assert {reply.status for reply in replies} == {"parsed"}


def test_zero3_with_nf4(toy, trained):
    check(toy, trained / "run", quantise=True)


@pytest.mark.parametrize(
    ("zero3", "quantise"), [(True, False), (False, True), (False, False)], ids=str
)
def test_others(toy, tmp_path, zero3, quantise):
    finish(start(toy, tmp_path, options(zero3, quantise)))
    check(toy, tmp_path / "run", quantise)


def test_zero3_with_a_read_in(soft, soft_trained):
    check(soft, soft_trained / "run", quantise=True)
    metrics = json.loads((soft_trained / "run" / "metrics.json").read_text())
    assert metrics["check_loss_loaded"] == pytest.approx(metrics["check_loss"], rel=0.01)
    mean, scale = Store.read(soft.shards[:1], range(96), 1).moments()
    weights = load_file(soft_trained / "run" / "adapter_model.safetensors")
    assert weights["base_model.model.read_in.mean"].tolist() == mean.tolist()
    assert weights["base_model.model.read_in.scale"].tolist() == scale.tolist()


@pytest.mark.parametrize(("zero3", "quantise"), [(False, True), (True, False)], ids=str)
def test_other_trainings_of_a_read_in(soft, tmp_path, zero3, quantise):
    finish(start(soft, tmp_path, options(zero3, quantise, read_in=PATCHES)))
    check(soft, tmp_path / "run", quantise)


def test_zero3_with_weights_that_deepspeed_does_not_shard(toy, tmp_path):
    """All weights of a tiny model are below its threshold, as are the norms of an 8B."""
    finish(start(toy, tmp_path, options(quantise=False), program="spectralm"))
    check(toy, tmp_path / "run", quantise=False)


def first_scores(run: Path) -> dict[str, float]:
    """Scores of the answers before the first step."""
    history = json.loads((run / "metrics.json").read_text())["history"]
    first = next(entry for entry in history if "eval_parsed" in entry)
    assert first["check_loss_loaded"] == pytest.approx(first["check_loss"], rel=0.01)
    return {name: value for name, value in first.items() if not name.startswith("check_")}


def test_shared_questions_give_the_scores_of_unshared_ones(toy, trained, tmp_path):
    finish(start(toy, tmp_path, options(zero3=False, processes=1)))
    alone, shared = (first_scores(folder / "run") for folder in (tmp_path, trained))
    assert {"eval_sigma_teff", "eval_class_accuracy"} <= alone.keys()
    assert shared == pytest.approx(alone, rel=0.01)


def is_complete(checkpoint: Path) -> bool:
    """Whether both processes have written their part, in whichever order."""
    states = (checkpoint / f"rng_state_{rank}.pth" for rank in range(2))
    return (checkpoint / "trainer_state.json").is_file() and all(map(zipfile.is_zipfile, states))


@pytest.mark.parametrize("read_in", [None, ENCODER], ids=["text", "soft"])
def test_a_killed_training_ends_with_the_same_adapter(request, read_in, tmp_path):
    toy, whole = (
        request.getfixturevalue(name)
        for name in (("toy", "trained") if read_in is None else ("soft", "soft_trained"))
    )
    process = start(toy, tmp_path, options(read_in=read_in))
    while not any(map(is_complete, tmp_path.glob("workspaces/[!.]*/checkpoint-*"))):
        assert process.poll() is None, process.stdout.read()[-5000:]
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert workers_of(tmp_path) == []
    assert "checkpoint-" in start_of(finish(start(toy, tmp_path, options(read_in=read_in))))
    name = "adapter_model.safetensors"
    assert sha256(tmp_path / "run" / name) == sha256(whole / "run" / name)


def test_a_warning_to_one_process_makes_both_save(toy, tmp_path):
    """SLURM sends the signal to all; they notice it in different steps."""
    process = start(toy, tmp_path, options(zero3=False))
    planned = {6, 12, 18, 24}
    saved = lambda: {  # noqa: E731
        int(path.parent.name.split("-")[1])
        for path in tmp_path.glob("workspaces/*/checkpoint-*/trainer_state.json")
    }
    while not saved() - planned:
        assert process.poll() is None, process.stdout.read()[-5000:]
        for worker in workers(process.pid)[1:]:
            os.kill(worker, signal.SIGURG)
        time.sleep(0.2)
    output = finish(process)
    assert output.count("the time of this job is nearly over") >= 2
    check(toy, tmp_path / "run", quantise=True)


def workers(pid: int) -> list[int]:
    """The processes that torchrun has started, the first of the training first."""
    children = Path("/proc", str(pid), "task", str(pid), "children").read_text().split()
    ranks = {}
    for child in children:
        environment = Path("/proc", child, "environ").read_bytes().decode()
        if rank := re.search(r"\0RANK=(\d+)\0", environment):
            ranks[int(rank[1])] = int(child)
    return [ranks[rank] for rank in sorted(ranks)]


@pytest.mark.parametrize("read_in", [None, ENCODER], ids=["text", "soft"])
def test_stage_2_continues_from_the_adapter_of_stage_1(request, read_in, tmp_path):
    toy, whole = (
        request.getfixturevalue(name)
        for name in (("toy", "trained") if read_in is None else ("soft", "soft_trained"))
    )
    second = make_toy(tmp_path, toy.base, toy.text, STAGE_2, counts=(32, 4), seeds=(3, 4))
    finish(start(second, tmp_path, options(read_in=read_in), "--after", whole / "run"))
    check_continued(whole / "run", tmp_path / "run")
