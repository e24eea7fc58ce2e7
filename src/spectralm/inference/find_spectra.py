"""Files, folders and patterns -> files of spectra."""

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from spectralm.errors import InputError

#: How the names of spectra in a folder end. A folder's CSV files may be catalogues.
ENDINGS = (".fits", ".fits.gz", ".fits.fz", ".fit")


def find_spectra(given: Sequence[Path | str]) -> list[Path]:
    """The files of spectra, in the order given; those of a folder or pattern are sorted.

    Raises:
        InputError: a folder or a pattern has none.
    """
    return [file for path in given for file in _files(Path(path))]


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.name.lower().endswith(ENDINGS))
        missing = f"none ends in {', '.join(ENDINGS)}"
    elif not path.exists() and glob.has_magic(str(path)):
        found = sorted(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))
        missing = "no file matches it"
    else:
        return iter([path])
    if not found:
        raise InputError(path, "spectra", missing, "give files, a folder, or a pattern")
    return iter(found)
