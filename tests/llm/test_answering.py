"""Predictions in parts: no question is asked twice, and no answer is lost or moved."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from llm.toy import (
    ENCODER,
    STAGE_2,
    Toy,
    adapted_model,
    base_on_cpu,
    make_toy,
    questions_of,
    stage_2_records,
)

from spectralm.errors import InputError
from spectralm.labels.vocabulary import Targets
from spectralm.language.options import TextOptions
from spectralm.language.questions import Question
from spectralm.llm.adapter import add_adapter
from spectralm.llm.answering import Calibration, answer_all
from spectralm.llm.generation import Reader
from spectralm.llm.options import LoraOptions
from spectralm.llm.tokenizer import load_tokenizer
from spectralm.spectra.pixels import Pixels
from spectralm.spectra.store import Store

GROUPED = pytest.mark.parametrize("toy", ["grouped"], indirect=True)
CALIBRATION = Calibration("greedy", {label.name: 2.0 for label in STAGE_2.labels}, {})


class PowerCutError(Exception):
    """The machine stops."""


@dataclass
class Counting(Reader):
    """A reader that counts questions, and fails after a number of them."""

    fails_after: int = 10**6
    asked: list[Question] = field(default_factory=list)

    def _batch(self, questions):
        if len(self.asked) >= self.fails_after:
            raise PowerCutError
        self.asked += questions
        return super()._batch(questions)


@pytest.fixture
def readers(toy: Toy):
    """A function that gives a reader of one model, two questions at once."""
    model = add_adapter(base_on_cpu(toy.base), LoraOptions(rank=4), seed=0).eval()
    tokenizer = load_tokenizer(str(toy.base))

    def reader(fails_after: int = 10**6) -> Counting:
        return Counting(model, tokenizer, toy.text, 4096, 2, sigmas=True, fails_after=fails_after)

    return reader


@GROUPED
def test_a_stopped_shard_continues_without_asking_again(toy, readers, tmp_path: Path):
    questions = questions_of(stage_2_records(toy.text, 70, seed=5))
    whole = answer_all(readers(), questions, CALIBRATION)
    assert whole["obsid"].to_pylist() == [question.obsid for question in questions]
    assert any(whole["mg_fe_err"].to_pylist())

    parts = tmp_path / "parts"
    with pytest.raises(PowerCutError):
        answer_all(readers(fails_after=40), questions, CALIBRATION, parts)
    assert [path.name for path in parts.iterdir()] == ["0-32.parquet"]
    again = readers()
    assert answer_all(again, questions, CALIBRATION, parts).equals(whole)
    assert sorted(again.asked, key=repr) == sorted(questions[32:], key=repr)
    assert len(list(parts.iterdir())) == 3


@GROUPED
def test_questions_of_one_length_are_answered_together(toy, readers):
    questions = questions_of(stage_2_records(toy.text, 32, seed=6))
    reader = readers()
    replies = list(reader.replies(questions))
    asked = [question.text.count("_FE") for question in reader.asked]
    assert asked == sorted(asked)
    assert len(set(asked)) > 1
    for question, reply in zip(questions, replies, strict=True):
        assert len(reply.star.values) == question.text.partition("<flux>")[0].count("_FE")


@GROUPED
def test_without_questions_there_is_an_empty_table(readers):
    assert answer_all(readers(), [], None).num_rows == 0


@pytest.mark.parametrize("targets", [Targets.PARAMETERS, STAGE_2], ids=str)
@pytest.mark.parametrize("answer", ["grouped", "characters"])
def test_answers_from_soft_tokens_are_those_of_each_question_alone(base, tmp_path, targets, answer):
    text = TextOptions(flux="soft", answer=answer)
    toy = make_toy(tmp_path, base, text, targets, counts=(12, 8))
    model, store = adapted_model(toy, ENCODER), toy.store()
    tokenizer, questions = load_tokenizer(str(base)), questions_of(toy.validation)
    reading = "expected" if answer == "grouped" else "greedy"

    def replies(batch_size: int, spectra: Store):
        reader = Reader(model, tokenizer, text, 512, batch_size, reading, True, spectra)
        return list(reader.replies(questions))

    together, alone = replies(5, store), replies(1, store)
    for reply, single, question in zip(together, alone, questions, strict=True):
        assert reply.status == "parsed"
        assert reply.text == single.text
        assert reply.star.values == pytest.approx(single.star.values, rel=1e-3)
        assert reply.sigmas == pytest.approx(single.sigmas, rel=1e-3)
        assert list(reply.sigmas) == [label.name for label in question.asked]
    turned = Store(store.obsid, Pixels(store.pixels.flux[:, ::-1], store.pixels.masked[:, ::-1]))
    for reply, other in zip(together, replies(5, turned), strict=True):
        assert reply.sigmas != pytest.approx(other.sigmas, rel=1e-3)


@pytest.mark.parametrize("toy", ["soft"], indirect=True)
def test_a_model_with_soft_tokens_does_not_answer_without_spectra(toy):
    model, tokenizer = adapted_model(toy, ENCODER), load_tokenizer(str(toy.base))
    with pytest.raises(InputError, match="spectra"):
        list(Reader(model, tokenizer, toy.text, 512, 2).replies(questions_of(toy.validation)))
