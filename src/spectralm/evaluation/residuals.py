"""Predictions beside the survey's labels, joined by obsid."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import InputError
from spectralm.labels.vocabulary import Targets
from spectralm.samples.manifest import truth_column
from spectralm.schemas import residual_columns, schema


def residuals(
    sample: pa.Table,
    spectra: pa.ChunkedArray,
    predictions: pa.Table,
    source: object,
    targets: Targets = Targets.PARAMETERS,
    floor: pa.Table | None = None,
) -> pa.Table:
    """Residuals, predicted - survey, of every test spectrum, in the order of obsid.

    A test spectrum is a row of the manifest with split "test" whose spectrum was not refused and
    that has at least one of the labels by the survey. Each must have one prediction, which may
    only say why there is no answer; values beside a status other than "parsed" are not used.

    Args:
        sample: the manifest, all shards of it.
        spectra: obsids of the spectra shards of the same sample.
        predictions: PREDICTIONS rows, in any order.
        source: what errors name as the origin of the predictions.
        targets: which labels are judged.
        floor: :func:`~spectralm.schemas.floor_columns` of the spectra and labels for which they are
            known, in any order.

    Returns:
        A table of :func:`residual_columns` of what was asked.

    Raises:
        InputError: an obsid is predicted twice, is not that of a test spectrum, or is not
            predicted; an obsid is twice in the manifest; a predicted value is not finite.
    """
    _refuse_repeats("manifest", sample["obsid"])
    _refuse_repeats(source, predictions["obsid"])
    has_spectrum = pc.is_in(sample["obsid"], spectra)
    test = sample.filter(pc.and_(has_spectrum, pc.equal(sample["split"], "test")))
    unasked = pc.invert(pc.is_in(predictions["obsid"], test["obsid"]))
    _refuse(
        source,
        predictions["obsid"].filter(unasked),
        "not a test spectrum of this sample",
        "give the manifest and spectra that were predicted",
    )
    truths = [test[truth_column(sample, label)] for label in targets.labels]
    test = test.filter(pc.is_valid(pc.coalesce(*truths)))
    unanswered = pc.invert(pc.is_in(test["obsid"], predictions["obsid"]))
    _refuse(
        source,
        test["obsid"].filter(unanswered),
        "a test spectrum without a prediction",
        "predict every shard; an answer that cannot be read is a row with its status",
    )
    test = test.sort_by("obsid")
    predictions = predictions.take(pc.index_in(test["obsid"], predictions["obsid"]))
    limits = {}
    if floor is not None:
        floor = floor.take(pc.index_in(test["obsid"], floor["obsid"]))
        limits = {name: floor[name] for name in floor.column_names}
    return _joined(test, predictions, limits, targets, source)


def _joined(
    test: pa.Table,
    predictions: pa.Table,
    limits: Mapping[str, pa.ChunkedArray],
    targets: Targets,
    source: object,
) -> pa.Table:
    """Residuals of tables with the same obsids in the same order; ``limits`` are columns."""
    nothing = pa.nulls(len(test), pa.float64())
    parsed = pc.equal(predictions["status"], "parsed")
    columns = {name: test[name] for name in ("obsid", "star_id", "class")}
    columns |= {name: pc.cast(test[name], pa.float64()) for name in ("snrr", "snri")}
    columns["status"] = predictions["status"]
    columns["predicted_class"] = pc.if_else(parsed, predictions["class"], None)
    for label in targets.labels:
        truth = test[truth_column(test, label)]
        predicted = pc.if_else(parsed, predictions[label.name], None)
        wild = pc.invert(pc.is_finite(predicted))
        _refuse(
            source,
            predictions["obsid"].filter(wild),
            f"{label.name} is not a finite number",
            "write null and a status where there is no answer",
        )
        columns[label.name] = truth
        columns[f"{label.name}_predicted"] = predicted
        columns[f"{label.name}_err"] = pc.if_else(parsed, predictions[f"{label.name}_err"], None)
        columns[f"{label.name}_residual"] = pc.subtract(predicted, truth)
        for name in (f"{label.name}_{quantity}" for quantity in ("true", "bound", "label_error")):
            columns[name] = limits.get(name, nothing)
    return pa.table(columns).cast(schema(residual_columns(targets)))


def _refuse_repeats(source: object, obsids: pa.ChunkedArray) -> None:
    values, counts = np.unique(obsids.to_numpy(), return_counts=True)
    _refuse(source, pa.array(values[counts > 1]), "more than once", "give each shard once")


def _refuse(source: object, obsids: pa.Array | pa.ChunkedArray, found: str, remedy: str) -> None:
    """Raise an InputError that counts ``obsids``, unless there are none."""
    if len(obsids):
        examples = ", ".join(str(obsid) for obsid in obsids[:3].to_pylist())
        raise InputError(source, "obsid", f"{found}: {len(obsids)} ({examples}, ...)", remedy)
