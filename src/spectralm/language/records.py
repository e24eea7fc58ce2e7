"""Files of question-answer records: gzipped JSON Lines."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from isal import igzip

from spectralm.errors import InputError
from spectralm.files import atomic
from spectralm.labels.vocabulary import ABUNDANCES, LABELS, PARAMETERS, Label
from spectralm.language.answers import answer_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import Record

#: Types of the fields, as the `dataset_info` of a Hugging Face dataset card lists them. Without
#: them `datasets` would take the labels of the first records for those of all.
FEATURES = [
    {"name": "obsid", "dtype": "int64"},
    {"name": "asked", "list": "string"},
    {
        "name": "labels",
        "struct": [
            {"name": "class", "dtype": "string"},
            *({"name": name, "dtype": "float64"} for name in LABELS),
        ],
    },
    {"name": "question", "dtype": "string"},
    {"name": "answer", "dtype": "string"},
]
_KINDS = {"obsid": int, "asked": list, "labels": dict, "question": str, "answer": str}


def make_record(
    obsid: int, asked: tuple[Label, ...], question: str, answer: str, options: TextOptions
) -> Record:
    """The record of a question and its answer, which may be empty."""
    return {
        "obsid": obsid,
        "asked": [label.name for label in asked],
        "labels": answer_text(options, asked).read(answer).labels() if answer else {},
        "question": question,
        "answer": answer,
    }


def write_records(path: Path, rows: Iterable[Record]) -> None:
    """Write JSON Lines, gzipped, atomically; the same rows give the same bytes."""
    with (
        atomic(path) as temporary,
        open(temporary, "wb") as raw,
        igzip.IGzipFile(filename="", mode="wb", compresslevel=2, fileobj=raw, mtime=0) as packed,
    ):
        for row in rows:
            packed.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")


def read_records(path: Path) -> Iterator[Record]:
    """The records of a file that :func:`write_records` wrote.

    Raises:
        InputError: a line is no JSON, or lacks a field of a record.
    """
    with igzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                fault = _fault(row)
            except json.JSONDecodeError as error:
                fault = f"not JSON ({error})"
            if fault:
                remedy = "make the file again with `spectralm write-questions`"
                raise InputError(path, f"line {number}", fault, remedy)
            yield row


def _fault(row: object) -> str | None:
    """Why a line of a file is no record; None if it is one."""
    if not isinstance(row, dict):
        return f"not an object but {type(row).__name__}"
    for name, kind in _KINDS.items():
        if not isinstance(row.get(name), kind):
            return f"no field {name} of type {kind.__name__}"
    parameters = [label.name for label in PARAMETERS]
    abundances = [label.name for label in ABUNDANCES if label.name in row["asked"]]
    if row["asked"] not in (parameters, abundances) or not row["asked"]:
        return f"asked is {row['asked']}, neither {parameters} nor abundances in their order"
    answered = {"class", *parameters} if row["asked"] == parameters else {*abundances}
    if row["labels"].keys() != (answered if row["answer"] else set()):
        return f"labels has the keys {[*row['labels']]}, which are not those of asked"
    return None
