"""Questions -> rows of PREDICTIONS, with calibrated errors where the run has them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa

from spectralm.files import write_json
from spectralm.labels.columns import PREDICTIONS, schema
from spectralm.language.options import TextOptions
from spectralm.llm.base import load_adapter, load_base, load_tokenizer
from spectralm.llm.generation import Reader
from spectralm.llm.options import LlmOptions
from spectralm.progress import progress

FILE = "calibration.json"


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
    """A reader of a trained adapter. Raises InputError if adapter or base are not there."""
    return Reader(
        load_adapter(load_base(base, options.quantise), model),
        load_tokenizer(base),
        text,
        options.max_tokens,
        options.generation.batch_size,
        options.generation.reading,
        sigmas,
    )


def answer_all(
    reader: Reader, obsids: Sequence[int], questions: Sequence[str], calibration: Calibration | None
) -> pa.Table:
    """PREDICTIONS of questions, in their order; without calibration all errors are null."""
    rows = []
    replies = progress(reader.replies(questions), len(questions), "answers")
    for obsid, reply in zip(obsids, replies, strict=True):
        row = {"obsid": obsid, "status": reply.status, "answer": reply.text}
        if reply.star is not None:
            row |= {"class": reply.star.spectral_class, **reply.star.values}
        factors = calibration.factors if calibration else {}
        row |= {
            f"{name}_err": factors[name] * sigma
            for name, sigma in reply.sigmas.items()
            if name in factors
        }
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=schema(PREDICTIONS))
