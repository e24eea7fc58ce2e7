"""Question-answer records (paper III.1) and the files that hold them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from isal import igzip

from spectralm.errors import InputError
from spectralm.files import atomic
from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS, Ask, Label
from spectralm.language.answers import Star, answer_text
from spectralm.language.errors import ParseError, RangeError
from spectralm.language.flux import FluxText, flux_text
from spectralm.language.options import TextOptions
from spectralm.rejects import Reject
from spectralm.samples.manifest import truth_column
from spectralm.spectra.stored import thousandths_of

STAGE = "write_questions"
OPEN, CLOSE = "<flux>", "</flux>"


def instruction(wavelength: Sequence[float], asked: tuple[Label, ...] = PARAMETERS) -> str:
    """The paper's words before the flux of a question: stage 1's, or one for abundances."""
    if asked != PARAMETERS:
        return (
            "Given the normalized flux data sorted by wavelength, "
            f"from {wavelength[0]:g} angstrom to {wavelength[-1]:g} angstrom. "
            "Your task is to analyze this spectrum, and predict physical parameters: "
            f"{' '.join(label.text for label in asked)}. "
        )
    names = ", ".join(f"'{name}'" for name in ("class", *(label.text for label in PARAMETERS)))
    return (
        "Given the normalized flux data sorted by wavelength, "
        f"from {wavelength[0]:g} angstrom to {wavelength[-1]:g}. "
        "Your task is to analyze this spectrum, and predict spectral type and physical "
        f"parameters. Organize your answer in the order of [{names}]. "
    )


def write_question(
    thousandths: np.ndarray, text: FluxText, asked: tuple[Label, ...] = PARAMETERS
) -> str:
    """The question about a spectrum (int16 thousandths on the grid of ``text``)."""
    return f"{instruction(text.wavelength, asked)}{OPEN}{text.write(thousandths)}{CLOSE}"


def asked_of(question: str) -> tuple[Label, ...]:
    """The labels that a question asks for: PARAMETERS, or some ABUNDANCES in their order.

    Raises:
        ParseError: the question names something else, or in another order.
    """
    named = re.search(r": ([^:]+)\. $", question.partition(OPEN)[0])
    if not named:
        return PARAMETERS
    names = named[1].split(" ")
    asked = tuple(label for label in ABUNDANCES if label.text in names)
    if [label.text for label in asked] != names:
        raise ParseError(f"not abundances in their order: {named[1][:120]!r}")
    return asked


def read_question(question: str, text: FluxText) -> np.ndarray:
    """The int16 thousandths of a question.

    Raises:
        ParseError: the question is not one that :func:`write_question` writes.
    """
    before = instruction(text.wavelength, asked_of(question)) + OPEN
    if not (question.startswith(before) and question.endswith(CLOSE)):
        raise ParseError(f"not a question of ours: {question[:60]!r} ... {question[-20:]!r}")
    return text.read(question[len(before) : -len(CLOSE)])


def records(
    sample: pa.Table,
    spectra: pa.Table,
    options: TextOptions,
    wavelength: np.ndarray,
    ask: Ask = Ask.PARAMETERS,
) -> tuple[dict[str, list[dict[str, Any]]], list[Reject]]:
    """Question-answer records per split, and the spectra that cannot be learned from.

    A test star whose labels cannot be spelled is asked about all the same, with an empty answer:
    every model must be judged on the same stars. Each question and its answer have the same fields:
    of abundances, those that are not null in the sample.

    Args:
        sample: a manifest shard (labels and split).
        spectra: its spectra shard; joined by obsid, in its own order.
        wavelength: the grid of the spectra, vacuum Angstrom.
    """
    flux_words = flux_text(options, wavelength)
    stars = {row["obsid"]: row for row in sample.to_pylist()}
    columns = {label.name: truth_column(sample, label) for label in ask.labels}
    split_records: dict[str, list[dict[str, Any]]] = {"train": [], "validation": [], "test": []}
    rejects = []
    flux = thousandths_of(spectra)
    for obsid, thousandths in zip(spectra["obsid"].to_pylist(), flux, strict=True):
        row = stars[obsid]
        values = {label: row[column] for label, column in columns.items()}
        asked = _asked_about(values, ask)
        if not asked:
            detail = "the survey has no valid abundance of this star"
            rejects.append(Reject(obsid, row["path"], STAGE, "nothing to ask for", detail))
            continue
        try:
            answer = answer_text(options, asked).write(Star(row["class"], values))
        except RangeError as error:
            if row["split"] != "test":
                unknown = None in (values[label.name] for label in asked)
                reason = "label missing" if unknown else "label out of range"
                detail = f"{error}; nothing to learn from in this spelling"
                rejects.append(Reject(obsid, row["path"], STAGE, reason, detail))
                continue
            answer = ""
        question = write_question(thousandths, flux_words, asked)
        split_records[row["split"]].append({"obsid": obsid, "question": question, "answer": answer})
    return split_records, rejects


def _asked_about(values: Mapping[str, float | None], ask: Ask) -> tuple[Label, ...]:
    if ask == Ask.PARAMETERS:
        return PARAMETERS
    return tuple(label for label in ask.labels if values[label.name] is not None)


def write_records(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON Lines, gzipped, atomically; the same rows give the same bytes."""
    with (
        atomic(path) as temporary,
        open(temporary, "wb") as raw,
        igzip.IGzipFile(filename="", mode="wb", compresslevel=2, fileobj=raw, mtime=0) as packed,
    ):
        for row in rows:
            packed.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a file that :func:`write_records` wrote.

    Raises:
        InputError: a line is not a JSON object with obsid, question and answer.
    """
    with igzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(
                    path, f"line {number}", f"not JSON ({error})", "make the file again"
                ) from error
            if not isinstance(row, dict) or not {"obsid", "question", "answer"} <= row.keys():
                raise InputError(
                    path,
                    f"line {number}",
                    "no record with obsid, question and answer",
                    "make the file again with `spectralm write-questions`",
                )
            yield row
