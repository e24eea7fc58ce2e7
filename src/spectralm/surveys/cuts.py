"""Cuts rows from a catalogue, records the reason of each and counts them."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from spectralm.files import atomic
from spectralm.schemas import REJECTS, schema

STAGE = "build_catalogue"

Cells: TypeAlias = pa.Array | pa.ChunkedArray


@dataclass(frozen=True)
class Count:
    """The number of rows that one cut removes."""

    reason: str
    before: int
    cut: int

    @property
    def left(self) -> int:
        """Rows after this cut."""
        return self.before - self.cut


class Cuts:
    """A table from which rows are cut; these are kept in ``rejects``.

    Args:
        table: rows, with columns obsid and path once they are known.
        unreadable: columns detail and, if known, obsid: rows that are not in the table because they
            cannot be read.
        stage: the rule that cuts.
    """

    def __init__(self, table: pa.Table, unreadable: pa.Table, stage: str = STAGE):
        self.table = table
        self.stage = stage
        rows = table.num_rows + unreadable.num_rows
        self.counts = [Count("unreadable row", rows, unreadable.num_rows)]
        self.rejects = [self._rejected(unreadable, "unreadable row", unreadable["detail"])]

    def cut(self, reason: str, bad: np.ndarray, detail: Callable[[pa.Table], Cells]) -> None:
        """Cut the rows where ``bad`` [rows] is set; ``detail`` describes what was found in them."""
        rows = self.table.filter(pa.array(bad))
        self.counts.append(Count(reason, self.table.num_rows, rows.num_rows))
        if rows.num_rows:
            self.rejects.append(self._rejected(rows, reason, detail(rows)))
            self.table = self.table.filter(pa.array(~bad))

    def _rejected(self, rows: pa.Table, reason: str, detail: Cells) -> pa.Table:
        obsid, path = (rows[n] if n in rows.column_names else None for n in ("obsid", "path"))
        return reject_rows(obsid, path, reason, detail, self.stage)

    def counts_table(self) -> pa.Table:
        """Columns reason, rows_before, rows_cut, rows_left; a row per cut, in order."""
        return pa.table(
            {
                "reason": [count.reason for count in self.counts],
                "rows_before": [count.before for count in self.counts],
                "rows_cut": [count.cut for count in self.counts],
                "rows_left": [count.left for count in self.counts],
            }
        )


def write_counts(counts: pa.Table, path: Path) -> None:
    """Write (CSV) and log the number of rows that each cut removed (:meth:`Cuts.counts_table`)."""
    with atomic(path) as temporary:
        csv.write_csv(counts, temporary)
    for cut in counts.to_pylist():
        logging.info("%(reason)s: %(rows_cut)d of %(rows_before)d rows cut", cut)


def reject_rows(
    obsid: Cells | None,
    path: Cells | None,
    reason: Cells | str,
    detail: Cells,
    stage: str = STAGE,
) -> pa.Table:
    """A rejects table (columns REJECTS) of one stage; a text ``reason`` is that of all rows."""
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
    """[rows] Whether any of the columns is null."""
    masks = [pc.is_null(column).to_numpy() for column in columns]
    return np.logical_or.reduce(masks)


def with_prefix(prefix: str, cells: Cells) -> Cells:
    """The cells as text after a prefix; a null cell stays null."""
    return pc.binary_join_element_wise(prefix, cells.cast(pa.string()), "")


def names_of_set(masks: Mapping[str, np.ndarray]) -> Cells:
    """For each row, the names whose mask [rows] is set, separated by commas."""
    code = sum(mask.astype(int) << bit for bit, mask in enumerate(masks.values()))
    names = [
        ", ".join(name for bit, name in enumerate(masks) if number >> bit & 1)
        for number in range(1 << len(masks))
    ]
    return pa.array(names).take(pa.array(code))
