"""``spectralm make-sky``: a synthetic sky in the surveys' own files."""

import logging
import time
from pathlib import Path

from spectralm.mock.make import make_sky
from spectralm.mock.options import SkyOptions


def run(*, options: SkyOptions, out: Path, processes: int = 1) -> None:
    """Write LAMOST's spectra and catalogues, and APOGEE's, GALAH's and Gaia-ESO's, into a folder.

    With them: what is true of each spectrum, and how well its noise lets anyone know it.
    """
    start = time.perf_counter()
    truth = make_sky(options, out, processes)
    seconds = time.perf_counter() - start
    for damage in truth["damage"].drop_null().value_counts().to_pylist():
        logging.info("damaged on purpose: %(counts)d %(values)s", damage)
    logging.info("%d spectra of %d stars in %.0f s", truth.num_rows, options.stars, seconds)
