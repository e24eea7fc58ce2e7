"""Flux and labels of one shard at a time, joined by obsid."""

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import InputError
from spectralm.files import read_parquet
from spectralm.labels.vocabulary import CLASSES, Targets
from spectralm.samples.manifest import truth_column
from spectralm.samples.splits import TEST
from spectralm.schemas import PREDICTIONS, schema

log = logging.getLogger(__name__)


def names_of(targets: Targets) -> tuple[str, ...]:
    """Names of the predicted labels, in their order."""
    return tuple(label.name for label in targets.labels)


def classes_of(targets: Targets) -> tuple[str, ...]:
    """The classes that a model predicts: CLASSES in stage 1, none in stage 2."""
    return CLASSES if targets == Targets.PARAMETERS else ()


def read_split(
    spectra: Path, columns: list[str], manifest: pa.Table, split: str, targets: Targets
) -> tuple[pa.Table, pa.Table]:
    """Spectra of one split, and their rows of the manifest in the same order.

    Spectra without any of the labels, and spectra with a label outside the range of its
    :class:`~spectralm.labels.vocabulary.Label`, are left out of every split but the test split:
    language models cannot write such labels, and all models are trained on the same spectra.

    Raises:
        InputError: A spectrum is not in the manifest.
    """
    table = read_parquet(spectra, columns=["obsid", *columns])
    position = pc.index_in(table["obsid"], manifest["obsid"])
    if position.null_count:
        stray = table["obsid"].filter(pc.is_null(position))
        raise InputError(
            spectra,
            "obsid",
            f"{len(stray)} not in the manifest ({stray[0]}, ...)",
            "give the manifest that these spectra were made from",
        )
    stars = manifest.take(position)
    wanted = pc.equal(stars["split"], split).to_numpy()
    if split != TEST:
        usable = _usable(labels_of(stars, targets), targets)
        if excluded := np.count_nonzero(wanted & ~usable):
            log.warning(
                "%s: %d %s spectra left out: no label, or a label outside its range",
                *(spectra, excluded, split),
            )
        wanted &= usable
    return table.filter(pa.array(wanted)), stars.filter(pa.array(wanted))


def _usable(labels: np.ndarray, targets: Targets) -> np.ndarray:
    """Whether each spectrum has a label, and all its labels [n, labels] are in range; bool [n]."""
    low, high = np.array([(label.low, label.high) for label in targets.labels]).T
    outside = (labels < low) | (labels > high)
    return ~outside.any(axis=1) & np.isfinite(labels).any(axis=1)


def labels_of(stars: pa.Table, targets: Targets) -> np.ndarray:
    """The survey's labels [n, labels], float64, in the order of the targets; NaN where missing."""
    columns = [stars[truth_column(stars, label)].to_numpy() for label in targets.labels]
    return np.stack(columns, axis=1).astype(np.float64)


def class_numbers(stars: pa.Table) -> np.ndarray:
    """The index in CLASSES of the survey's class, int64 [n]."""
    return pc.index_in(stars["class"], pa.array(CLASSES)).to_numpy().astype(np.int64)


def one_hot(stars: pa.Table) -> np.ndarray:
    """The survey's class, one-hot encoded: float64 [n, classes]."""
    return np.eye(len(CLASSES))[class_numbers(stars)]


def predictions(
    targets: Targets,
    obsid: pa.ChunkedArray,
    status: np.ndarray,
    classes: np.ndarray | None,
    labels: np.ndarray,
) -> pa.Table:
    """A PREDICTIONS table of a model that predicts numbers, so its column ``answer`` is null.

    Args:
        targets: What the model predicts; columns of other labels are null.
        obsid: Identifiers of the spectra [n].
        status: ``parsed``, or why there is no prediction [n].
        classes: Names of the predicted classes [n]; None if the model predicts none. Not written
            in stage 2.
        labels: Predicted labels [n, labels], in the order of the targets; NaN becomes null.
    """
    if targets != Targets.PARAMETERS:
        classes = None
    columns = {
        "obsid": obsid,
        "status": pa.array(status, pa.string()),
        "class": pa.nulls(len(obsid), pa.string()) if classes is None else pa.array(classes),
    }
    columns |= {
        name: pa.array(values, pa.float64(), from_pandas=True)
        for name, values in zip(names_of(targets), labels.T, strict=True)
    }
    null = pa.nulls(len(obsid))
    names = schema(PREDICTIONS).names
    return pa.table({name: columns.get(name, null) for name in names}).cast(schema(PREDICTIONS))
