"""``spectralm build-catalogue``: LAMOST's catalogues -> one table of spectra."""

import logging
from pathlib import Path

from pyarrow import csv

from spectralm.files import atomic, read_parquet, write_parquet
from spectralm.surveys.catalogue import build_catalogue
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
    """Read LAMOST stellar catalogues and match them to the files that index-spectra found."""
    built = build_catalogue(catalogues, read_parquet(files), options)
    write_parquet(out, built.catalogue)
    write_parquet(rejects, built.rejects)
    with atomic(cuts) as temporary:
        csv.write_csv(built.cuts, temporary)
    for cut in built.cuts.to_pylist():
        logging.info("%(reason)s: %(rows_cut)d of %(rows_before)d rows cut", cut)
    for reason in built.rejects["reason"].value_counts().to_pylist():
        logging.info("rejects: %(counts)d %(values)s", reason)
    logging.info("%d spectra in the catalogue", built.catalogue.num_rows)
