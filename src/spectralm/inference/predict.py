"""Files of spectra -> a table of labels, errors and flags."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Table

from spectralm.errors import InputError
from spectralm.files import atomic
from spectralm.inference.find_spectra import find_spectra
from spectralm.inference.flags import Predicted, flags_of, names
from spectralm.inference.output import to_astropy
from spectralm.inference.run import Device, Run
from spectralm.inference.training_domain import TrainingDomain
from spectralm.inference.user_spectra import (
    Medium,
    WavelengthScale,
    check,
    read_user_spectrum,
    signal_to_noise,
)
from spectralm.labels.vocabulary import Label
from spectralm.progress import progress
from spectralm.schemas import user_columns
from spectralm.spectra.flags import NO_OBSID
from spectralm.spectra.pixels import Pixels
from spectralm.spectra.resample import Resampled, resample

#: Formats of output files by suffix.
FORMATS = {".ecsv": "ascii.ecsv", ".csv": "ascii.csv", ".fits": "fits", ".parquet": "parquet"}

#: Files that are read before their spectra are answered.
CHUNK = 256

#: Columns that are not printed, and maximum number of rows that are.
NOT_PRINTED = ("answer", "detail", "flags", "status", "masked_fraction")
PRINTED_ROWS = 40


def predict(
    files: Sequence[Path | str],
    model: Path | str,
    *,
    base: str | None = None,
    device: str | None = None,
    medium: str | None = None,
    unit: str | None = None,
) -> Table:
    """Predict labels of spectra.

    Args:
        files: LAMOST low-resolution spectra, or tables (see
            :func:`~spectralm.inference.user_spectra.read_user_spectrum`); folders of them, which
            are searched to any depth; or patterns such as ``plates/*/*.fits.gz``.
        model: Folder of a run, such as results/models/tiny-lamost-12000.
        base: Folder or hub id of a language model's base, if not the recorded one.
        device: ``cpu`` to run a language model without a GPU.
        medium: ``air`` or ``vacuum``, for tables.
        unit: Unit of the wavelengths, for tables without one.

    Returns:
        A table with the columns :func:`~spectralm.schemas.user_columns`, one row per file in the
        order of ``files``. The row of a file that cannot be used says why.

    Raises:
        InputError: The run cannot be used, or a folder or pattern has no spectra.
    """
    run = Run.open(Path(model), base, None if device is None else Device(device))
    scale = WavelengthScale(None if medium is None else Medium(medium), unit)
    found = find_spectra(files)
    chunks = (found[start : start + CHUNK] for start in range(0, len(found), CHUNK))
    rows = chain.from_iterable(label(chunk, run, scale) for chunk in chunks)
    return to_astropy(list(progress(rows, len(found), "spectra")), user_columns(run.labels))


def label(files: Sequence[Path], run: Run, scale: WavelengthScale) -> list[dict]:
    """Rows of files, in their order. All their spectra are in memory at once."""
    spectra = [_read(file, scale, run) for file in files]
    accepted = [(row, resampled) for row, resampled in spectra if resampled is not None]
    if accepted:
        rows = [row for row, _ in accepted]
        pixels = Pixels(
            np.stack([resampled.flux for _, resampled in accepted]),
            np.stack([resampled.masked for _, resampled in accepted]),
        )
        for row, prediction in zip(rows, run.answers(pixels).to_pylist(), strict=True):
            del prediction["obsid"]
            row.update(prediction)
        _flag(rows, pixels.flux, run.labels, run.training_domain)
    return [row for row, _ in spectra]


def write(path: Path, table: Table) -> None:
    """Write a table as ECSV, CSV, FITS or Parquet, by the suffix of the file.

    Raises:
        InputError: The suffix is none of these.
    """
    kind = format_of(path)
    if kind == "fits":
        table = table.copy()
        for name in table.colnames:
            # The FITS standard has no unit dex.
            if table[name].unit == u.dex:
                table[name].unit = None
    with atomic(path) as temporary:
        table.write(temporary, format=kind, overwrite=True)


def format_of(path: Path) -> str:
    """Name in astropy of the format of a file. Raises InputError for an unknown suffix."""
    if path.suffix not in FORMATS:
        raise InputError(path, "suffix", repr(path.suffix), f"use one of {', '.join(FORMATS)}")
    return FORMATS[path.suffix]


def as_text(first: Table, total: int, refused: Sequence[str]) -> str:
    """The first rows of a table for a terminal, and a line for each of the first refusals.

    Args:
        first: rows; more of them than are printed do not matter.
        total: number of all rows.
        refused: details of all files that were refused.
    """
    lines = _rows_as_text(first)
    if total > PRINTED_ROWS:
        lines.append(f"... and {total - PRINTED_ROWS} more")
    lines += [f"refused: {detail}" for detail in refused[:PRINTED_ROWS]]
    if len(refused) > PRINTED_ROWS:
        lines.append(f"... and {len(refused) - PRINTED_ROWS} more refused, of {total}")
    return "\n".join(line.rstrip() for line in lines)


def _rows_as_text(table: Table) -> list[str]:
    narrow = table[[name for name in table.colnames if name not in NOT_PRINTED]]
    narrow["file"] = [Path(file).name for file in table["file"]]
    for column in narrow.itercols():
        if column.dtype.kind == "f":
            column.info.format = (
                ".2f" if column.unit == u.dex or column.name == "distance" else ".0f"
            )
    lines: list[str] = narrow[:PRINTED_ROWS].pformat(max_lines=-1, max_width=-1, align="<")
    return lines


def _read(path: Path, scale: WavelengthScale, run: Run) -> tuple[dict, Resampled | None]:
    """The first cells of a file's row, and its spectrum on the grid; None if it is refused."""
    try:
        spectrum = read_user_spectrum(path, scale)
        check(spectrum, run.spectra)
        resampled = resample(spectrum, run.spectra, spectrum.redshift)
    except InputError as error:
        row = {"file": str(path), "status": "refused", "detail": str(error), "flags": 0}
        return row, None
    row = {
        "file": str(path),
        "snr": signal_to_noise(spectrum),
        "masked_fraction": resampled.masked_fraction,
        "flags": resampled.flags & ~NO_OBSID.value,
    }
    return row, resampled


def _flag(
    rows: list[dict], flux: np.ndarray, labels: Sequence[Label], domain: TrainingDomain | None
) -> None:
    """Add distance and flags to rows."""
    distance = domain.distance(flux) if domain else np.full(len(rows), np.nan)
    predicted = Predicted(
        distance=distance,
        snr=_numbers(rows, "snr"),
        masked_fraction=_numbers(rows, "masked_fraction"),
        parsed=np.array([row["status"] == "parsed" for row in rows]),
        values={label: _numbers(rows, label.name) for label in labels},
    )
    for row, value, bits in zip(rows, distance, flags_of(predicted, domain), strict=True):
        row["distance"] = float(value) if domain else None
        row["flags"] |= int(bits)
        row["flag_names"] = " ".join(names(row["flags"]))


def _numbers(rows: list[dict], name: str) -> np.ndarray:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)
