"""The real Llama-3 vocabulary on a tiny model: stage 2 in the paper's spelling."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from llm.llama3 import llama3_tokenizer
from llm.toy import STAGE_2, Toy, questions_of, stage_2_records
from llm.trainings import options, start
from processes import finish
from transformers import LlamaConfig, LlamaForCausalLM

from spectralm.cli import main
from spectralm.language.answers import answer_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import Question
from spectralm.language.records import write_records
from spectralm.llm.options import LlmOptions

TEXT = TextOptions(flux="paper", answer="characters")


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A Llama of two layers that reads and writes Llama-3's tokens."""
    folder = tmp_path_factory.mktemp("base") / "llama3"
    tokenizer = llama3_tokenizer()
    # As in the published tokenizer, which would remove spaces from answers.
    tokenizer.clean_up_tokenization_spaces = True
    tokenizer.save_pretrained(folder)
    sizes = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True}
    config = LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=8192, **sizes, **heads)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def test_trained_calibrated_and_predicted_with_many_sets_of_abundances(base, tmp_path):
    files = [tmp_path / f"{name}.jsonl.gz" for name in ("train", "validation")]
    write_records(files[0], stage_2_records(TEXT, 16, seed=1))
    validation = stage_2_records(TEXT, 40, seed=2)
    write_records(files[1], validation)
    assert len({question.asked for question in questions_of(validation)}) == 7
    toy = Toy(base, TEXT, *files, STAGE_2)
    # bf16 would take minutes on many CPUs.
    finish(start(toy, tmp_path, options(TEXT, 1).model_copy(update={"quantise": False})))
    run = tmp_path / "run"
    assert json.loads((run / "metrics.json").read_text())["eval_parsed"] == 1

    plain = LlmOptions(base="tiny", quantise=False).model_dump_json()
    common = ["--model", str(run), "--base", str(base), "--options", plain]
    common += ["--text", TEXT.model_dump_json(), "--questions", str(files[1])]
    assert main(["calibrate-llm", *common, "--out", str(run / "calibration.json")]) == 0
    out = tmp_path / "answers.parquet"
    given = ["--workspaces", str(tmp_path / "workspaces"), "--out", str(out)]
    assert main(["predict-llm", *common, *given]) == 0
    for row, record in zip(pq.read_table(out).to_pylist(), validation, strict=True):
        assert row["status"] == "parsed"
        values = answer_text(TEXT, Question.of(record).asked).read(row["answer"]).values
        assert values == {name: row[name] for name in values}
