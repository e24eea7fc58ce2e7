from dataclasses import replace

import numpy as np
import pytest
from llm.llama3 import llama3_with_chat
from llm.toy import GRID, STAGE_2, Toy

from spectralm.errors import InputError, SpectraLMError
from spectralm.labels.vocabulary import PARAMETERS
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import write_question
from spectralm.language.records import write_records
from spectralm.llm.augmentation import Augmentation
from spectralm.llm.encoding import DATE, IGNORED, Collator, Questions, prompt, prompt_ids
from spectralm.llm.options import AugmentationOptions
from spectralm.llm.read_in.soft_tokens import PLACEHOLDER
from spectralm.llm.tiny import tiny_tokenizer


@pytest.fixture
def questions(toy, tmp_path) -> Questions:
    return Questions.open([toy.train, toy.validation], tmp_path, tiny_tokenizer(), 4096)


def test_a_spread_of_questions_reaches_from_end_to_end(questions):
    few = questions.evenly_spaced(5)
    assert [record["obsid"] for record in few.records] == [0, 28, 56, 83, 1015]
    assert len(questions.evenly_spaced(1000)) == len(questions)


def test_prompt_ends_where_the_answer_begins(questions):
    tokenizer = questions.tokenizer
    record = questions.records[0]
    assert prompt(record["question"], tokenizer).endswith("</flux><|end|><|assistant|>")
    item = questions[0]
    assert tokenizer.decode(item["prompt"]) == prompt(record["question"], tokenizer)
    assert tokenizer.decode(item["answer"]) == record["answer"] + "<|end|>"


def test_the_error_for_a_split_without_questions_names_a_remedy(tmp_path):
    write_records(tmp_path / "none.jsonl.gz", [])
    with pytest.raises(SpectraLMError, match=r"no questions in this split; .*validation_fraction"):
        Questions.open([tmp_path / "none.jsonl.gz"], tmp_path, tiny_tokenizer(), 4096)


def test_files_are_joined(questions):
    assert len(questions) == 96 + 16


def test_labels_are_on_the_answers_alone(questions):
    items = [questions[number] for number in range(6)]
    items[0] |= {"prompt": items[0]["prompt"][5:], "answer": items[0]["answer"][1:]}
    batch = Collator(pad_token_id=0, answers_start=4096)(items)
    kept = batch["logits_to_keep"]
    assert batch["labels"].shape == (6, kept)
    assert (batch["labels"][:, 0] == IGNORED).all()
    for row, item in enumerate(items):
        labels = [label for label in batch["labels"][row].tolist() if label != IGNORED]
        assert labels == item["answer"]
        ids = batch["input_ids"][row][batch["attention_mask"][row] == 1].tolist()
        assert ids == item["prompt"] + item["answer"]
        first = batch["position_ids"][0].tolist().index(4096)
        assert batch["input_ids"][row, first : first + len(labels)].tolist() == item["answer"]


def test_an_example_without_answer_is_refused():
    with pytest.raises(AssertionError, match="no answer tokens"):
        Collator(pad_token_id=0, answers_start=4096)(
            [{"prompt": [1, 2], "answer": [3], "spectrum": None}]
        )


def test_a_long_question_loses_its_beginning_and_is_counted(questions):
    assert questions.truncated_fraction() == 0
    whole = questions[0]
    questions.max_tokens = len(whole["prompt"]) + len(whole["answer"]) - 7
    cut = questions[0]
    assert cut["prompt"] == whole["prompt"][7:]
    assert cut["answer"] == whole["answer"]
    assert questions.truncated_fraction() == 1


SOFT = pytest.mark.parametrize("toy", ["soft"], indirect=True)


@pytest.fixture
def soft(toy: Toy, tmp_path) -> Questions:
    """Training questions with ten soft tokens."""
    questions = Questions.open([toy.train], tmp_path, tiny_tokenizer(), 4096)
    questions.soft_tokens, questions.spectra = 10, toy.store()
    return questions


@pytest.mark.parametrize("tokenizer", [tiny_tokenizer, llama3_with_chat])
@pytest.mark.parametrize("asked", [PARAMETERS, STAGE_2.labels[:2]])
def test_soft_tokens_stand_between_the_marks_of_the_flux(tokenizer, asked):
    tokenizer = tokenizer()
    words = flux_text(TextOptions(flux="soft"), GRID)
    question = write_question(np.zeros(40, np.int16), words, asked)
    ids, cut = prompt_ids(question, tokenizer, 4096, soft_tokens=16)
    assert not cut
    first = ids.index(PLACEHOLDER)
    assert ids[first : first + 16] == [PLACEHOLDER] * 16
    before, after = tokenizer.decode(ids[:first]), tokenizer.decode(ids[first + 16 :])
    assert before.endswith(". <flux>")
    assert after.startswith("</flux><|e")
    assert before + after == prompt(question, tokenizer)
    assert ("MG_FE" in before) == (asked != PARAMETERS)


def test_the_date_of_llama_3_s_template_is_always_the_same():
    assert f"Today Date: {DATE}\n" in prompt("<flux></flux>", llama3_with_chat())


@SOFT
def test_a_prompt_without_room_for_its_soft_tokens_names_max_tokens(soft):
    whole = soft[0]
    length = len(whole["prompt"]) + len(whole["answer"])
    soft.max_tokens = length
    assert soft[0]["prompt"] == whole["prompt"]
    assert soft.truncated_fraction() == 0
    soft.max_tokens = length - 1
    room = len(whole["prompt"]) - 1
    with pytest.raises(InputError, match=rf"max_tokens: room for {room} tokens .*{room + 1}"):
        soft[0]


@SOFT
def test_each_prompt_has_the_spectrum_of_its_obsid(soft, toy):
    store = toy.store()
    chosen = [5, 3, 90]
    batch = Collator(pad_token_id=0, answers_start=4096)([soft[number] for number in chosen])
    expected = np.stack([store[soft.records[number]["obsid"]] for number in chosen])
    assert np.array_equal(batch["spectra"].numpy(), expected)
    assert ((batch["input_ids"] == PLACEHOLDER).sum(dim=1) == 10).all()


@SOFT
def test_spectra_are_changed_anew_in_each_epoch_and_prompts_are_not(soft, toy):
    words = flux_text(toy.text, GRID)
    changed = replace(soft, augmentation=Augmentation(AugmentationOptions(noise=0.1), 0, words))
    spectra = []
    for epoch in (0, 1, 0):
        changed.epoch = epoch
        assert changed[7]["prompt"] == soft[7]["prompt"]
        spectra.append(changed[7]["spectrum"])
    assert np.array_equal(spectra[0], spectra[2])
    assert not np.array_equal(spectra[0], spectra[1])
    assert not np.array_equal(spectra[0][0], soft[7]["spectrum"][0])
    assert np.array_equal(spectra[0][1], soft[7]["spectrum"][1])
