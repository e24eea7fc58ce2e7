"""The tokenizer of a base model, and loading of bases from the local disk."""

import hashlib
import logging
import re
from collections.abc import Callable
from typing import Any, TypeVar

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from spectralm.errors import InputError

Loaded = TypeVar("Loaded")


def load_tokenizer(base: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a base model, from a folder or the local cache."""
    tokenizer = from_disk(AutoTokenizer.from_pretrained, base)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def tokenizer_hash(tokenizer: PreTrainedTokenizerBase) -> str:
    """sha256 of the tokenizer's rules and its chat template."""
    rules = tokenizer.backend_tokenizer.to_str() + (tokenizer.chat_template or "")
    return hashlib.sha256(rules.encode()).hexdigest()


def name_on_hub(base: str) -> str:
    """``owner/name`` on the hub, for a folder of the Hugging Face cache; else the base as given."""
    cached = re.search(r"models--([\w.-]+?)--([\w.-]+?)/snapshots/", base)
    return f"{cached[1]}/{cached[2]}" if cached else base


def from_disk(from_pretrained: Callable[..., Loaded], base: str, **settings: Any) -> Loaded:
    """Load a part of a base from its folder or the local cache.

    Args:
        from_pretrained: of a class of transformers, such as AutoTokenizer.
        base: folder or hub id.
        settings: more arguments of ``from_pretrained``.

    Raises:
        InputError: the base is in neither.
    """
    try:
        return from_pretrained(base, local_files_only=True, **settings)
    except OSError as error:
        logging.debug("%s", error)
        raise InputError(
            base,
            "base model",
            "neither a folder with a model nor in the local Hugging Face cache",
            "give a folder as models.<name>.base, or fetch it first with `hf download`; "
            "nothing is downloaded at run time",
        ) from error
