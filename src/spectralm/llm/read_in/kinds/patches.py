"""A token for each patch of neighbouring pixels."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from spectralm.llm.read_in.options.patches import PatchesOptions

#: Number of frequencies of sines and cosines; their periods are from two spectra to two patches.
FREQUENCIES = 8


class Patches(nn.Module):
    """Three convolutions, the last of which makes a token of a patch; a vector for its place."""

    def __init__(self, options: PatchesOptions, pixels: int):
        super().__init__()
        self.used = pixels // options.pixels * options.pixels
        narrow, wide, left = options.channels, 2 * options.channels, options.pixels // 4
        self.convolutions = nn.Sequential(
            nn.Conv1d(2, narrow, 9, 2, 4),
            nn.GELU(),
            nn.Conv1d(narrow, wide, 5, 2, 2),
            nn.GELU(),
            nn.Conv1d(wide, options.width, left, left),
        )
        self.place = PLACES[options.wavelength](pixels // options.pixels, options.width)

    def forward(self, spectra: Tensor) -> Tensor:
        """Tokens [batch, patches, width] of flux and mask [batch, 2, pixels]."""
        return self.place(self.convolutions(spectra[:, :, : self.used]).transpose(1, 2))


class Position(nn.Module):
    """Adds a learned vector for each patch."""

    def __init__(self, patches: int, width: int):
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(patches, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens of the same shape [batch, patches, width]."""
        return tokens + self.vectors


class Fourier(nn.Module):
    """Adds a linear map of sines and cosines of the place."""

    waves: Tensor

    def __init__(self, patches: int, width: int):
        super().__init__()
        highest = math.log10(max(1, patches - 1))
        phase = np.outer(np.linspace(0, math.pi, patches), np.logspace(0, highest, FREQUENCIES))
        waves = np.hstack([np.sin(phase), np.cos(phase)])
        self.register_buffer("waves", torch.tensor(waves, dtype=torch.float32))
        self.linear = nn.Linear(self.waves.shape[1], width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens of the same shape [batch, patches, width]."""
        return tokens + self.linear(self.waves.to(tokens.dtype))


PLACES = {"position": Position, "fourier": Fourier}
body = Patches
