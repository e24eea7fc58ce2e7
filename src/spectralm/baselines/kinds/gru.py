"""A recurrent network of gated recurrent units (the paper's GRU)."""

from torch import Tensor, nn
from torch.nn.functional import pad

from spectralm.baselines.network_model import NetworkModel
from spectralm.baselines.options.gru import GruOptions

LAYERS = 3


class Recurrence(nn.Module):
    """Reads a spectrum window by window, from blue to red; features are the last state."""

    def __init__(self, hidden: int, window: int):
        super().__init__()
        self.window = window
        self.gru = nn.GRU(window, hidden, num_layers=LAYERS, batch_first=True)

    def forward(self, pixels: Tensor) -> Tensor:
        """[n, grid] -> [n, hidden]; the mean (0) fills the last window."""
        filled = pad(pixels, (0, -pixels.shape[1] % self.window))
        _, last = self.gru(filled.unflatten(1, (-1, self.window)))
        return last[-1]


class Gru(NetworkModel):
    """Three stacked gated recurrent units."""

    @staticmethod
    def body(options: GruOptions, grid: int) -> tuple[nn.Module, int]:
        return Recurrence(options.hidden, options.window), options.hidden


MODEL = Gru
