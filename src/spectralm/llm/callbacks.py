"""What goes on beside the steps of a training: clocks, progress, and SLURM's warning."""

import logging
import os
import signal
import subprocess
import time
from statistics import median

import torch
import torch.distributed as dist
from accelerate import PartialState
from transformers import TrainerCallback

from spectralm.progress import Progress
from spectralm.provenance import Clock

#: What SLURM sends to a training some minutes before its time is over (`--signal` in the profile).
#: Every process of the job gets it, and those that do not know it, such as torchrun, ignore it.
WARNING_SIGNAL = signal.SIGURG


class KeptClock(TrainerCallback):
    """Keeps the time with each checkpoint."""

    def __init__(self, clock: Clock):
        self.clock = clock

    def on_save(self, arguments, state, control, **others) -> None:
        """After a checkpoint is written."""
        if state.is_world_process_zero:
            self.clock.keep()


class LoggedProgress(TrainerCallback):
    """Tells a log how far the training is; on a terminal the Trainer has a bar."""

    def on_train_begin(self, arguments, state, control, **others) -> None:
        """Before the first step, which may be one after a checkpoint's."""
        self.progress = Progress(state.max_steps, "steps", state.global_step)

    def on_step_end(self, arguments, state, control, **others) -> None:
        """After each step."""
        if state.is_world_process_zero:
            self.progress.to(state.global_step)


class StepTimer(TrainerCallback):
    """Times the steps, without what comes between them, such as evaluations."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_begin(self, arguments, state, control, **others) -> None:
        """Before each step."""
        self.start = time.perf_counter()

    def on_step_end(self, arguments, state, control, **others) -> None:
        """After each step."""
        self.times.append(time.perf_counter() - self.start)

    def metrics(self) -> dict[str, float | None]:
        """Median seconds of a step, and the most memory (GiB) of tensors on this process's GPU."""
        peak = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else None
        return {"step_seconds": median(self.times) if self.times else None, "gpu_gib": peak}


class SaveWhenWarned(TrainerCallback):
    """When SLURM warns, saves a checkpoint and asks SLURM to put the job back into its queue.

    The processes decide together: they may get the signal in different steps.
    """

    def __init__(self) -> None:
        self.warned = self.saving = False
        signal.signal(WARNING_SIGNAL, self._note)

    def _note(self, *_signal) -> None:
        self.warned = True

    def on_step_end(self, arguments, state, control, **others) -> None:
        """After each step."""
        if _any_process(self.warned, arguments.device):
            logging.warning("the time of this job is nearly over: saving a checkpoint")
            self.warned, self.saving = False, True
            control.should_save = True

    def on_save(self, arguments, state, control, **others) -> None:
        """After a checkpoint is written."""
        if self.saving:
            self.saving = False
            PartialState().wait_for_everyone()
            if state.is_world_process_zero:
                _requeue()


def _any_process(flag: bool, device: torch.device) -> bool:
    if not dist.is_initialized():
        return flag
    flags = torch.tensor(int(flag), device=device)
    dist.all_reduce(flags, dist.ReduceOp.MAX)
    return bool(flags)


def _requeue() -> None:
    """Let the job begin again, as often as its training needs; Snakemake counts no attempt."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return
    done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=False)
    if done.returncode:
        logging.warning("SLURM does not requeue job %s: %s", job, done.stderr.strip())
