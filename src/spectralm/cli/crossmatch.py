"""``spectralm crossmatch``: LAMOST's spectra of stars that another survey has."""

import logging
from pathlib import Path

from spectralm.files import read_parquet, write_parquet
from spectralm.surveys.crossmatch import crossmatch
from spectralm.surveys.options import CrossmatchOptions


def run(
    *, catalogue: Path, stars: Path, options: CrossmatchOptions, out: Path, rejects: Path
) -> None:
    """Match LAMOST's catalogue with a survey's stars, by Gaia id or on the sky."""
    found = crossmatch(read_parquet(catalogue), read_parquet(stars), options)
    write_parquet(out, found.catalogue)
    write_parquet(rejects, found.rejects)
    for how in found.catalogue["matched_by"].value_counts().to_pylist():
        logging.info("matched: %(counts)d spectra by %(values)s", how)
    for reason in found.rejects["reason"].value_counts().to_pylist():
        logging.info("rejects: %(counts)d %(values)s", reason)
    stars_found = len(found.catalogue["survey_id"].unique())
    logging.info("%d spectra of %d stars", found.catalogue.num_rows, stars_found)
