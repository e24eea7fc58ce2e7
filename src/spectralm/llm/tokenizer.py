"""The tokenizer of a base model, and what is read of a base from disk alone."""

import hashlib
import logging
import re

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from spectralm.errors import InputError


def load_tokenizer(base: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a base model, from a folder or the local cache alone."""
    tokenizer = from_disk(AutoTokenizer, base)
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


def from_disk(kind, base: str, **settings):
    """What a class of transformers reads of a base: its folder, or the local cache.

    Raises:
        InputError: the base is in neither.
    """
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
