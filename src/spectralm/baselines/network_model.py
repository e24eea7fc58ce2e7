"""What all networks have in common: training, weights, predictions."""

import os
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, Self, TypeVar

import numpy as np
import pyarrow as pa
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from spectralm.baselines.data import predictions
from spectralm.baselines.fit import Fit
from spectralm.baselines.model import TENSORS, Model, Task, Training
from spectralm.baselines.network import Network, device, outputs
from spectralm.baselines.options import NetworkOptions
from spectralm.baselines.split import open_splits
from spectralm.files import atomic
from spectralm.labels.vocabulary import CLASSES, Targets

NetworkOptionsT = TypeVar("NetworkOptionsT", bound=NetworkOptions)


class NetworkModel(Model[NetworkOptionsT]):
    """A neural network; a subclass must define :meth:`body` only."""

    packages: ClassVar[tuple[str, ...]] = ("numpy", "torch")

    def __init__(self, network: Network):
        self.network, self.targets = network.to(device()), network.targets

    @staticmethod
    @abstractmethod
    def body(options: NetworkOptionsT, grid: int) -> tuple[nn.Module, int]:
        """A module from standardised pixels [n, grid] to features, and the number of features."""

    @classmethod
    def of(cls, options: NetworkOptionsT, grid: int, targets: Targets) -> Self:
        """An untrained model."""
        return cls(Network(*cls.body(options, grid), grid, targets))

    @classmethod
    def train(cls, task: Task[NetworkOptionsT]) -> tuple[Self, Training]:
        """Train with the hyperparameters of the options (:class:`~spectralm.baselines.fit.Fit`).

        Raises:
            InputError: There is no training or no validation spectrum.
            SpectraLMError: The validation loss is not finite.
        """
        # cuBLAS is deterministic only with this variable, which it reads when it is loaded.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        train, validation = open_splits(task)
        torch.manual_seed(task.options.seed)
        model = cls.of(task.options, train.flux.shape[1], task.targets)
        model.network.standardise(train, task.options.label_scaling)
        fit = Fit(model.network, train, validation, task)
        fit.run()
        return model, Training(len(train), len(validation), fit.metrics())

    def save(self, folder: Path) -> None:
        """Write the weights as safetensors."""
        with atomic(folder / TENSORS) as temporary:
            save_file(self.network.state_dict(), temporary)

    @classmethod
    def load(cls, folder: Path, options: NetworkOptionsT, targets: Targets) -> Self:
        """Read the weights that :meth:`save` wrote."""
        state = load_file(folder / TENSORS)
        model = cls.of(options, len(state["pixel_mean"]), targets)
        model.network.load_state_dict(state)
        return model

    @property
    def parameters(self) -> int:
        """Number of trainable weights."""
        return sum(weights.numel() for weights in self.network.parameters())

    def answers(self, obsid: pa.ChunkedArray, thousandths: np.ndarray) -> pa.Table:
        """PREDICTIONS from flux in thousandths, int16 [n, grid]."""
        scores, labels = outputs(self.network, thousandths)
        mean, scale = self.network.label_mean.cpu(), self.network.label_scale.cpu()
        values = (labels * scale + mean).numpy().astype(np.float64)
        trained = np.isfinite(mean.numpy())
        finite = np.isfinite(values[:, trained]).all(axis=1)
        status = np.where(finite, "parsed", "not a finite number")
        classes = np.array(CLASSES)[scores.argmax(dim=1).numpy()] if scores.shape[1] else None
        return predictions(self.targets, obsid, status, classes, values)
