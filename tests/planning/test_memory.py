"""The estimated memory, compared with all tensors of a small model."""

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from planning.tracking import Peak, bf16_as_on_a_gpu

from spectralm.llm.adapter import add_adapter
from spectralm.llm.base import load_base
from spectralm.llm.options import GenerationOptions, LlmOptions, LoraOptions, TrainingOptions
from spectralm.planning.architecture import Architecture, architecture
from spectralm.planning.memory import prediction_memory, training_memory, weights
from spectralm.planning.tokens import Length

TOKENS, ANSWER = 400, 10
BASES = [
    Architecture(4, 256, 4, 2, 64, 512, 1000, False),
    Architecture(8, 256, 4, 1, 64, 896, 1000, False),
    Architecture(4, 512, 8, 2, 64, 1024, 1000, True),
]


def words(tokens: int) -> Length:
    """A question and its answer of so many tokens."""
    return Length(tokens - ANSWER, ANSWER, characters=0, pixels=4901, branches=0)


def options(checkpointing: bool) -> LlmOptions:
    return LlmOptions(
        lora=LoraOptions(rank=16),
        training=TrainingOptions(batch_size=2, gradient_checkpointing=checkpointing),
        generation=GenerationOptions(batch_size=1),
    )


def adapted(base: Architecture, folder, chosen: LlmOptions):
    frozen = load_base(str(folder), chosen, torch.device("cpu"))
    for module in frozen.modules():
        if isinstance(module, Linear4bit):
            # With AVX512, bitsandbytes packs weights for answering otherwise than on a GPU.
            module.support_avx512bf16_for_cpu = False
    if chosen.training.gradient_checkpointing:
        frozen.gradient_checkpointing_enable({"use_reentrant": False})
    held = sum(tensor.nbytes for tensor in frozen.parameters())
    return add_adapter(frozen, chosen.lora, 0), held


@pytest.mark.parametrize("base", BASES)
def test_weights_and_training(base, folder_of):
    folder = folder_of(base)
    for checkpointing in (True, False):
        chosen = options(checkpointing)
        model, held = adapted(base, folder, chosen)
        assert weights(base, True) == pytest.approx(held, rel=0.03)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.grad = torch.zeros_like(parameter)
        ids = torch.zeros((chosen.training.batch_size, TOKENS), dtype=torch.long)
        with Peak() as peak, bf16_as_on_a_gpu():
            logits = model.train()(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                position_ids=torch.arange(TOKENS).expand_as(ids),
                logits_to_keep=ANSWER + 1,
            ).logits
            torch.nn.functional.cross_entropy(
                logits[:, :-1].flatten(0, 1).float(), ids[:, -ANSWER:].flatten()
            ).backward()
        expected = training_memory(base, chosen, words(TOKENS)).activations
        assert expected == pytest.approx(peak.bytes, rel=0.12)


@pytest.mark.parametrize("base", BASES)
def test_answering(base, folder_of):
    chosen = options(False)
    model, _ = adapted(base, folder_of(base), chosen)
    tokens = 2 * TOKENS  # fewer are little beside a weight as it is multiplied
    ids = torch.zeros((1, tokens), dtype=torch.long)
    with Peak() as peak, torch.inference_mode(), bf16_as_on_a_gpu():
        model.eval().generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=3, pad_token_id=0
        )
    expected = prediction_memory(base, chosen, words(tokens)).activations
    assert expected == pytest.approx(peak.bytes, rel=0.2)


def test_sharding_divides_all_but_activations_and_what_works():
    base = architecture("meta-llama/Llama-3.1-8B")
    one, eight, many = (
        training_memory(base, LlmOptions(), words(5000), gpus) for gpus in (1, 8, 10**6)
    )
    assert eight.adapter == one.adapter / 8
    assert eight.activations == one.activations
    assert one.weights > eight.weights > many.weights > 2**30
