"""Loading a base model and putting an adapter on it."""

import hashlib
import logging
import re
from pathlib import Path

import torch
from bitsandbytes.nn import Linear4bit
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.integrations.deepspeed import is_deepspeed_zero3_enabled
from transformers.utils import is_flash_attn_2_available

from spectralm.errors import InputError
from spectralm.llm.options import LoraOptions

ADAPTER_WEIGHTS = "adapter_model.safetensors"


def load_tokenizer(base: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a base model, from a folder or the local cache alone."""
    tokenizer = _from_disk(AutoTokenizer, base)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def tokenizer_hash(tokenizer: PreTrainedTokenizerBase) -> str:
    """sha256 of everything that decides how the tokenizer splits a prompt."""
    rules = tokenizer.backend_tokenizer.to_str() + (tokenizer.chat_template or "")
    return hashlib.sha256(rules.encode()).hexdigest()


def name_on_hub(base: str) -> str:
    """A base as others know it: a folder of the Hugging Face cache is the hub's ``owner/name``."""
    cached = re.search(r"models--([\w.-]+?)--([\w.-]+?)/snapshots/", base)
    return f"{cached[1]}/{cached[2]}" if cached else base


def load_base(base: str, quantise: bool, gradient_checkpointing: bool = False) -> PreTrainedModel:
    """The frozen base model, in NF4 if ``quantise``, prepared for an adapter.

    Prediction prepares it in the same way as training: otherwise its layer norms stay in bf16
    and the reloaded model is not the trained one (TRAINING: QLoRA on a CPU).

    Raises:
        InputError: the base is neither a folder nor in the local cache.
    """
    settings = {"attn_implementation": "flash_attention_2"} if is_flash_attn_2_available() else {}
    if quantise:
        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
            bnb_4bit_quant_storage=torch.bfloat16,  # ZeRO-3 shards floats only
        )
    model = _from_disk(AutoModelForCausalLM, base, dtype=torch.bfloat16, **settings)
    if is_deepspeed_zero3_enabled():
        _keep_4bit_layout(model)
    return prepare_model_for_kbit_training(
        model,
        use_gradient_checkpointing=gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
    )


def _keep_4bit_layout(model: PreTrainedModel) -> None:
    """On CPUs, bitsandbytes repacks weights at their first use; sharded ones must stay as read."""
    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False


def add_adapter(model: PreTrainedModel, options: LoraOptions, seed: int) -> PeftModel:
    """A fresh LoRA adapter on all linear layers of the base."""
    torch.manual_seed(seed)
    return get_peft_model(
        model,
        LoraConfig(
            task_type="CAUSAL_LM",
            r=options.rank,
            lora_alpha=options.alpha,
            lora_dropout=options.dropout,
            target_modules="all-linear",
            modules_to_save=_embeddings(model) if options.train_embeddings else None,
        ),
    )


def resume_adapter(model: PreTrainedModel, folder: Path) -> PeftModel:
    """The base with a trained adapter, to be trained further (stage 2; paper III.3)."""
    _check_adapter(folder)
    return PeftModel.from_pretrained(model, folder, is_trainable=True)


def _embeddings(model: PreTrainedModel) -> list[str]:
    """Names of the tables of tokens and, where there is one, positions."""
    tables = (name for name, part in model.named_modules() if isinstance(part, torch.nn.Embedding))
    return sorted({name.split(".")[-1] for name in tables})


def load_adapter(model: PreTrainedModel, folder: Path) -> PeftModel:
    """The base with a trained adapter, ready to answer."""
    _check_adapter(folder)
    return PeftModel.from_pretrained(model, folder).eval()


def _check_adapter(folder: Path) -> None:
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise InputError(folder, ADAPTER_WEIGHTS, "not there", "train the run first")


def _from_disk(kind, base: str, **settings):
    try:
        return kind.from_pretrained(base, local_files_only=True, **settings)
    except OSError as error:
        logging.debug("%s", error)
        raise InputError(
            base,
            "base model",
            "neither a folder with a model nor in the local Hugging Face cache",
            "give a folder as models.<name>.base, or fetch it first with `hf download`; "
            "nothing is downloaded at run time",
        ) from error
