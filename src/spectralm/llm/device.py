"""The device of this process."""

import os
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


def _found() -> str:
    driver = DRIVER.read_text().splitlines()[0] if DRIVER.is_file() else "no NVIDIA driver"
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPUs alone"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
    return (
        f"{driver}; PyTorch {torch.__version__} is built for {build}; "
        f"CUDA_VISIBLE_DEVICES: {visible}"
    )
