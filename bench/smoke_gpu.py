"""The real recipe on this machine's GPUs, compared with the estimates of `spectralm plan`.

A base with random weights is made: nothing is downloaded. It has the architecture of a named base,
and is trained on random spectra with the commands of the workflow: evaluate, some steps, a
checkpoint, kill, resume, check; then calibrate, and predict ten. Prints each stage when it ends,
and a Markdown table. Without a GPU it prints a message and succeeds.

    python bench/smoke_gpu.py [--base NAME] [--text soft] [--gpus 4] [--steps 20] [--folder F]

An 8B model takes 16 GB of disk. With --toy, a small model is run on the CPU, as a test.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import yaml
from transformers import AutoModelForCausalLM, LlamaConfig

from spectralm.config import check
from spectralm.errors import SpectraLMError
from spectralm.files import read_parquet, write_parquet
from spectralm.labels.vocabulary import CLASSES, PARAMETERS, Targets
from spectralm.language.answers import Star, answer_text
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import Record, write_question
from spectralm.language.records import make_record, write_records
from spectralm.libraries import set_up_libraries
from spectralm.llm.options import LlmOptions
from spectralm.llm.tiny import tiny_tokenizer
from spectralm.planning.architecture import Architecture, architecture
from spectralm.planning.gpus import Gpu, gpu_named, gpus
from spectralm.planning.memory import CONTEXT, training_memory
from spectralm.planning.report import table
from spectralm.planning.tokens import length
from spectralm.planning.work import UTILISATION, Work, prediction, training
from spectralm.spectra.options import SpectraOptions
from spectralm.spectra.pixels import Pixels

CONFIG = Path(__file__).parent.parent / "config" / "config.yaml"
#: The model of the config with each text.
MODELS = {"paper": "llm", "compact": "llm_compact", "soft": "llm_soft"}
TOY = Architecture(2, 64, 4, 2, 16, 128, 2048, False)
TOY_GRID = SpectraOptions(start=3800.0, stop=4580.0, step=20.0)
#: Questions that are predicted, and the number of batches that the calibration answers besides.
PREDICTED, MORE_BATCHES = 10, 5
#: Last lines of a log that are shown when a stage fails.
SHOWN = 40
#: Seconds between two looks at a running command.
PAUSE = 0.05


class StageError(Exception):
    """A stage failed."""

    def __init__(self, stage: str, log: Path):
        end = "\n".join(log.read_text().splitlines()[-SHOWN:])
        super().__init__(f"{end}\nFAILED: {stage}. Above: the end of its log.")


class Job:
    """A running command, with its output in a log; killed at the end of a ``with`` block."""

    def __init__(self, log: Path, *command: object):
        self.log = log
        with open(log, "w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *map(str, command)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        self.since = time.perf_counter()

    def __enter__(self) -> "Job":
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Send SIGKILL, as if the node was lost; a training's processes end with torchrun."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def until(self, stage: str, happened: Callable[[], bool]) -> float:
        """Wait for an event; print and return the seconds since the last stage.

        Args:
            stage: its name.
            happened: whether the event has happened.

        Raises:
            StageError: the command ended before.
        """
        while True:
            ended = self.process.poll() is not None
            if happened():
                break
            if ended:
                raise StageError(stage, self.log)
            time.sleep(PAUSE)
        seconds = time.perf_counter() - self.since
        self.since = time.perf_counter()
        report(stage, seconds)
        return seconds

    def says(self, words: str) -> Callable[[], bool]:
        """A function that tests whether the log contains some words."""
        return lambda: words in self.log.read_text()

    def end(self, stage: str) -> float:
        """Wait until the command succeeds; see :meth:`until`."""
        return self.until(stage, lambda: self.process.poll() == 0)


@dataclass(frozen=True)
class Smoke:
    """Recipe and folder of a run."""

    folder: Path
    options: LlmOptions
    text: TextOptions
    grid: SpectraOptions
    steps: int

    @property
    def calibrated(self) -> int:
        """Number of validation questions: enough for errors of all labels."""
        return PREDICTED + MORE_BATCHES * self.options.generation.batch_size

    def questions(self, split: str) -> Path:
        """The file of a split's questions."""
        return self.folder / f"{split}.jsonl.gz"

    @property
    def spectra(self) -> Path:
        """The file of the spectra of all splits."""
        return self.folder / "spectra.parquet"

    def write_questions(self) -> None:
        """Random spectra with random labels, in three splits."""
        random = np.random.default_rng(0)
        train = self.steps * self.options.training.questions_per_step
        counts = {"train": train, "validation": self.calibrated, "test": PREDICTED}
        shape = sum(counts.values()), self.grid.size
        flux = random.integers(0, 1000, shape).astype(np.int16)
        columns = Pixels(flux, np.zeros(shape, dtype=bool)).columns()
        write_parquet(self.spectra, pa.table({"obsid": np.arange(len(flux)), **columns}))
        first = 0
        for split, count in counts.items():
            rows = flux[first : first + count]
            write_records(self.questions(split), self._records(rows, first, random))
            first += count

    def _records(
        self, flux: np.ndarray, first: int, random: np.random.Generator
    ) -> Iterator[Record]:
        words, answers = flux_text(self.text, self.grid.grid), answer_text(self.text)
        for number, row in enumerate(flux, first):
            values = {label.name: random.uniform(label.low, label.high) for label in PARAMETERS}
            answer = answers.write(Star(str(random.choice(CLASSES)), values))
            yield make_record(number, PARAMETERS, write_question(row, words), answer, self.text)

    def train(self) -> dict[str, Any]:
        """Train, with a kill and a resume; returns the run's metrics."""
        with self._training("train.log") as job:
            job.until("load, and evaluate before the first step", job.says("'eval_parsed'"))
            job.until("steps until the checkpoint", self._has_checkpoint)
            job.kill()
        with self._training("resumed.log") as job:
            job.until("load again", job.says("INFO workspace "))
            found = re.search(r", from .*/checkpoint-(\d+)", job.log.read_text())
            if not found:
                raise StageError("resume: it started from the beginning", job.log)
            job.until(
                f"resume from step {found[1]}, until the last step", job.says("'train_runtime'")
            )
            job.end("evaluate, check the saved adapter")
        manifest, metrics = (
            json.loads((self.folder / "run" / f"{name}.json").read_text())
            for name in ("manifest", "metrics")
        )
        if manifest["steps"] != self.steps:
            raise StageError(f"{manifest['steps']} steps, not {self.steps}", job.log)
        saved, loaded = metrics["check_loss"], metrics["check_loss_loaded"]
        print(
            f"  loss of some questions {saved:.4f}, of the saved adapter {loaded:.4f}", flush=True
        )
        return metrics

    def _training(self, log: str) -> Job:
        options = self.options
        return Job(
            self.folder / log,
            *("torch.distributed.run", "--standalone"),
            *("--nproc-per-node", options.training.processes, "-m", "spectralm", "train-llm"),
            *("--train-questions", self.questions("train")),
            *("--validation-questions", self.questions("validation")),
            *("--spectra", self.spectra),
            *("--base", options.base, "--targets", Targets.PARAMETERS),
            *("--options", options.model_dump_json(), "--text", self.text.model_dump_json()),
            *("--grid", self.grid.model_dump_json(), "--workspaces", self.folder / "workspaces"),
            *("--tensorboard", self.folder / "tensorboard", "--out", self.folder / "run"),
        )

    def _has_checkpoint(self) -> bool:
        """Whether the state of the first process, written last, and all random states exist."""
        for state in self.folder.glob("workspaces/*/checkpoint-*/trainer_state.json"):
            written = list(state.parent.glob("rng_state*.pth"))
            return len(written) == self.options.training.processes
        return False

    def answer(self) -> float | None:
        """Calibrate and predict; returns the seconds of one answer, without loading.

        They follow from the difference of the two commands, which load the same. None if the
        difference is too small to be measured.
        """
        calibration = self.folder / "run" / "calibration.json"
        with self._answering("calibrate", "validation", "--out", calibration) as job:
            longer = job.end(f"load, and calibrate by {self.calibrated} answers")
        out = self.folder / "predictions.parquet"
        places = ("--workspaces", self.folder / "workspaces", "--out", out)
        with self._answering("predict", "test", *places) as job:
            shorter = job.end(f"load, and predict {PREDICTED}")
        statuses = Counter(read_parquet(out)["status"].to_pylist())
        print(f"  {statuses['parsed']} of {PREDICTED} answers parsed", flush=True)
        if statuses != {"parsed": PREDICTED}:
            raise StageError(f"predict: {dict(statuses)}", job.log)
        seconds = (longer - shorter) / (self.calibrated - PREDICTED)
        return seconds if longer > 1.1 * shorter else None

    def _answering(self, step: str, split: str, *more: object) -> Job:
        options = self.options.model_dump_json(exclude={"training", "lora", "after", "adapter"})
        return Job(
            self.folder / f"{step}.log",
            *("spectralm", f"{step}-llm", "--model", self.folder / "run"),
            *("--base", self.options.base, "--options", options),
            *("--text", self.text.model_dump_json(), "--questions", self.questions(split)),
            *("--spectra", self.spectra),
            *more,
        )


def report(stage: str, seconds: float) -> None:
    """Print the time of a stage that has ended."""
    print(f"{stage}: {seconds:.1f} s", flush=True)


def smoke_of(folder: Path, text: str, processes: int, steps: int, toy: bool) -> Smoke:
    """The config's recipe for a text, with the same number of questions per step."""
    config = check(yaml.safe_load(CONFIG.read_text()))
    model = config.llms[MODELS[text]]
    recipe = model.training
    here = {
        "processes": processes,
        "nodes": 1,
        "accumulation": max(1, recipe.questions_per_step // (recipe.batch_size * processes)),
        "zero3": recipe.zero3 and processes > 1 and not toy,
        "epochs": 1.0,
        "evaluations": 0,
        "evaluation_spectra": recipe.evaluation_batch_size * processes,
        "checkpoints": 1,
    }
    options = model.model_copy(
        update={
            "base": str(folder / "base"),
            "device": "cpu" if toy else model.device,
            "training": recipe.model_copy(update=here),
        }
    )
    grid = TOY_GRID if toy else config.spectra
    return Smoke(folder, options, config.texts[model.text], grid, steps)


def save_base(base: Architecture, folder: Path, device: str) -> None:
    """Write a random Llama of an architecture in bf16, with the tiny base's tokenizer."""
    tokenizer = tiny_tokenizer(whole_sentences=False)
    config = LlamaConfig.from_dict(
        {
            **base.config,
            "max_position_embeddings": 131072,
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        }
    )
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def gpu_like(device: str) -> Gpu | None:
    """The GPU of the planner's table with the longest name that fits a device's name."""
    name = device.replace(" ", "")
    fits = [gpu for gpu in gpus().values() if all(part in name for part in gpu.name.split("-"))]
    return max(fits, key=lambda gpu: len(gpu.name), default=None)


def compared(
    smoke: Smoke,
    base: Architecture,
    gpu: Gpu | None,
    metrics: Mapping[str, Any],
    answered: float | None,
) -> Iterator[tuple[str, str, str]]:
    """Rows of the table: name, measured value, planned values from best to worst."""
    options, recipe = smoke.options, smoke.options.training
    processes, questions = recipe.processes, recipe.questions_per_step
    words = length(options, smoke.text, smoke.grid.grid, Targets.PARAMETERS)
    step, tokens = training(base, options, words, questions), questions * words.total
    one = prediction(base, options, words)
    sharded = processes if recipe.zero3 else 1
    memory = training_memory(base, options, words, sharded).total - CONTEXT
    seconds, planned = metrics["step_seconds"], _planned(step, gpu, processes)
    peak = gpu and step.flops / seconds / processes / gpu.flops
    yield "seconds a step", _number(seconds), _range(planned)
    yield "tokens a second", _number(tokens / seconds), _range([tokens / each for each in planned])
    yield "share of peak", f"{peak:.1%}" if peak else "-", "{1:.0%} to {0:.0%}".format(*UTILISATION)
    yield "GiB per GPU", _number(metrics["gpu_gib"]), _number(memory / 2**30)
    yield "seconds an answer", _number(answered), _range(_planned(one, gpu, 1))


def _planned(work: Work, gpu: Gpu | None, processes: int) -> list[float]:
    """Seconds at best and at worst; empty for a GPU that is not in the planner's table."""
    return [3600 * hours / processes for hours in work.gpu_hours(gpu)] if gpu else []


def _number(value: float | None) -> str:
    """With three digits; from 100, as an integer."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _range(values: list[float]) -> str:
    return " to ".join(map(_number, values)) or "-"


def run(given: argparse.Namespace, folder: Path) -> None:
    """Run all stages and print the table.

    Args:
        given: the command line.
        folder: of the run, empty.

    Raises:
        StageError: a stage failed.
    """
    base = TOY if given.toy else architecture(given.base)
    processes = given.gpus or (1 if given.toy else torch.cuda.device_count())
    name = "CPU" if given.toy else torch.cuda.get_device_name()
    gpu = gpu_named("H100") if given.toy else gpu_like(name)
    smoke = smoke_of(folder, given.text, processes, given.steps, given.toy)
    start = time.perf_counter()
    save_base(base, folder / "base", "cpu" if given.toy else "cuda")
    # Otherwise this memory is missing in the training.
    torch.cuda.empty_cache()
    smoke.write_questions()
    report("make the base and the questions", time.perf_counter() - start)
    metrics = smoke.train()
    answered = smoke.answer()

    recipe = smoke.options.training
    print(
        f"\n{'toy' if given.toy else given.base} (random weights), {given.text} text,"
        f" {processes} x {name}{f' (planned as {gpu.name})' if gpu else ''}, {given.steps} steps"
        f" of {recipe.questions_per_step} questions, zero3 {'on' if recipe.zero3 else 'off'}\n"
    )
    rows = compared(smoke, base, gpu, metrics, answered)
    print("\n".join(table(("", "measured", "planned, best to worst"), rows)))
    if given.toy:
        print("\nToy size on a CPU: only that it runs. The numbers mean nothing.")
    elif gpu is None:
        print(f"\n{name} is not in src/spectralm/planning/gpus.csv: add it to see its plan.")


def _place(folder: Path | None) -> AbstractContextManager:
    """The given folder, or a temporary one."""
    if folder is None:
        return tempfile.TemporaryDirectory(prefix="smoke-gpu-")
    folder.mkdir(parents=True, exist_ok=True)
    return nullcontext(folder)


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--base", default="meta-llama/Llama-3.1-8B-Instruct", help="its sizes")
    parser.add_argument("--text", choices=MODELS, default="paper")
    parser.add_argument("--gpus", type=int, help="default: all of this machine")
    parser.add_argument("--steps", type=int, default=20, help="two at least")
    parser.add_argument("--folder", type=Path, help="new or empty; kept. Default: a temporary one")
    parser.add_argument("--toy", action="store_true", help="a small model, on the CPU")
    given = parser.parse_args()
    set_up_libraries()
    if given.steps < 2:
        parser.error("--steps: a checkpoint at half of the steps needs two of them")
    if given.folder and given.folder.is_dir() and any(given.folder.iterdir()):
        parser.error(f"--folder: {given.folder} is not empty")
    if not given.toy and not torch.cuda.is_available():
        print("No GPU that PyTorch can use on this machine: nothing was run.")
        return 0
    try:
        with _place(given.folder) as folder:
            run(given, Path(folder).resolve())
    except (StageError, SpectraLMError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
