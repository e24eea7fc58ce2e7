"""Predictions joined with what is known of their spectra."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import InputError
from spectralm.files import read_parquet
from spectralm.inference.flags import Predicted, flags_of
from spectralm.inference.training_domain import TrainingDomain
from spectralm.labels.vocabulary import Label, Targets
from spectralm.schemas import LabelFlag, catalogue_columns, schema
from spectralm.spectra.stored import thousandths_of

#: What a catalogue takes of each spectrum.
COLUMNS = ["obsid", "snrr", "masked_fraction", "flags"]


def spectra_of(predictions: pa.Table, shards: list[Path], known: TrainingDomain) -> pa.Table:
    """COLUMNS of the predicted spectra in shards, and how far each is from the training spectra.

    The flux of one shard at a time is in memory.
    """
    parts = []
    for path in shards:
        table = read_parquet(path, [*COLUMNS, "flux"])
        table = table.filter(pc.is_in(table["obsid"], predictions["obsid"]))
        distance = pa.array(known.distance(thousandths_of(table)))
        parts.append(table.select(COLUMNS).append_column("distance", distance))
    return pa.concat_tables(parts)


def catalogue(
    predictions: pa.Table,
    sample: pa.Table,
    spectra: pa.Table,
    known: TrainingDomain,
    origin: dict[str, str],
    targets: Targets,
    source: object,
) -> pa.Table:
    """The catalogue of a run in order of obsid: a row per spectrum that it predicts.

    A spectrum may be in several datasets; as one model gives one answer to it, it is there once.

    Args:
        predictions: PREDICTIONS rows.
        sample: the manifests of the same shards.
        spectra: of the same shards, as :func:`spectra_of` gives them.
        known: what the run was trained on.
        origin: the columns run, weights and serializer.
        source: what errors name as the origin of the predictions.

    Raises:
        InputError: a predicted spectrum is not in the manifests or not in the spectra.
    """
    predictions = _once(predictions).sort_by("obsid")
    sample = _beside(predictions, _once(sample), source, "manifests")
    spectra = _beside(predictions, _once(spectra), source, "spectra")
    parsed = pc.equal(predictions["status"], "parsed")
    values = {label: pc.if_else(parsed, predictions[label.name], None) for label in targets.labels}
    predicted = Predicted(
        distance=spectra["distance"].to_numpy(),
        snr=spectra["snrr"].to_numpy(),
        masked_fraction=spectra["masked_fraction"].to_numpy(),
        parsed=parsed.to_numpy(),
        values={label: value.to_numpy() for label, value in values.items()},
    )
    columns = {name: sample[name] for name in sample.column_names}
    columns |= {name: pa.repeat(text, len(predictions)) for name, text in origin.items()}
    columns |= {
        "status": predictions["status"],
        "class": pc.if_else(parsed, predictions["class"], None),
        "masked_fraction": spectra["masked_fraction"],
        "distance": spectra["distance"],
        "flags": pc.bit_wise_or(spectra["flags"], pa.array(flags_of(predicted, known))),
    }
    for label, value in values.items():
        error = pc.if_else(parsed, predictions[f"{label.name}_err"], None)
        columns[label.name] = value
        columns[f"{label.name}_err"] = error
        columns[f"{label.name}_flag"] = _flag(label, value, error, known)
    written = catalogue_columns(targets)
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


def _flag(
    label: Label, value: pa.ChunkedArray, error: pa.ChunkedArray, known: TrainingDomain
) -> np.ndarray:
    bits = {
        LabelFlag.NO_VALUE: pc.is_null(value).to_numpy(),
        LabelFlag.NO_ERROR: pc.is_null(error).to_numpy(),
        LabelFlag.OUTSIDE: known.outside(label, value.to_numpy()),
    }
    return np.sum([int(bit) * is_set for bit, is_set in bits.items()], axis=0, dtype=np.int16)
