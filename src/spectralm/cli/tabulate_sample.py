"""``spectralm tabulate-sample``: what each scale asks for and what there is."""

import logging
from pathlib import Path

from pyarrow import csv

from spectralm.files import atomic, read_parquet
from spectralm.samples.balance import tabulate
from spectralm.samples.options import SampleOptions


def run(*, assignment: Path, options: SampleOptions, scales: list[int], out: Path) -> None:
    """Count the spectra of each class and split at each scale."""
    table = tabulate(read_parquet(assignment, columns=["class", "split", "shard"]), options, scales)
    with atomic(out) as temporary:
        csv.write_csv(table, temporary)
    for row in table.to_pylist():
        if row["there"] < row["asked"]:
            logging.warning("scale %(scale)d: class %(class)s has %(there)d of %(asked)d", row)
