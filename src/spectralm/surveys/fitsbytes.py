"""Reads the bytes of a FITS file and selected header cards, fast.

astropy interprets the cards, but only those that are needed.
"""

import gzip
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from astropy.io import fits
from isal import igzip, isal_zlib

from spectralm.errors import InputError

BLOCK = 2880
CARD = 80
GZIP = b"\x1f\x8b"


class FileError(InputError):
    """A file cannot be read; ``reason`` is a short name of the cause, such as ``not_fits``."""

    def __init__(self, reason: str, path: Path, field: str, found: str, remedy: str):
        super().__init__(path, field, found, remedy)
        self.reason = reason


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of reading a file into a :class:`FileError` that names it."""
    try:
        yield
    except FileNotFoundError:
        raise FileError(
            "missing_file", path, "file", "not on disk", "fetch it or correct the folder"
        ) from None
    # isal's stub declares the class as an instance.
    except (EOFError, gzip.BadGzipFile, isal_zlib.error) as error:  # type: ignore[misc]
        found = f"truncated or damaged ({error})"
        raise FileError(
            "damaged_gzip", path, "gzip stream", found, "fetch the file again"
        ) from error
    except OSError as error:
        cause = " ".join(str(error).split())
        raise FileError(
            "unreadable_file", path, "file", f"cannot be read ({cause})", "fetch it again"
        ) from error


def read_bytes(path: Path) -> bytes:
    """The contents of a file, decompressed if its first bytes are those of gzip.

    Raises:
        FileError: the file is missing, unreadable, empty, or a damaged gzip stream.
    """
    with explained(path):
        data = Path(path).read_bytes()
        if data.startswith(GZIP):
            data = igzip.decompress(data)
    if not data:
        raise FileError("empty_file", path, "file", "empty", "fetch the file again")
    return data


def read_primary_header(path: Path, wanted: Collection[str]) -> fits.Header:
    """Read the ``wanted`` cards of a file's primary header, and nothing after the header.

    Raises:
        FileError: the file is missing, unreadable, empty, not FITS, or damaged before the end of
            the header.
    """
    with explained(path), open(path, "rb") as file:
        compressed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        stream = igzip.GzipFile(fileobj=file) if compressed else file
        data = b""
        while block := stream.read(BLOCK):
            data += block
            if not data.startswith(b"SIMPLE") or _ends(block):
                break
    if not data:
        raise FileError("empty_file", path, "file", "empty", "fetch the file again")
    return primary_header(data, path, wanted)[0]


def _ends(block: bytes) -> bool:
    return any(block.startswith(b"END     ", start) for start in range(0, len(block), CARD))


def primary_header(
    data: bytes, path: Path, wanted: Collection[str] | None = None
) -> tuple[fits.Header, int]:
    """The ``wanted`` cards of the primary header (all if None), and the offset of its data.

    Raises:
        FileError: the bytes are not FITS, or the header has no end.
    """
    if data[:6] != b"SIMPLE":
        raise FileError("not_fits", path, "file", "not FITS (no SIMPLE card)", "give a FITS file")
    keys = None if wanted is None else {key.ljust(8).encode() for key in wanted}
    cards: list[bytes] = []
    for start in range(0, len(data), CARD):
        key = data[start : start + 8]
        if key == b"END     ":
            header = fits.Header.fromstring(b"".join(cards))
            return header, -(-(start + CARD) // BLOCK) * BLOCK
        if keys is None or key in keys:
            cards.append(data[start : start + CARD])
    raise FileError("damaged_fits", path, "primary header", "no END card", "fetch the file again")
