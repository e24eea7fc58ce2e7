"""Rows of a catalogue: predictions joined with properties of their stars and spectra."""

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
from spectralm.spectra.pixels import COLUMNS as PIXELS
from spectralm.spectra.pixels import Pixels

#: Columns of spectra that a catalogue needs.
COLUMNS = ["obsid", "snrr", "masked_fraction", "flags"]


def spectra_of(predictions: pa.Table, shards: list[Path], domain: TrainingDomain) -> pa.Table:
    """COLUMNS of the predicted spectra, and their distance from the training spectra.

    Only the flux of one shard is in memory at a time.

    Args:
        predictions: PREDICTIONS rows.
        shards: Files of spectra.
        domain: Training domain of the run.
    """
    parts = []
    for path in shards:
        table = read_parquet(path, [*COLUMNS, *PIXELS])
        table = table.filter(pc.is_in(table["obsid"], predictions["obsid"]))
        distance = pa.array(domain.distance(Pixels.of(table).flux))
        parts.append(table.select(COLUMNS).append_column("distance", distance))
    return pa.concat_tables(parts)


def catalogue(
    predictions: pa.Table,
    sample: pa.Table,
    spectra: pa.Table,
    domain: TrainingDomain,
    origin: dict[str, str],
    targets: Targets,
    source: object,
) -> pa.Table:
    """The catalogue of a run: one row per predicted spectrum, in the order of obsid.

    A spectrum may be in several datasets; its predictions are the same, and it has one row.

    Args:
        predictions: PREDICTIONS rows.
        sample: The manifests of the same shards.
        spectra: The result of :func:`spectra_of` for the same shards.
        domain: Training domain of the run.
        origin: The values of the columns run, weights and serializer.
        targets: What the run predicts.
        source: Origin of the predictions in error messages.

    Raises:
        InputError: A predicted spectrum is not in the manifests or not in the spectra.
    """
    predictions = _unique(predictions).sort_by("obsid")
    sample = _aligned(predictions, _unique(sample), source, "manifests")
    spectra = _aligned(predictions, _unique(spectra), source, "spectra")
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
        "flags": pc.bit_wise_or(spectra["flags"], pa.array(flags_of(predicted, domain))),
    }
    for label, value in values.items():
        error = pc.if_else(parsed, predictions[f"{label.name}_err"], None)
        columns[label.name] = value
        columns[f"{label.name}_err"] = error
        columns[f"{label.name}_flag"] = _flag(label, value, error, domain)
    written = catalogue_columns(targets)
    return pa.table({c.name: columns[c.name] for c in written}).cast(schema(written))


def _unique(table: pa.Table) -> pa.Table:
    """The first row of each obsid."""
    rows = pa.table({"obsid": table["obsid"], "row": pa.array(range(len(table)), pa.int64())})
    first = rows.group_by("obsid").aggregate([("row", "min")])["row_min"]
    return table.take(first.combine_chunks().sort())


def _aligned(predictions: pa.Table, table: pa.Table, source: object, name: str) -> pa.Table:
    """The rows of a table that belong to the predictions, in their order."""
    rows = pc.index_in(predictions["obsid"], table["obsid"])
    if rows.null_count:
        missing = predictions["obsid"].filter(pc.is_null(rows))
        raise InputError(
            source,
            "obsid",
            f"{len(missing)} predicted spectra are not in the {name} ({missing[0]}, ...)",
            "give the manifests and spectra of all shards that were predicted",
        )
    return table.take(rows)


def _flag(
    label: Label, value: pa.ChunkedArray, error: pa.ChunkedArray, domain: TrainingDomain
) -> np.ndarray:
    conditions = {
        LabelFlag.NO_VALUE: pc.is_null(value).to_numpy(),
        LabelFlag.NO_ERROR: pc.is_null(error).to_numpy(),
        LabelFlag.OUTSIDE: domain.outside(label, value.to_numpy()),
    }
    bits = [int(flag) * is_set for flag, is_set in conditions.items()]
    return np.bitwise_or.reduce(bits).astype(np.int16)
