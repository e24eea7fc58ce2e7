"""Floating-point operations of training and prediction.

A multiplication and an addition count as two operations. Frozen weights have no gradients, so a
backward pass through them costs as much as a forward pass. Attention is causal and computed in
blocks (FlashAttention, or a similar SDPA kernel): its backward pass computes the scores again and
costs 2.5 forward passes.
"""

from dataclasses import dataclass

from spectralm.planning.architecture import Architecture

ATTENTION_BACKWARD = 2.5


@dataclass(frozen=True)
class Flops:
    """Operations for one spectrum, by part of the model."""

    linear: float
    attention: float
    lora: float
    head: float

    @property
    def total(self) -> float:
        """The sum."""
        return self.linear + self.attention + self.lora + self.head


def forward(base: Architecture, rank: int, tokens: int, logits: int) -> Flops:
    """One forward pass over a text.

    Args:
        base: Architecture of the base model.
        rank: Rank of the adapter.
        tokens: Length of the text.
        logits: Number of positions at which logits are computed.
    """
    return Flops(
        linear=2 * base.linear_parameters * tokens,
        attention=2 * base.layers * base.query_width * tokens**2,
        lora=2 * base.lora_parameters(rank) * tokens,
        head=2 * base.hidden * base.vocabulary * logits,
    )


def training(base: Architecture, rank: int, tokens: int, answer: int, checkpointing: bool) -> Flops:
    """Forward and backward pass over a question with its answer.

    Args:
        base: Architecture of the base model.
        rank: Rank of the adapter.
        tokens: Length of question and answer.
        answer: Length of the answer, where logits are computed.
        checkpointing: Whether the forward pass of each layer is repeated in the backward pass.
    """
    once = forward(base, rank, tokens, answer + 1)
    forwards = 2 if checkpointing else 1
    return Flops(
        linear=(forwards + 1) * once.linear,
        attention=(forwards + ATTENTION_BACKWARD) * once.attention,
        lora=(forwards + 2) * once.lora,
        head=2 * once.head,
    )
