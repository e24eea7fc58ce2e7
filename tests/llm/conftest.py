"""A tiny base and toy questions for all tests."""

from pathlib import Path

import pytest
from llm.toy import Toy, toy_records

from spectralm.language.options import TextOptions
from spectralm.language.records import write_records
from spectralm.llm.options import TinyOptions
from spectralm.llm.tiny import make_tiny_base


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    """The tiny base model."""
    folder = tmp_path_factory.mktemp("base") / "tiny"
    make_tiny_base(folder, TinyOptions(hidden=64, layers=1, heads=4, mlp=64))
    return folder


@pytest.fixture(scope="session", params=["grouped", "characters"])
def toy(request, base, tmp_path_factory) -> Toy:
    """Training and validation questions, in either spelling of answers."""
    folder = tmp_path_factory.mktemp(request.param)
    flux = "compact" if request.param == "grouped" else "paper"
    text = TextOptions(flux=flux, answer=request.param)
    made = Toy(base, text, folder / "train.jsonl.gz", folder / "validation.jsonl.gz")
    write_records(made.train, toy_records(text, 96, seed=1))
    write_records(made.validation, toy_records(text, 16, seed=2))
    return made
