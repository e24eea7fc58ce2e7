"""Answers of a trained language model to flux, by its folder alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from spectralm.errors import InputError
from spectralm.labels.columns import PREDICTIONS, schema
from spectralm.language.answers import answer_text
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import write_question
from spectralm.llm.base import load_adapter, load_base, load_tokenizer, tokenizer_hash
from spectralm.llm.generation import Reader
from spectralm.llm.options import LlmOptions
from spectralm.spectra.options import SpectraOptions


def answers(
    folder: Path, manifest: dict[str, Any], base: str | None, thousandths: np.ndarray
) -> pa.Table:
    """PREDICTIONS for flux, int16 [n, grid]; obsid counts from 0. Raises InputError (base)."""
    options = LlmOptions.model_validate(manifest["options"])
    text = TextOptions.model_validate(manifest["text"])
    base = base or recorded_base(folder, manifest["base"])
    tokenizer = load_tokenizer(base)
    if tokenizer_hash(tokenizer) != manifest["tokenizer_sha256"]:
        raise InputError(
            base, "base model", "its tokenizer is not that of the training", "give --base"
        )
    reader = Reader(
        load_adapter(load_base(base, options.quantise), folder),
        tokenizer,
        answer_text(text),
        options.max_tokens,
        options.generation.batch_size,
        options.generation.reading,
    )
    words = flux_text(text, SpectraOptions.model_validate(manifest["spectra"]).grid)
    rows = []
    for number, reply in enumerate(
        reader.replies([write_question(flux, words) for flux in thousandths])
    ):
        row = {"obsid": number, "status": reply.status, "answer": reply.text}
        if reply.star is not None:
            row |= {"class": reply.star.spectral_class, **reply.star.values}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=schema(PREDICTIONS))


def recorded_base(folder: Path, base: str) -> str:
    """The base of a manifest: a folder seen from here or from where the run's results lie."""
    elsewhere = folder.resolve().parents[2] / base
    return str(elsewhere) if not Path(base).is_dir() and elsewhere.is_dir() else base
