"""``spectralm build-catalogue``: LAMOST's catalogues -> a table of spectra."""

import logging
from pathlib import Path

from spectralm.files import read_parquet, write_parquet
from spectralm.rejects import write_rejects
from spectralm.surveys.catalogue import build_catalogue
from spectralm.surveys.cuts import write_counts
from spectralm.surveys.options import LamostCuts


def run(
    *,
    files: Path,
    catalogues: list[Path],
    options: LamostCuts,
    out: Path,
    rejects: Path,
    cuts: Path,
) -> None:
    """Read LAMOST stellar catalogues and match their rows with the files of index-spectra."""
    built = build_catalogue(catalogues, read_parquet(files), options)
    write_parquet(out, built.catalogue)
    write_counts(built.cuts, cuts)
    for reason, count in write_rejects(rejects, built.rejects).items():
        logging.info("rejects: %d %s", count, reason)
    logging.info("%d spectra in the catalogue", built.catalogue.num_rows)
