"""Numbers of tokens of the spellings, and answers within the grammar."""

import numpy as np
import pytest
import torch
from llm.llama3 import llama3_tokenizer

from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS
from spectralm.language.answers import answer_text
from spectralm.language.flux import FluxText
from spectralm.language.options import TextOptions
from spectralm.language.questions import write_question
from spectralm.llm.generation import GrammarProcessor, TokenGrammar, token_texts
from spectralm.llm.loss import number_ids
from spectralm.llm.tiny import tiny_tokenizer

GRID = tuple(3800.0 + np.arange(4901))
TOKENIZERS = {"llama3": llama3_tokenizer, "tiny": tiny_tokenizer}


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request):
    return TOKENIZERS[request.param]()


def tokens_of(text: str, tokenizer) -> int:
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize(("spelling", "tokens"), [("paper", 24503), ("compact", 4901)])
def test_tokens_of_a_spectrum(tokenizer, spelling, tokens):
    flux = np.random.default_rng(0).integers(0, 1000, 4901).astype(np.int16)
    text = FluxText(spelling, GRID).write(flux)
    assert tokens_of(text, tokenizer) == tokens


def test_a_sign_costs_one_token_and_keeps_its_neighbours_whole(tokenizer):
    flux = np.full(4901, 303, np.int16)
    plain = tokens_of(FluxText("compact", GRID).write(flux), tokenizer)
    flux[[7, 2000, 4900]] = -3, 1000, 1137
    assert tokens_of(FluxText("compact", GRID).write(flux), tokenizer) == plain + 3


def test_markers_cost_four_tokens_each(tokenizer):
    flux = np.full(4901, 303, np.int16)
    plain = tokens_of(FluxText("compact", GRID).write(flux), tokenizer)
    marked = tokens_of(FluxText("compact", GRID, marker_every=100).write(flux), tokenizer)
    assert marked == plain + 50 * 4


def test_tokens_lead_back_to_the_text(tokenizer):
    flux = np.random.default_rng(1).integers(-1500, 2500, 4901).astype(np.int16)
    for spelling in ("paper", "compact"):
        question = write_question(flux, FluxText(spelling, GRID, marker_every=50))
        ids = tokenizer(question, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == question


def test_every_grouped_number_is_one_token(tokenizer):
    assert len(set(number_ids(tokenizer).tolist())) == 1000
    answer = tokenizer("M,150,563,497", add_special_tokens=False)["input_ids"]
    assert tokenizer.convert_ids_to_tokens(answer) == ["M", ",", "150", ",", "563", ",", "497"]


@pytest.mark.parametrize("spelling", ["characters", "grouped"])
@pytest.mark.parametrize("asked", [PARAMETERS, ABUNDANCES[3:9]], ids=["stage 1", "stage 2"])
def test_random_scores_give_answers_that_can_be_parsed(tokenizer, spelling, asked):
    answer = answer_text(TextOptions(answer=spelling), asked)
    grammar = TokenGrammar(answer.grammar(), token_texts(tokenizer), tokenizer.eos_token_id)
    process = GrammarProcessor([grammar], prompt_length=2)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        ids = torch.tensor([[5, 5]])
        while ids[0, -1] != tokenizer.eos_token_id:
            scores = torch.randn(1, len(tokenizer), generator=generator)
            ids = torch.cat([ids, process(ids, scores).argmax(-1, keepdim=True)], dim=1)
            assert ids.shape[1] <= 2 + grammar.longest
        text = tokenizer.decode(ids[0, 2:-1])
        assert answer.write(answer.read(text)) == text
