"""A small convolutional network (the paper's Small CNN)."""

from torch import nn

from spectralm.baselines.network_model import NetworkModel
from spectralm.baselines.options.cnn import CnnOptions

KERNEL = 7
POOL = 4


class Cnn(NetworkModel):
    """Convolutions, each with a maximum over every four pixels behind it, and a hidden layer."""

    @staticmethod
    def body(options: CnnOptions, grid: int) -> tuple[nn.Module, int]:
        layers: list[nn.Module] = [nn.Unflatten(1, (1, grid))]
        channels, pixels = 1, grid
        for more in options.channels:
            layers += [
                nn.Conv1d(channels, more, KERNEL, padding="same"),
                nn.BatchNorm1d(more),
                nn.ReLU(),
                nn.MaxPool1d(POOL, ceil_mode=True),
            ]
            channels, pixels = more, -(-pixels // POOL)
        layers += [nn.Flatten(), nn.Linear(channels * pixels, options.hidden), nn.ReLU()]
        return nn.Sequential(*layers), options.hidden


MODEL = Cnn
