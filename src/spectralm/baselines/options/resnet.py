"""Options of the residual network."""

from pydantic import PositiveInt

from spectralm.baselines.options import NetworkOptions


class ResnetOptions(NetworkOptions):
    """A residual network of bottleneck blocks in one dimension; the defaults are ResNet-50."""

    depths: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = (3, 4, 6, 3)
    """Blocks in each of the four stages."""

    width: PositiveInt = 64
    """Channels inside the blocks of the first stage; each stage has twice as many."""


OPTIONS = ResnetOptions
