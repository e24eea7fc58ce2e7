"""The training domain of a run, from its training and validation spectra."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.sparse.linalg import svds

from spectralm.baselines.data import read_split
from spectralm.errors import InputError
from spectralm.inference.training_domain import LABELS, TrainingDomain
from spectralm.labels.vocabulary import Label, Targets
from spectralm.samples.manifest import read_manifest, truth_column
from spectralm.samples.splits import TRAIN, VALIDATION
from spectralm.spectra.pixels import COLUMNS as PIXELS
from spectralm.spectra.pixels import Pixels

#: Training spectra from which the principal components are computed, at least; then no further
#: shard is read, as shards are random samples of the same stars.
ENOUGH = 10_000
#: Number of principal components; at most half the number of spectra or pixels.
COMPONENTS = 20
#: Fraction of the validation spectra on the unflagged side of each threshold.
UNFLAGGED = 0.99

#: The columns that are read of each spectrum.
COLUMNS = [*PIXELS, "snrr", "masked_fraction"]


def describe(spectra: list[Path], samples: list[Path], targets: Targets) -> TrainingDomain:
    """The training domain of a model.

    Ranges of labels are those of all shards. Principal components are those of the first shards,
    until there are enough spectra.

    Args:
        spectra: Shards of spectra.
        samples: Manifests, with the same file names as the shards.
        targets: What the model predicts.

    Raises:
        InputError: There are fewer than four training spectra.
    """
    manifests = {path.name: path for path in samples}
    train_tables, validation_tables, star_tables = [], [], []
    count = 0
    for path in sorted(spectra):
        manifest = read_manifest(manifests[path.name])
        enough = count >= ENOUGH
        table, labelled = read_split(path, [] if enough else COLUMNS, manifest, TRAIN, targets)
        star_tables.append(labelled)
        if not enough:
            count += len(table)
            train_tables.append(table)
            validation_tables.append(read_split(path, COLUMNS, manifest, VALIDATION, targets)[0])
    if count < 4:
        found = f"{count} training spectra"
        raise InputError(samples[0].parent, "split", found, "enlarge the sample")
    train, validation, stars = map(pa.concat_tables, (train_tables, validation_tables, star_tables))
    if not len(validation):
        logging.warning("no validation spectra: the thresholds are those of the training spectra")
        validation = train
    low, high = np.ascontiguousarray(
        np.transpose([_range(stars, label, targets) for label in LABELS])
    )
    thresholds = {name: np.zeros(1) for name in ("farthest", "least_snr", "most_masked")}
    domain = TrainingDomain(
        **_principal_components(Pixels.of(train).flux), low=low, high=high, **thresholds
    )
    snr = validation["snrr"].drop_null().to_numpy()
    masked = validation["masked_fraction"].to_numpy().astype(float)
    return replace(
        domain,
        farthest=np.quantile(domain.distance(Pixels.of(validation).flux), [UNFLAGGED]),
        least_snr=np.quantile(snr, [1 - UNFLAGGED]).astype(float) if len(snr) else np.zeros(1),
        most_masked=np.quantile(masked, [UNFLAGGED]),
    )


def _principal_components(thousandths: np.ndarray) -> dict[str, np.ndarray]:
    """Fields ``mean`` to ``noise`` of the domain, from flux [n, grid]."""
    flux = thousandths.astype(np.float64)
    mean = flux.mean(axis=0)
    flux -= mean
    number = min(COMPONENTS, min(flux.shape) // 2)
    _, values, components = svds(flux, k=number, rng=np.random.default_rng(0))
    variances = np.square(values) / len(flux)
    rest = np.square(flux).sum() / len(flux) - variances.sum()
    # Flux is rounded to thousandths, which alone gives a variance of 1/12.
    noise = np.maximum(rest / (mean.size - number), 1 / 12)
    variances = np.maximum(variances, noise)
    components = np.ascontiguousarray(components)
    return {"mean": mean, "components": components, "variances": variances, "noise": noise[None]}


def _range(stars: pa.Table, label: Label, targets: Targets) -> tuple[float, float]:
    if label not in targets.labels:
        return np.nan, np.nan
    values = stars[truth_column(stars, label)].drop_null().to_numpy()
    return (values.min(), values.max()) if len(values) else (np.nan, np.nan)
