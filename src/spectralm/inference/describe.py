"""A run's training set, from the spectra and labels that it learned from."""

import logging
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
from spectralm.spectra.stored import thousandths_of

#: Training spectra that are enough to know the others by; shards are alike.
ENOUGH = 10_000
#: Principal components; of fewer than twice as many spectra or pixels, half their number.
COMPONENTS = 20
#: Share of the validation spectra that no threshold flags.
KEPT = 0.99

#: What is read of each spectrum.
COLUMNS = ["flux", "snrr", "masked_fraction"]


def describe(spectra: list[Path], samples: list[Path], targets: Targets) -> TrainingDomain:
    """The training set of a model so asked: shards of spectra and manifests, of the same names.

    Labels are those of all shards; of the spectra enough are read, from the first shards.

    Raises:
        InputError: there are fewer than four training spectra.
    """
    manifests = {path.name: path for path in samples}
    train, validation, stars = [], [], []
    count = 0
    for path in sorted(spectra):
        manifest = read_manifest(manifests[path.name])
        enough = count >= ENOUGH
        table, labelled = read_split(path, [] if enough else COLUMNS, manifest, TRAIN, targets)
        stars.append(labelled)
        if not enough:
            count += len(table)
            train.append(table)
            validation.append(read_split(path, COLUMNS, manifest, VALIDATION, targets)[0])
    if count < 4:
        found = f"{count} training spectra"
        raise InputError(samples[0].parent, "split", found, "enlarge the sample")
    train, validation, stars = map(pa.concat_tables, (train, validation, stars))
    if not len(validation):
        logging.warning("no validation spectra: the thresholds are those of the training spectra")
        validation = train
    low, high = np.ascontiguousarray(
        np.transpose([_range(stars, label, targets) for label in LABELS])
    )
    made = _principal(thousandths_of(train)) | {"low": low, "high": high}
    snr = validation["snrr"].drop_null().to_numpy()
    none = {name: np.zeros(1) for name in ("farthest", "least_snr", "most_masked")}
    distances = TrainingDomain(**made, **none).distance(thousandths_of(validation))
    return TrainingDomain(
        **made,
        farthest=np.quantile(distances, [KEPT]),
        least_snr=np.quantile(snr, [1 - KEPT]).astype(float) if len(snr) else np.zeros(1),
        most_masked=np.quantile(validation["masked_fraction"].to_numpy().astype(float), [KEPT]),
    )


def _principal(thousandths: np.ndarray) -> dict[str, np.ndarray]:
    flux = thousandths.astype(np.float64)
    mean = flux.mean(axis=0)
    flux -= mean
    number = min(COMPONENTS, min(flux.shape) // 2)
    _, values, components = svds(flux, k=number, rng=np.random.default_rng(0))
    variances = np.square(values) / len(flux)
    rest = np.square(flux).sum() / len(flux) - variances.sum()
    # Flux is whole thousandths: below their own variance there is nothing to know.
    noise = np.maximum(rest / (mean.size - number), 1 / 12)
    variances = np.maximum(variances, noise)
    components = np.ascontiguousarray(components)
    return {"mean": mean, "components": components, "variances": variances, "noise": noise[None]}


def _range(stars: pa.Table, label: Label, targets: Targets) -> tuple[float, float]:
    if label not in targets.labels:
        return np.nan, np.nan
    values = stars[truth_column(stars, label)].drop_null().to_numpy()
    return (values.min(), values.max()) if len(values) else (np.nan, np.nan)
