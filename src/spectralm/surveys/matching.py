"""Which file on disk is which row of the catalogue."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.rejects import Reject, rejects_table
from spectralm.surveys.cuts import STAGE, reject_rows
from spectralm.surveys.headers import Facts, Headers
from spectralm.surveys.names import is_medium_resolution, name_keys

MEDIUM_RESOLUTION = "LAMOST medium-resolution file"
NOT_LAMOST = "not a LAMOST file name"
NO_ROW = "no catalogue row"
SECOND_FILE = "second file of one observation"
UNREADABLE = "unreadable header"
LAMOST_NAMES = "neither spec-LMJD-PLANID_spSPID-FIBERID.fits nor OBSID.fits"


@dataclass(frozen=True)
class Match:
    """Rows and files brought together."""

    file: np.ndarray
    """[rows] number of each row's file, -1 where it has none."""
    rejects: pa.Table
    """Columns REJECTS: every file that is no row's."""


def match(rows: pa.Table, files: pa.Table, headers: Headers) -> Match:
    """Find each row's file: by the parts of its name, by the obsid in its name, by its OBSID card.

    Headers are read only for files that their names leave without a row, and of those named as
    LAMOST names them only if some row without a file does not tell its file's name. Of several
    files of a row the one that the pipeline wrote last (card DATE) is kept, then the first by path.

    Args:
        rows: columns obsid and name, each without repeats besides null.
        files: columns FILES.
    """
    row = _lookup(name_keys(files), rows["name"])
    row = np.where(row < 0, _lookup(files["obsid"], rows["obsid"]), row)
    medium = is_medium_resolution(files["path"]).to_numpy()
    asked = _worth_reading(row, medium, rows, files)
    facts = headers.read(files["path"].take(asked).to_pylist())
    row[asked] = _lookup(pa.array([f.obsid for f in facts], pa.int64()), rows["obsid"])
    file, second = _one_file_each(row, files, headers, rows.num_rows)
    unread = np.setdiff1d(np.flatnonzero(row < 0), asked)
    read = [_read(files, i, f) for i, f in zip(asked, facts, strict=True) if row[i] < 0]
    lost = [_second(files, i, kept, rows["obsid"][row[i]]) for i, kept in second]
    return Match(
        file, pa.concat_tables([_unread(files, unread, medium), rejects_table(read + lost)])
    )


def _lookup(values: pa.ChunkedArray | pa.Array, keys: pa.ChunkedArray) -> np.ndarray:
    """Number of the key equal to each value, -1 where there is none."""
    keys = keys.combine_chunks()
    found = pc.index_in(values, keys, skip_nulls=True)
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _worth_reading(
    row: np.ndarray, medium: np.ndarray, rows: pa.Table, files: pa.Table
) -> np.ndarray:
    """Numbers of the files whose header may tell which row they are of."""
    without = np.ones(rows.num_rows, bool)
    without[row[row >= 0]] = False
    nameless = bool((without & pc.is_null(rows["name"]).to_numpy()).any())
    unnamed = pc.and_(pc.is_null(files["lmjd"]), pc.is_null(files["obsid"])).to_numpy()
    wanted = unnamed | nameless if without.any() else np.zeros_like(medium)
    return np.flatnonzero(wanted & (row < 0) & ~medium)


def _one_file_each(
    row: np.ndarray, files: pa.Table, headers: Headers, rows: int
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Each row's file, and each file that lost its row with the one that won it."""
    claims = np.flatnonzero(row >= 0)
    contested = claims[np.bincount(row[claims], minlength=rows)[row[claims]] > 1]
    paths = files["path"].take(contested).to_pylist()
    dates = [facts.date for facts in headers.read(paths)]
    file = np.full(rows, -1)
    file[row[claims]] = claims
    by_path = sorted(range(contested.size), key=lambda i: paths[i], reverse=True)
    for i in sorted(by_path, key=lambda i: dates[i]):
        file[row[contested[i]]] = contested[i]
    kept = file[row[contested]]
    return file, [(i, k) for i, k in zip(contested.tolist(), kept.tolist(), strict=True) if i != k]


def _unread(files: pa.Table, lost: np.ndarray, medium: np.ndarray) -> pa.Table:
    """Rejects of the files whose header nobody needed to read."""
    left = files.take(lost)
    unnamed = pc.and_(pc.is_null(left["lmjd"]), pc.is_null(left["obsid"])).to_numpy()
    case = pa.array(np.where(medium[lost], 0, np.where(unnamed, 1, 2)))
    reasons = pa.array([MEDIUM_RESOLUTION, NOT_LAMOST, NO_ROW])
    details = pa.array(["named med-...", LAMOST_NAMES, "no row has what its name says"])
    return reject_rows(left["obsid"], left["path"], reasons.take(case), details.take(case))


def _read(files: pa.Table, number: int, facts: Facts) -> Reject:
    """The reject of a file whose header was read and names no row either."""
    file = files.slice(number, 1).to_pylist()[0]
    if facts.problem is not None:
        reason, detail = UNREADABLE, facts.problem
    elif facts.obsid is not None:
        reason, detail = NO_ROW, f"no row has its OBSID {facts.obsid}"
    elif file["lmjd"] is None and file["obsid"] is None:
        reason, detail = NOT_LAMOST, f"{LAMOST_NAMES}, and no OBSID card of LAMOST"
    else:
        reason, detail = NO_ROW, "no row has what its name says, and it has no OBSID card"
    obsid = file["obsid"] if facts.obsid is None else facts.obsid
    return Reject(obsid, file["path"], STAGE, reason, detail)


def _second(files: pa.Table, number: int, kept: int, obsid: pa.Scalar) -> Reject:
    """The reject of a file that lost its row to another one."""
    path, other = files["path"][number].as_py(), files["path"][kept].as_py()
    detail = f"kept {other}, which the pipeline wrote later or, if not, is first by path"
    return Reject(obsid.as_py(), path, STAGE, SECOND_FILE, detail)
