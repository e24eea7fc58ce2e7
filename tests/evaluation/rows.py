"""RESIDUALS rows with only what a test cares for."""

import pyarrow as pa

from spectralm.labels.columns import RESIDUALS, schema
from spectralm.labels.vocabulary import Ask

SCHEMA = schema(RESIDUALS[Ask.PARAMETERS])


def rows_of(**columns: list) -> pa.Table:
    """RESIDUALS rows from their residuals; survey values are zero unless given."""
    n = len(columns["teff_residual"])
    filled = {"obsid": list(range(n)), "star_id": [f"s{i}" for i in range(n)]}
    filled |= {"status": ["parsed"] * n} | {name: [0.0] * n for name in ("teff", "logg", "feh")}
    filled |= columns
    return pa.table(
        [pa.array(filled.get(f.name, [None] * n), f.type) for f in SCHEMA],
        schema=SCHEMA,
    )
