"""The table of predictions for a user's own spectra."""

from collections.abc import Iterable

import numpy as np
from astropy.table import MaskedColumn, Table

from spectralm.schemas import Column

#: Values of masked cells.
_FILLS = {"string": "", "double": np.nan, "int32": 0}


def to_astropy(rows: list[dict], columns: Iterable[Column]) -> Table:
    """Rows as a table with units and descriptions; missing values are masked."""
    table = Table()
    for column in columns:
        values = [row.get(column.name) for row in rows]
        kind = str(column.type)
        filled = [_FILLS[kind] if value is None else value for value in values]
        table[column.name] = MaskedColumn(
            np.array(filled, dtype=column.type.to_pandas_dtype() if kind != "string" else str),
            mask=[value is None for value in values],
            unit=column.unit or None,
            description=column.description,
        )
    return table
