"""Work of GPUs in a step of an experiment, and the time that it takes: computed, not measured."""

from dataclasses import dataclass
from typing import Self

from spectralm.llm.options import LlmOptions
from spectralm.planning import flops
from spectralm.planning.architecture import Architecture
from spectralm.planning.gpus import Gpu
from spectralm.planning.memory import NF4, kv_cache, weights
from spectralm.planning.read_in import read_in_cost
from spectralm.planning.tokens import Length

#: Utilisation of the GPU's peak, at worst and at best. That of its bandwidths is half at worst.
UTILISATION = (0.2, 0.4)
#: Bytes moved per weight when one token is generated: NF4 is read, written as bf16 and read again;
#: weights that are not quantised are bf16.
MOVED = {True: NF4 + 4, False: 2}


@dataclass(frozen=True)
class Work:
    """Work of all GPUs together."""

    flops: float = 0.0
    moved: float = 0.0
    """Bytes to and from the memory of GPUs."""
    gathered: float = 0.0
    """Bytes from other GPUs."""

    def __add__(self, other: Self) -> "Work":
        return Work(
            self.flops + other.flops, self.moved + other.moved, self.gathered + other.gathered
        )

    def __mul__(self, times: float) -> "Work":
        return Work(self.flops * times, self.moved * times, self.gathered * times)

    def gpu_hours(self, gpu: Gpu) -> tuple[float, float]:
        """Time on a kind of GPU, at best and at worst."""
        worst, best = UTILISATION
        seconds = self.flops / gpu.flops / best
        seconds += self.moved / gpu.bandwidth + self.gathered / gpu.link
        return seconds / 3600, seconds / 3600 * best / worst


def training(base: Architecture, options: LlmOptions, words: Length, spectra: int) -> Work:
    """A training on ``spectra`` spectra, without its evaluations."""
    checkpointing = options.training.gradient_checkpointing
    step = flops.training(base, options.lora.rank, words.total, words.answer, checkpointing)
    read_in = read_in_cost(options, words.pixels, base.hidden)
    return Work(options.training.epochs * spectra * (step.total + read_in.training))


def evaluation(base: Architecture, options: LlmOptions, words: Length) -> Work:
    """One validation spectrum during a training: its loss and its answer."""
    training = options.training
    sharded = training.zero3 and training.world_size > 1
    loss = flops.forward(base, options.lora.rank, words.total, words.answer + 1)
    read_in = read_in_cost(options, words.pixels, base.hidden)
    batch_size = training.evaluation_batch_size
    scored = Work(loss.total + read_in.forward)
    return scored + _answer(base, options, words, batch_size, 0, sharded)


def prediction(base: Architecture, options: LlmOptions, words: Length) -> Work:
    """One answer of a trained model, with its errors."""
    return _answer(
        base, options, words, options.generation.batch_size, words.branches, sharded=False
    )


def _answer(
    base: Architecture,
    options: LlmOptions,
    words: Length,
    batch_size: int,
    branches: int,
    sharded: bool,
) -> Work:
    """One answer, generated token by token in a batch, with the forward passes for its errors.

    If ``sharded``, the base is gathered from other GPUs in each pass (ZeRO-3).
    """
    passes = words.answer / batch_size + branches
    moved = passes * base.linear_parameters * MOVED[options.quantise]
    moved += (words.answer + branches) * kv_cache(base, words.total)
    gathered = (words.answer + 1) / batch_size * weights(base, options.quantise) if sharded else 0.0
    prompt = flops.forward(base, options.lora.rank, words.question, 1)
    read_in = read_in_cost(options, words.pixels, base.hidden)
    return Work(prompt.total + read_in.forward, moved, gathered)
