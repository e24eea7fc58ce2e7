"""All predictions of a run in one catalogue."""

import logging
from pathlib import Path

import pyarrow as pa

from spectralm import __version__
from spectralm.catalogue.formats import Header, write_catalogue
from spectralm.catalogue.rows import catalogue, spectra_of
from spectralm.files import read_parquet, sha256
from spectralm.inference.training_domain import TrainingDomain
from spectralm.labels.vocabulary import Targets
from spectralm.samples.manifest import read_manifest
from spectralm.schemas import SAMPLE, catalogue_columns

SCOPE = "Only test spectra are here: the model learned from none of their stars."
#: Digits of the hash of the weights in each row.
DIGITS = 12
#: Columns that all manifests have; those of other surveys have more.
SHARED = [column.name for column in SAMPLE]


def run(
    *,
    run: str,
    predictions: list[Path],
    samples: list[Path],
    spectra: list[Path],
    training_domain: Path,
    weights: Path,
    serializer: str,
    targets: Targets,
    note: str,
    parquet: Path,
    fits: Path,
    votable: Path,
) -> None:
    """Write the predictions of a run with ids, positions and flags as Parquet, FITS and VOTable.

    WEIGHTS is the file or folder of the weights that made the predictions.
    """
    files = sorted(weights.rglob("[!.]*")) if weights.is_dir() else [weights]
    digest = sha256(*files)
    answers, domain = read_parquet(predictions), TrainingDomain.load(training_domain)
    rows = catalogue(
        answers,
        pa.concat_tables(read_manifest(path).select(SHARED) for path in samples),
        spectra_of(answers, spectra, domain),
        domain,
        {"run": run, "weights": digest[:DIGITS], "serializer": serializer},
        targets,
        run,
    )
    full_note = " ".join(filter(None, [SCOPE, note]))
    header = Header(run, digest, serializer, f"SpectraLM {__version__}", full_note)
    write_catalogue(rows, catalogue_columns(targets), header, parquet, fits, votable)
    logging.info("%s: %d spectra", parquet, len(rows))
