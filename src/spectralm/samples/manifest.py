"""Manifests: the spectra of one shard, with a hash that reveals any change."""

import hashlib
import json
import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spectralm.errors import InputError, SpectraLMError
from spectralm.files import parquet_metadata, read_parquet, write_parquet
from spectralm.labels.vocabulary import CLASSES, Label
from spectralm.samples.options import SampleOptions, Strata
from spectralm.schemas import CROSSMATCHED_SAMPLE, SAMPLE, schema

HASH = "sha256"


def draw(
    catalogue: Path,
    assignment: Path,
    shard: int,
    options: SampleOptions,
    strata: Strata = Strata.CLASS,
) -> pa.Table:
    """The rows of one shard in order of obsid: columns SAMPLE, or CROSSMATCHED_SAMPLE.

    Raises:
        InputError: a spectrum of the shard is not in the catalogue.
        SpectraLMError: there are too few spectra of a class and ``require_balance`` is set.
    """
    members = pq.read_table(
        assignment, columns=["obsid", "split", "shard"], filters=[("shard", "=", shard)]
    )
    in_shard = pc.field("obsid").isin(members["obsid"].combine_chunks())
    rows = pq.read_table(catalogue, filters=in_shard)
    table = rows.join(members, keys="obsid", join_type="inner").sort_by("obsid")
    if table.num_rows != members.num_rows:
        raise InputError(
            assignment,
            f"shard {shard}",
            f"{members.num_rows - table.num_rows} of its spectra are not in {catalogue}",
            "remove it and run the workflow again",
        )
    if strata is Strata.CLASS:
        _check_balance(table, shard, options)
    elif table.num_rows < options.shard_size:
        logging.warning("shard %d: %d of %d spectra", shard, table.num_rows, options.shard_size)
    columns = CROSSMATCHED_SAMPLE if "survey_id" in table.column_names else SAMPLE
    return table.select([column.name for column in columns]).cast(schema(columns))


def write_manifest(path: Path, table: pa.Table) -> None:
    """Write a manifest, with the hash of its rows in the metadata."""
    write_parquet(path, table, {HASH: hash_of_rows(table)})


def read_manifest(path: Path) -> pa.Table:
    """The rows of a manifest (columns SAMPLE or CROSSMATCHED_SAMPLE).

    Raises:
        InputError: the file cannot be read, or its rows have been changed.
    """
    table = read_parquet(path)
    if parquet_metadata(path).get(HASH) != hash_of_rows(table):
        raise InputError(
            path, "manifest", f"its rows are not those of its {HASH}", "draw the shard again"
        )
    return table


def read_manifests(paths: list[Path]) -> pa.Table:
    """The rows of several manifests, one after the other; raises like :func:`read_manifest`."""
    return pa.concat_tables(map(read_manifest, paths))


def truth_column(sample: pa.Table, label: Label) -> str:
    """The column of a manifest with the true values of a label.

    In a crossmatched manifest, these are the other survey's, not LAMOST's.
    """
    of_survey = f"survey_{label.name}"
    return of_survey if of_survey in sample.column_names else label.name


def hash_of_rows(table: pa.Table) -> str:
    """SHA-256 of a table's rows, each a line of JSON with sorted keys."""
    digest = hashlib.sha256()
    for row in table.to_pylist():
        digest.update(json.dumps(row, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


def _check_balance(table: pa.Table, shard: int, options: SampleOptions) -> None:
    counts = {c["values"]: c["counts"] for c in table["class"].value_counts().to_pylist()}
    short = [
        f"{name}: {counts.get(name, 0)} of {options.per_class}"
        for name in CLASSES
        if counts.get(name, 0) < options.per_class
    ]
    if short:
        message = f"shard {shard} has too few spectra of class {', '.join(short)}"
        if options.require_balance:
            raise SpectraLMError(
                f"{message}; give more spectra, use a smaller scale, or set require_balance: false"
            )
        logging.warning(message)
