"""Options of the small convolutional network."""

from pydantic import Field, PositiveInt

from spectralm.baselines.options import NetworkOptions


class CnnOptions(NetworkOptions):
    """A few convolutions and a hidden layer; the paper does not give its sizes."""

    channels: list[PositiveInt] = Field(default=[16, 32, 64], min_length=1)
    """Channels of each convolution (7 pixels wide), which max pooling over 4 pixels follows."""

    hidden: PositiveInt = 128
    """Width of the hidden layer."""


OPTIONS = CnnOptions
