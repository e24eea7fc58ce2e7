"""Reads and writes files: atomically, with hashes and metadata."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from spectralm.errors import InputError


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, and rename it to ``path`` if no exception is raised.

    The contents are flushed to disk before the file is renamed, so a file at ``path`` is complete.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write ``value`` as indented JSON with sorted keys, atomically."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def write_parquet(
    path: Path, table: pa.Table, metadata: dict[str, str] | None = None, **settings: object
) -> None:
    """Write a table atomically, compressed by zstd, with ``metadata`` added to its schema.

    ``settings`` go to :func:`pyarrow.parquet.write_table`.
    """
    if metadata:
        table = table.replace_schema_metadata(
            {**(table.schema.metadata or {}), **{k: v.encode() for k, v in metadata.items()}}
        )
    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", **settings)


def read_parquet(paths: Path | list[Path], columns: list[str] | None = None) -> pa.Table:
    """Read one Parquet file, or concatenate several with the same schema.

    Raises:
        InputError: a file is missing or damaged.
    """
    if isinstance(paths, Path):
        paths = [paths]
    if not paths:
        raise InputError("command line", "files", "none given", "give at least one")
    # Metadata such as hashes differ between shards, which concat_tables does not allow.
    return pa.concat_tables(
        _read_one(path, columns).replace_schema_metadata(None) for path in paths
    )


def _read_one(path: Path, columns: list[str] | None) -> pa.Table:
    try:
        return pq.ParquetFile(path).read(columns=columns)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            path, "Parquet file", f"cannot be read ({error})", "make it again"
        ) from error


def parquet_metadata(path: Path) -> dict[str, str]:
    """The metadata that :func:`write_parquet` added to a file's schema."""
    metadata = pq.read_schema(path).metadata or {}
    return {key.decode(): value.decode() for key, value in metadata.items()}


def sha256(*paths: Path) -> str:
    """The SHA-256 of the SHA-256 digests of files, in the order given; hexadecimal."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()
