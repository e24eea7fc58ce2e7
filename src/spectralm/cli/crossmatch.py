"""``spectralm crossmatch``: LAMOST's spectra of another survey's stars."""

import logging
from pathlib import Path

from spectralm.files import read_parquet, write_parquet
from spectralm.rejects import write_rejects
from spectralm.surveys.crossmatch import crossmatch
from spectralm.surveys.options import CrossmatchOptions


def run(
    *, catalogue: Path, stars: Path, options: CrossmatchOptions, out: Path, rejects: Path
) -> None:
    """Match LAMOST's catalogue with a survey's stars, by Gaia id or on the sky."""
    matched = crossmatch(read_parquet(catalogue), read_parquet(stars), options)
    write_parquet(out, matched.catalogue)
    for method in matched.catalogue["matched_by"].value_counts().to_pylist():
        logging.info("matched: %(counts)d spectra by %(values)s", method)
    for reason, count in write_rejects(rejects, matched.rejects).items():
        logging.info("rejects: %d %s", count, reason)
    matched_stars = len(matched.catalogue["survey_id"].unique())
    logging.info("%d spectra of %d stars", matched.catalogue.num_rows, matched_stars)
