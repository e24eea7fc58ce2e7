"""Size and operations of a read-in, counted by PyTorch on tensors without contents."""

from dataclasses import dataclass
from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from spectralm.llm.options import LlmOptions
from spectralm.llm.read_in.module import ReadIn


@dataclass(frozen=True)
class ReadInCost:
    """Numbers for one spectrum; all are 0 for a model that has no read-in."""

    parameters: int = 0
    forward: float = 0.0
    """Operations of a forward pass."""
    training: float = 0.0
    """Operations of a forward and a backward pass."""


def read_in_cost(options: LlmOptions, pixels: int, hidden: int) -> ReadInCost:
    """What the read-in of a model costs.

    Args:
        options: of the model.
        pixels: of a spectrum.
        hidden: width of the base.
    """
    if options.read_in is None:
        return ReadInCost()
    return _counted(options.model_dump_json(include={"read_in"}), pixels, hidden)


@cache
def _counted(read_in: str, pixels: int, hidden: int) -> ReadInCost:
    options = LlmOptions.model_validate_json(read_in).read_in
    assert options is not None
    with torch.device("meta"):
        network = ReadIn(options, pixels, hidden, 1.0)
        spectra = torch.empty(1, 2, pixels)
    with FlopCounterMode(display=False) as counter:
        tokens = network(spectra)
        forward = counter.get_total_flops()
        tokens.sum().backward()
    parameters = sum(weights.numel() for weights in network.parameters())
    return ReadInCost(parameters, forward, counter.get_total_flops())
