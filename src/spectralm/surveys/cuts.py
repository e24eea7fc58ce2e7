"""Cutting rows from a catalogue, each with its reason, and counting them."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from spectralm.files import atomic
from spectralm.schemas import REJECTS, schema

STAGE = "build_catalogue"

Cells = pa.Array | pa.ChunkedArray


@dataclass(frozen=True)
class Count:
    """One cut in the order of cutting."""

    reason: str
    before: int
    cut: int

    @property
    def left(self) -> int:
        """Rows after this cut."""
        return self.before - self.cut


class Cuts:
    """A table that gets shorter; whoever leaves it is in ``rejects``.

    Args:
        table: rows with columns obsid and path, as soon as they are known.
        unreadable: column detail, and obsid if known: rows that never came into the table.
        stage: the rule that cuts.
    """

    def __init__(self, table: pa.Table, unreadable: pa.Table, stage: str = STAGE):
        self.table = table
        self.stage = stage
        rows = table.num_rows + unreadable.num_rows
        self.counts = [Count("unreadable row", rows, unreadable.num_rows)]
        self.rejects = [self._rejected(unreadable, "unreadable row", unreadable["detail"])]

    def cut(self, reason: str, bad: np.ndarray, detail: Callable[[pa.Table], Cells]) -> None:
        """Cut the rows where ``bad`` [rows]; ``detail`` says of such rows what was found."""
        rows = self.table.filter(pa.array(bad))
        self.counts.append(Count(reason, self.table.num_rows, rows.num_rows))
        if rows.num_rows:
            self.rejects.append(self._rejected(rows, reason, detail(rows)))
            self.table = self.table.filter(pa.array(~bad))

    def _rejected(self, rows: pa.Table, reason: str, detail: Cells) -> pa.Table:
        there = {name: rows[name] for name in ("obsid", "path") if name in rows.column_names}
        return reject_rows(there.get("obsid"), there.get("path"), reason, detail, self.stage)

    def counted(self) -> pa.Table:
        """Columns reason, rows_before, rows_cut, rows_left; a row per cut."""
        return pa.table(
            {
                "reason": [count.reason for count in self.counts],
                "rows_before": [count.before for count in self.counts],
                "rows_cut": [count.cut for count in self.counts],
                "rows_left": [count.left for count in self.counts],
            }
        )


def write_counts(counted: pa.Table, path: Path) -> None:
    """Write (CSV) and log how many rows each cut took, :meth:`Cuts.counted`."""
    with atomic(path) as temporary:
        csv.write_csv(counted, temporary)
    for cut in counted.to_pylist():
        logging.info("%(reason)s: %(rows_cut)d of %(rows_before)d rows cut", cut)


def reject_rows(
    obsid: Cells | None,
    path: Cells | None,
    reason: Cells | str,
    detail: Cells,
    stage: str = STAGE,
) -> pa.Table:
    """A rejects table (columns REJECTS) of one stage; ``reason`` may be one for all."""
    rows = len(detail)
    columns = {
        "obsid": pa.nulls(rows, pa.int64()) if obsid is None else obsid,
        "path": pa.nulls(rows, pa.string()) if path is None else path,
        "stage": pa.repeat(stage, rows),
        "reason": pa.repeat(reason, rows) if isinstance(reason, str) else reason,
        "detail": detail,
    }
    return pa.table(columns).cast(schema(REJECTS))


def is_null(*columns: pa.ChunkedArray) -> np.ndarray:
    """[rows] Whether any of some columns is null."""
    masks = [pc.is_null(column).to_numpy() for column in columns]
    return np.logical_or.reduce(masks)


def told(words: str, cells: Cells) -> Cells:
    """``words`` and the cell in each row, null where the cell is."""
    return pc.binary_join_element_wise(words, cells.cast(pa.string()), "")


def listed(masks: Mapping[str, np.ndarray]) -> Cells:
    """In each row the names whose mask [rows] is set, with commas between them."""
    code = sum(mask.astype(int) << bit for bit, mask in enumerate(masks.values()))
    words = [
        ", ".join(name for bit, name in enumerate(masks) if number >> bit & 1)
        for number in range(1 << len(masks))
    ]
    return pa.array(words).take(pa.array(code))
