"""Predictions for many files: in parts, by several processes, resumed where they stopped."""

import multiprocessing
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from spectralm.errors import InputError
from spectralm.files import atomic, read_parquet, sha256, write_parquet
from spectralm.fingerprint import fingerprint
from spectralm.inference.output import to_astropy
from spectralm.inference.predict import CHUNK, as_text, format_of, label, write
from spectralm.inference.run import Device, Run
from spectralm.inference.user_spectra import WavelengthScale
from spectralm.progress import Progress
from spectralm.provenance import workspace_key
from spectralm.schemas import Column, schema, user_columns
from spectralm.workspace import MANIFEST


@dataclass(frozen=True)
class Model:
    """What a process needs to predict."""

    folder: Path
    base: str | None
    device: Device | None
    scale: WavelengthScale


def predict_many(model: Model, files: Sequence[Path], out: Path, processes: int) -> str:
    """Predict labels of files, and write one table of all rows, in the order of the files.

    The parts of an attempt that was stopped are used again, if model, files and code are the same.
    Memory does not grow with the number of files, if ``out`` is Parquet.

    Args:
        model: of the predictions.
        files: of spectra.
        out: the table; see :func:`~spectralm.inference.predict.write`.
        processes: number of processes, each on one core with a model of its own.

    Returns:
        The first rows, and the files that were refused, for a terminal.

    Raises:
        InputError: the run cannot be used, or ``out`` is one of the files.
    """
    if out.resolve() in {file.resolve() for file in files}:
        raise InputError(out, "out", "it is one of the spectra", "give another name")
    format_of(out)
    run = Run.open(model.folder, model.base, model.device)
    folder = _folder(model, files, out)
    parts = {folder / f"{start}.parquet": start for start in range(0, len(files), CHUNK)}
    missing = {part: start for part, start in parts.items() if not part.is_file()}
    done = len(files) - sum(len(files[start : start + CHUNK]) for start in missing.values())
    shown = Progress(len(files), "spectra", done)
    for written in _written(model, files, missing, processes):
        done += written
        shown.show(done)
    shown.close()
    columns = user_columns(run.labels)
    _join(list(parts), columns, out)
    first = to_astropy(read_parquet(next(iter(parts))).to_pylist(), columns)
    found = read_parquet(list(parts), ["status", "detail"]).to_pylist()
    shutil.rmtree(folder)
    refused = [row["detail"] for row in found if row["status"] == "refused"]
    return as_text(first, len(files), refused)


def _written(
    model: Model, files: Sequence[Path], missing: dict[Path, int], processes: int
) -> Iterator[int]:
    """Write parts; yield the number of rows of each."""
    tasks = [(model, files[start : start + CHUNK], part) for part, start in missing.items()]
    if processes == 1:
        yield from (_write_part(*task) for task in tasks)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, _use_one_core) as pool:
        for future in as_completed([pool.submit(_write_part, *task) for task in tasks]):
            yield future.result()


def _use_one_core() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"


def _write_part(model: Model, files: Sequence[Path], part: Path) -> int:
    run = _open(model)
    rows = label(files, run, model.scale)
    write_parquet(part, pa.Table.from_pylist(rows, schema=schema(user_columns(run.labels))))
    return len(files)


@cache
def _open(model: Model) -> Run:
    return Run.open(model.folder, model.base, model.device)


def _folder(model: Model, files: Sequence[Path], out: Path) -> Path:
    """The folder of the parts, beside the table: another one if anything has changed."""
    facts = {
        "manifest": sha256(model.folder / MANIFEST),
        "base": model.base,
        "scale": asdict(model.scale),
        "files": [(str(file), _state(file)) for file in files],
        "code": fingerprint("predict"),
    }
    return out.parent / f".{out.name}.{workspace_key(facts)}"


def _state(file: Path) -> tuple[int, int] | None:
    """Size, and time of the last change, ns; None for a file that is missing."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _join(parts: Sequence[Path], columns: tuple[Column, ...], out: Path) -> None:
    if format_of(out) == "parquet":
        settings = {"schema": schema(columns), "compression": "zstd"}
        with atomic(out) as temporary, pq.ParquetWriter(temporary, **settings) as writer:
            for part in parts:
                writer.write_table(pq.read_table(part))
    else:
        write(out, to_astropy(read_parquet(list(parts)).to_pylist(), columns))
