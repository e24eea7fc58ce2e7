"""``spectralm draw-shard``: the frozen manifest of one shard."""

import logging
from pathlib import Path

from spectralm.samples.manifest import draw, write_manifest
from spectralm.samples.options import SampleOptions


def run(*, catalogue: Path, ranking: Path, shard: int, options: SampleOptions, out: Path) -> None:
    """Write the rows of the catalogue that rank-sample dealt to one shard."""
    table = draw(catalogue, ranking, shard, options)
    write_manifest(out, table)
    logging.info("shard %d: %d spectra", shard, table.num_rows)
