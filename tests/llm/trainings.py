"""Trainings of the tiny base under torchrun, as the rule starts them, for several tests."""

import re
import subprocess
import sys
import time
from pathlib import Path

import torch
from llm.toy import ENCODER, Toy
from processes import started
from safetensors.torch import load_file

from spectralm.language.options import TextOptions
from spectralm.llm.adapter_files import WEIGHTS
from spectralm.llm.options import LlmOptions

#: Buffers of a read-in, which are saved with it and not trained.
BUFFERS = ("read_in.mean", "read_in.scale", "read_in.body.place.waves")
TESTS = Path(__file__).parent.parent


def options(text: TextOptions, epochs: float) -> LlmOptions:
    """A small QLoRA training that uses all features of a large one."""
    training = {
        "epochs": epochs,
        "learning_rate": 0.003,
        "batch_size": 4,
        "accumulation": 2,
        "augmentation": {"noise": 0.01},
        "evaluations": 2,
        "evaluation_spectra": 8,
        "checkpoints": 6,
    }
    if text.answer == "grouped":
        training["soft_targets"] = {"teff": 100.0, "logg": 0.1, "feh": 0.1, "x_fe": 0.05}
    return LlmOptions(
        base="tiny",
        read_in=ENCODER if text.flux == "soft" else None,
        lora={"rank": 8, "alpha": 16, "dropout": 0.1},
        training=training,
        generation={"batch_size": 4},
    )


def start(
    toy: Toy,
    folder: Path,
    options: LlmOptions,
    *more: object,
    program: str = "llm.as_on_gpus",
    **environment: str,
) -> subprocess.Popen:
    """Start a training as the rule does.

    Args:
        toy: its base and questions.
        folder: for workspaces, logs and the run.
        options: of the model.
        more: arguments.
        program: the module with the command line.
        environment: variables besides those of this process.
    """
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
        *("--nproc-per-node", options.training.processes, "-m", program, "train-llm"),
        *("--train-questions", toy.train, "--validation-questions", toy.validation),
        *(("--spectra", *toy.shards) if toy.shards else ()),
        *("--base", toy.base, "--targets", toy.targets, "--options", options.model_dump_json()),
        *("--text", toy.text.model_dump_json(), "--grid", toy.spectra.model_dump_json()),
        *("--workspaces", folder / "workspaces", "--tensorboard", folder / "tensorboard"),
        *("--out", folder / "run"),
        *more,
    ]
    return started(command, PYTHONPATH=str(TESTS), **environment)


def start_of(output: str) -> str:
    """The checkpoint from which a training started, or "the beginning", by its log."""
    return re.search(r"workspace \S+, from (.*)", output)[1]


def workers_of(folder: Path) -> list[int]:
    """Processes of trainings in a folder, after a second in which the kernel can end them."""
    time.sleep(1)
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if str(folder).encode() in _read_if_there(path)
    ]


def _read_if_there(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process has ended
        return b""


def check_continued(before: Path, after: Path) -> None:
    """Check that a run's adapter was trained further from that of another run."""
    old, new = (load_file(run / WEIGHTS) for run in (before, after))
    assert old.keys() == new.keys()
    for name, tensor in new.items():
        if name.endswith(BUFFERS):
            assert tensor.equal(old[name]), f"{name} is not that of stage 1"
            continue
        similarity = torch.cosine_similarity(tensor.flatten(), old[name].flatten(), dim=0)
        assert similarity > 0.5, f"{name} was trained from the beginning, not continued"
        assert not tensor.equal(old[name]), f"{name} was not trained"
