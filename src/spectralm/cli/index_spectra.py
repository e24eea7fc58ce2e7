"""``spectralm index-spectra``: a table of the FITS files in the survey's folders."""

import logging
from pathlib import Path

from spectralm.files import write_parquet
from spectralm.surveys.index import index_files


def run(*, folders: list[Path], out: Path) -> None:
    """List the FITS files below folders, with the ids in their names."""
    table = index_files(folders)
    write_parquet(out, table)
    logging.info("%d FITS files in %d folders", table.num_rows, len(folders))
