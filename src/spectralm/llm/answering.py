"""Predictions of a language model: a row per question, with calibrated errors if available."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

import pyarrow as pa

from spectralm.files import read_parquet, write_json, write_parquet
from spectralm.language.options import TextOptions
from spectralm.language.questions import Question
from spectralm.llm.adapter import load_adapter
from spectralm.llm.base import load_base
from spectralm.llm.device import local_device
from spectralm.llm.generation import Reader, Reply
from spectralm.llm.options import LlmOptions
from spectralm.llm.tokenizer import load_tokenizer
from spectralm.progress import progress
from spectralm.schemas import PREDICTIONS, schema
from spectralm.spectra.store import Store

FILE = "calibration.json"
#: Largest number of validation questions of a calibration, spread over all.
MOST_CALIBRATED = 5000


@dataclass(frozen=True)
class Calibration:
    """Factors that turn the widths of a run's distributions into errors of its predictions."""

    reading: str
    """How the answers were read, see GenerationOptions; the factors hold for this reading."""
    factors: dict[str, float]
    """By label; a label with too few validation stars has none."""
    used: dict[str, int]
    """Number of validation stars per label."""
    of_class: dict[str, dict[str, float]] = field(default_factory=dict)
    """In stage 1: by the class in the answer, and by label. A class with too few validation stars
    has none, and ``factors`` hold for its stars."""

    @classmethod
    def load(cls, model: Path) -> Self | None:
        """The calibration in a model's folder; None if there is none."""
        path = model / FILE
        return cls(**json.loads(path.read_text())) if path.is_file() else None

    def errors(self, reply: Reply) -> dict[str, float]:
        """The error of each label of a reply."""
        of_class = reply.star and self.of_class.get(reply.star.spectral_class or "")
        factors = self.factors | (of_class or {})
        return {
            name: factors[name] * sigma for name, sigma in reply.sigmas.items() if name in factors
        }

    def save(self, path: Path) -> None:
        """Write it, atomically."""
        write_json(path, asdict(self))


def open_reader(
    model: Path,
    base: str,
    options: LlmOptions,
    text: TextOptions,
    sigmas: bool,
    spectra: Store | None = None,
) -> Reader:
    """A reader of a trained adapter. Raises InputError if adapter, base or GPU is missing."""
    return Reader(
        load_adapter(load_base(base, options, local_device(options)), model, options.read_in),
        load_tokenizer(base),
        text,
        options.max_tokens,
        options.generation.batch_size,
        options.generation.reading,
        sigmas,
        spectra,
    )


def answer_all(
    reader: Reader,
    questions: Sequence[Question],
    calibration: Calibration | None,
    parts: Path | None = None,
) -> pa.Table:
    """The answers as a PREDICTIONS table, in the order of the questions.

    Args:
        reader: of the model.
        questions: to answer.
        calibration: of the model; without it all errors are null.
        parts: a folder for the answers so far: questions with an answer in it are not asked again.
    """
    rows = answer(reader, questions, calibration, parts)
    answered = progress(rows, len(questions), "answers")
    return pa.Table.from_pylist(list(answered), schema=schema(PREDICTIONS))


def answer(
    reader: Reader,
    questions: Sequence[Question],
    calibration: Calibration | None,
    parts: Path | None = None,
) -> Iterator[dict[str, object]]:
    """The rows of :func:`answer_all`, without showing the progress."""
    for start in range(0, len(questions), reader.window):
        stop = min(start + reader.window, len(questions))
        file = parts and parts / f"{start}-{stop}.parquet"
        if file and file.is_file():
            yield from read_parquet(file).to_pylist()
            continue
        asked = questions[start:stop]
        rows = list(map(partial(_row, calibration), asked, reader.replies(asked)))
        if file:
            write_parquet(file, pa.Table.from_pylist(rows, schema=schema(PREDICTIONS)))
        yield from rows


def _row(calibration: Calibration | None, question: Question, reply: Reply) -> dict[str, object]:
    row = {"obsid": question.obsid, "status": reply.status, "answer": reply.text}
    if reply.star is not None:
        row |= {"class": reply.star.spectral_class, **reply.star.values}
    errors = calibration.errors(reply) if calibration else {}
    return row | {f"{name}_err": error for name, error in errors.items()}
