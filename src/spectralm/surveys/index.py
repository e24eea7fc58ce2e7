"""Lists the FITS files in the survey's folders, without opening them."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa

from spectralm.errors import InputError
from spectralm.schemas import FILES, schema
from spectralm.surveys.names import parse_names

CHUNK = 100_000


def fits_files(folder: Path, seen: set[str]) -> Iterator[str]:
    """Paths of ``*.fits`` and ``*.fits.gz`` below a folder, in sorted order.

    Hidden files and folders are skipped, symbolic links are followed. ``seen`` holds the real paths
    of folders that have been searched, so that none is searched twice.

    Raises:
        InputError: a folder is missing or cannot be read.
    """
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(
            folder, "folder of spectra", f"cannot be read ({error.strerror})", "correct the path"
        ) from error
    for entry in ordered:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from fits_files(Path(entry.path), seen)
        elif entry.name.lower().endswith((".fits", ".fits.gz")):
            yield entry.path


def index_files(folders: Iterable[Path]) -> pa.Table:
    """A table of all FITS files below ``folders`` (columns FILES).

    Raises:
        InputError: a folder cannot be read, or there is no FITS file in any.
    """
    folders = list(folders)
    seen: set[str] = set()
    paths = (path for folder in folders for path in fits_files(folder, seen))
    tables = [_chunk(chunk) for chunk in iter(lambda: list(islice(paths, CHUNK)), [])]
    if not tables:
        raise InputError(
            ", ".join(str(folder) for folder in folders),
            "folders of spectra",
            "hold no *.fits or *.fits.gz file",
            "give the folders that hold the spectra",
        )
    return pa.concat_tables(tables)


def _chunk(paths: list[str]) -> pa.Table:
    # A name that is not UTF-8 is not from LAMOST; it is listed so that it can be rejected.
    text = pa.array([os.fsencode(path).decode(errors="replace") for path in paths], pa.string())
    table = parse_names(pa.chunked_array([text])).append_column("path", pa.chunked_array([text]))
    return table.select([column.name for column in FILES]).cast(schema(FILES))
