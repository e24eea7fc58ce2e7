"""Tidy tables: dataclasses as rows of CSV, and back."""

import csv
import dataclasses
import io
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from spectralm.errors import InputError
from spectralm.files import write_text

R = TypeVar("R")


def csv_text(row_class: type, rows: Iterable[Any]) -> str:
    """CSV with a column per field of ``row_class``; None is an empty cell.

    The fields of a field that is a dataclass follow in its place. An underscore at the end of a
    field's name, as in ``class_``, is not in the column's.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_columns(row_class))
    writer.writerows(_cells(row) for row in rows)
    return text.getvalue()


def write_rows(path: Path, row_class: type, rows: Iterable[Any]) -> None:
    """Write :func:`csv_text` atomically."""
    write_text(path, csv_text(row_class, rows))


def read_rows(path: Path, row_class: type[R]) -> list[R]:
    """The rows that :func:`write_rows` wrote.

    Raises:
        InputError: a column is missing, or a cell is not of its field's type.
    """
    read = _reader(row_class)
    with open(path, newline="", encoding="utf-8") as text:
        try:
            return [read(row) for row in csv.DictReader(text)]
        except (KeyError, ValueError) as error:
            raise InputError(path, "table", repr(error), "tabulate it again") from error


def _columns(row_class: type) -> Iterator[str]:
    for name, kind in typing.get_type_hints(row_class).items():
        if dataclasses.is_dataclass(kind):
            yield from _columns(typing.cast(type, kind))
        else:
            yield name.rstrip("_")


def _cells(row: Any) -> Iterator[object]:
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if dataclasses.is_dataclass(value):
            yield from _cells(value)
        else:
            yield value


def _reader(row_class: type[R]) -> Callable[[Mapping[str, str]], R]:
    """A function that makes a row of the cells by column."""
    fields: dict[str, Callable[[Mapping[str, str]], Any]] = {}
    for name, kind in typing.get_type_hints(row_class).items():
        if dataclasses.is_dataclass(kind):
            fields[name] = _reader(typing.cast(type, kind))
        else:
            fields[name] = partial(_value, name.rstrip("_"), kind)
    return lambda cells: row_class(**{name: read(cells) for name, read in fields.items()})


def _value(column: str, kind: Any, cells: Mapping[str, str]) -> Any:
    cell = cells[column]
    if isinstance(kind, types.UnionType):
        return None if cell == "" else typing.get_args(kind)[0](cell)
    return kind(cell)
