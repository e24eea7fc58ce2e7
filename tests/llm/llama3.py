"""The real Llama-3 tokenizer, from the PyPI wheel `llama-models` (tests only; not vendored)."""

from copy import deepcopy
from functools import cache
from pathlib import Path

import llama_models
from transformers import PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter

#: What Llama-3.1's published template writes for messages without tools.
CHAT = (
    "{{- bos_token }}{{- '<|start_header_id|>system<|end_header_id|>\n\n' }}"
    "{{- 'Cutting Knowledge Date: December 2023\nToday Date: ' + date_string + '\n\n<|eot_id|>' }}"
    "{%- for message in messages %}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}"
    "{{- message['content'] | trim + '<|eot_id|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"
)


@cache
def llama3_tokenizer() -> PreTrainedTokenizerFast:
    """Llama-3's tokenizer as a Hugging Face fast tokenizer, made offline."""
    vocabulary = Path(llama_models.__file__).parent / "llama3" / "tokenizer.model"
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
    core = TikTokenConverter(str(vocabulary), extra_special_tokens=specials).converted()
    core.model.ignore_merges = True
    return PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="<|eot_id|>", pad_token="<|end_of_text|>"
    )


def llama3_with_chat() -> PreTrainedTokenizerFast:
    """A copy of the tokenizer with the chat template of Llama-3.1-Instruct."""
    chatting = deepcopy(llama3_tokenizer())
    chatting.bos_token = "<|begin_of_text|>"
    chatting.chat_template = CHAT
    chatting.add_special_tokens(
        {"additional_special_tokens": ["<|start_header_id|>", "<|end_header_id|>"]}
    )
    return chatting
