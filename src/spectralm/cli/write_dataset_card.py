"""The card of a dataset's questions and answers, in the form of Hugging Face."""

import logging
from pathlib import Path

from spectralm.files import write_text
from spectralm.report.cards import count_questions, dataset_card


def run(
    *,
    dataset: str,
    samples: list[Path],
    spectra: list[Path],
    rejects: list[Path],
    note: str,
    out: Path,
) -> None:
    """Write the README.md of a dataset's questions, with which ``datasets`` loads their folder."""
    configs = count_questions(samples, spectra, rejects)
    write_text(out, dataset_card(dataset, configs, note))
    for config in configs:
        logging.info("%s: %s", config.name, dict(config.count))
