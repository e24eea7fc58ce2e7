"""What a run was trained on, for the flags of its predictions."""

import logging
from pathlib import Path

from spectralm.inference.describe import describe
from spectralm.labels.vocabulary import Targets


def run(*, samples: list[Path], spectra: list[Path], targets: Targets, out: Path) -> None:
    """Write the principal components of training spectra, the ranges of their labels, and the
    thresholds beyond which a prediction is flagged."""
    made = describe(spectra, samples, targets)
    made.save(out)
    logging.info(
        "%s: flagged beyond distance %.2f, below S/N %.1f in r, above %.3f masked",
        out,
        *(made.farthest[0], made.least_snr[0], made.most_masked[0]),
    )
