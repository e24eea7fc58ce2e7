"""Questions -> rows of PREDICTIONS, with calibrated errors where the run has them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Self

import pyarrow as pa

from spectralm.files import read_parquet, write_json, write_parquet
from spectralm.language.options import TextOptions
from spectralm.llm.base import load_adapter, load_base
from spectralm.llm.device import local_device
from spectralm.llm.generation import Reader, Reply
from spectralm.llm.options import LlmOptions
from spectralm.llm.tokenizer import load_tokenizer
from spectralm.progress import progress
from spectralm.schemas import PREDICTIONS, schema

FILE = "calibration.json"
#: Validation questions that a calibration answers at most, spread over all.
MOST_CALIBRATED = 5000


@dataclass(frozen=True)
class Calibration:
    """By what the widths of a run's distributions are multiplied to be its errors."""

    reading: str
    """How the answers were read, see GenerationOptions; the values are those of errors so read."""
    factors: dict[str, float]
    """By label; none for a label that too few validation stars have."""
    used: dict[str, int]
    """Validation stars behind each factor."""

    @classmethod
    def load(cls, model: Path) -> Self | None:
        """That of a model's folder; None where it has none."""
        path = model / FILE
        return cls(**json.loads(path.read_text())) if path.is_file() else None

    def save(self, path: Path) -> None:
        """Write it, atomically."""
        write_json(path, asdict(self))


def open_reader(
    model: Path, base: str, options: LlmOptions, text: TextOptions, sigmas: bool
) -> Reader:
    """A reader of a trained adapter. Raises InputError if adapter, base or GPU are not there."""
    return Reader(
        load_adapter(load_base(base, options, local_device(options)), model),
        load_tokenizer(base),
        text,
        options.max_tokens,
        options.generation.batch_size,
        options.generation.reading,
        sigmas,
    )


def answer_all(
    reader: Reader,
    obsids: Sequence[int],
    questions: Sequence[str],
    calibration: Calibration | None,
    parts: Path | None = None,
) -> pa.Table:
    """PREDICTIONS of questions, in their order; without calibration all errors are null.

    Args:
        parts: a folder for what is answered so far: what lies there already is not asked again.
    """
    rows = _rows(reader, obsids, questions, calibration, parts)
    answered = progress(rows, len(questions), "answers")
    return pa.Table.from_pylist(list(answered), schema=schema(PREDICTIONS))


def _rows(
    reader: Reader,
    obsids: Sequence[int],
    questions: Sequence[str],
    calibration: Calibration | None,
    parts: Path | None,
) -> Iterator[dict[str, object]]:
    for start in range(0, len(questions), reader.window):
        stop = min(start + reader.window, len(questions))
        file = parts and parts / f"{start}-{stop}.parquet"
        if file and file.is_file():
            yield from read_parquet(file).to_pylist()
            continue
        replies = reader.replies(questions[start:stop])
        rows = list(map(partial(_row, calibration), obsids[start:stop], replies))
        if file:
            write_parquet(file, pa.Table.from_pylist(rows, schema=schema(PREDICTIONS)))
        yield from rows


def _row(calibration: Calibration | None, obsid: int, reply: Reply) -> dict[str, object]:
    row = {"obsid": obsid, "status": reply.status, "answer": reply.text}
    if reply.star is not None:
        row |= {"class": reply.star.spectral_class, **reply.star.values}
    factors = calibration.factors if calibration else {}
    errors = {
        f"{name}_err": factors[name] * sigma
        for name, sigma in reply.sigmas.items()
        if name in factors
    }
    return row | errors
