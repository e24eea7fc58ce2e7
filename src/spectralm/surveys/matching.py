"""Matches files on disk with rows of the catalogue."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.rejects import Reject, rejects_table
from spectralm.surveys.cuts import STAGE, reject_rows
from spectralm.surveys.headers import HeaderCache, HeaderValues
from spectralm.surveys.names import is_medium_resolution, name_keys

MEDIUM_RESOLUTION = "LAMOST medium-resolution file"
NOT_LAMOST = "not a LAMOST file name"
NO_ROW = "no catalogue row"
SECOND_FILE = "second file of one observation"
UNREADABLE = "unreadable header"
LAMOST_NAMES = "neither spec-LMJD-PLANID_spSPID-FIBERID.fits nor OBSID.fits"


@dataclass(frozen=True)
class Match:
    """The files of rows, and the files without a row."""

    file: np.ndarray
    """[rows] index of each row's file, -1 where it has none."""
    rejects: pa.Table
    """Columns REJECTS: every file without a row."""


def match(rows: pa.Table, files: pa.Table, headers: HeaderCache) -> Match:
    """Find each row's file: by the parts of its name, by the obsid in its name, by its OBSID card.

    A header is read only if the file's name matches no row; for names in LAMOST's format, only if
    the catalogue lacks the file name of some row without a file. If several files belong to a row,
    the one that the pipeline wrote last (card DATE) is kept; if dates are equal, the first by path.

    Args:
        rows: columns obsid and name, each without repeats except null.
        files: columns FILES.
        headers: headers that have been read already, and those that will be.
    """
    row = _lookup(name_keys(files), rows["name"])
    row = np.where(row < 0, _lookup(files["obsid"], rows["obsid"]), row)
    medium = is_medium_resolution(files["path"]).to_numpy()
    to_read = _headers_to_read(row, medium, rows, files)
    values = headers.read(files["path"].take(to_read).to_pylist())
    row[to_read] = _lookup(pa.array([v.obsid for v in values], pa.int64()), rows["obsid"])
    file, duplicates = _one_file_each(row, files, headers, rows.num_rows)
    unread = np.setdiff1d(np.flatnonzero(row < 0), to_read)
    rejects = [
        *(_reject_read(files, i, v) for i, v in zip(to_read, values, strict=True) if row[i] < 0),
        *(_reject_duplicate(files, i, kept, rows["obsid"][row[i]]) for i, kept in duplicates),
    ]
    return Match(
        file, pa.concat_tables([_reject_unread(files, unread, medium), rejects_table(rejects)])
    )


def _lookup(values: pa.ChunkedArray | pa.Array, keys: pa.ChunkedArray) -> np.ndarray:
    """Index of the key equal to each value, -1 where there is none."""
    keys = keys.combine_chunks()
    found = pc.index_in(values, keys, skip_nulls=True)
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _headers_to_read(
    row: np.ndarray, medium: np.ndarray, rows: pa.Table, files: pa.Table
) -> np.ndarray:
    """Indices of the files whose header may identify their row."""
    without_file = np.ones(rows.num_rows, bool)
    without_file[row[row >= 0]] = False
    any_unnamed = bool((without_file & pc.is_null(rows["name"]).to_numpy()).any())
    foreign = _has_foreign_name(files)
    wanted = foreign | any_unnamed if without_file.any() else np.zeros_like(medium)
    return np.flatnonzero(wanted & (row < 0) & ~medium)


def _has_foreign_name(files: pa.Table) -> np.ndarray:
    """[files] Whether the name is not in LAMOST's format."""
    return pc.and_(pc.is_null(files["lmjd"]), pc.is_null(files["obsid"])).to_numpy()


def _one_file_each(
    row: np.ndarray, files: pa.Table, headers: HeaderCache, rows: int
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Each row's file [rows], and pairs of a duplicate file and the file that is kept."""
    matched = np.flatnonzero(row >= 0)
    several = matched[np.bincount(row[matched], minlength=rows)[row[matched]] > 1]
    paths = files["path"].take(several).to_pylist()
    dates = [values.date for values in headers.read(paths)]
    file = np.full(rows, -1)
    file[row[matched]] = matched
    by_path = sorted(range(several.size), key=lambda i: paths[i], reverse=True)
    for i in sorted(by_path, key=lambda i: dates[i]):
        file[row[several[i]]] = several[i]
    kept = file[row[several]]
    return file, [(i, k) for i, k in zip(several.tolist(), kept.tolist(), strict=True) if i != k]


def _reject_unread(files: pa.Table, unread: np.ndarray, medium: np.ndarray) -> pa.Table:
    """Rejects of the files whose header was not read."""
    rows = files.take(unread)
    case = pa.array(np.where(medium[unread], 0, np.where(_has_foreign_name(rows), 1, 2)))
    reasons = pa.array([MEDIUM_RESOLUTION, NOT_LAMOST, NO_ROW])
    details = pa.array(["named med-...", LAMOST_NAMES, "no row has what its name says"])
    return reject_rows(rows["obsid"], rows["path"], reasons.take(case), details.take(case))


def _reject_read(files: pa.Table, index: int, values: HeaderValues) -> Reject:
    """The reject of a file whose header was read and belongs to no row either."""
    file = files.slice(index, 1).to_pylist()[0]
    if values.error is not None:
        reason, detail = UNREADABLE, values.error
    elif values.obsid is not None:
        reason, detail = NO_ROW, f"no row has its OBSID {values.obsid}"
    elif file["lmjd"] is None and file["obsid"] is None:
        reason, detail = NOT_LAMOST, f"{LAMOST_NAMES}, and no OBSID card of LAMOST"
    else:
        reason, detail = NO_ROW, "no row has what its name says, and it has no OBSID card"
    obsid = file["obsid"] if values.obsid is None else values.obsid
    return Reject(obsid, file["path"], STAGE, reason, detail)


def _reject_duplicate(files: pa.Table, index: int, kept: int, obsid: pa.Scalar) -> Reject:
    """The reject of a file whose row has another file."""
    path, other = files["path"][index].as_py(), files["path"][kept].as_py()
    detail = f"kept {other}, which the pipeline wrote later or, if not, is first by path"
    return Reject(obsid.as_py(), path, STAGE, SECOND_FILE, detail)
