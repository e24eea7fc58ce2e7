"""Callbacks of the Trainer: clocks, progress, divergence, and the end of a SLURM job."""

import logging
import math
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from datetime import datetime
from statistics import median
from typing import Any

import torch
import torch.distributed as dist
from accelerate import PartialState
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from spectralm.errors import SpectraLMError
from spectralm.progress import Progress
from spectralm.provenance import Clock

#: A training saves and is requeued this long before the end of its job, so that an evaluation still
#: fits in; in a short job, this fraction of the job's time before.
SECONDS_BEFORE, SHARE_BEFORE = 1800, 0.1
#: SLURM's warning (`--signal` in the profile; docs/training_facts.md).
WARNING_SIGNAL = signal.SIGURG


class SaveClock(TrainerCallback):
    """Saves the time spent with each checkpoint."""

    def __init__(self, clock: Clock):
        self.clock = clock

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """After a checkpoint is written."""
        if state.is_world_process_zero:
            self.clock.keep()


class LoggedProgress(TrainerCallback):
    """Logs the progress of a training; on a terminal the Trainer shows a bar instead."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """Before the first step, or the first one after a checkpoint."""
        self.progress = Progress(state.max_steps, "steps", state.global_step)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """After each step."""
        if state.is_world_process_zero:
            self.progress.show(state.global_step)


class StepTimer(TrainerCallback):
    """Times the steps, without evaluations and checkpoints between them."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """Before each step."""
        self.start = time.perf_counter()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """After each step."""
        self.times.append(time.perf_counter() - self.start)

    def metrics(self) -> dict[str, float | None]:
        """Median seconds of a step, and peak memory (GiB) of tensors on this process's GPU."""
        peak = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else None
        return {"step_seconds": median(self.times) if self.times else None, "gpu_gib": peak}


class UseCurrentIntervals(TrainerCallback):
    """Evaluates and saves as often as the present options say, not those of a checkpoint."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """After a checkpoint is read."""
        state.compute_steps(args, state.max_steps)


class StopWhenDiverged(TrainerCallback):
    """Ends a training whose loss or gradient is not a finite number."""

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """Check losses and the norm of the gradient.

        Raises:
            SpectraLMError: one is not finite.
        """
        logs: Mapping[str, float] = others["logs"]
        for name in ("loss", "grad_norm", "eval_loss"):
            if not math.isfinite(float(logs.get(name, 0.0))):
                raise SpectraLMError(
                    f"{name} is {logs[name]} at step {state.global_step}; lower learning_rate, and "
                    f"delete {args.output_dir}"
                )


class SaveWhenWarned(TrainerCallback):
    """Saves a checkpoint shortly before its SLURM job ends, and requeues the job.

    The first process asks SLURM for the end of the job. A signal from SLURM has the same effect
    (docs/training_facts.md). The processes decide together, so that all save after the same step.
    """

    def __init__(self) -> None:
        self.warned = self.saving = self.done = False
        end = _end_of_job() if PartialState().is_main_process else math.inf
        self.nearly_over = end - min(SECONDS_BEFORE, SHARE_BEFORE * (end - time.time()))
        signal.signal(WARNING_SIGNAL, self._note)
        signal.siginterrupt(WARNING_SIGNAL, False)

    def _note(self, *_signal: object) -> None:
        self.warned = True

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """After each step."""
        warned = self.warned or time.time() > self.nearly_over
        if not self.done and _any_process(warned, args.device):
            logging.warning("the time of this job is nearly over: saving a checkpoint")
            self.done = self.saving = True
            control.should_save = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """After a checkpoint is written."""
        if self.saving:
            self.saving = False
            PartialState().wait_for_everyone()
            if state.is_world_process_zero:
                _requeue()


def _end_of_job() -> float:
    """End of this SLURM job's time limit, seconds since 1970; infinite without a job."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return math.inf
    try:
        done = subprocess.run(
            ["squeue", "--noheader", "--jobs", job, "--format", "%e"],
            capture_output=True,
            text=True,
            check=True,
        )
        end = datetime.fromisoformat(done.stdout.strip())
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        logging.warning("SLURM does not say when job %s ends: %s", job, error)
        return math.inf
    logging.info("the time of this job is over at %s", end)
    return end.timestamp()


def _any_process(flag: bool, device: torch.device) -> bool:
    if not dist.is_initialized():
        return flag
    flags = torch.tensor(int(flag), device=device)
    dist.all_reduce(flags, dist.ReduceOp.MAX)
    return bool(flags)


def _requeue() -> None:
    """Requeue the job, as often as the training needs; for Snakemake that is no retry."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return
    done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=False)
    if done.returncode:
        logging.warning("SLURM does not requeue job %s: %s", job, done.stderr.strip())
