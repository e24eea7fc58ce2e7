"""Options of the multilayer perceptron."""

from pydantic import Field, PositiveInt

from spectralm.baselines.options import NetworkOptions


class MlpOptions(NetworkOptions):
    """A multilayer perceptron; it is not in the paper."""

    hidden: list[PositiveInt] = Field(default=[256, 256], min_length=1)
    """Width of each hidden layer."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs that are 0 at a step of training, drawn anew."""


OPTIONS = MlpOptions
