"""Frozen manifests: the spectra of one shard, with a hash that betrays any change."""

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
        InputError: a ranked spectrum is not in the catalogue.
        SpectraLMError: a class runs short although ``require_balance`` is set.
    """
    drawn = pq.read_table(
        assignment, columns=["obsid", "split", "shard"], filters=[("shard", "=", shard)]
    )
    rows = pq.read_table(catalogue, filters=pc.field("obsid").isin(drawn["obsid"].combine_chunks()))
    table = rows.join(drawn, keys="obsid", join_type="inner").sort_by("obsid")
    if table.num_rows != drawn.num_rows:
        raise InputError(
            assignment,
            f"shard {shard}",
            f"{drawn.num_rows - table.num_rows} of its spectra are not in {catalogue}",
            "rank the sample again",
        )
    if strata is Strata.CLASS:
        _check_balance(table, shard, options)
    elif table.num_rows < options.shard_size:
        logging.warning("shard %d: %d of %d spectra", shard, table.num_rows, options.shard_size)
    columns = CROSSMATCHED_SAMPLE if "survey_id" in table.column_names else SAMPLE
    return table.select([column.name for column in columns]).cast(schema(columns))


def write_manifest(path: Path, table: pa.Table) -> None:
    """Write a shard with the hash of its rows in its metadata."""
    write_parquet(path, table, {HASH: hash_of_rows(table)})


def read_manifest(path: Path) -> pa.Table:
    """The rows of a shard (columns SAMPLE or CROSSMATCHED_SAMPLE).

    Raises:
        InputError: unreadable, or not the rows that were frozen.
    """
    table = read_parquet(path)
    if parquet_metadata(path).get(HASH) != hash_of_rows(table):
        raise InputError(
            path, "manifest", f"its rows are not those of its {HASH}", "draw the shard again"
        )
    return table


def read_manifests(paths: list[Path]) -> pa.Table:
    """The rows of several shards, one after the other; raises like :func:`read_manifest`."""
    return pa.concat_tables(map(read_manifest, paths))


def truth_column(sample: pa.Table, label: Label) -> str:
    """The manifest's column with the value that a model should find for a label.

    In a crossmatched manifest that is the other survey's, not LAMOST's.
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
    there = {c["values"]: c["counts"] for c in table["class"].value_counts().to_pylist()}
    short = [
        f"{name}: {there.get(name, 0)} of {options.per_class}"
        for name in CLASSES
        if there.get(name, 0) < options.per_class
    ]
    if short:
        told = f"shard {shard} runs short of spectra of class {', '.join(short)}"
        if options.require_balance:
            raise SpectraLMError(
                f"{told}; give more spectra, ask a smaller scale, or set require_balance: false"
            )
        logging.warning(told)
