"""The training of a network (paper IV.2), with a checkpoint after each epoch."""

import logging
import math
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau

from spectralm.baselines.data import names_of
from spectralm.baselines.model import Task
from spectralm.baselines.network import Network, device, loss_of, outputs
from spectralm.baselines.options import NetworkOptions
from spectralm.baselines.split import Split
from spectralm.errors import SpectraLMError
from spectralm.files import atomic
from spectralm.progress import progress

log = logging.getLogger(__name__)


class Fit:
    """One training, continued from its last checkpoint if there is one.

    The order of the spectra depends on the seed, the epoch and the obsids alone.
    """

    def __init__(
        self, network: Network, train: Split, validation: Split, task: Task[NetworkOptions]
    ):
        self.network, self.train, self.validation = network, train, validation
        self.targets, self.options, self.clock = task.targets, task.options, task.clock
        self.checkpoint = task.workspace / "checkpoint.pt"
        self.steps = math.ceil(len(train) / self.options.batch_size)
        self.label_scale = network.label_scale.cpu().numpy()
        self.label_mean = network.label_mean.cpu().numpy()
        self.optimizer = torch.optim.Adam(network.parameters(), lr=self.options.learning_rate)
        self.schedule = self._schedule()
        self.history: list[dict[str, float]] = []
        self.best: dict[str, torch.Tensor] = {}
        if self.checkpoint.is_file():
            self._resume()

    def run(self) -> None:
        """Train; at the end, the network has the weights of the best epoch.

        Raises:
            SpectraLMError: The validation loss is not finite.
        """
        while not self._ended():
            self._epoch()
            self._save_checkpoint()
        self.network.load_state_dict(self.best)

    def metrics(self) -> dict[str, Any]:
        """Validation metrics of the best epoch, and the history of all epochs."""
        return {
            **self.history[self._best_epoch()],
            "best_epoch": self._best_epoch() + 1,
            "history": self.history,
        }

    def _schedule(self) -> CosineAnnealingLR | ReduceLROnPlateau:
        options = self.options
        if options.schedule == "cosine":
            return CosineAnnealingLR(self.optimizer, T_max=options.epochs * self.steps)
        # PyTorch lowers the rate after patience + 1 epochs without improvement.
        patience = options.patience - 1
        return ReduceLROnPlateau(
            self.optimizer, factor=options.factor, patience=patience, threshold=0.0
        )

    def _best_epoch(self) -> int:
        return int(np.argmin([epoch["validation_loss"] for epoch in self.history]))

    def _ended(self) -> bool:
        if not self.history:
            return False
        if len(self.history) == self.options.epochs:
            return True
        stop_after = self.options.stop_after
        if self.options.schedule == "cosine" or stop_after is None:
            return False
        return len(self.history) - 1 - self._best_epoch() >= stop_after

    def _epoch(self) -> None:
        random = np.random.default_rng([self.options.seed, len(self.history)])
        torch.manual_seed(int(random.integers(2**63)))
        learning_rate = self.optimizer.param_groups[0]["lr"]
        train_loss = self._train_epoch(random.permutation(len(self.train)))
        scores = self._validate()
        if not math.isfinite(scores["validation_loss"]):
            raise SpectraLMError(
                f"the validation loss is {scores['validation_loss']} after epoch "
                f"{len(self.history) + 1}; lower learning_rate"
            )
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(scores["validation_loss"])
        self.history.append({"learning_rate": learning_rate, "train_loss": train_loss, **scores})
        if self._best_epoch() == len(self.history) - 1:
            state = self.network.state_dict()
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in self.history[-1].items())
        log.info("epoch %d of at most %d: %s", len(self.history), self.options.epochs, metrics)

    def _train_epoch(self, order: np.ndarray) -> float:
        """One pass over the training spectra; returns their mean loss."""
        self.network.train()
        total = torch.zeros((), device=device())
        steps = np.array_split(order, self.steps)
        for rows in progress(steps, self.steps, f"steps of epoch {len(self.history) + 1}"):
            total += self._step(rows) * len(rows)
        return total.item() / len(order)

    def _validate(self) -> dict[str, float]:
        """Loss, accuracy of the class in stage 1, and rms error of each label in its unit."""
        scores, labels = outputs(self.network, self.validation.flux)
        classes, truth = self._targets(self.validation, slice(None))
        loss = loss_of(scores, labels, classes, truth, self.options.regression_weight)
        errors = np.square((labels - truth).numpy() * self.label_scale)
        rms = {
            f"rms_{name}": float(np.sqrt(np.nanmean(squares)))
            for name, squares in zip(names_of(self.targets), errors.T, strict=True)
            if np.isfinite(squares).any()
        }
        metrics = {"validation_loss": loss.item()}
        if scores.shape[1]:
            correct = scores.argmax(dim=1) == classes
            metrics["class_accuracy"] = correct.double().mean().item()
        return metrics | rms

    def _step(self, rows: np.ndarray) -> torch.Tensor:
        classes, truth = (part.to(device()) for part in self._targets(self.train, rows))
        flux = torch.from_numpy(self.train.flux[rows]).to(device(), torch.float32)
        scores, labels = self.network(flux)
        loss = loss_of(scores, labels, classes, truth, self.options.regression_weight)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if isinstance(self.schedule, CosineAnnealingLR):
            self.schedule.step()
        return loss.detach()

    def _targets(self, split: Split, rows: np.ndarray | slice) -> tuple[torch.Tensor, torch.Tensor]:
        truth = (split.labels[rows] - self.label_mean) / self.label_scale
        return torch.from_numpy(split.classes[rows]), torch.from_numpy(truth.astype(np.float32))

    def _parts(self) -> dict[str, Any]:
        return {"network": self.network, "optimizer": self.optimizer, "schedule": self.schedule}

    def _save_checkpoint(self) -> None:
        state = {name: part.state_dict() for name, part in self._parts().items()}
        with atomic(self.checkpoint) as temporary:
            torch.save(state | {"best": self.best, "history": self.history}, temporary)
        self.clock.keep()

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=device(), weights_only=True)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.best, self.history = state["best"], state["history"]
        log.info("%s: resumed after epoch %d", self.checkpoint, len(self.history))
