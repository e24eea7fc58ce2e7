"""Memory of one GPU in training and prediction.

The bytes per token were measured on small models on a CPU, by following every tensor through a
training step and through generation (tests/planning/test_memory.py does it again). They hold for
an NF4 base with an adapter with dropout, which keeps a copy of each linear map's input, and for
attention that never writes its scores (flash, SDPA).
"""

from dataclasses import dataclass

from spectralm.llm.options import LlmOptions
from spectralm.planning.architecture import Architecture

#: Bytes of an NF4 weight: half a byte, a byte per block of 64, four per 256 blocks.
NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)
#: Everything that is not NF4 is bf16.
FULL = 2
#: A weight of the adapter in float32; with its gradient and Adam's two moments.
ADAPTER, TRAINED = 4, 16
#: Logits at one position: as computed, in float32, and their gradients.
LOGIT = 14
#: CUDA's own.
CONTEXT = 2**30


@dataclass(frozen=True)
class PerToken:
    """Bytes per token for each unit of the residual stream's and the feed-forward's width."""

    hidden: float
    mlp: float

    def of(self, base: Architecture) -> float:
        """Bytes per token for a base model."""
        return self.hidden * base.hidden + self.mlp * base.mlp


#: What a layer keeps for its backward pass; its input alone, with gradient checkpointing; what
#: comes on top while a layer works.
KEPT = PerToken(41, 9.2)
CHECKPOINT = PerToken(3, 0)
WORK = PerToken(5.5, 2.8)
#: What a layer's forward pass takes in generation; its keys and values; and, per weight of its
#: largest linear map, what multiplying it takes.
ANSWERING = PerToken(6.3, 10.7)
KV = 2
MULTIPLIED = 5.6


@dataclass(frozen=True)
class Memory:
    """Bytes on one GPU."""

    weights: float
    adapter: float
    activations: float

    @property
    def total(self) -> float:
        """All of it, with CUDA's own."""
        return self.weights + self.adapter + self.activations + CONTEXT


def weights(base: Architecture, quantise: bool) -> float:
    """Bytes of the frozen base."""
    return base.linear_parameters * (NF4 if quantise else FULL) + base.other_parameters * FULL


def training_memory(
    base: Architecture, options: LlmOptions, tokens: int, answer: int, sharded: int = 1
) -> Memory:
    """Peak of a training, or of the answers that it is evaluated by, which is the larger.

    Args:
        tokens: of question and answer together.
        sharded: GPUs that share weights and optimizer (ZeRO-3); two layers and the head are
            whole on each while they work.
    """
    training = options.training
    whole = weights(base, options.quantise)
    if sharded > 1:
        head = base.vocabulary * base.hidden * FULL
        whole = whole / sharded + 2 * (whole - head) / base.layers + head
    layer = KEPT.of(base) + WORK.of(base)
    others = CHECKPOINT.of(base) * base.layers
    if not training.gradient_checkpointing:
        others = KEPT.of(base) * (base.layers - 1)
    step = training.batch_size * (
        tokens * (layer + others) + (answer + 1) * base.vocabulary * LOGIT
    )
    return Memory(
        whole,
        base.lora_parameters(options.lora.rank) * TRAINED / sharded,
        max(step, _answering(base, training.evaluation_batch_size, tokens)),
    )


def prediction_memory(base: Architecture, options: LlmOptions, tokens: int) -> Memory:
    """Peak of answering a batch of questions (``tokens``: of question and answer together)."""
    return Memory(
        weights(base, options.quantise),
        base.lora_parameters(options.lora.rank) * ADAPTER,
        _answering(base, options.generation.batch_size, tokens),
    )


def kv_cache(base: Architecture, tokens: int) -> float:
    """Bytes of the keys and values of one text."""
    return 2 * base.layers * base.kv_width * tokens * KV


def _answering(base: Architecture, questions: int, tokens: int) -> float:
    each = tokens * ANSWERING.of(base) + kv_cache(base, tokens)
    return questions * each + MULTIPLIED * base.hidden * base.mlp
