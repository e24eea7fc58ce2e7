"""Options of the recurrent network."""

from pydantic import PositiveInt

from spectralm.baselines.options import NetworkOptions


class GruOptions(NetworkOptions):
    """Three stacked gated recurrent units; the paper does not give their sizes."""

    hidden: PositiveInt = 256
    """Width of each unit."""

    window: PositiveInt = 20
    """Pixels that are read at each step, from blue to red."""


OPTIONS = GruOptions
