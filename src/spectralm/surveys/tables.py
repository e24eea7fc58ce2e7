"""Reads columns of a survey's catalogue, FITS or text, gzipped or not, in batches."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import fitsio
import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
from isal import igzip

from spectralm.errors import InputError
from spectralm.surveys.fitsbytes import GZIP, explained

ROWS = 500_000
BLOCK_BYTES = 1 << 26
LONGEST_LINE = 1 << 20


@dataclass(frozen=True)
class TextTable:
    """A catalogue in a text file; cells are strings as in the file."""

    path: Path
    delimiter: str
    names: tuple[str, ...]
    ragged: list[str] = field(default_factory=list)
    """Lines with too few or too many cells; filled while the file is read."""

    def batches(self, columns: Mapping[str, str]) -> Iterator[pa.Table]:
        """Read ``columns`` (new name to name in the file), as strings.

        Raises:
            InputError: the text is damaged.
        """
        wanted = {self.names.index(name): new for new, name in columns.items()}
        with explained(self.path), _stream(self.path) as stream:
            try:
                for batch in csv.open_csv(
                    stream,
                    csv.ReadOptions(
                        block_size=BLOCK_BYTES,
                        skip_rows=1,
                        column_names=[wanted.get(i, f"_{i}") for i in range(len(self.names))],
                    ),
                    csv.ParseOptions(
                        delimiter=self.delimiter, invalid_row_handler=self._note_ragged
                    ),
                    csv.ConvertOptions(
                        include_columns=list(columns),
                        column_types=dict.fromkeys(columns, pa.string()),
                    ),
                ):
                    yield pa.Table.from_batches([batch])
            except pa.ArrowInvalid as error:
                if "Empty CSV file" not in str(error):
                    raise InputError(
                        self.path,
                        "text",
                        f"cannot be read ({error})",
                        "correct it or fetch it again",
                    ) from error

    def _note_ragged(self, row: csv.InvalidRow) -> str:
        self.ragged.append(f"{row.actual_columns} cells of {row.expected_columns}: {row.text[:60]}")
        return "skip"


@dataclass(frozen=True)
class FitsTable:
    """A catalogue in the first table of a FITS file; cells keep their type."""

    path: Path
    plain: Path
    """The same file, decompressed."""
    extension: int
    rows: int
    names: tuple[str, ...]
    ragged: tuple[str, ...] = ()

    def batches(self, columns: Mapping[str, str]) -> Iterator[pa.Table]:
        """Read ``columns`` (new name to name in the file), in the types of the file.

        Raises:
            InputError: the file is damaged.
        """
        with explained(self.path), fitsio.FITS(str(self.plain), lower=True) as file:
            table = file[self.extension]
            for start in range(0, self.rows, ROWS):
                part = table[list(columns.values())][start : start + ROWS]
                yield pa.table({new: _arrow(part[name]) for new, name in columns.items()})


@contextmanager
def open_table(path: Path) -> Iterator[TextTable | FitsTable]:
    """Open a catalogue; the names of its columns are in lower case.

    A gzipped FITS file is decompressed into a temporary file within the context.

    Raises:
        InputError: the file is missing, empty, damaged, or neither a FITS table nor text.
    """
    with explained(path), _stream(path) as stream:
        line = stream.readline(LONGEST_LINE)
    if not line.strip():
        raise InputError(path, "catalogue", "empty", "fetch the file again")
    if not line.startswith(b"SIMPLE"):
        yield _text_table(path, line)
    elif _is_gzip(path):
        with tempfile.NamedTemporaryFile(suffix=".fits") as plain:
            with explained(path), _stream(path) as stream:
                shutil.copyfileobj(stream, plain, BLOCK_BYTES)
                plain.flush()
            yield _fits_table(path, Path(plain.name))
    else:
        yield _fits_table(path, path)


def choose_columns(
    path: Path,
    in_file: Sequence[str],
    names: Mapping[str, tuple[str, ...]],
    needed: Sequence[tuple[str, ...]],
    remedy: str,
) -> dict[str, str]:
    """Map our names of columns to their names in a catalogue.

    Args:
        path: the catalogue, for error messages.
        in_file: the names of the catalogue's columns.
        names: for each of our columns, the names it may have in a file, the preferred one first.
        needed: groups of our columns; a file must have at least one of each group.
        remedy: what to do if a needed column is missing, for the error message.

    Raises:
        InputError: a needed column is missing, or a column is there twice.
    """
    found = {
        ours: next(name for name in theirs if name in in_file)
        for ours, theirs in names.items()
        if any(name in in_file for name in theirs)
    }
    missing = [
        " or ".join(name for ours in group for name in names[ours])
        for group in needed
        if not found.keys() & set(group)
    ]
    if missing:
        shown = ", ".join(in_file[:60]) + (", ..." if len(in_file) > 60 else "")
        raise InputError(
            path, "columns", f"no column {', '.join(missing)}; there are: {shown}", remedy
        )
    for name in found.values():
        if in_file.count(name) > 1:
            raise InputError(path, f"column {name}", "there twice", "remove one of them")
    return found


def _text_table(path: Path, line: bytes) -> TextTable:
    try:
        text = line.decode("utf-8-sig").rstrip("\r\n").lstrip("#")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(
            path,
            "catalogue",
            "neither a FITS file nor text",
            "give a catalogue as the survey publishes it",
        )
    delimiter = "|" if text.count("|") > text.count(",") else ","
    names = tuple(name.strip().strip('"').lower() for name in text.split(delimiter))
    return TextTable(path, delimiter, names)


def _fits_table(path: Path, plain: Path) -> FitsTable:
    with explained(path), fitsio.FITS(str(plain)) as file:
        for number, extension in enumerate(file):
            if isinstance(extension, fitsio.hdu.TableHDU):
                names = tuple(name.lower() for name in extension.get_colnames())
                return FitsTable(path, plain, number, extension.get_nrows(), names)
    raise InputError(
        path,
        "catalogue",
        "a FITS file without a table",
        "give a catalogue as the survey publishes it",
    )


def _is_gzip(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(len(GZIP)) == GZIP


def _stream(path: Path) -> BinaryIO:
    return igzip.open(path, "rb") if _is_gzip(path) else open(path, "rb")


def _arrow(column: np.ndarray) -> pa.Array:
    return pa.array(column.astype(column.dtype.newbyteorder("=")))
