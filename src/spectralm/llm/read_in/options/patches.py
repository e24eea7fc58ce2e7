"""Options of the patches."""

from typing import Literal

from pydantic import Field, PositiveInt

from spectralm.llm.read_in.options import ReadInOptions


class PatchesOptions(ReadInOptions):
    """A token for each patch of neighbouring pixels, by a small convolution."""

    pixels: PositiveInt = Field(default=16, multiple_of=4)
    """Pixels of a patch; those at the red end that do not fill one are left out."""

    channels: PositiveInt = 32
    """Channels of the first convolution; the second has twice as many."""

    wavelength: Literal["position", "fourier"] = "position"
    """What a patch's place is told by: `position`, a learned vector for each patch; `fourier`, a
    linear map of sines and cosines of it, so that neighbours have similar vectors."""

    def soft_tokens(self, pixels: int) -> int:
        """The number of whole patches."""
        return pixels // self.pixels


OPTIONS = PatchesOptions
