"""Train a model that reads pixels."""

import logging
from pathlib import Path

from spectralm.baselines.model import write_model
from spectralm.baselines.options import BaselineOptions
from spectralm.baselines.registry import model_class


def run(
    *, kind: str, samples: list[Path], spectra: list[Path], options: BaselineOptions, out: Path
) -> None:
    """Train a baseline on the training split of all shards and write its folder."""
    model, training = model_class(kind).train(spectra, samples, options)
    write_model(out, model, training, spectra, samples, options)
    logging.info(
        "%s: %d training and %d validation spectra", out, training.n_train, training.n_validation
    )
