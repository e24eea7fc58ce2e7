"""Columns of predictions of one's own spectra."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from astropy.table import MaskedColumn, Table

from spectralm.labels.columns import PREDICTIONS, Column
from spectralm.labels.vocabulary import Label

_BEFORE = (
    Column("file", pa.string(), "", "file of the spectrum"),
    Column("status", pa.string(), "", "'parsed', 'refused' (the file), or why there is no answer"),
    Column("class", pa.string(), "", "the class that the model names"),
)
_AFTER = (
    Column("snr", pa.float64(), "", "signal-to-noise ratio in r: the file's, or flux over error"),
    Column("masked_fraction", pa.float64(), "", "share of the grid masked or not covered"),
    Column("distance", pa.float64(), "", "from the training spectra; about 1 within them"),
    Column("flags", pa.int32(), "", "bit mask (python -m spectralm.inference.flags)"),
    Column("flag_names", pa.string(), "", "names of the flags that are set"),
    Column("answer", pa.string(), "", "the model's text"),
    Column("detail", pa.string(), "", "why the file was refused, and what to do"),
)

_EMPTY = {"string": "", "double": np.nan, "int32": 0}


def own_columns(labels: Iterable[Label]) -> tuple[Column, ...]:
    """The columns of predictions by a run that is asked for ``labels``."""
    names = {name for label in labels for name in (label.name, f"{label.name}_err")}
    return (*_BEFORE, *(column for column in PREDICTIONS if column.name in names), *_AFTER)


def to_astropy(rows: list[dict], columns: Iterable[Column]) -> Table:
    """Rows as a table with units and descriptions; what a row lacks is masked."""
    table = Table()
    for column in columns:
        values = [row.get(column.name) for row in rows]
        kind = str(column.type)
        filled = [_EMPTY[kind] if value is None else value for value in values]
        table[column.name] = MaskedColumn(
            np.array(filled, dtype=column.type.to_pandas_dtype() if kind != "string" else str),
            mask=[value is None for value in values],
            unit=column.unit or None,
            description=column.description,
        )
    return table
