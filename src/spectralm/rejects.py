"""Tables of the rows that are not used, each with its reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

import pyarrow as pa

from spectralm.files import write_parquet
from spectralm.schemas import REJECTS, schema


@dataclass(frozen=True)
class Reject:
    """A row that is not used; the fields are the columns :data:`spectralm.schemas.REJECTS`."""

    obsid: int | None
    path: str | None
    stage: str
    reason: str
    detail: str


def rejects_table(rejects: Iterable[Reject]) -> pa.Table:
    """Rejects as a table, in the order given."""
    names = [column.name for column in REJECTS]
    rows = [dict(zip(names, astuple(reject), strict=True)) for reject in rejects]
    return pa.Table.from_pylist(rows, schema=schema(REJECTS))


def write_rejects(path: Path, rejects: pa.Table) -> Counter[str]:
    """Write a rejects table, empty if there are none; returns the number of each reason."""
    write_parquet(path, rejects)
    return Counter(rejects["reason"].to_pylist())
