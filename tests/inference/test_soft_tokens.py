"""A language model with soft tokens labels files as it answers questions."""

import json
import shutil
from pathlib import Path

import pytest
from inference.conftest import OPTIONS
from llm.toy import ENCODER, Toy, adapted_model

from spectralm import predict
from spectralm.cli import main
from spectralm.files import read_parquet
from spectralm.inference.training_domain import FILE
from spectralm.labels.vocabulary import PARAMETERS, Targets
from spectralm.language.options import TextOptions
from spectralm.language.records import write_records
from spectralm.language.shards import records
from spectralm.llm.options import LlmOptions, TinyOptions
from spectralm.llm.tiny import make_tiny_base
from spectralm.llm.tokenizer import load_tokenizer, tokenizer_hash

TEXT = TextOptions(flux="soft", bin=5, answer="grouped")
MODEL = LlmOptions(
    base="tiny",
    quantise=False,
    read_in=ENCODER,
    max_tokens=512,
    generation={"batch_size": 8, "reading": "expected"},
)


@pytest.fixture(scope="module")
def toy(trained, tmp_path_factory) -> Toy:
    """Questions about the training stars of the linear model, and their spectra."""
    folder = tmp_path_factory.mktemp("soft")
    make_tiny_base(folder / "base", TinyOptions(hidden=64, layers=1, heads=4, mlp=64))
    splits, _ = records(trained.stars, read_parquet(trained.spectra), TEXT, OPTIONS.grid)
    asked = folder / "questions.jsonl.gz"
    write_records(asked, splits["train"])
    return Toy(folder / "base", TEXT, asked, asked, shards=(trained.spectra,), spectra=OPTIONS)


@pytest.fixture(scope="module")
def arguments(toy, tmp_path_factory) -> list[str]:
    """Arguments of the rules' commands for a calibrated run, whose folder is the second."""
    folder = tmp_path_factory.mktemp("results") / "models" / "soft-lamost-150"
    adapted_model(toy, ENCODER).save_pretrained(folder)
    facts = {
        "kind": "llm",
        "targets": Targets.PARAMETERS,
        "base": str(toy.base),
        "text": TEXT.model_dump(),
        "spectra": OPTIONS.model_dump(),
        "options": MODEL.model_dump(),
        "tokenizer_sha256": tokenizer_hash(load_tokenizer(str(toy.base))),
    }
    (folder / "manifest.json").write_text(json.dumps(facts))
    common = ["--model", str(folder), "--base", str(toy.base), "--text", TEXT.model_dump_json()]
    common += ["--options", MODEL.model_dump_json(), "--questions", str(toy.validation)]
    common += ["--spectra", str(toy.shards[0])]
    assert main(["calibrate-llm", *common, "--out", str(folder / "calibration.json")]) == 0
    return common


def test_labels_of_files_are_the_answers_to_questions(trained, toy, arguments, tmp_path):
    out = tmp_path / "answers.parquet"
    given = ["--workspaces", str(tmp_path / "workspaces"), "--out", str(out)]
    assert main(["predict-llm", *arguments, *given]) == 0
    answers = {row["obsid"]: row for row in read_parquet(out).to_pylist()}
    run = Path(shutil.copytree(arguments[1], tmp_path / "run"))
    shutil.copy(trained.folder / FILE, run / FILE)
    store = toy.store()
    with_mask = [obsid for obsid in answers if store[obsid][1].any()]
    without = sorted(answers.keys() - set(with_mask))
    order = [without[1], with_mask[2], without[0], with_mask[0]]
    table = predict([trained.files[obsid - 1] for obsid in order], run)
    for row, obsid in zip(table, order, strict=True):
        answer = answers[obsid]
        assert (row["class"], row["status"]) == (answer["class"], "parsed")
        for label in PARAMETERS:
            for name in (label.name, f"{label.name}_err"):
                assert row[name] == pytest.approx(answer[name], rel=1e-5)
            assert row[f"{label.name}_err"] > 0
    assert len({round(value, 3) for value in table["teff"]}) == len(order)
