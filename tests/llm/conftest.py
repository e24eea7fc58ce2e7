"""A tiny base and toy questions for all tests."""

from pathlib import Path

import pytest
from llm.toy import TEXTS, Toy, make_toy

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
    """Training and validation questions in either spelling; "soft" is for tests that ask for it."""
    return make_toy(tmp_path_factory.mktemp(request.param), base, TEXTS[request.param])
