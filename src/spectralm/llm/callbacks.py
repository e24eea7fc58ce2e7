"""What goes on beside the steps of a training: clocks, progress, and SLURM's warning."""

import logging
import math
import os
import signal
import subprocess
import time
from datetime import datetime
from statistics import median

import torch
import torch.distributed as dist
from accelerate import PartialState
from transformers import TrainerCallback

from spectralm.errors import SpectraLMError
from spectralm.progress import Progress
from spectralm.provenance import Clock

#: How long before the end of its job a training saves and is requeued: an evaluation fits in. Of a
#: short job, the share of its time.
SECONDS_BEFORE, SHARE_BEFORE = 1800, 0.1
#: What SLURM sends as a warning (`--signal` in the profile); processes that do not know it, such as
#: torchrun, ignore it.
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


class SettingsOfNow(TrainerCallback):
    """Evaluates and saves as often as is asked for now, not as when a checkpoint was written."""

    def on_train_begin(self, arguments, state, control, **others) -> None:
        """After a checkpoint is read."""
        state.compute_steps(arguments, state.max_steps)


class StopWhenDiverged(TrainerCallback):
    """Ends a training whose loss or gradient is not a number: it would go on for nothing."""

    def on_log(self, arguments, state, control, logs, **others) -> None:
        """Raises SpectraLMError: a loss or the norm of the gradient is not finite."""
        for name in ("loss", "grad_norm", "eval_loss"):
            if not math.isfinite(float(logs.get(name, 0.0))):
                raise SpectraLMError(
                    f"{name} is {logs[name]} at step {state.global_step}; lower learning_rate, and "
                    f"delete {arguments.output_dir}"
                )


class SaveWhenWarned(TrainerCallback):
    """Shortly before its job's time is over, saves a checkpoint and has SLURM requeue the job.

    The first process asks SLURM for the end of the job. SLURM's own warning counts as well, but
    reaches a training only where SLURM signals all processes of a job, not its first one alone. The
    processes decide together, once.
    """

    def __init__(self) -> None:
        self.warned = self.saving = self.done = False
        end = _end_of_job() if PartialState().is_main_process else math.inf
        self.nearly_over = end - min(SECONDS_BEFORE, SHARE_BEFORE * (end - time.time()))
        signal.signal(WARNING_SIGNAL, self._note)
        signal.siginterrupt(WARNING_SIGNAL, False)

    def _note(self, *_signal) -> None:
        self.warned = True

    def on_step_end(self, arguments, state, control, **others) -> None:
        """After each step."""
        warned = self.warned or time.time() > self.nearly_over
        if not self.done and _any_process(warned, arguments.device):
            logging.warning("the time of this job is nearly over: saving a checkpoint")
            self.done = self.saving = True
            control.should_save = True

    def on_save(self, arguments, state, control, **others) -> None:
        """After a checkpoint is written."""
        if self.saving:
            self.saving = False
            PartialState().wait_for_everyone()
            if state.is_world_process_zero:
                _requeue()


def _end_of_job() -> float:
    """When the time of this job of SLURM is over, seconds since 1970; infinite without a job."""
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
        logging.warning("SLURM does not tell the end of job %s: %s", job, error)
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
    """Let the job begin again, as often as its training needs; Snakemake counts no attempt."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return
    done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=False)
    if done.returncode:
        logging.warning("SLURM does not requeue job %s: %s", job, done.stderr.strip())
