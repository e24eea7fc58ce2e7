"""Fixtures that several wings' tests share."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def real() -> Path:
    """A folder of real LAMOST files with their labels; tests skip where there is none."""
    folder = Path(os.environ.get("SPECTRALM_REAL", REPOSITORY.parent / "shared" / "real"))
    if not folder.is_dir():
        pytest.skip(f"no real survey files: {folder} is not a folder (set SPECTRALM_REAL)")
    return folder
