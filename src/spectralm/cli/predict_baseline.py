"""Predictions of a baseline."""

import logging
from pathlib import Path

from spectralm.baselines.registry import load_model
from spectralm.files import write_parquet


def run(*, model: Path, sample: Path, spectra: Path, out: Path) -> None:
    """Predict the test spectra of one shard with a trained baseline."""
    table = load_model(model).predict(spectra, sample)
    write_parquet(out, table)
    logging.info("%s: %d test spectra", out, len(table))
