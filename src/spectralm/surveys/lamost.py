"""Reads LAMOST's stellar catalogues of any release, A to K and M stars (docs/survey_files.md)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import InputError
from spectralm.surveys.cells import position, to_float, to_gaia, to_int, to_text, unreadable_cells
from spectralm.surveys.names import name_keys, parse_names
from spectralm.surveys.tables import FitsTable, TextTable, choose_columns, open_table

#: For each of our columns, its names in the releases, the preferred one first.
NAMES = {
    "obsid": ("obsid",),
    "subclass": ("subclass",),
    "teff": ("teff",),
    "logg": ("logg",),
    "feh": ("feh",),
    "m_h": ("m_h",),
    "ra": ("ra", "ra_obs"),
    "dec": ("dec", "dec_obs"),
    "class": ("class",),
    "teff_err": ("teff_err",),
    "logg_err": ("logg_err",),
    "feh_err": ("feh_err",),
    "m_h_err": ("m_h_err",),
    "snrg": ("snrg",),
    "snrr": ("snrr",),
    "snri": ("snri",),
    "z": ("z",),
    "gaia_source_id": ("gaia_source_id",),
    "gmag": ("gaia_g_mean_mag",),
    "uid": ("uid",),
    "filename": ("filename", "file"),
    "lmjd": ("lmjd",),
    "planid": ("planid",),
    "spid": ("spid",),
    "fiberid": ("fiberid",),
}
#: A catalogue must have at least one of our columns of each group.
NEEDED = (("obsid",), ("subclass",), ("teff",), ("logg",), ("feh", "m_h"), ("ra",), ("dec",))
TEXTS = ("subclass", "class", "uid", "filename", "planid")
INTEGERS = ("obsid", "lmjd", "spid", "fiberid")

SUBCLASS = re.compile(r"(?:(?:d|g|sd|esd|usd)(?=M))?([AFGKM])(?=\d|[IV]|$)")


@dataclass(frozen=True)
class Rows:
    """The rows of catalogues before any cut."""

    table: pa.Table
    """Columns obsid, the class of the survey ("STAR"), subclass, labels, S/N, ra, dec, z, ids,
    ``name`` (see :func:`~spectralm.surveys.names.name_keys`) and ``catalogue`` (index of the
    file)."""
    unreadable: pa.Table
    """Columns obsid, detail: rows with an unreadable cell."""


def class_of(subclass: str) -> str | None:
    """A, F, G, K or M from LAMOST's spectral type ("A5V", "G5", "dM1", "sdM2"); else None."""
    match = SUBCLASS.match(subclass)
    return match and match[1]


def read_catalogues(paths: Sequence[Path]) -> Rows:
    """Read catalogues one after the other.

    Raises:
        InputError: a file is missing, empty, damaged or no stellar catalogue, lacks a needed
            column, has Gaia ids that were stored as float64, or has no readable row.
    """
    parts = [_read(path, number) for number, path in enumerate(paths)]
    return Rows(
        pa.concat_tables(part.table for part in parts),
        pa.concat_tables(part.unreadable for part in parts),
    )


def _read(path: Path, index: int) -> Rows:
    remedy = "give a LAMOST low-resolution stellar catalogue (AFGK or M)"
    with open_table(path) as table:
        columns = choose_columns(path, table.names, NAMES, NEEDED, remedy)
        parts = [_converted(path, index, batch) for batch in table.batches(columns)]
        unreadable = pa.concat_tables([_ragged(table), *(part.unreadable for part in parts)])
        if not any(part.table.num_rows for part in parts):
            found = f"none can be read: {unreadable['detail'][0]}" if len(unreadable) else "none"
            raise InputError(path, "rows", found, "give a whole LAMOST stellar catalogue")
        return Rows(pa.concat_tables(part.table for part in parts), unreadable)


def _converted(path: Path, index: int, batch: pa.Table) -> Rows:
    columns: dict[str, pa.ChunkedArray] = {}
    broken: dict[str, np.ndarray] = {}
    for name in NAMES:
        if name not in batch.column_names:
            columns[name] = _nulls(name, batch.num_rows)
        elif name in TEXTS:
            columns[name] = to_text(batch[name])
        elif name == "gaia_source_id":
            columns[name], broken[name] = to_gaia(batch[name], path)
        elif name in INTEGERS:
            columns[name], broken[name] = to_int(batch[name])
        else:
            columns[name], broken[name] = to_float(batch[name])
    detail = unreadable_cells(batch, broken)
    detail = pc.if_else(pc.is_null(columns["obsid"]), pc.coalesce(detail, "no obsid"), detail)
    good = pc.is_null(detail)
    table = pa.table(
        {
            **{name: columns[name] for name in ("obsid", "class", "subclass", "snrg", "snrr")},
            **{name: columns[name] for name in ("snri", "z", "uid", "gaia_source_id", "gmag")},
            **position(columns["ra"], columns["dec"]),
            **_labels(columns),
            "name": _file_keys(columns),
            "catalogue": pa.chunked_array([pa.repeat(pa.scalar(index, pa.int32()), len(batch))]),
        }
    )
    unreadable = pa.table({"obsid": columns["obsid"], "detail": detail})
    return Rows(table.filter(good), unreadable.filter(pc.invert(good)))


def _labels(columns: Mapping[str, pa.ChunkedArray]) -> dict[str, pa.ChunkedArray]:
    """Labels with their errors; [Fe/H] is LASP's or, if missing, the [M/H] of M stars."""
    from_lasp, from_m = pc.is_valid(columns["feh"]), pc.is_valid(columns["m_h"])
    labels = {name: columns[name] for name in ("teff", "teff_err", "logg", "logg_err")}
    labels["feh"] = pc.coalesce(columns["feh"], columns["m_h"])
    labels["feh_err"] = pc.if_else(from_lasp, columns["feh_err"], columns["m_h_err"])
    labels["feh_source"] = pc.if_else(from_lasp, "feh", pc.if_else(from_m, "m_h", None))
    for name in ("teff_err", "logg_err", "feh_err"):
        labels[name] = pc.if_else(pc.greater_equal(labels[name], 0), labels[name], None)
    return labels


def _file_keys(columns: Mapping[str, pa.ChunkedArray]) -> pa.ChunkedArray:
    """The name of each row's file, from the catalogue's column of names or else from its parts."""
    return pc.coalesce(
        name_keys(parse_names(columns["filename"])),
        name_keys(
            pa.table({name: columns[name] for name in ("lmjd", "planid", "spid", "fiberid")})
        ),
    )


def _nulls(name: str, rows: int) -> pa.ChunkedArray:
    if name in INTEGERS:
        kind = pa.int64()
    elif name in TEXTS or name == "gaia_source_id":
        kind = pa.string()
    else:
        kind = pa.float64()
    return pa.chunked_array([pa.nulls(rows, kind)])


def _ragged(table: TextTable | FitsTable) -> pa.Table:
    lines = [f"a line of {line}" for line in table.ragged]
    return pa.table(
        {"obsid": pa.nulls(len(lines), pa.int64()), "detail": pa.array(lines, pa.string())}
    )
