"""Training steps of a 1B-sized Llama on this machine's GPU beside what `spectralm plan` expects.

The model has random weights, Llama-3.2-1B's sizes and Llama-3's vocabulary; it is quantised,
adapted and trained on like the 8B one, on questions as long as the paper's text and the compact
one. Prints a Markdown table. Without a GPU it says so, and that is no failure.

    python bench/check_gpu.py [--tokens 24600 5000] [--steps 3]
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from spectralm.llm.base import add_adapter, load_base
from spectralm.llm.encoding import Collator
from spectralm.llm.loss import AnswerLoss
from spectralm.llm.options import GenerationOptions, LlmOptions, TrainingOptions
from spectralm.planning import flops
from spectralm.planning.architecture import Architecture, architecture
from spectralm.planning.gpus import Gpu, gpus
from spectralm.planning.memory import CONTEXT, training_memory
from spectralm.planning.plan import UTILISATION

BASE = "meta-llama/Llama-3.2-1B"
ANSWER = 42
OPTIONS = LlmOptions(
    training=TrainingOptions(batch_size=1), generation=GenerationOptions(batch_size=1)
)


@dataclass(frozen=True)
class Measured:
    """What training steps took."""

    seconds: float
    """Of one step."""
    memory: int
    """Bytes of tensors at their peak; 0 on a CPU, where nobody counts them."""
    loss: float


def save_base(base: Architecture, folder: Path, device: str) -> None:
    """Write a random Llama of an architecture."""
    config = LlamaConfig(**base.config, max_position_embeddings=131072, dtype=torch.bfloat16)
    with torch.device(device):
        LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)


def measure(folder: Path, vocabulary: int, tokens: int, steps: int, device: str) -> Measured:
    """Train on random questions of a length, answer included; the first step is not timed."""
    cuda = device == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    model = load_base(str(folder), quantise=True, gradient_checkpointing=True)
    model = add_adapter(model, OPTIONS.lora, seed=0).to(device).train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained)
    ids = torch.randint(vocabulary, (tokens,), generator=torch.Generator().manual_seed(0)).tolist()
    row = {"prompt": ids[:-ANSWER], "answer": ids[-ANSWER:]}
    batch = Collator(pad_token_id=0, answers_start=tokens - ANSWER)([row])
    batch = {name: b.to(device) if torch.is_tensor(b) else b for name, b in batch.items()}
    labels = batch.pop("labels")
    loss_of = AnswerLoss([], None)
    for step in range(steps + 1):
        if step == 1:
            start = time.perf_counter()
        with torch.autocast(device, torch.bfloat16):
            loss = loss_of(model(**batch), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        value = float(loss)  # waits for the GPU
    seconds = (time.perf_counter() - start) / steps
    return Measured(seconds, torch.cuda.max_memory_allocated() if cuda else 0, value)


def gpu_like(device: str) -> Gpu | None:
    """The row of the planner's table that a device's name fits best."""
    name = device.replace(" ", "")
    fits = [gpu for gpu in gpus().values() if all(part in name for part in gpu.name.split("-"))]
    return max(fits, key=lambda gpu: len(gpu.name), default=None)


def row(base: Architecture, tokens: int, measured: Measured, gpu: Gpu) -> str:
    """A line of the table: measured, and in brackets expected."""
    rank = OPTIONS.lora.rank
    work = flops.training(base, rank, tokens, ANSWER, checkpointing=True).total
    memory = training_memory(base, OPTIONS, tokens, ANSWER).total - CONTEXT
    expected = work / (UTILISATION * gpu.flops)
    cells = [
        f"{tokens:,}",
        f"{measured.memory / 2**30:.1f} ({memory / 2**30:.1f})",
        f"{measured.seconds:.2f} ({expected:.2f})",
        f"{tokens / measured.seconds:,.0f} ({tokens / expected:,.0f})",
        f"{work / measured.seconds / gpu.flops:.0%} ({UTILISATION:.0%})",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[24600, 5000])
    parser.add_argument("--steps", type=int, default=3)
    given = parser.parse_args()
    if not torch.cuda.is_available():
        print("No GPU that PyTorch can use on this machine: nothing was checked.")
        return
    device = torch.cuda.get_device_name()
    gpu = gpu_like(device)
    if gpu is None:
        print(f"{device} is not in src/spectralm/planning/gpus.csv: add it.")
        return
    base = architecture(BASE)
    print(f"{device}, as {gpu.name}; in brackets what the plan expects. MFU is the share of the")
    print("dense bf16 peak; layers that checkpointing computes again count again.\n")
    print("| tokens | GiB | s per step | tokens/s | MFU |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        save_base(base, Path(name), "cuda")
        for tokens in given.tokens:
            measured = measure(Path(name), base.vocabulary, tokens, given.steps, "cuda")
            print(row(base, tokens, measured, gpu), flush=True)


if __name__ == "__main__":
    main()
