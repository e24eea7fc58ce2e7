"""``spectralm draw-shard``: the manifest of one shard."""

import logging
from pathlib import Path

from spectralm.samples.manifest import draw, write_manifest
from spectralm.samples.options import SampleOptions, Strata


def run(
    *,
    catalogue: Path,
    assignment: Path,
    shard: int,
    options: SampleOptions,
    strata: Strata = Strata.CLASS,
    out: Path,
) -> None:
    """Write the rows of the catalogue that are assigned to one shard."""
    table = draw(catalogue, assignment, shard, options, strata)
    write_manifest(out, table)
    logging.info("shard %d: %d spectra", shard, table.num_rows)
