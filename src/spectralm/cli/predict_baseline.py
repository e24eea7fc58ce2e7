"""Predictions of a baseline."""

import logging
from pathlib import Path

from spectralm.baselines.registry import load_model
from spectralm.files import write_parquet


def run(*, model: Path, sample: Path, spectra: Path, out: Path) -> None:
    """Predict the test spectra of one shard with a trained baseline."""
    trained, options = load_model(model)
    table = trained.predict(spectra, sample, options.bin)
    write_parquet(out, table)
    logging.info("%s: %d test spectra", out, len(table))
