"""``spectralm index-spectra``: which FITS files lie in the survey's folders."""

import logging
from pathlib import Path

from spectralm.files import write_parquet
from spectralm.surveys.index import index_files


def run(*, folders: list[Path], out: Path) -> None:
    """List the FITS files below some folders with what their names say."""
    table = index_files(folders)
    write_parquet(out, table)
    logging.info("%d FITS files in %d folders", table.num_rows, len(folders))
