"""Predictions joined with what is known of their spectra."""

import pyarrow as pa
import pyarrow.compute as pc

from spectralm.catalogue.columns import LabelFlag, catalogue_columns
from spectralm.errors import InputError
from spectralm.labels.columns import schema
from spectralm.labels.vocabulary import Ask
from spectralm.samples.manifest import truth_column


def catalogue(
    predictions: pa.Table,
    sample: pa.Table,
    spectra: pa.Table,
    learned: pa.Table,
    origin: dict[str, str],
    ask: Ask,
    source: object,
) -> pa.Table:
    """The catalogue of a run in order of obsid: a row per spectrum that it predicts.

    A spectrum may be in several datasets; as one model gives one answer to it, it is there once.

    Args:
        predictions: PREDICTIONS rows; ``flags`` are taken if there.
        sample: the manifests of the same shards.
        spectra: obsid, flags and masked_fraction of the same shards.
        learned: the manifests of the run's own dataset, whose training rows bound the labels.
        origin: the columns run, weights and serializer.
        source: what errors name as the origin of the predictions.

    Raises:
        InputError: a predicted spectrum is not in the manifests or not in the spectra.
    """
    predictions = _once(predictions).sort_by("obsid")
    sample = _beside(predictions, _once(sample), source, "manifests")
    spectra = _beside(predictions, _once(spectra), source, "spectra")
    parsed = pc.equal(predictions["status"], "parsed")
    training = learned.filter(pc.equal(learned["split"], "train"))
    columns = {name: sample[name] for name in sample.column_names}
    columns |= {name: pa.repeat(text, len(predictions)) for name, text in origin.items()}
    columns |= {
        "status": predictions["status"],
        "class": pc.if_else(parsed, predictions["class"], None),
        "masked_fraction": spectra["masked_fraction"],
        "flags": _all_flags(predictions, spectra),
    }
    for label in ask.labels:
        value = pc.if_else(parsed, predictions[label.name], None)
        error = pc.if_else(parsed, predictions[f"{label.name}_err"], None)
        columns[label.name] = value
        columns[f"{label.name}_err"] = error
        columns[f"{label.name}_flag"] = _flag(value, error, training[truth_column(training, label)])
    written = catalogue_columns(ask)
    return pa.table({c.name: columns[c.name] for c in written}).cast(schema(written))


def _once(table: pa.Table) -> pa.Table:
    """The first row of each obsid."""
    rows = pa.table({"obsid": table["obsid"], "row": pa.array(range(len(table)), pa.int64())})
    first = rows.group_by("obsid").aggregate([("row", "min")])["row_min"]
    return table.take(first.combine_chunks().sort())


def _beside(predictions: pa.Table, table: pa.Table, source: object, name: str) -> pa.Table:
    """The rows of a table that belong to the predictions, in their order."""
    places = pc.index_in(predictions["obsid"], table["obsid"])
    if places.null_count:
        lost = predictions["obsid"].filter(pc.is_null(places))
        raise InputError(
            source,
            "obsid",
            f"{len(lost)} predicted spectra are not in the {name} ({lost[0]}, ...)",
            "give the manifests and spectra of all shards that were predicted",
        )
    return table.take(places)


def _all_flags(predictions: pa.Table, spectra: pa.Table) -> pa.ChunkedArray:
    if "flags" not in predictions.column_names:
        return spectra["flags"]
    return pc.bit_wise_or(spectra["flags"], pc.coalesce(predictions["flags"], 0))


def _flag(
    value: pa.ChunkedArray, error: pa.ChunkedArray, training: pa.ChunkedArray
) -> pa.ChunkedArray:
    bounds = pc.min_max(training)
    outside = pc.or_(pc.less(value, bounds["min"]), pc.greater(value, bounds["max"]))
    bits = {
        LabelFlag.NO_VALUE: pc.is_null(value),
        LabelFlag.NO_ERROR: pc.is_null(error),
        LabelFlag.OUTSIDE: pc.fill_null(outside, False),
    }
    terms = [pc.if_else(is_set, int(bit), 0) for bit, is_set in bits.items()]
    return pc.cast(pc.add(pc.add(terms[0], terms[1]), terms[2]), pa.int16())
