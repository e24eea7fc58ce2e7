"""The device of this process."""

import os
from contextlib import AbstractContextManager
from pathlib import Path

import torch

from spectralm.errors import InputError
from spectralm.llm.options import LlmOptions

DRIVER = Path("/proc/driver/nvidia/version")


def local_device(options: LlmOptions) -> torch.device:
    """This process's GPU; the CPU if the options say so, or for the tiny base without a GPU.

    Raises:
        InputError: PyTorch finds no usable GPU; the message names the driver and PyTorch's build.
    """
    if options.device == "auto" and torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    if options.device == "cpu" or options.base == "tiny":
        return torch.device("cpu")
    raise InputError(
        options.base,
        "GPU",
        f"none that PyTorch can use ({_found()})",
        "give the job a GPU, or install a driver and a build of PyTorch that fit each other; "
        "`device: cpu` (`spectralm predict --device cpu`) does without, slowly",
    )


def uses_bf16(options: LlmOptions, device: torch.device) -> bool:
    """Whether a model computes in bf16; float32 is for unquantised models on a CPU.

    Many CPUs lack instructions for bf16 and take 25 times as long (docs/training_facts.md).
    """
    return options.quantise or device.type != "cpu"


def precision(model: torch.nn.Module) -> AbstractContextManager:
    """Autocast to bf16, as in training, if any weights of the model are held in it."""
    weights = next(model.parameters())
    held = any(part.dtype == torch.bfloat16 for part in model.parameters())
    return torch.autocast(weights.device.type, torch.bfloat16, enabled=held)


def _found() -> str:
    driver = DRIVER.read_text().splitlines()[0] if DRIVER.is_file() else "no NVIDIA driver"
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPUs alone"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
    return (
        f"{driver}; PyTorch {torch.__version__} is built for {build}; "
        f"CUDA_VISIBLE_DEVICES: {visible}"
    )
