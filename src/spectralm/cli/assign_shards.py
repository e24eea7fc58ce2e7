"""``spectralm assign-shards``: the split and shard of every spectrum."""

import logging
from pathlib import Path

from spectralm.files import read_parquet, write_parquet
from spectralm.samples.assignment import assign
from spectralm.samples.options import SampleOptions, Strata

ROWS = 100_000


def run(
    *, catalogue: Path, options: SampleOptions, strata: Strata = Strata.CLASS, out: Path
) -> None:
    """Assign the spectra of a catalogue to splits and nested shards."""
    table = assign(read_parquet(catalogue, columns=["obsid", "class", "star_id"]), options, strata)
    write_parquet(out, table, row_group_size=ROWS)
    logging.info("%d spectra in %d shards", table.num_rows, table["shard"][-1].as_py() + 1)
