"""A read-in as a part of a base model, so that PEFT trains, saves and loads it with the adapter."""

from importlib import import_module
from pathlib import Path

from safetensors import safe_open
from torch import Tensor
from transformers import PreTrainedModel
from transformers.integrations.deepspeed import is_deepspeed_zero3_enabled

from spectralm.errors import InputError
from spectralm.llm.adapter_files import WEIGHTS
from spectralm.llm.read_in.module import ReadIn
from spectralm.llm.read_in.options import ReadInOptions
from spectralm.llm.read_in.soft_tokens import NAME


def attach_read_in(model: PreTrainedModel, options: ReadInOptions, pixels: int) -> ReadIn:
    """A new read-in for spectra of so many pixels, as the base's submodule ``read_in``."""
    table = model.get_input_embeddings().weight
    assert isinstance(table, Tensor)
    if is_deepspeed_zero3_enabled():
        with import_module("deepspeed").zero.GatheredParameters([table]):
            scale = _rms(table)
    else:
        scale = _rms(table)
    read_in = ReadIn(options, pixels, model.config.hidden_size, scale).to(table.device)
    model.add_module(NAME, read_in)
    return read_in


def pixels_of(folder: Path) -> int:
    """Number of pixels that the read-in of an adapter reads.

    Raises:
        InputError: the adapter has no read-in.
    """
    with safe_open(folder / WEIGHTS, "pt") as weights:
        for name in weights.keys():  # noqa: SIM118  # a handle of a file is no dict
            if name.endswith(f"{NAME}.mean"):
                return weights.get_slice(name).get_shape()[0]
    raise InputError(
        folder / WEIGHTS, "read_in", "missing", "give an adapter that was trained with the read-in"
    )


def _rms(table: Tensor) -> float:
    return table.detach().float().square().mean().sqrt().item()
