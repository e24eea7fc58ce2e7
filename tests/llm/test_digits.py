"""Probabilities of numbers, compared with plain passes over every continuation."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llm.toy import base_on_cpu, questions_of, toy_records

from spectralm.labels.vocabulary import ABUNDANCES, FEH, LOGG, PARAMETERS, TEFF
from spectralm.language.answers import answer_text
from spectralm.language.options import TextOptions
from spectralm.llm.digits import LEAST_PROBABILITY, spelled_probabilities
from spectralm.llm.distribution import half_width, mean
from spectralm.llm.encoding import positions, prompt_ids
from spectralm.llm.generation import Reader
from spectralm.llm.options import TinyOptions
from spectralm.llm.tiny import make_tiny_base
from spectralm.llm.tokenizer import load_tokenizer

TEXT = TextOptions(flux="paper", answer="characters")
SPELLED = answer_text(TEXT)
ROOM = 700

#: Beginnings of numbers with one digit before the point, and the interval of such numbers.
BEGINNINGS = (
    *((LOGG, f"{digit} . ", digit, digit + 1) for digit in range(6)),
    *((LOGG, f"2 . {digit} ", 2 + digit / 10, 2.1 + digit / 10) for digit in range(10)),
    *((FEH, f"- {digit} . ", -digit - 1, -digit) for digit in range(5)),
    *((FEH, f"0 . {digit} ", digit / 10, (digit + 1) / 10) for digit in range(10)),
)


class Exact(Reader):
    """A reader in float32, so that plain passes give the same results."""

    def _precision(self):
        return nullcontext()


class Kept(Exact):
    """A reader that keeps the tokens of each answer and the probabilities of its numbers."""

    def _spelled(self, reply, answer, grammar, written):
        self.kept = getattr(self, "kept", {})
        given = (answer, reply.text, written, grammar.after, self._text_of)
        self.kept[reply.text] = (written.tokens, dict(spelled_probabilities(self.model, *given)))
        return super()._spelled(reply, answer, grammar, written)


@pytest.fixture(scope="module", params=["rotary", "learned"])
def base(request, tmp_path_factory) -> Path:
    """A base whose answers depend on the question."""
    folder = tmp_path_factory.mktemp("base") / request.param
    options = {"hidden": 64, "layers": 2, "heads": 4, "mlp": 64, "context": 2048}
    make_tiny_base(folder, TinyOptions(positions=request.param, **options))
    return folder


@pytest.fixture(scope="module")
def model(base) -> torch.nn.Module:
    """The base with weights that make some answers much more probable than others."""
    model = base_on_cpu(base).float().eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.dim() == 2:
                weights.copy_(torch.randn_like(weights) * (0.5 if "emb" in name else 0.25))
    return model


def probability_of(reader, ids, state, answers_start, text) -> float:
    """Probability that the model continues with ``text``, in any tokens, by plain passes."""
    place = positions([ids[:answers_start]], len(ids), reader.max_tokens)
    with torch.inference_mode():
        scores = reader.model(input_ids=torch.tensor([ids]), position_ids=place).logits[0, -1]
    steps = reader._grammar(PARAMETERS).after(state)
    probabilities = torch.softmax(scores[list(steps)].float(), -1).tolist()
    whole = 0.0
    for (token, after), share in zip(steps.items(), probabilities, strict=True):
        piece = reader._text_of.get(token, "")
        if piece.startswith(text):
            whole += share
        elif piece and text.startswith(piece) and share > 1e-4:
            rest = text[len(piece) :]
            whole += share * probability_of(reader, [*ids, token], after, answers_start, rest)
    return whole


def before(reader, tokens, place) -> tuple[list[int], int]:
    """The tokens of an answer that end at a place of its text, and the state after them."""
    state, length, used = 0, 0, []
    for token in tokens:
        if length == place:
            return used, state
        length += len(reader._text_of[token])
        state = reader._grammar(PARAMETERS).after(state)[token]
        used.append(token)
    raise AssertionError("a token straddles the place")


def held(edges, probabilities, low, high) -> float:
    """Probability of numbers within an interval."""
    cumulated = np.concatenate([[0], np.cumsum(probabilities)])
    return float(np.diff(np.interp([low, high], edges, cumulated))[0])


def test_probabilities_equal_those_of_reading_each_continuation(base, model):
    questions = questions_of(toy_records(TEXT, 3, seed=4))
    longer = questions[1].text.replace("spectrum", "spectrum of a star", 1)
    questions[1] = replace(questions[1], text=longer)
    tokenizer = load_tokenizer(str(base))
    reader = Kept(model, tokenizer, TEXT, ROOM, batch_size=3, sigmas=True)
    replies = list(reader.replies(questions))
    alone = list(Exact(model, tokenizer, TEXT, ROOM, 1, sigmas=True).replies(questions))
    for reply, single in zip(replies, alone, strict=True):
        assert reply.text == single.text
        assert reply.sigmas == pytest.approx(single.sigmas, rel=1e-3)
    assert len(reader.kept) == len(questions)
    for question, reply in zip(questions, replies, strict=True):
        tokens, probabilities = reader.kept[reply.text]
        prompt = prompt_ids(question.text, tokenizer, ROOM)[0]
        places = {label: place for label, place, _ in SPELLED.slots_of(reply.text)}
        for label, first, low, high in BEGINNINGS:
            # The space before is the beginning: it may be one token with a sign.
            used, state = before(reader, tokens, places[label] - 1)
            ids = [*prompt, *used]
            expected = probability_of(reader, ids, state, len(prompt), " " + first)
            # Branches below LEAST_PROBABILITY are not followed.
            found = held(*probabilities[label], low, high)
            assert found == pytest.approx(expected, abs=LEAST_PROBABILITY)
        assert reply.sigmas[FEH.name] == pytest.approx(half_width(*probabilities[FEH]))
        assert 0 < reply.sigmas[TEFF.name] < 6000


def test_sigmas_change_no_answer(base, model):
    questions = questions_of(toy_records(TEXT, 4, seed=5))
    tokenizer = load_tokenizer(str(base))
    plain, wide = (
        list(Exact(model, tokenizer, TEXT, ROOM, 2, sigmas=sigmas).replies(questions))
        for sigmas in (False, True)
    )
    assert [reply.text for reply in plain] == [reply.text for reply in wide]
    assert not any(reply.sigmas for reply in plain)


def test_expected_numbers_are_the_means_of_their_distributions(base, model):
    questions = questions_of(toy_records(TEXT, 2, seed=6))
    tokenizer = load_tokenizer(str(base))
    reader = Kept(model, tokenizer, TEXT, ROOM, 2, reading="expected", sigmas=True)
    for reply in reader.replies(questions):
        _, probabilities = reader.kept[reply.text]
        assert reply.star.spectral_class in reply.text
        for label, (edges, shares) in probabilities.items():
            expected = mean(edges, shares)
            assert reply.star.values[label.name] == pytest.approx(expected)
            assert label.low <= expected <= label.high


@given(st.sampled_from((*PARAMETERS, *ABUNDANCES)), st.floats(0.001, 0.999), st.integers(0, 20))
def test_a_number_lies_in_the_interval_of_its_beginning(label, place, length):
    answer = answer_text(TEXT, PARAMETERS if label in PARAMETERS else ABUNDANCES)
    value = float(f"{label.low + place * (label.high - label.low):.{label.decimals}f}")
    spelled = answer._spell(label, value)
    low, high = answer.interval(label, spelled[:length])
    assert low - 1e-9 <= value <= high + 1e-9
    assert label.low <= low <= high <= label.high
    assert answer.interval(label, spelled) == pytest.approx((value, value))


def test_what_is_out_of_range_has_no_interval():
    assert SPELLED.interval(TEFF, "0 ") is None
    assert SPELLED.interval(TEFF, "9 9 9 9 9") is None
    assert SPELLED.interval(TEFF, "5 4 ") == (5400, 5500)
    assert SPELLED.interval(TEFF, "1 ") == (10000, 13988)
    assert SPELLED.interval(FEH, "- 0 . 0 ") == pytest.approx((-0.1, 0))
    assert SPELLED.interval(FEH, "- ") == (-5, 0)
    assert SPELLED.interval(LOGG, "7 ") is None
