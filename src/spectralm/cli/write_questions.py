"""Write the question-answer files of one shard."""

import logging
from pathlib import Path

from spectralm.files import read_parquet
from spectralm.labels.vocabulary import Targets
from spectralm.language.options import TextOptions
from spectralm.language.records import write_records
from spectralm.language.shards import records
from spectralm.rejects import rejects_table, write_rejects
from spectralm.samples.manifest import read_manifest
from spectralm.spectra.options import SpectraOptions


def run(
    *,
    sample: Path,
    spectra: Path,
    targets: Targets,
    text: TextOptions,
    grid: SpectraOptions,
    train: Path,
    validation: Path,
    test: Path,
    rejects: Path,
) -> None:
    """Write the question-answer files of one shard, one per split."""
    stars = read_manifest(sample)
    splits, refused = records(stars, read_parquet(spectra), text, grid.grid, targets)
    for path, split in ((train, "train"), (validation, "validation"), (test, "test")):
        write_records(path, splits[split])
        logging.info("%s: %d questions", path, len(splits[split]))
    reasons = write_rejects(rejects, rejects_table(refused))
    logging.info("rejected: %s", dict(reasons) or "none")
