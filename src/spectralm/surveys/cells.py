"""Converts cells of a catalogue, of any type in the file, to numbers, ids and text.

Each function returns a column of our type in which missing values (docs/survey_files.md) are null.
Those for numbers and ids also return a mask [rows] of the cells that are neither valid nor missing.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import InputError
from spectralm.labels.vocabulary import MISSING_NUMBERS, MISSING_TEXTS

#: All of MISSING_NUMBERS are below, also as float32; no quantity that we read is so low.
LOWEST = max(MISSING_NUMBERS) + 1
#: Missing values as they are written in text.
MISSING_CELLS = (*MISSING_TEXTS, *map(str, MISSING_NUMBERS), "-9999", "-999", "NULL", "N/A")
NUMBER = r"^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
INTEGER = r"^\+?(?P<integer>-?\d{1,18})(?:\.0*)?$"
GAIA = r"^([1-9]\d{0,17}|[1-8]\d{18})$"
#: Correct ids are taken for rounded ones with a probability below 2 to minus this power.
GAIA_BITS = 30
#: float64 does not hold all larger integers.
EXACT = 2**53
#: At least so many ids must end in 00, and more than half of all, to be taken for rounded ones.
FEWEST_ZEROS = 4


def to_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text without surrounding blanks."""
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.is_in(text, pa.array(MISSING_CELLS)), None, text)


def to_float(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray]:
    """float64; values that are not finite are null."""
    no_errors = np.zeros(len(column), bool)
    if not _is_text(column):
        return _present(column.cast(pa.float64())), no_errors
    text = to_text(column)
    try:
        return _present(text.cast(pa.float64())), no_errors
    except pa.ArrowInvalid:
        text = pc.utf8_ltrim(text, "+")
        readable = pc.match_substring_regex(text, NUMBER)
        return _present(pc.if_else(readable, text, None).cast(pa.float64())), _is_false(readable)


def to_int(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray]:
    """int64. "101005.0" is valid; "1.01e5" is not, as it may have been rounded."""
    no_errors = np.zeros(len(column), bool)
    if _is_text(column):
        text = to_text(column)
        try:
            return text.cast(pa.int64()), no_errors
        except pa.ArrowInvalid:
            integers = pc.struct_field(pc.extract_regex(text, INTEGER), "integer")
            return integers.cast(pa.int64()), _is_false(pc.match_substring_regex(text, INTEGER))
    if pa.types.is_floating(column.type):
        values = _present(column.cast(pa.float64()))
        readable = pc.equal(values, pc.floor(values))
        return pc.if_else(readable, values, None).cast(pa.int64()), _is_false(readable)
    values = column.cast(pa.int64())
    missing = pc.is_in(values, pa.array(MISSING_NUMBERS).cast(pa.int64(), safe=False))
    return pc.if_else(missing, None, values), no_errors


def to_gaia(column: pa.ChunkedArray, source: object) -> tuple[pa.ChunkedArray, np.ndarray]:
    """Gaia source ids as text; zero and negative numbers are missing.

    Raises:
        InputError: the ids were stored as float64, which keeps 16 of their 18 or 19 digits.
    """
    text = to_text(column)
    text = pc.if_else(pc.match_substring_regex(text, r"^(-|0(\.0*)?$)"), None, text)
    readable = pc.match_substring_regex(text, GAIA)
    broken = text.filter(pc.fill_null(pc.invert(readable), False))
    decimal = broken.filter(pc.match_substring_regex(broken, NUMBER))
    if len(decimal):
        raise _float64_ids(source, f"decimal numbers such as {decimal[0]}")
    ids = pc.if_else(readable, text, None)
    _refuse_rounded(ids.drop_null().unique().cast(pa.int64()).to_numpy(), source)
    return ids, _is_false(readable)


def position(ra: pa.ChunkedArray, dec: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    """Columns ra and dec (deg), null where they are not a valid position."""
    on_sky = pc.and_(
        pc.and_(pc.greater_equal(ra, 0), pc.less_equal(ra, 360)),
        pc.less_equal(pc.abs(dec), 90),
    )
    return {"ra": pc.if_else(on_sky, ra, None), "dec": pc.if_else(on_sky, dec, None)}


def unreadable_cells(batch: pa.Table, broken: Mapping[str, np.ndarray]) -> pa.ChunkedArray:
    """[rows] A description of each row's first unreadable cell, null if all cells can be read.

    Args:
        batch: the cells as they are in the file.
        broken: by column, a mask [rows] of its unreadable cells.
    """
    detail = pa.chunked_array([pa.nulls(batch.num_rows, pa.string())])
    for name, mask in broken.items():
        if mask.any():
            cells = batch[name].cast(pa.string())
            description = pc.binary_join_element_wise(f"{name} is '", cells, "'", "")
            detail = pc.coalesce(detail, pc.if_else(pa.array(mask), description, None))
    return detail


def _refuse_rounded(ids: np.ndarray, source: object) -> None:
    """Raise InputError if distinct ids were rounded to float64, by their binary or decimal zeros.

    A Gaia id is a multiple of 128 whose other bits are practically random (it includes a running
    number). From 2**60, 2**61 and 2**62 on, float64 numbers are multiples of 256, 512 and 1024.
    Programs that print 15 to 17 digits of a float64 append zeros; only one correct id in a hundred
    ends in 00.
    """
    spacing = np.spacing(ids.astype(np.float64)).astype(np.int64)
    spacing = np.maximum(spacing, 128)
    bits = np.log2(spacing / 128).sum()
    if bits >= GAIA_BITS and not (ids % spacing).any():
        raise _float64_ids(source, f"all of {ids.size:,} ids end in the zero bits of float64")
    zeros = int((ids[ids > EXACT] % 100 == 0).sum())
    if zeros >= FEWEST_ZEROS and 2 * zeros > ids.size:
        raise _float64_ids(source, f"{zeros:,} of {ids.size:,} ids end in the digits 00")


def _float64_ids(source: object, found: str) -> InputError:
    return InputError(
        source,
        "gaia_source_id",
        f"{found}: these ids went through float64 and have lost digits",
        "export the catalogue again with this column as text or as int64",
    )


def _present(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.and_(pc.is_finite(values), pc.greater(values, LOWEST)), values, None)


def _is_text(column: pa.ChunkedArray) -> bool:
    return pa.types.is_string(column.type)


def _is_false(condition: pa.ChunkedArray) -> np.ndarray:
    return pc.fill_null(pc.invert(condition), False).to_numpy()
