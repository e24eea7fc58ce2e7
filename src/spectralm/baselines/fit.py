"""The training of a network (paper IV.2), so that it can stop at any moment and go on."""

import logging
import math
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau

from spectralm.baselines.data import names_of
from spectralm.baselines.model import Task
from spectralm.baselines.network import Network, answer_loss, device, outputs
from spectralm.baselines.split import Split
from spectralm.errors import SpectraLMError
from spectralm.files import atomic
from spectralm.progress import progress

log = logging.getLogger(__name__)


class Fit:
    """One training, from its last checkpoint (one per epoch) if there is any.

    The order of the spectra is a function of seed, epoch and obsids alone.
    """

    def __init__(self, network: Network, train: Split, validation: Split, task: Task):
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
        """Train to the end; the network then has the weights of the best epoch.

        Raises:
            SpectraLMError: the validation loss is no longer finite.
        """
        while not self._ended():
            self._epoch()
            self._save_checkpoint()
        self.network.load_state_dict(self.best)

    def metrics(self) -> dict[str, Any]:
        """What the best epoch reached on the validation split, and how it came to that."""
        return {
            **self.history[self._best_epoch()],
            "best_epoch": self._best_epoch() + 1,
            "history": self.history,
        }

    def _schedule(self) -> CosineAnnealingLR | ReduceLROnPlateau:
        options = self.options
        if options.schedule == "cosine":
            return CosineAnnealingLR(self.optimizer, T_max=options.epochs * self.steps)
        # torch's patience is how many such epochs do not yet matter.
        patience = options.patience - 1
        return ReduceLROnPlateau(
            self.optimizer, factor=options.factor, patience=patience, threshold=0.0
        )

    def _best_epoch(self) -> int:
        return int(np.argmin([epoch["validation_loss"] for epoch in self.history]))

    def _ended(self) -> bool:
        if not self.history:
            return False
        waited = len(self.history) - 1 - self._best_epoch()
        may_stop = self.options.schedule == "plateau" and self.options.stop_after is not None
        stopped = may_stop and waited >= self.options.stop_after
        return stopped or len(self.history) == self.options.epochs

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
        told = ", ".join(f"{name} {value:.4g}" for name, value in self.history[-1].items())
        log.info("epoch %d of at most %d: %s", len(self.history), self.options.epochs, told)

    def _train_epoch(self, order: np.ndarray) -> float:
        """One pass over the training spectra; their mean loss on the way."""
        self.network.train()
        total = torch.zeros((), device=device())
        steps = np.array_split(order, self.steps)
        for rows in progress(steps, self.steps, f"steps of epoch {len(self.history) + 1}"):
            total += self._step(rows) * len(rows)
        return total.item() / len(order)

    def _validate(self) -> dict[str, float]:
        """Loss, share of right classes if asked for, and rms error of each label in its unit."""
        scores, labels = outputs(self.network, self.validation.flux)
        classes, truth = self._targets(self.validation, slice(None))
        loss = answer_loss(scores, labels, classes, truth, self.options.regression_weight)
        errors = np.square((labels - truth).numpy() * self.label_scale)
        rms = {
            f"rms_{name}": float(np.sqrt(np.nanmean(squares)))
            for name, squares in zip(names_of(self.targets), errors.T, strict=True)
            if np.isfinite(squares).any()
        }
        told = {"validation_loss": loss.item()}
        if scores.shape[1]:
            right = scores.argmax(dim=1) == classes
            told["class_accuracy"] = right.double().mean().item()
        return told | rms

    def _step(self, rows: np.ndarray) -> torch.Tensor:
        classes, truth = (part.to(device()) for part in self._targets(self.train, rows))
        flux = torch.from_numpy(self.train.flux[rows]).to(device(), torch.float32)
        scores, labels = self.network(flux)
        loss = answer_loss(scores, labels, classes, truth, self.options.regression_weight)
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
        kept = {name: part.state_dict() for name, part in self._parts().items()}
        with atomic(self.checkpoint) as temporary:
            torch.save(kept | {"best": self.best, "history": self.history}, temporary)
        self.clock.keep()

    def _resume(self) -> None:
        kept = torch.load(self.checkpoint, map_location=device(), weights_only=True)
        for name, part in self._parts().items():
            part.load_state_dict(kept[name])
        self.best, self.history = kept["best"], kept["history"]
        log.info("%s: going on after epoch %d", self.checkpoint, len(self.history))
