"""The number of operations, compared with PyTorch's counter."""

import pytest
import torch
from planning.conftest import llama_config
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaForCausalLM

from spectralm.llm.adapter import add_adapter
from spectralm.llm.options import LlmOptions, LoraOptions
from spectralm.llm.read_in.module import ReadIn
from spectralm.llm.read_in.soft_tokens import NAME, PLACEHOLDER, with_soft_tokens
from spectralm.planning import flops
from spectralm.planning.architecture import Architecture, architecture
from spectralm.planning.read_in import read_in_cost

SMALL = Architecture(
    layers=3, hidden=256, heads=8, kv_heads=2, head_dim=32, mlp=640, vocabulary=2048, tied=True
)
ANSWER = 10


def counted(base: Architecture, rank: int, tokens: int, checkpointing: bool) -> tuple[int, int]:
    """Operations of a step's forward pass, and of the whole, on tensors without contents.

    Eager attention computes both triangles of the scores, and does not compute them again.
    """
    with torch.device("meta"):
        model = LlamaForCausalLM(llama_config(base, attn_implementation="eager"))
    model.requires_grad_(False).enable_input_require_grads()
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    model = add_adapter(model, LoraOptions(rank=rank), 0).to("meta").train()
    ids = torch.zeros((1, tokens), dtype=torch.long, device="meta")
    places = torch.zeros_like(ids)
    with FlopCounterMode(display=False) as counter:
        logits = model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            position_ids=places,
            logits_to_keep=ANSWER + 1,
        ).logits
        forward = counter.get_total_flops()
        logits.sum().backward()
    return forward, counter.get_total_flops()


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize(
    ("base", "rank", "tokens"),
    [
        (SMALL, 16, 300),
        (SMALL, 4, 2000),
        (architecture("meta-llama/Llama-3.1-8B-Instruct"), 64, 24645),
    ],
    ids=["small", "small-long", "8B"],
)
def test_operations_are_those_that_torch_counts(base, rank, tokens, checkpointing):
    forward, whole = counted(base, rank, tokens, checkpointing)
    once = flops.forward(base, rank, tokens, ANSWER + 1)
    assert once.total + once.attention == pytest.approx(forward, rel=0.02)
    step = flops.training(base, rank, tokens, ANSWER, checkpointing)
    passes = 4 if checkpointing else 3
    eager = 2 * passes * once.attention
    assert step.total - step.attention + eager == pytest.approx(whole, rel=0.02)


READ_INS = [
    {"kind": "encoder", "tokens": 64},
    {"kind": "patches", "pixels": 16, "wavelength": "fourier"},
]


@pytest.mark.parametrize("read_in", READ_INS, ids=["encoder", "patches"])
def test_a_read_in_before_the_8b_costs_what_torch_counts(read_in):
    base, options = architecture("meta-llama/Llama-3.1-8B-Instruct"), LlmOptions(read_in=read_in)
    pixels, words = 4901, 100
    with torch.device("meta"):
        model = LlamaForCausalLM(llama_config(base, attn_implementation="eager"))
    read_in = ReadIn(options.read_in, pixels, base.hidden, scale=1.0).to("meta")
    model = add_adapter(model.requires_grad_(False), LoraOptions(rank=64), 0).to("meta").train()
    model.get_base_model().add_module(NAME, read_in)
    model = with_soft_tokens(model)
    soft = model.soft_tokens.read_in.soft_tokens
    ids = torch.tensor([[PLACEHOLDER] * soft + [1] * words], device="meta")
    with FlopCounterMode(display=False) as counter:
        logits = model(
            input_ids=ids,
            position_ids=torch.zeros_like(ids),
            logits_to_keep=ANSWER + 1,
            spectra=torch.empty(1, 2, pixels, device="meta"),
        ).logits
        logits.sum().backward()
    step = flops.training(base, 64, soft + words, ANSWER, False)
    eager = 6 * flops.forward(base, 64, soft + words, 1).attention
    expected = step.total - step.attention + eager
    expected += read_in_cost(options, pixels, base.hidden).training
    assert counter.get_total_flops() == pytest.approx(expected, rel=0.02)


def test_the_papers_spectrum_costs_what_was_worked_out_before():
    base = architecture("meta-llama/Llama-3.1-8B-Instruct")
    assert base.linear_parameters == pytest.approx(6.98e9, rel=0.001)
    costs = [flops.training(base, 64, tokens, 40, True).total for tokens in (24600, 9900, 5000)]
    assert costs == pytest.approx([1.78e15, 0.54e15, 0.25e15], rel=0.02)


def test_sizes_are_those_of_the_models(folder_of):
    folder = folder_of(SMALL)
    assert architecture(str(folder)) == SMALL
    model = LlamaForCausalLM.from_pretrained(folder)
    assert SMALL.linear_parameters + SMALL.other_parameters == model.num_parameters()
    with torch.device("meta"):
        large = LlamaForCausalLM(llama_config(base := architecture("meta-llama/Llama-3.1-8B")))
    assert base.linear_parameters + base.other_parameters == large.num_parameters()
    adapter = add_adapter(model, LoraOptions(rank=8), 0)
    assert SMALL.lora_parameters(8) == adapter.get_nb_trainable_parameters()[0]
