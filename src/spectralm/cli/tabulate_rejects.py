"""How many rows were refused, where and why."""

from pathlib import Path

from spectralm.evaluation.tables import rejects_csv
from spectralm.files import read_parquet, write_text


def run(*, rejects: list[Path], out: Path) -> None:
    """Write a CSV of stage, reason and count over all rejects tables."""
    write_text(out, rejects_csv(read_parquet(rejects)))
