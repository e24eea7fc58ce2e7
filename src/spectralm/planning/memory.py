"""Memory of one GPU in training and prediction.

The bytes per token were measured with small models on a CPU, from all tensors of a training step
and of generation (tests/planning/test_memory.py repeats this). They are valid for an NF4 base, for
an adapter with dropout, which keeps a copy of the input of each linear map, and for attention that
does not store its scores (FlashAttention, SDPA).
"""

from dataclasses import dataclass

from spectralm.llm.options import LlmOptions
from spectralm.planning.architecture import Architecture
from spectralm.planning.read_in import read_in_cost
from spectralm.planning.tokens import Length

#: Bytes of an NF4 weight: half a byte, one byte per block of 64 weights, four per 256 blocks.
NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)
#: Bytes of a bf16 weight.
FULL = 2
#: Bytes of a weight of the adapter in float32, alone, and with its gradient and Adam's two moments.
ADAPTER, TRAINED = 4, 16
#: Bytes of a logit: as computed, in float32, and their gradients.
LOGIT = 14
#: Bytes of the CUDA context.
CONTEXT = 2**30


@dataclass(frozen=True)
class PerToken:
    """Bytes per token, per unit of the width of the hidden state and of the feed-forward layer."""

    hidden: float
    mlp: float

    def of(self, base: Architecture) -> float:
        """Bytes per token for a base model."""
        return self.hidden * base.hidden + self.mlp * base.mlp


#: What a layer stores for its backward pass; with gradient checkpointing, only its input; and
#: what it needs in addition during the pass.
KEPT = PerToken(41, 9.2)
CHECKPOINT = PerToken(3, 0)
WORK = PerToken(5.5, 2.8)
#: What the forward pass of a layer needs in generation.
ANSWERING = PerToken(8.7, 8.1)
#: Bytes of a key or value.
KV = 2
#: Bytes of the bf16 copy of a weight of a layer's largest linear map, while it is multiplied.
MULTIPLIED = 2


@dataclass(frozen=True)
class Memory:
    """Bytes on one GPU."""

    weights: float
    adapter: float
    activations: float

    @property
    def total(self) -> float:
        """The sum, with the CUDA context."""
        return self.weights + self.adapter + self.activations + CONTEXT


def weights(base: Architecture, quantise: bool) -> float:
    """Bytes of the frozen base model."""
    return base.linear_parameters * (NF4 if quantise else FULL) + base.other_parameters * FULL


def training_memory(
    base: Architecture, options: LlmOptions, words: Length, sharded: int = 1
) -> Memory:
    """Peak memory of a training, including the answers of its evaluations.

    Args:
        base: Architecture of the base model.
        options: Options of the language model.
        words: Length of question and answer.
        sharded: Number of GPUs that share weights and optimizer (ZeRO-3); two layers and the head
            are complete on each GPU while they are used.
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
        words.total * (layer + others) + (words.answer + 1) * base.vocabulary * LOGIT
    )
    return Memory(
        whole,
        adapter_parameters(base, options, words) * TRAINED / sharded,
        max(step, _answering(base, training.evaluation_batch_size, words.total)),
    )


def prediction_memory(base: Architecture, options: LlmOptions, words: Length) -> Memory:
    """Peak memory of answering a batch of questions of some length."""
    return Memory(
        weights(base, options.quantise),
        adapter_parameters(base, options, words) * ADAPTER,
        _answering(base, options.generation.batch_size, words.total),
    )


def adapter_parameters(base: Architecture, options: LlmOptions, words: Length) -> int:
    """Number of weights of LoRA and read-in."""
    read_in = read_in_cost(options, words.pixels, base.hidden)
    return base.lora_parameters(options.lora.rank) + read_in.parameters


def kv_cache(base: Architecture, tokens: int) -> float:
    """Bytes of the keys and values of one text."""
    return 2 * base.layers * base.kv_width * tokens * KV


def _answering(base: Architecture, questions: int, tokens: int) -> float:
    each = tokens * ANSWERING.of(base) + kv_cache(base, tokens)
    return questions * each + MULTIPLIED * base.hidden * base.mlp
