"""Loading a base model."""

from typing import Any

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel
from transformers.integrations.deepspeed import is_deepspeed_zero3_enabled

from spectralm.errors import InputError
from spectralm.llm.device import uses_bf16
from spectralm.llm.options import LlmOptions
from spectralm.llm.tokenizer import from_disk


def load_base(base: str, options: LlmOptions, device: torch.device) -> PreTrainedModel:
    """The frozen base model on a device, in bf16 or, unquantised on a CPU, in float32.

    With ``quantise``, its linear layers are in NF4.

    Under ZeRO-3 each process of a training holds its shard of it instead.

    Raises:
        InputError: the base is neither a folder nor in the local cache, or the attention of the
            options is not installed.
    """
    dtype = torch.bfloat16 if uses_bf16(options, device) else torch.float32
    settings: dict[str, Any] = {"attn_implementation": options.attention}
    if not is_deepspeed_zero3_enabled():
        settings["device_map"] = {"": device}
    if options.quantise:
        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
            bnb_4bit_quant_storage=torch.bfloat16,  # ZeRO-3 shards floating-point tensors only
        )
    try:
        model: PreTrainedModel = from_disk(
            AutoModelForCausalLM.from_pretrained, base, dtype=dtype, **settings
        )
    except ImportError as error:
        raise InputError(
            options.attention, "attention", str(error), "install it, or set `attention: sdpa`"
        ) from error
    return model.requires_grad_(False)
