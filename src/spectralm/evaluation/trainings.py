"""What the manifests of model folders tell of the trainings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from spectralm.errors import InputError
from spectralm.evaluation.runs import RunName, by_run
from spectralm.files import read_parquet


def read_manifests(files: list[Path]) -> dict[str, Mapping[str, Any]]:
    """The manifest of each run, ``.../{run}/manifest.json``."""
    return {run: json.loads(path.read_text()) for run, path in by_run(files).items()}


def read_scales(
    residuals: list[Path], manifests: list[Path]
) -> tuple[dict[str, pa.Table], dict[str, int]]:
    """Residuals, and numbers of training spectra, of each run of a model with several runs.

    Raises:
        InputError: a manifest of these does not tell the number.
    """
    files, trainings = by_run(residuals), read_manifests(manifests)
    models = [RunName.of(run).model for run in files]
    several = [run for run in files if models.count(RunName.of(run).model) > 1]
    for run in several:
        if not isinstance(trainings.get(run, {}).get("n_train"), int):
            raise InputError(
                f"manifest of {run}", "n_train", "no number of training spectra", "train it again"
            )
    tables = {run: read_parquet(files[run]) for run in several}
    return tables, {run: trainings[run]["n_train"] for run in several}
