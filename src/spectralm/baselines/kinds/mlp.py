"""A multilayer perceptron."""

from torch import nn

from spectralm.baselines.network_model import NetworkModel
from spectralm.baselines.options.mlp import MlpOptions


class Mlp(NetworkModel[MlpOptions]):
    """Hidden layers with GELU and dropout."""

    @staticmethod
    def body(options: MlpOptions, grid: int) -> tuple[nn.Module, int]:
        """The hidden layers, and the width of the last."""
        layers: list[nn.Module] = []
        width = grid
        for hidden in options.hidden:
            layers += [nn.Linear(width, hidden), nn.GELU(), nn.Dropout(options.dropout)]
            width = hidden
        return nn.Sequential(*layers), width


MODEL = Mlp
