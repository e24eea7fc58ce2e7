"""Device and precision of a loaded base."""

import pytest
import torch
from llm.toy import ENCODER, adapted_model, base_on_cpu
from transformers import AutoModelForCausalLM

from spectralm.errors import InputError
from spectralm.llm.adapter import add_adapter, load_adapter
from spectralm.llm.base import load_base
from spectralm.llm.device import local_device, precision, uses_bf16
from spectralm.llm.options import LlmOptions, LoraOptions

CPU = torch.device("cpu")


@pytest.fixture
def no_gpu(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def gpus(monkeypatch) -> None:
    """A process of a training on a node with (simulated) GPUs."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("LOCAL_RANK", "3")


def test_a_base_that_is_not_tiny_needs_a_gpu(no_gpu):
    found = f"no NVIDIA driver; PyTorch {torch.__version__}"
    with pytest.raises(InputError) as error:
        local_device(LlmOptions())
    assert str(error.value).startswith("meta-llama/Llama-3.1-8B-Instruct: GPU")
    assert "built for" in str(error.value)
    assert "CUDA_VISIBLE_DEVICES" in str(error.value)
    assert "`device: cpu`" in str(error.value)
    if torch.version.cuda is None:
        assert found in str(error.value)


def test_the_cpu_is_used_if_asked_for_or_for_the_tiny_base(no_gpu):
    assert local_device(LlmOptions(device="cpu")) == CPU
    assert local_device(LlmOptions(base="tiny")) == CPU


def test_each_process_has_its_gpu(gpus):
    assert local_device(LlmOptions()) == torch.device("cuda", 3)
    assert local_device(LlmOptions(base="tiny")) == torch.device("cuda", 3)
    assert local_device(LlmOptions(device="cpu")) == CPU


class AskedError(Exception):
    """The arguments of a call of transformers."""


@pytest.mark.parametrize("quantise", [True, False])
def test_a_base_is_asked_for_on_its_device_in_bf16(gpus, monkeypatch, quantise):
    def from_pretrained(_base, **settings):
        raise AskedError(settings)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", from_pretrained)
    options = LlmOptions(quantise=quantise)
    with pytest.raises(AskedError) as asked:
        load_base(options.base, options, local_device(options))
    (settings,) = asked.value.args
    assert settings["device_map"] == {"": torch.device("cuda", 3)}
    assert settings["dtype"] == torch.bfloat16
    assert settings["local_files_only"] is True
    assert settings["attn_implementation"] == "sdpa"
    assert ("quantization_config" in settings) == quantise


@pytest.mark.parametrize(("quantise", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_base_on_a_cpu_is_bf16_if_quantised_and_so_are_keys_and_values(base, quantise, dtype):
    model = base_on_cpu(base, quantise)
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}
    assert not any(parameter.requires_grad for parameter in model.parameters())
    ids = torch.arange(8)[None]
    with torch.inference_mode(), precision(model):
        cache = model(ids, use_cache=True).past_key_values
    assert {layer.keys.dtype for layer in cache.layers} == {dtype}
    assert {layer.values.dtype for layer in cache.layers} == {dtype}


@pytest.mark.parametrize("toy", ["soft"], indirect=True)
@pytest.mark.parametrize("quantise", [True, False])
def test_a_model_computes_as_in_its_training(toy, quantise):
    """Whatever the adapter and the read-in, which are float32."""
    model = adapted_model(toy, ENCODER, quantise)
    assert not torch.is_autocast_enabled("cpu")
    with precision(model):
        assert torch.is_autocast_enabled("cpu") == quantise
        assert torch.get_autocast_dtype("cpu") == torch.bfloat16
    assert uses_bf16(LlmOptions(quantise=quantise), CPU) == quantise
    assert uses_bf16(LlmOptions(quantise=quantise), torch.device("cuda", 0))


def test_embeddings_that_are_trained_stay_float32_when_loaded_again(base, tmp_path):
    model = base_on_cpu(base, quantise=True)
    model = add_adapter(model, LoraOptions(rank=4, train_embeddings=True), seed=0)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert any("embed_tokens" in name for name in trained)
    assert {parameter.dtype for parameter in trained.values()} == {torch.float32}
    with torch.no_grad():
        for parameter in trained.values():
            parameter.add_(torch.randn_like(parameter) * 1e-4)
    model.save_pretrained(tmp_path)
    again = dict(load_adapter(base_on_cpu(base, quantise=True), tmp_path).named_parameters())
    for name, parameter in trained.items():
        assert again[name].equal(parameter), name
