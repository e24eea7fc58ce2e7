"""Residuals of a run on the test split of one dataset."""

import logging
from pathlib import Path

from spectralm.evaluation.residuals import residuals
from spectralm.files import read_parquet, write_parquet
from spectralm.labels.vocabulary import Targets
from spectralm.samples.manifest import read_manifests


def run(
    *,
    samples: list[Path],
    spectra: list[Path],
    predictions: list[Path],
    targets: Targets,
    out: Path,
    floor: Path | None = None,
) -> None:
    """Write predicted - survey for every test spectrum of a dataset; joined by obsid."""
    table = residuals(
        read_manifests(samples),
        read_parquet(spectra, columns=["obsid"])["obsid"],
        read_parquet(predictions),
        source=predictions[0].parent,
        targets=targets,
        floor=None if floor is None else read_parquet(floor),
    )
    write_parquet(out, table)
    counts = {row["values"]: row["counts"] for row in table["status"].value_counts().to_pylist()}
    logging.info("%s: %d test spectra, %s", out, len(table), counts)
