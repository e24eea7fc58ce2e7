import pytest

from spectralm.errors import SpectraLMError
from spectralm.language.records import write_records
from spectralm.llm.encoding import IGNORED, Collator, Questions, prompt
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
