"""Train the adapter of a language model; started by torchrun, one process per GPU."""

import ctypes
import os
import signal
from pathlib import Path

import torch.distributed as dist

from spectralm.labels.vocabulary import Targets
from spectralm.language.options import TextOptions
from spectralm.llm.learner import Task
from spectralm.llm.options import LlmOptions
from spectralm.llm.training import train
from spectralm.spectra.options import SpectraOptions

#: From Linux's prctl.h.
PR_SET_PDEATHSIG = 1


def run(
    *,
    train_questions: list[Path],
    validation_questions: list[Path],
    spectra: list[Path] | None = None,
    base: str,
    targets: Targets,
    after: Path | None = None,
    options: LlmOptions,
    text: TextOptions,
    grid: SpectraOptions,
    workspaces: Path,
    tensorboard: Path,
    out: Path,
) -> None:
    """Train an adapter on question-answer files, from the last checkpoint if there is one.

    Soft tokens also need the spectra.
    """
    _end_with_torchrun()
    task = Task(
        options=options,
        text=text,
        spectra=grid,
        train=train_questions,
        validation=validation_questions,
        shards=spectra or [],
        base=base,
        targets=targets,
        after=after,
    )
    train(task, workspaces, tensorboard, out)
    if dist.is_initialized():
        # Without these a process may abort after the files are written (docs/training_facts.md).
        dist.barrier()
        dist.destroy_process_group()


def _end_with_torchrun() -> None:
    """Let the kernel kill this process when torchrun ends for any reason.

    Torchrun holds the locks of the GPUs, and its processes would continue if it was killed.
    """
    if "LOCAL_RANK" in os.environ:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
