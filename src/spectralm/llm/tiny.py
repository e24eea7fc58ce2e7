"""A small random model, with a tokenizer that splits text as Llama-3's does."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from spectralm.labels.vocabulary import ABUNDANCES, CLASSES, PARAMETERS
from spectralm.language.questions import CLOSE, OPEN, instruction
from spectralm.llm.options import TinyOptions

#: Llama-3's rule for splitting text before merging (its tokenizer.json).
LLAMA3_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PAD, END, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"
#: Standard deviation of the embeddings.
SCALE = 0.15
CHAT = (
    "{% for message in messages %}{{ '<|' + message.role + '|>' + message.content + '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def tiny_tokenizer(whole_sentences: bool = True) -> PreTrainedTokenizerFast:
    """A tokenizer of bytes, groups of up to three digits, and the words of questions.

    Digits are grouped as by Llama-3, so the flux has the same number of tokens. The name of an
    abundance before its value, as in ``MG_FE:``, is one token, which a model with a single layer
    needs (docs/demo_model.md).

    Args:
        whole_sentences: whether the sentences and names in questions are one token each, which
            saves half of the time of a training. Without, a question has nearly as many tokens as
            with Llama-3's tokenizer.
    """
    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA3_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    phrases = [instruction([3800.0, 8700.0]) + OPEN, "0" + CLOSE, "[ 'M',' 0 ',' 0 ']"]
    words = [word for phrase in phrases for word, _ in split.pre_tokenize_str(phrase)]
    groups = [f"{n:0{digits}d}" for digits in (1, 2, 3) for n in range(10**digits)]
    specials = [PAD, END, USER, ASSISTANT]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = list(dict.fromkeys([*specials, *alphabet, *groups, *CLASSES, *words]))
    core = Tokenizer(
        models.BPE(
            vocab={word: number for number, word in enumerate(vocabulary)},
            merges=[],
            ignore_merges=True,
        )
    )
    core.pre_tokenizer = split
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens(specials)
    core.add_tokens([f"{label.text}:" for label in ABUNDANCES])
    if whole_sentences:
        core.add_tokens(_sentences())
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token=END,
        pad_token=PAD,
        chat_template=CHAT,
        clean_up_tokenization_spaces=False,
    )


def _sentences() -> list[str]:
    """The parts of questions between their numbers, and the names of abundances."""
    first = ABUNDANCES[0].text
    questions = [instruction([0.0, 0.0], labels) + OPEN for labels in (PARAMETERS, ABUNDANCES[:1])]
    parts = {part for question in questions for part in re.split(f"0|{first}", question)}
    return [*sorted(parts), *(label.text for label in ABUNDANCES), CLOSE]


def order_numbers(embedding: torch.Tensor, tokenizer: PreTrainedTokenizerBase) -> None:
    """Initialise the embeddings so that numbers close in value have similar vectors.

    Pretraining gives real models such vectors, and an adapter on a frozen model cannot learn them
    for a thousand groups of digits. A group is the digits after a decimal point (``3``, ``30`` and
    ``300`` are equal), as in the flux text; each also has a random part. With this scale the tied
    output layer can give a token nearly all probability; with the usual 0.02 it cannot.
    """
    torch.nn.init.normal_(embedding, std=SCALE)
    groups = {
        token: int(token.ljust(3, "0")) for token in tokenizer.get_vocab() if token.isdecimal()
    }
    ids = torch.tensor(tokenizer.convert_tokens_to_ids(list(groups)))
    value = torch.tensor(list(groups.values())) / 1000
    phases = value[:, None] * np.pi * 2.0 ** torch.arange(8)
    waves = torch.cat([phases.sin(), phases.cos()], dim=1)
    shared = torch.randn(waves.shape[1], embedding.shape[1]) / waves.shape[1] ** 0.5
    embedding[ids] = embedding[ids] / 4 + SCALE * 2**0.5 * waves @ shared


def tiny_llama(options: TinyOptions, **tokens: Any) -> LlamaForCausalLM:
    """A random Llama, with rotary positions.

    Args:
        options: its sizes.
        tokens: size of the vocabulary and ids of special tokens.
    """
    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=options.hidden,
            num_hidden_layers=options.layers,
            num_attention_heads=options.heads,
            num_key_value_heads=options.heads,
            intermediate_size=options.mlp,
            max_position_embeddings=options.context,
            tie_word_embeddings=True,
            **tokens,
        )
    )


def tiny_gpt2(options: TinyOptions, **tokens: Any) -> GPT2LMHeadModel:
    """A random GPT-2: each position, and so each pixel, has a vector of its own.

    Args:
        options: its sizes.
        tokens: size of the vocabulary and ids of special tokens.
    """
    model = GPT2LMHeadModel(
        GPT2Config(
            n_embd=options.hidden,
            n_layer=options.layers,
            n_head=options.heads,
            n_inner=options.mlp,
            n_positions=options.context,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            **tokens,
        )
    )
    torch.nn.init.normal_(model.transformer.wpe.weight, std=SCALE)
    return model


ARCHITECTURES: dict[str, Callable[..., PreTrainedModel]] = {
    "rotary": tiny_llama,
    "learned": tiny_gpt2,
}


def make_tiny_base(folder: Path, options: TinyOptions) -> None:
    """Write the tiny base model and its tokenizer as a Hugging Face folder, atomically."""
    tokenizer = tiny_tokenizer()
    torch.manual_seed(options.seed)
    model = ARCHITECTURES[options.positions](
        options,
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    embeddings = model.get_input_embeddings()
    assert isinstance(embeddings, torch.nn.Embedding)
    with torch.no_grad():
        order_numbers(embeddings.weight, tokenizer)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
