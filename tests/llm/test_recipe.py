"""The paper's recipe (III.3), as arguments of the libraries."""

import pytest
import torch
import yaml
from llm.toy import base_on_cpu
from planning.conftest import llama_config
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from spectralm.config import check
from spectralm.llm.adapter import add_adapter
from spectralm.llm.arguments import training_arguments, zero3
from spectralm.llm.base import load_base
from spectralm.llm.options import LlmOptions
from spectralm.planning.architecture import architecture

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def paper(repository) -> LlmOptions:
    """The language model of the paper's config."""
    config = yaml.safe_load((repository / "config" / "config.yaml").read_text())
    return check(config).llms["llm"]


def test_optimizer_schedule_and_precision(paper, tmp_path):
    training = paper.training.model_copy(update={"zero3": False})
    arguments = training_arguments(paper.model_copy(update={"training": training}), tmp_path, CPU)
    assert arguments.optim == "adamw_torch_fused"
    assert (arguments.learning_rate, arguments.weight_decay) == (1e-4, 0.1)
    assert arguments.lr_scheduler_type == "cosine"
    assert arguments.warmup_steps == 0.03
    assert (arguments.bf16, arguments.fp16) == (True, False)
    assert (arguments.num_train_epochs, arguments.max_grad_norm) == (1.0, 1.0)
    assert (arguments.per_device_train_batch_size, arguments.gradient_accumulation_steps) == (1, 2)
    assert paper.training.questions_per_step == 16
    assert arguments.activation_checkpointing
    assert arguments.activation_checkpointing_kwargs == {"use_reentrant": False}
    # Log and checkpoints.
    assert (arguments.logging_steps, arguments.save_total_limit) == (10, 2)
    assert arguments.save_steps == pytest.approx(1 / 201)


@pytest.mark.parametrize("quantise", [True, False])
def test_precision_on_a_cpu(paper, tmp_path, quantise):
    alone = paper.training.model_copy(update={"zero3": False})
    options = paper.model_copy(update={"training": alone, "quantise": quantise})
    assert training_arguments(options, tmp_path, CPU).bf16 == quantise
    assert zero3(cpu=True, bf16=quantise)["bf16"] == {"enabled": quantise}


def test_zero3(paper):
    assert paper.training.zero3
    settings = zero3(cpu=False, bf16=True)
    assert settings["zero_optimization"]["stage"] == 3
    assert settings["bf16"] == {"enabled": True}
    # DeepSpeed's default thresholds stay; only tests change them.
    assert not any("threshold" in name for name in settings["zero_optimization"])


def test_adapter(paper, base):
    model = add_adapter(base_on_cpu(base), paper.lora, seed=0)
    config = model.peft_config["default"]
    assert (config.r, config.lora_alpha, config.lora_dropout) == (64, 128, 0.1)
    assert {name.split(".")[-1] for name in config.target_modules} == {
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    }
    assert config.modules_to_save is None
    assert config.bias == "none"
    assert not config.use_rslora
    assert not config.use_dora
    trained = {p.dtype for p in model.parameters() if p.requires_grad}
    assert trained == {torch.float32}


def test_quantisation(paper, base, monkeypatch):
    asked = {}
    plain = AutoModelForCausalLM.from_pretrained

    def from_pretrained(name, **settings):
        asked.update(settings)
        return plain(name, **settings)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", from_pretrained)
    load_base(str(base), paper, CPU)
    quantisation = asked["quantization_config"]
    assert quantisation.load_in_4bit
    assert quantisation.bnb_4bit_quant_type == "nf4"
    assert quantisation.bnb_4bit_use_double_quant
    assert quantisation.bnb_4bit_compute_dtype == torch.bfloat16
    assert quantisation.bnb_4bit_quant_storage == torch.bfloat16


def test_the_papers_adapter_of_the_8b(paper):
    """On tensors without contents: its number of weights, and none on the output head."""
    base = architecture(paper.base)
    with torch.device("meta"):
        model = LlamaForCausalLM(llama_config(base))
        adapted = add_adapter(model, paper.lora, seed=0)
    assert adapted.get_nb_trainable_parameters()[0] == 167_772_160 == base.lora_parameters(64)
    assert not [name for name, _ in adapted.named_parameters() if "lm_head.lora" in name]
