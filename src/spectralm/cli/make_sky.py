"""``spectralm make-sky``: a synthetic sky in the file formats of the surveys."""

import logging
import time
from pathlib import Path

from spectralm.mock.make import make_sky
from spectralm.mock.options import SkyOptions


def run(*, options: SkyOptions, out: Path, processes: int = 1) -> None:
    """Write synthetic files of LAMOST, APOGEE, GALAH and Gaia-ESO to a folder.

    Also written are what each star is, and per survey what limits the residuals of its labels.
    """
    start = time.perf_counter()
    truth = make_sky(options, out, processes)
    seconds = time.perf_counter() - start
    for damage in truth["damage"].drop_null().value_counts().to_pylist():
        logging.info("damaged on purpose: %(counts)d %(values)s", damage)
    logging.info("%d spectra of %d stars in %.0f s", truth.num_rows, options.stars, seconds)
