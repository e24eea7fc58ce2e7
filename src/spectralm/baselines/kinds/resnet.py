"""A residual network in one dimension (He et al. 2016; the paper's ResNet-50)."""

from torch import Tensor, nn

from spectralm.baselines.network_model import NetworkModel
from spectralm.baselines.options.resnet import ResnetOptions

#: Channels after a block, as a multiple of those inside it.
EXPANSION = 4


def convolution(before: int, after: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A convolution followed by batch normalisation."""
    layer = nn.Conv1d(before, after, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(layer, nn.BatchNorm1d(after))


class Bottleneck(nn.Module):
    """Three convolutions, 1, 3 and 1 pixels wide, with a shortcut connection."""

    def __init__(self, before: int, width: int, stride: int):
        super().__init__()
        after = EXPANSION * width
        self.way = nn.Sequential(  # the name is in the files of trained models
            convolution(before, width, 1),
            nn.ReLU(),
            convolution(width, width, 3, stride),
            nn.ReLU(),
            convolution(width, after, 1),
        )
        same = before == after and stride == 1
        self.shortcut = nn.Identity() if same else convolution(before, after, 1, stride)
        self.relu = nn.ReLU()

    def forward(self, pixels: Tensor) -> Tensor:
        """[n, before, pixels] -> [n, after, pixels / stride]."""
        return self.relu(self.way(pixels) + self.shortcut(pixels))


class MeanOfPixels(nn.Module):
    """Average pooling to one number per channel; unlike PyTorch's, deterministic on a GPU."""

    def forward(self, pixels: Tensor) -> Tensor:
        """[n, channels, pixels] -> [n, channels]."""
        return pixels.mean(dim=2)


class Resnet(NetworkModel[ResnetOptions]):
    """A convolution, four stages of bottleneck blocks, and average pooling."""

    @staticmethod
    def body(options: ResnetOptions, grid: int) -> tuple[nn.Module, int]:
        """The layers, and the number of channels after the last."""
        channels = options.width
        layers: list[nn.Module] = [
            nn.Unflatten(1, (1, grid)),
            convolution(1, channels, 7, stride=2),
            nn.ReLU(),
            nn.MaxPool1d(3, stride=2, padding=1),
        ]
        for stage, depth in enumerate(options.depths):
            width = options.width * 2**stage
            for block in range(depth):
                stride = 2 if stage and not block else 1
                layers.append(Bottleneck(channels, width, stride))
                channels = EXPANSION * width
        return nn.Sequential(*layers, MeanOfPixels()), channels


MODEL = Resnet
