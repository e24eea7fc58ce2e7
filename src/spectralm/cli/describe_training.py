"""The training domain of a run, for the flags of its predictions."""

import logging
from pathlib import Path

from spectralm.inference.describe import describe
from spectralm.labels.vocabulary import Targets


def run(*, samples: list[Path], spectra: list[Path], targets: Targets, out: Path) -> None:
    """Write the training domain of a run.

    It holds the principal components of the training spectra, the ranges of their labels, and the
    thresholds beyond which a prediction is flagged.
    """
    domain = describe(spectra, samples, targets)
    domain.save(out)
    logging.info(
        "%s: flagged beyond distance %.2f, below S/N %.1f in r, above %.3f masked",
        out,
        *(domain.farthest[0], domain.least_snr[0], domain.most_masked[0]),
    )
