"""Options of the encoder."""

from pydantic import Field, PositiveInt

from spectralm.llm.read_in.options import ReadInOptions


class EncoderOptions(ReadInOptions):
    """Strided convolutions over the spectrum, pooled into a few tokens that each see all of it."""

    channels: list[PositiveInt] = Field(default=[16, 32, 64], min_length=1)
    """Channels of each convolution; each makes one pixel of four."""

    hidden: PositiveInt = 256
    """Width of the layer that all pixels of the last convolution are pooled into."""

    tokens: PositiveInt = 16
    """Number of soft tokens."""

    def soft_tokens(self, pixels: int) -> int:
        """As many as ``tokens`` says."""
        return self.tokens


OPTIONS = EncoderOptions
