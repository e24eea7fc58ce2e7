"""Files of spectra -> a table of labels, errors and flags."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Table

from spectralm.errors import InputError
from spectralm.files import atomic
from spectralm.inference.flags import Predicted, flags_of, names
from spectralm.inference.output import to_astropy
from spectralm.inference.run import Device, Run
from spectralm.inference.training_domain import TrainingDomain
from spectralm.inference.user_spectra import Medium, Origin, check, read_own, signal_to_noise
from spectralm.labels.vocabulary import Label
from spectralm.schemas import own_columns
from spectralm.spectra.flags import NO_OBSID
from spectralm.spectra.resample import resample

#: Formats by the ending of a file.
FORMATS = {".ecsv": "ascii.ecsv", ".csv": "ascii.csv", ".fits": "fits", ".parquet": "parquet"}

#: Columns that a terminal has no room for, and rows that it shows.
LONG = ("answer", "detail", "flags", "status", "masked_fraction")
SHOWN = 40


@dataclass
class Answered:
    """One file on its way to a row of the table."""

    row: dict
    flux: np.ndarray | None = None
    """int16 thousandths [grid]; None where the file was refused."""


def predict(
    files: Sequence[Path | str],
    model: Path | str,
    *,
    base: str | None = None,
    device: str | None = None,
    medium: str | None = None,
    unit: str | None = None,
) -> Table:
    """Labels of spectra, a row per file in the order given; a bad file's row says why.

    Args:
        files: LAMOST low-resolution spectra, or tables (see
            :func:`~spectralm.inference.user_spectra.read_own`).
        model: folder of a run, such as results/models/tiny-lamost-12000.
        base: folder or hub id of a language model's base, if not the recorded one.
        device: ``cpu`` for a language model without a GPU, if the run's options do not say it.
        medium: ``air`` or ``vacuum``, for tables.
        unit: of the wavelengths, for tables without one.

    Returns:
        A table of the columns :func:`~spectralm.schemas.own_columns`.

    Raises:
        InputError: the run cannot be used.
    """
    run = Run.open(Path(model), base, None if device is None else Device(device))
    origin = Origin(None if medium is None else Medium(medium), unit)
    read = [_read(Path(file), origin, run) for file in files]
    good = [one for one in read if one.flux is not None]
    if good:
        flux = np.stack([one.flux for one in good])
        for one, answer in zip(good, run.answers(flux).to_pylist(), strict=True):
            del answer["obsid"]
            one.row |= answer
        _flag([one.row for one in good], flux, run.labels, run.training_domain)
    return to_astropy([one.row for one in read], own_columns(run.labels))


def write(path: Path, table: Table) -> None:
    """Write a table as ECSV, CSV, FITS or Parquet, by the file's ending.

    Raises:
        InputError: another ending.
    """
    kind = known_format(path)
    if kind == "fits":
        table = table.copy()
        for name in table.colnames:
            # FITS has no dex.
            if table[name].unit == u.dex:
                table[name].unit = None
    with atomic(path) as temporary:
        table.write(temporary, format=kind, overwrite=True)


def known_format(path: Path) -> str:
    """astropy's name of the format of a file. Raises InputError for an unknown ending."""
    if path.suffix not in FORMATS:
        raise InputError(path, "ending", repr(path.suffix), f"end it in {', '.join(FORMATS)}")
    return FORMATS[path.suffix]


def shown(table: Table) -> str:
    """The table for a terminal, and a line for each refused file."""
    narrow = table[[name for name in table.colnames if name not in LONG]]
    narrow["file"] = [Path(file).name for file in table["file"]]
    for column in narrow.itercols():
        if column.dtype.kind == "f":
            column.info.format = (
                ".2f" if column.unit == u.dex or column.name == "distance" else ".0f"
            )
    lines = narrow[:SHOWN].pformat(max_lines=-1, max_width=-1, align="<")
    if len(table) > SHOWN:
        lines.append(f"... and {len(table) - SHOWN} more")
    refused = table[table["status"] == "refused"]
    lines += [f"refused: {detail}" for detail in refused["detail"]]
    return "\n".join(line.rstrip() for line in lines)


def _read(path: Path, origin: Origin, run: Run) -> Answered:
    try:
        spectrum = read_own(path, origin)
        check(spectrum, run.spectra)
        made = resample(spectrum, run.spectra, spectrum.redshift)
    except InputError as error:
        return Answered({"file": str(path), "status": "refused", "detail": str(error), "flags": 0})
    row = {
        "file": str(path),
        "snr": signal_to_noise(spectrum),
        "masked_fraction": made.masked_fraction,
        "flags": made.flags & ~NO_OBSID.value,
    }
    return Answered(row, made.flux)


def _flag(
    rows: list[dict], flux: np.ndarray, labels: Sequence[Label], known: TrainingDomain | None
) -> None:
    """Add distance and flags to rows."""
    distance = known.distance(flux) if known else np.full(len(rows), np.nan)
    predicted = Predicted(
        distance=distance,
        snr=_numbers(rows, "snr"),
        masked_fraction=_numbers(rows, "masked_fraction"),
        parsed=np.array([row["status"] == "parsed" for row in rows]),
        values={label: _numbers(rows, label.name) for label in labels},
    )
    for row, far, bits in zip(rows, distance, flags_of(predicted, known), strict=True):
        row["distance"] = float(far) if known else None
        row["flags"] |= int(bits)
        row["flag_names"] = " ".join(names(row["flags"]))


def _numbers(rows: list[dict], name: str) -> np.ndarray:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)
