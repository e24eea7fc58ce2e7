"""The network that a base model reads spectra with."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import rms_norm

from spectralm.llm.read_in.options import ReadInOptions
from spectralm.llm.read_in.registry import READ_INS


class ReadIn(nn.Module):
    """Standardised pixels -> a network of some kind -> soft tokens of the base's width and scale.

    Args:
        options: of the network.
        pixels: of a spectrum.
        hidden: width of the base's embeddings.
        scale: their root mean square, which the soft tokens have before the training.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, options: ReadInOptions, pixels: int, hidden: int, scale: float):
        super().__init__()
        self.soft_tokens = options.soft_tokens(pixels)
        self.body = READ_INS.load(options.kind).body(options, pixels)
        self.project = nn.Linear(options.width, hidden)
        # Not of dimension 0, which DeepSpeed cannot send to other processes.
        self.gain = nn.Parameter(torch.tensor([scale]))
        self.register_buffer("mean", torch.zeros(pixels))
        self.register_buffer("scale", torch.ones(pixels))

    def standardise(self, mean: np.ndarray, scale: np.ndarray) -> None:
        """Set the zero point and the unit of each pixel [pixels]."""
        self.mean.copy_(torch.from_numpy(mean))
        self.scale.copy_(torch.from_numpy(scale))

    def forward(self, spectra: Tensor) -> Tensor:
        """Soft tokens [batch, tokens, hidden] of normalised flux and mask [batch, 2, pixels]."""
        flux, masked = spectra.float().unbind(dim=1)
        standard = (flux - self.mean.float()) / self.scale.float() * (1 - masked)
        given = torch.stack([standard, masked], dim=1).to(self.gain.dtype)
        tokens = self.project(self.body(given))
        return rms_norm(tokens, tokens.shape[-1:]) * self.gain
