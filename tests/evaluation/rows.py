"""Residuals with only what a test cares for."""

from pathlib import Path

import pyarrow as pa

from spectralm.files import write_parquet
from spectralm.labels.vocabulary import Targets
from spectralm.schemas import residual_columns, schema


def rows_of(targets: Targets = Targets.PARAMETERS, **columns: list) -> pa.Table:
    """Residuals from their residuals; survey values are zero unless given."""
    n = len(columns["class"])
    filled = {"obsid": list(range(n)), "star_id": [f"s{i}" for i in range(n)]}
    filled |= {"status": ["parsed"] * n} | {label.name: [0.0] * n for label in targets.labels}
    filled |= columns
    return pa.table(
        [
            pa.array(filled.get(f.name, [None] * n), f.type)
            for f in schema(residual_columns(targets))
        ],
        schema=schema(residual_columns(targets)),
    )


def write_rows(folder: Path, run: str, dataset: str, targets: Targets, **columns: list) -> Path:
    """The same as a file of a run."""
    path = folder / "residuals" / run / f"{dataset}.parquet"
    write_parquet(path, rows_of(targets, **columns))
    return path


def outputs(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Where a command writes a table, and the arguments that say so."""
    files = {kind: folder / f"table.{kind}" for kind in ("csv", "markdown", "latex")}
    return files, [part for kind, path in files.items() for part in (f"--{kind}", str(path))]
