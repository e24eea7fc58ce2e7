"""Pixels beside labels, a shard at a time, joined by obsid."""

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
    """The labels that are asked for, by name and in their order."""
    return tuple(label.name for label in targets.labels)


def classes_of(targets: Targets) -> tuple[str, ...]:
    """The classes that a model is asked to tell apart: CLASSES, or in stage 2 none."""
    return CLASSES if targets == Targets.PARAMETERS else ()


def read_split(
    spectra: Path, columns: list[str], manifest: pa.Table, split: str, targets: Targets
) -> tuple[pa.Table, pa.Table]:
    """Spectra of one split, and their rows of the manifest in the same order.

    Nothing is learnt from a spectrum that lacks every label asked for or has one that is no star's
    (outside the range of its :class:`~spectralm.labels.vocabulary.Label`): such ones are in no
    split but the test split, as language models have no words for them.

    Raises:
        InputError: a spectrum is not in the manifest.
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
        of_a_star = _labels_of_a_star(labels_of(stars, targets), targets)
        if refused := np.count_nonzero(wanted & ~of_a_star):
            log.warning("%s: %d %s spectra with no star's labels left out", spectra, refused, split)
        wanted &= of_a_star
    return table.filter(pa.array(wanted)), stars.filter(pa.array(wanted))


def _labels_of_a_star(labels: np.ndarray, targets: Targets) -> np.ndarray:
    """[n] Whether of labels [n, labels] some are there, and those are in their ranges."""
    low, high = np.array([(label.low, label.high) for label in targets.labels]).T
    wild = (labels < low) | (labels > high)
    return ~wild.any(axis=1) & np.isfinite(labels).any(axis=1)


def labels_of(stars: pa.Table, targets: Targets) -> np.ndarray:
    """The survey's labels [n, labels], float64 in the order of the ask; NaN where missing."""
    columns = [stars[truth_column(stars, label)].to_numpy() for label in targets.labels]
    return np.stack(columns, axis=1).astype(np.float64)


def class_numbers(stars: pa.Table) -> np.ndarray:
    """The survey's class as its place in CLASSES, [n] int64."""
    return pc.index_in(stars["class"], pa.array(CLASSES)).to_numpy().astype(np.int64)


def one_hot(stars: pa.Table) -> np.ndarray:
    """The survey's class as [n, classes] float64: 1 for the star's, 0 for others."""
    return np.eye(len(CLASSES))[class_numbers(stars)]


def predictions(
    targets: Targets,
    obsid: pa.ChunkedArray,
    status: np.ndarray,
    classes: np.ndarray | None,
    labels: np.ndarray,
) -> pa.Table:
    """A PREDICTIONS table of a model that writes no text; null where it was not asked.

    Args:
        ask: what the model was asked.
        classes: [n], by name; None if the model names none. Left out in stage 2.
        labels: [n, labels] in the order of the ask; NaN becomes null.
    """
    told = classes is not None and targets == Targets.PARAMETERS
    columns = {
        "obsid": obsid,
        "status": pa.array(status, pa.string()),
        "answer": pa.nulls(len(obsid), pa.string()),
        "class": pa.array(classes) if told else pa.nulls(len(obsid), pa.string()),
    }
    columns |= {
        name: pa.array(values, pa.float64(), from_pandas=True)
        for name, values in zip(names_of(targets), labels.T, strict=True)
    }
    nothing = pa.nulls(len(obsid))
    names = schema(PREDICTIONS).names
    return pa.table({name: columns.get(name, nothing) for name in names}).cast(schema(PREDICTIONS))
