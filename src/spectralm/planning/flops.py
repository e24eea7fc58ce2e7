"""Floating-point operations of training and prediction.

A multiplication and an addition are two. Frozen weights have no gradients of their own, so a
backward pass through them costs one forward pass. Attention is causal and computed in blocks
(flash, or SDPA's like), whose backward pass computes the scores again: two and a half forwards.
"""

from dataclasses import dataclass

from spectralm.planning.architecture import Architecture

ATTENTION_BACKWARD = 2.5


@dataclass(frozen=True)
class Flops:
    """Operations for one spectrum, by what they are spent on."""

    linear: float
    attention: float
    lora: float
    head: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.linear + self.attention + self.lora + self.head


def forward(base: Architecture, rank: int, tokens: int, logits: int) -> Flops:
    """One forward pass over a text, with logits at some positions only."""
    return Flops(
        linear=2 * base.linear_parameters * tokens,
        attention=2 * base.layers * base.query_width * tokens**2,
        lora=2 * base.lora_parameters(rank) * tokens,
        head=2 * base.hidden * base.vocabulary * logits,
    )


def training(base: Architecture, rank: int, tokens: int, answer: int, checkpointing: bool) -> Flops:
    """Forward and backward over a question with its answer.

    Args:
        tokens: of both together.
        answer: of the answer, where the logits are.
        checkpointing: each layer's forward pass is done again in the backward pass.
    """
    once = forward(base, rank, tokens, answer + 1)
    forwards = 2 if checkpointing else 1
    return Flops(
        linear=(forwards + 1) * once.linear,
        attention=(forwards + ATTENTION_BACKWARD) * once.attention,
        lora=(forwards + 2) * once.lora,
        head=2 * once.head,
    )
