"""Files of question-answer records: gzipped JSON Lines."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from isal import igzip

from spectralm.errors import InputError
from spectralm.files import atomic


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
