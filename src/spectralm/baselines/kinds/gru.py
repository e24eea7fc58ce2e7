"""A recurrent network of gated recurrent units (the paper's GRU)."""

from torch import Tensor, nn
from torch.nn.functional import pad

from spectralm.baselines.network_model import NetworkModel
from spectralm.baselines.options.gru import GruOptions

LAYERS = 3


class Recurrence(nn.Module):
    """Reads a spectrum window by window, from blue to red; the features are the last state."""

    def __init__(self, hidden: int, window: int):
        super().__init__()
        self.window = window
        self.gru = nn.GRU(window, hidden, num_layers=LAYERS, batch_first=True)

    def forward(self, pixels: Tensor) -> Tensor:
        """[n, grid] -> [n, hidden]; the last window is padded with 0, the mean."""
        padded = pad(pixels, (0, -pixels.shape[1] % self.window))
        _, last = self.gru(padded.unflatten(1, (-1, self.window)))
        return last[-1]


class Gru(NetworkModel[GruOptions]):
    """Three stacked gated recurrent units."""

    @staticmethod
    def body(options: GruOptions, grid: int) -> tuple[nn.Module, int]:
        """The recurrent units, and the width of the last."""
        return Recurrence(options.hidden, options.window), options.hidden


MODEL = Gru
