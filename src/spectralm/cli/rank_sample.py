"""``spectralm rank-sample``: every spectrum's split and shard."""

import logging
from pathlib import Path

from spectralm.files import read_parquet, write_parquet
from spectralm.samples.options import Deal, SampleOptions
from spectralm.samples.ranking import rank

ROWS = 100_000


def run(*, catalogue: Path, options: SampleOptions, deal: Deal = Deal.BY_CLASS, out: Path) -> None:
    """Split a catalogue's stars and deal its spectra to nested shards."""
    table = rank(read_parquet(catalogue, columns=["obsid", "class", "star_id"]), options, deal)
    write_parquet(out, table, row_group_size=ROWS)
    logging.info("%d spectra in %d shards", table.num_rows, table["shard"][-1].as_py() + 1)
