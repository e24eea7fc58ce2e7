"""Predictions of a trained language model from flux, given only the folder of its run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from spectralm.errors import InputError
from spectralm.labels.vocabulary import Targets
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import Question, write_question
from spectralm.llm.answering import Calibration, answer, open_reader
from spectralm.llm.generation import Reader
from spectralm.llm.options import LlmOptions
from spectralm.llm.tokenizer import load_tokenizer, tokenizer_hash
from spectralm.schemas import PREDICTIONS, schema
from spectralm.spectra.options import SpectraOptions
from spectralm.spectra.pixels import Pixels
from spectralm.spectra.store import Store


def answerer(
    folder: Path, manifest: dict[str, Any], base: str | None, device: str | None
) -> Callable[[Pixels], pa.Table]:
    """Open a run once, to answer about many spectra.

    Args:
        folder: Folder of the run.
        manifest: Its manifest.
        base: Base model, if not the one in the manifest.
        device: Device, if not the one in the manifest.

    Returns:
        A function from spectra on the run's grid to PREDICTIONS; the column obsid counts from 0.

    Raises:
        InputError: The base model is missing or a different one; or there is no GPU.
    """
    calibration = Calibration.load(folder)
    width = TextOptions.model_validate(manifest["text"]).bin
    reader = open_run(folder, manifest, base, device, calibration, sigmas=calibration is not None)

    def answers(pixels: Pixels) -> pa.Table:
        binned = pixels.binned(width)
        reader.spectra = Store(np.arange(len(binned)), binned)
        rows = answer(reader, questions_about(manifest, binned), calibration)
        return pa.Table.from_pylist(list(rows), schema=schema(PREDICTIONS))

    return answers


def questions_about(manifest: dict[str, Any], binned: Pixels) -> list[Question]:
    """The questions to the model of a manifest about spectra in its bins; obsids count from 0."""
    text = TextOptions.model_validate(manifest["text"])
    words = flux_text(text, SpectraOptions.model_validate(manifest["spectra"]).grid)
    labels = Targets(manifest["targets"]).labels
    return [
        Question(write_question(flux, words, labels), labels, number)
        for number, flux in enumerate(binned.flux)
    ]


def open_run(
    folder: Path,
    manifest: dict[str, Any],
    base: str | None,
    device: str | None,
    calibration: Calibration | None,
    sigmas: bool,
) -> Reader:
    """The model of a run.

    Args:
        folder: Folder of the run.
        manifest: Its manifest.
        base: Base model, if not the one in the manifest.
        device: Device, if not the one in the manifest.
        calibration: Calibration of the errors; it decides how values are taken from answers.
        sigmas: Whether to compute errors.

    Raises:
        InputError: The base model is missing, or its tokenizer is not the one of the training.
    """
    options = LlmOptions.model_validate(manifest["options"])
    if calibration:
        generation = options.generation.model_copy(update={"reading": calibration.reading})
        options = options.model_copy(update={"generation": generation})
    if device is not None:
        options = options.model_copy(update={"device": str(device)})
    base = base or recorded_base(folder, manifest["base"])
    if tokenizer_hash(load_tokenizer(base)) != manifest["tokenizer_sha256"]:
        raise InputError(
            base, "base model", "its tokenizer is not that of the training", "give --base"
        )
    text = TextOptions.model_validate(manifest["text"])
    return open_reader(folder, base, options, text, sigmas)


def recorded_base(folder: Path, base: str) -> str:
    """The base model of a manifest; a relative path may be relative to the experiment's folder."""
    path = folder.resolve().parents[2] / base
    return str(path) if not Path(base).is_dir() and path.is_dir() else base
