"""Pixels beside labels, a shard at a time, joined by obsid."""

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import InputError
from spectralm.files import read_parquet
from spectralm.labels.columns import PREDICTIONS, schema
from spectralm.labels.vocabulary import CLASSES, PARAMETERS
from spectralm.samples.splits import TEST

log = logging.getLogger(__name__)

LABELS = tuple(label.name for label in PARAMETERS)


def read_split(
    spectra: Path, columns: list[str], manifest: pa.Table, split: str
) -> tuple[pa.Table, pa.Table]:
    """Spectra of one split, and their rows of the manifest in the same order.

    Nothing is learnt from a spectrum that lacks every label or has one that is no star's (outside
    the range of its :class:`~spectralm.labels.vocabulary.Label`): such ones are in no split but
    the test split, as language models have no words for them.

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
        of_a_star = _labels_of_a_star(labels_of(stars))
        if refused := np.count_nonzero(wanted & ~of_a_star):
            log.warning("%s: %d %s spectra with no star's labels left out", spectra, refused, split)
        wanted &= of_a_star
    return table.filter(pa.array(wanted)), stars.filter(pa.array(wanted))


def _labels_of_a_star(labels: np.ndarray) -> np.ndarray:
    """[n] Whether of labels [n, labels] some are there, and those are in their ranges."""
    low, high = np.array([(label.low, label.high) for label in PARAMETERS]).T
    wild = (labels < low) | (labels > high)
    return ~wild.any(axis=1) & np.isfinite(labels).any(axis=1)


def labels_of(stars: pa.Table) -> np.ndarray:
    """The survey's labels [n, labels], float64 in the order of PARAMETERS; NaN where missing."""
    return np.stack([stars[name].to_numpy() for name in LABELS], axis=1).astype(np.float64)


def class_numbers(stars: pa.Table) -> np.ndarray:
    """The survey's class as its place in CLASSES, [n] int64."""
    return pc.index_in(stars["class"], pa.array(CLASSES)).to_numpy().astype(np.int64)


def one_hot(stars: pa.Table) -> np.ndarray:
    """The survey's class as [n, classes] float64: 1 for the star's, 0 for others."""
    return np.eye(len(CLASSES))[class_numbers(stars)]


def predictions(
    obsid: pa.ChunkedArray, status: np.ndarray, classes: np.ndarray | None, labels: np.ndarray
) -> pa.Table:
    """A PREDICTIONS table of a model that writes no text; NaN in ``labels`` [n, labels] is null."""
    columns = {
        "obsid": obsid,
        "status": pa.array(status, pa.string()),
        "answer": pa.nulls(len(obsid), pa.string()),
        "class": pa.nulls(len(obsid), pa.string()) if classes is None else pa.array(classes),
    }
    columns |= {
        name: pa.array(values, pa.float64(), from_pandas=True)
        for name, values in zip(LABELS, labels.T, strict=True)
    }
    nothing = pa.nulls(len(obsid))
    names = schema(PREDICTIONS).names
    return pa.table({name: columns.get(name, nothing) for name in names}).cast(schema(PREDICTIONS))
