"""The bytes of a FITS file and the few header cards that we want, fast.

astropy still interprets every card; it is only spared the ones nobody asks for.
"""

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
    """A file cannot be read; ``reason`` says why in one word."""

    def __init__(self, reason: str, path: Path, field: str, found: str, remedy: str):
        super().__init__(path, field, found, remedy)
        self.reason = reason


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what reading a file can raise into a :class:`FileError` that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise FileError(
            "missing_file", path, "file", "not on disk", "fetch it or correct the folder"
        ) from None
    except (EOFError, igzip.BadGzipFile, isal_zlib.error) as error:
        found = f"truncated or damaged ({error})"
        raise FileError(
            "damaged_gzip", path, "gzip stream", found, "fetch the file again"
        ) from error
    except OSError as error:
        told = " ".join(str(error).split())
        raise FileError(
            "unreadable_file", path, "file", f"cannot be read ({told})", "fetch it again"
        ) from error


def read_bytes(path: Path) -> bytes:
    """The contents of a file, decompressed if it is gzipped (told by its first bytes).

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
    """The ``wanted`` cards of a file's primary header; the rest of the file is not read.

    Raises:
        FileError: the file is missing, unreadable, empty, damaged before the header's end, or
            not FITS.
    """
    with explained(path), open(path, "rb") as file:
        packed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        stream = igzip.GzipFile(fileobj=file) if packed else file
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
    """The primary header reduced to ``wanted`` keywords (all if None), and where its data begin.

    Raises:
        FileError: the bytes are not FITS.
    """
    if data[:6] != b"SIMPLE":
        raise FileError("not_fits", path, "file", "not FITS (no SIMPLE card)", "give a FITS file")
    keys = None if wanted is None else {key.ljust(8).encode() for key in wanted}
    cards = []
    for start in range(0, len(data), CARD):
        key = data[start : start + 8]
        if key == b"END     ":
            header = fits.Header.fromstring(b"".join(cards))
            return header, -(-(start + CARD) // BLOCK) * BLOCK
        if keys is None or key in keys:
            cards.append(data[start : start + CARD])
    raise FileError("damaged_fits", path, "primary header", "no END card", "fetch the file again")
