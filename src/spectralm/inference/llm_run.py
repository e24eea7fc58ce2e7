"""Answers of a trained language model to flux, by its folder alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from spectralm.errors import InputError
from spectralm.labels.vocabulary import Targets
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import write_question
from spectralm.llm.answering import Calibration, answer_all, open_reader
from spectralm.llm.generation import Reader
from spectralm.llm.options import LlmOptions
from spectralm.llm.tokenizer import load_tokenizer, tokenizer_hash
from spectralm.spectra.options import SpectraOptions


def answers(
    folder: Path,
    manifest: dict[str, Any],
    base: str | None,
    device: str | None,
    thousandths: np.ndarray,
) -> pa.Table:
    """PREDICTIONS for flux, int16 [n, grid]; obsid counts from 0. Raises InputError (base, GPU)."""
    calibration = Calibration.load(folder)
    reader = open_run(folder, manifest, base, device, calibration, sigmas=calibration is not None)
    questions = questions_about(manifest, thousandths)
    return answer_all(reader, range(len(questions)), questions, calibration)


def questions_about(manifest: dict[str, Any], thousandths: np.ndarray) -> list[str]:
    """What the model of a manifest is asked about flux, int16 [n, grid]."""
    text = TextOptions.model_validate(manifest["text"])
    words = flux_text(text, SpectraOptions.model_validate(manifest["spectra"]).grid)
    asked = Targets(manifest["targets"]).labels
    return [write_question(flux, words, asked) for flux in thousandths]


def open_run(
    folder: Path,
    manifest: dict[str, Any],
    base: str | None,
    device: str | None,
    calibration: Calibration | None,
    sigmas: bool,
) -> Reader:
    """The model of a folder, which reads answers as it was calibrated to.

    Args:
        base, device: if not those of the manifest.

    Raises:
        InputError: the base is not there, or another than that of the training.
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
    """The base of a manifest: a folder seen from here or from where the run's results lie."""
    elsewhere = folder.resolve().parents[2] / base
    return str(elsewhere) if not Path(base).is_dir() and elsewhere.is_dir() else base
