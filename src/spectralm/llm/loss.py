"""Cross-entropy on the answer's tokens, with hard or soft targets for its numbers."""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import log_softmax
from transformers import PreTrainedTokenizerBase

from spectralm.labels.vocabulary import Targets
from spectralm.language.options import TextOptions
from spectralm.llm.encoding import IGNORED


class Outputs(Protocol):
    """What the loss reads of a model's outputs."""

    @property
    def logits(self) -> Tensor:
        """Scores [batch, K + 1, vocabulary]."""


def number_ids(tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """Token ids of 000 to 999 [1000], in this order.

    Raises:
        ValueError: the tokenizer has no single token for one of them.
    """
    encoded = tokenizer([f"{n:03d}" for n in range(1000)], add_special_tokens=False)["input_ids"]
    if any(len(ids) != 1 for ids in encoded):
        raise ValueError("grouped answers need a tokenizer with one token per three-digit number")
    return torch.tensor(encoded)[:, 0]


class AnswerLoss:
    """Mean cross-entropy per answer token; ``compute_loss_func`` of the Trainer.

    Args:
        widths: standard deviation of each label's soft target, in steps of the grouped answer and
            in the answer's order; the last one holds for all following labels. 0: a hard target.
        numbers: token ids of 000 to 999, or None for answers without number tokens.
    """

    def __init__(self, widths: list[float], numbers: Tensor | None):
        self.widths = torch.tensor(widths)
        self.numbers = numbers

    def __call__(
        self, outputs: Outputs, labels: Tensor, num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        """Loss of logits [batch, K + 1, vocabulary] and labels [batch, K + 1].

        Args:
            outputs: of the model.
            labels: token ids, or IGNORED.
            num_items_in_batch: number of answer tokens that the sum is divided by, if not those of
                ``labels``: the Trainer's count of a whole optimizer step.
        """
        labels = labels[:, 1:]
        log_probs = log_softmax(outputs.logits[:, :-1].float(), dim=-1)
        counted = labels != IGNORED
        picked = log_probs.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
        if self.numbers is not None and self.widths.any():
            picked = self._soften(picked, log_probs, labels, self.numbers.to(labels.device))
        items = counted.sum() if num_items_in_batch is None else num_items_in_batch
        return -(picked * counted).sum() / items

    def _soften(self, picked: Tensor, log_probs: Tensor, labels: Tensor, numbers: Tensor) -> Tensor:
        """Replace the log-probability of each number by its mean over the soft target."""
        value = torch.full((int(log_probs.shape[-1]),), -1, device=labels.device)
        value[numbers] = torch.arange(len(numbers), device=labels.device)
        target = torch.where(labels == IGNORED, -1, value[labels.clamp(min=0)])
        is_number = target >= 0
        slot = (is_number.cumsum(dim=1) - 1).clamp(min=0, max=len(self.widths) - 1)
        width = self.widths.to(labels.device)[slot]
        soft = is_number & (width > 0)
        distance = torch.arange(len(numbers), device=labels.device) - target[soft][:, None]
        weights = torch.softmax(-0.5 * (distance / width[soft][:, None]) ** 2, dim=-1)
        shared = (weights * log_probs[soft][:, numbers]).sum(dim=-1)
        return picked.masked_scatter(soft, shared)


def answer_loss(
    soft_targets: dict[str, float],
    text: TextOptions,
    targets: Targets,
    tokenizer: PreTrainedTokenizerBase,
) -> AnswerLoss:
    """The loss that a config asks for."""
    if text.answer != "grouped":
        return AnswerLoss([], None)
    if targets != Targets.PARAMETERS:
        # All abundances have the same step.
        widths = [soft_targets.get("x_fe", 0.0) / targets.labels[0].step]
    else:
        widths = [soft_targets.get(label.name, 0.0) / label.step for label in targets.labels]
    return AnswerLoss(widths, number_ids(tokenizer))
