"""Cross-entropy on the answer's tokens, hard or shared among neighbouring numbers."""

import torch
from torch.nn.functional import log_softmax
from transformers import PreTrainedTokenizerBase

from spectralm.labels.vocabulary import Targets
from spectralm.language.options import TextOptions
from spectralm.llm.encoding import IGNORED


def number_ids(tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """Token ids of 000 ... 999, in this order [1000].

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
        widths: standard deviation of the target over neighbouring numbers, in steps of the
            grouped answer, per label in the answer's order, the last for all that follow; 0 is a
            hard target.
        numbers: ids of 000 ... 999, or None for answers without number tokens.
    """

    def __init__(self, widths: list[float], numbers: torch.Tensor | None):
        self.widths = torch.tensor(widths)
        self.numbers = numbers

    def __call__(self, outputs, labels: torch.Tensor, num_items_in_batch=None) -> torch.Tensor:
        """Loss from logits [batch, K + 1, vocabulary] and labels [batch, K + 1]."""
        labels = labels[:, 1:]
        log_probs = log_softmax(outputs.logits[:, :-1].float(), dim=-1)
        asked = labels != IGNORED
        picked = log_probs.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
        if self.numbers is not None and self.widths.any():
            picked = self._share(picked, log_probs, labels)
        items = asked.sum() if num_items_in_batch is None else num_items_in_batch
        return -(picked * asked).sum() / items

    def _share(self, picked, log_probs, labels):
        """Replace the log-probability of each number by its mean over the soft target."""
        numbers = self.numbers.to(labels.device)
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
    """The loss of a config for the answers to what is asked."""
    if text.answer != "grouped":
        return AnswerLoss([], None)
    if targets != Targets.PARAMETERS:
        # Answers have any of the labels, which are alike.
        widths = [soft_targets.get("x_fe", 0.0) / targets.labels[0].step]
    else:
        widths = [soft_targets.get(label.name, 0.0) / label.step for label in targets.labels]
    return AnswerLoss(widths, number_ids(tokenizer))
