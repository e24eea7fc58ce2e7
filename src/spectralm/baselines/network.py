"""A network from pixels to class and labels, and its loss."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from spectralm.baselines.data import classes_of
from spectralm.baselines.options import LabelScaling
from spectralm.baselines.split import Split, blocks
from spectralm.labels.vocabulary import Targets


class Network(nn.Module):
    """Standardised pixels -> features -> class logits and scaled labels.

    Args:
        body: A module from pixels [n, grid] to features [n, features]; float32.
        features: Number of features.
        grid: Number of pixels.
        targets: The predicted labels, and whether a class is predicted.
    """

    pixel_mean: Tensor
    pixel_scale: Tensor
    label_mean: Tensor
    label_scale: Tensor

    def __init__(self, body: nn.Module, features: int, grid: int, targets: Targets):
        super().__init__()
        self.body, self.targets = body, targets
        self.classes = (
            nn.Linear(features, len(classes_of(targets))) if classes_of(targets) else None
        )
        self.labels = nn.Linear(features, len(targets.labels))
        for name, size in (("pixel", grid), ("label", len(targets.labels))):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_scale", torch.ones(size))

    def standardise(self, train: Split, scaling: LabelScaling) -> None:
        """Take zero points and scales of pixels and labels from the training split.

        A label that no training spectrum has gets the zero point NaN, so its predictions are NaN.
        """
        labels = moments(train.labels) if scaling == "standard" else ranges(train.labels)
        for name, (mean, scale) in {"pixel": moments(train.flux), "label": labels}.items():
            getattr(self, f"{name}_mean").copy_(torch.from_numpy(mean))
            getattr(self, f"{name}_scale").copy_(torch.from_numpy(scale))
        unknown = np.isnan(train.labels).all(axis=0)
        self.label_mean[torch.from_numpy(unknown)] = torch.nan

    def forward(self, flux: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [n, classes] and scaled labels [n, labels] of flux in thousandths [n, grid]."""
        features = self.body((flux - self.pixel_mean) / self.pixel_scale)
        scores = features[:, :0] if self.classes is None else self.classes(features)
        return scores, self.labels(features)


def device() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def loss_of(
    scores: Tensor, labels: Tensor, classes: Tensor, truth: Tensor, regression_weight: float
) -> Tensor:
    """Cross-entropy + weight x mean squared error of the labels, without those that are missing.

    Args:
        scores: Logits [n, classes]; if no class is predicted, the cross-entropy is left out.
        labels: Predicted scaled labels [n, labels].
        classes: True classes, as indices in CLASSES [n].
        truth: True scaled labels [n, labels]; NaN where missing.
        regression_weight: Weight of the mean squared error.
    """
    finite = truth.isfinite()
    squares = torch.where(finite, labels - truth, 0.0).square().sum() / finite.sum().clamp(min=1)
    regression = regression_weight * squares
    return cross_entropy(scores, classes) + regression if scores.shape[1] else regression


@torch.inference_mode()
def outputs(network: Network, thousandths: np.ndarray) -> tuple[Tensor, Tensor]:
    """Logits [n, classes] and scaled labels [n, labels] of flux [n, grid]; results on the CPU."""
    network.eval()
    parts = [
        network(torch.from_numpy(block).to(device(), torch.float32))
        for block in blocks(thousandths)
    ]
    targets = network.targets
    empty = torch.empty(0, len(classes_of(targets))), torch.empty(0, len(targets.labels))
    scores, labels = zip(empty, *parts, strict=True)
    return torch.cat([s.cpu() for s in scores]), torch.cat([part.cpu() for part in labels])


def moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the columns of [n, columns], without NaN; 1 instead of 0."""
    n, total, squares = np.zeros((3, values.shape[1]))
    for block in blocks(values):
        finite = np.isfinite(block)
        block = np.where(finite, block, 0).astype(np.float64)
        n += finite.sum(axis=0)
        total += block.sum(axis=0)
        squares += np.square(block).sum(axis=0)
    n = np.maximum(n, 1)
    mean = total / n
    scale = np.sqrt(np.maximum(squares / n - mean**2, 0))
    return mean, np.where(scale > 0, scale, 1.0)


def ranges(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Minimum and range of the columns of [n, columns], without NaN; 1 instead of 0."""
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)
    return low, np.where(high > low, high - low, 1.0)
