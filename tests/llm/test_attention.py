"""Which attention a model uses: SDPA, or another one where that accepts the mask."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from llm.toy import Toy, base_on_cpu, questions_of
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.utils import import_utils

from spectralm.errors import InputError
from spectralm.language.options import TextOptions
from spectralm.llm.adapter import add_adapter
from spectralm.llm.base import load_base
from spectralm.llm.encoding import Collator, Questions
from spectralm.llm.generation import Reader
from spectralm.llm.options import LlmOptions, LoraOptions, TinyOptions
from spectralm.llm.tiny import make_tiny_base
from spectralm.llm.tokenizer import load_tokenizer

SPELLED = pytest.mark.parametrize("toy", ["characters"], indirect=True)


class Flash:
    """Attention that accepts the masks of flash attention: none, or one of [batch, keys]."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, module, query, key, value, attention_mask, **settings):
        self.calls += 1
        assert attention_mask is None or attention_mask.dim() == 2
        queries, keys = query.shape[2], key.shape[2]
        seen = torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries)[None, None]
        if attention_mask is not None:
            seen = seen & attention_mask[:, None, None, -keys:].bool()
        return sdpa_attention_forward(module, query, key, value, seen, **settings)


@pytest.fixture
def flash(monkeypatch) -> Iterator[Flash]:
    """A machine with flash attention."""
    stub = Flash()
    monkeypatch.setattr(
        PreTrainedModel, "_check_and_adjust_attn_implementation", lambda _, name, *__, **___: name
    )
    interfaces = AttentionInterface._global_mapping
    monkeypatch.setitem(interfaces, "flash_attention_2", stub)
    return stub


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """A base of two layers, whose results depend on the mask."""
    folder = tmp_path_factory.mktemp("base") / "tiny"
    make_tiny_base(folder, TinyOptions(hidden=64, layers=2, heads=4, mlp=64))
    return folder


def adapted(base, attention: str) -> torch.nn.Module:
    options = LlmOptions(quantise=False, attention=attention)
    model = load_base(str(base), options, torch.device("cpu"))
    return add_adapter(model, LoraOptions(rank=4, dropout=0.0), seed=0)


def test_sdpa_is_used_even_if_flash_attention_is_installed(deep, monkeypatch):
    monkeypatch.setattr(import_utils, "is_flash_attn_2_available", lambda: True)
    assert base_on_cpu(deep).config._attn_implementation == "sdpa"


def test_flash_attention_that_is_not_installed_is_an_error(deep):
    with pytest.raises(InputError, match=r"flash_attention_2.*set `attention: sdpa`"):
        adapted(deep, "flash_attention_2")


@SPELLED
def test_training_answers_and_errors_by_flash_attention(toy: Toy, deep, flash, tmp_path):
    tokenizer = load_tokenizer(str(deep))
    questions = Questions.open([toy.train], tmp_path, tokenizer, 4096)
    batch = Collator(tokenizer.pad_token_id, 4096)([questions[0], questions[1]])
    shorter = questions[2] | {"prompt": questions[2]["prompt"][9:]}
    padded = Collator(tokenizer.pad_token_id, 4096)([questions[0], shorter])
    losses, replies = [], []
    for attention in ("sdpa", "flash_attention_2"):
        model = adapted(deep, attention)
        for rows in (batch, padded):
            logits = model.train()(**{k: v for k, v in rows.items() if k != "labels"}).logits
            logits.float().logsumexp(-1).mean().backward()
            losses.append(logits.float().mean().item())
        text = TextOptions(flux="paper", answer="characters")
        asked = questions_of(toy.validation)[:3]
        longer = asked[1].text.replace("spectrum", "spectrum of a star", 1)
        asked[1] = replace(asked[1], text=longer)
        reader = Reader(model.eval(), tokenizer, text, 4096, 3, sigmas=True)
        replies.append(list(reader.replies(asked)))
        assert model.config._attn_implementation == attention
    assert flash.calls > 0
    assert losses[2:] == pytest.approx(losses[:2], rel=0.01)
    assert [reply.text for reply in replies[1]] == [reply.text for reply in replies[0]]
    for by_sdpa, by_flash in zip(*replies, strict=True):
        assert by_flash.sigmas == pytest.approx(by_sdpa.sigmas, rel=0.05)
