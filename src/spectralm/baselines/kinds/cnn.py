"""A small convolutional network (the paper's Small CNN)."""

from torch import nn

from spectralm.baselines.network_model import NetworkModel
from spectralm.baselines.options.cnn import CnnOptions

KERNEL = 7
POOL = 4


class Cnn(NetworkModel[CnnOptions]):
    """Convolutions, each followed by max pooling over four pixels, and a hidden layer."""

    @staticmethod
    def body(options: CnnOptions, grid: int) -> tuple[nn.Module, int]:
        """The convolutions and the hidden layer, and its width."""
        layers: list[nn.Module] = [nn.Unflatten(1, (1, grid))]
        channels, pixels = 1, grid
        for width in options.channels:
            layers += [
                nn.Conv1d(channels, width, KERNEL, padding="same"),
                nn.BatchNorm1d(width),
                nn.MaxPool1d(POOL, ceil_mode=True),  # before the ReLU: the same values, faster
                nn.ReLU(),
            ]
            channels, pixels = width, -(-pixels // POOL)
        layers += [nn.Flatten(), nn.Linear(channels * pixels, options.hidden), nn.ReLU()]
        return nn.Sequential(*layers), options.hidden


MODEL = Cnn
