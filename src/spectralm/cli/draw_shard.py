"""``spectralm draw-shard``: the frozen manifest of one shard."""

import logging
from pathlib import Path

from spectralm.samples.manifest import draw, write_manifest
from spectralm.samples.options import Deal, SampleOptions


def run(
    *,
    catalogue: Path,
    ranking: Path,
    shard: int,
    options: SampleOptions,
    deal: Deal = Deal.BY_CLASS,
    out: Path,
) -> None:
    """Write the rows of the catalogue that rank-sample dealt to one shard."""
    table = draw(catalogue, ranking, shard, options, deal)
    write_manifest(out, table)
    logging.info("shard %d: %d spectra", shard, table.num_rows)
