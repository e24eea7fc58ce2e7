"""The real Llama-3 tokenizer, from the PyPI wheel `llama-models` (tests only; not vendored)."""

from functools import cache
from pathlib import Path

import llama_models
from transformers import PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter


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
