"""Balanced, nested, frozen samples, split by star."""

import hashlib
import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from spectralm.cli import main
from spectralm.errors import InputError, SpectraLMError
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.tables import sample
from spectralm.evaluation.tidy import read_rows
from spectralm.files import write_parquet
from spectralm.samples.assignment import assign
from spectralm.samples.manifest import draw, hash_of_rows, read_manifest, write_manifest
from spectralm.samples.options import SampleOptions, Strata
from spectralm.samples.splits import splits_of
from spectralm.schemas import (
    ASSIGNMENT,
    CATALOGUE,
    CROSSMATCHED,
    CROSSMATCHED_SAMPLE,
    SAMPLE,
    schema,
)

SMALL = SampleOptions(shard_size=100, validation_fraction=0.1)


def catalogue(classes: str, per_star: int = 1, first: int = 1) -> pa.Table:
    """A row for each letter of ``classes``; each star has ``per_star`` spectra."""
    rows = [
        {
            "obsid": first + i,
            "path": f"spectra/{first + i}.fits",
            "star_id": f"gaia:{(first + i) // per_star}",
            "class": letter,
            "subclass": letter + "5",
            "teff": 5000.0 + i / 7,
            "logg": 4.0,
            "feh": -0.1,
            "feh_source": "m_h" if letter == "M" else "feh",
            "snrr": 10.0,
            "snri": 10.0,
            "source": "c.csv",
        }
        for i, letter in enumerate(classes)
    ]
    return pa.Table.from_pylist(rows, schema=schema(CATALOGUE))


def drawn(folder: Path, table: pa.Table, shard: int, options: SampleOptions) -> pa.Table:
    write_parquet(folder / "c.parquet", table)
    write_parquet(folder / "r.parquet", assign(table, options))
    return draw(folder / "c.parquet", folder / "r.parquet", shard, options)


def tabulate(
    folder: Path, assignment: pa.Table, options: SampleOptions, scales: list[int]
) -> list[sample.Row]:
    write_parquet(folder / "r.parquet", assignment)
    inputs = Inputs(assignment=[folder / "r.parquet"], sample_options=options, scales=scales)
    return sample.rows(inputs)


@pytest.mark.parametrize(
    ("options", "quotas"),
    [
        ({}, {"train": 784, "validation": 16, "test": 200}),
        ({"validation_fraction": 0.0}, {"train": 800, "validation": 0, "test": 200}),
        ({"shard_size": 50}, {"train": 7, "validation": 1, "test": 2}),
    ],
)
def test_a_shard_is_split_8_to_2(options, quotas):
    assert SampleOptions(**options).quotas == quotas


@pytest.mark.parametrize(
    "options", [{"shard_size": 4999}, {"shard_size": 5}, {"test_fraction": 0.0}, {"seed": "1"}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ValidationError):
        SampleOptions(**options)


def test_a_scale_is_a_number_of_shards():
    assert SampleOptions().shards(1_500_000) == 300
    for scale in (7500, 0, -5000):
        with pytest.raises(SpectraLMError, match="no multiple of shard_size 5000"):
            SampleOptions().shards(scale)


def test_the_split_of_a_star_is_by_its_hash():
    digest = hashlib.blake2b(b"3:gaia:605945363488930688", digest_size=8).hexdigest()
    number = int(digest, 16) / 2**64
    at = SampleOptions(seed=3, test_fraction=number + 1e-9, validation_fraction=0.0)
    below = SampleOptions(seed=3, test_fraction=number - 1e-9, validation_fraction=0.0)
    assert splits_of(["gaia:605945363488930688"], at).tolist() == ["test"]
    assert splits_of(["gaia:605945363488930688"], below).tolist() == ["train"]


def test_splits_never_change_again():
    """Frozen: another hash would put test stars into training."""
    stars = ["gaia:1", "gaia:119", "uid:G1", "sky:101001", "gaia:605945363488930688"]
    frozen = ["test", "validation", "train", "train", "train"]
    assert splits_of(stars, SampleOptions()).tolist() == frozen


def test_the_shares_of_the_splits():
    split = splits_of(map(str, range(100_000)), SampleOptions())
    assert np.mean(split == "test") == pytest.approx(0.2, abs=0.005)
    assert np.mean(split == "validation") == pytest.approx(0.8 * 0.02, abs=0.002)


IDS = st.text("gaiud:0123456789", max_size=8)


@settings(deadline=None)
@given(st.lists(IDS, unique=True), st.lists(IDS), st.integers(-5, 5))
def test_the_split_of_a_star_does_not_depend_on_the_others(stars, others, seed):
    options = SampleOptions(seed=seed)
    alone = [splits_of([star], options)[0] for star in stars]
    assert splits_of([*others, *stars], options)[len(others) :].tolist() == alone


SHARD = 25
CLASSES = st.lists(st.sampled_from("AFGKM"), max_size=120).map("".join)


@settings(max_examples=50, deadline=None)
@given(CLASSES, st.integers(1, 3))
def test_shards_are_balanced_split_by_star_and_lose_nothing(classes, per_star):
    options = SampleOptions(shard_size=SHARD)
    table = catalogue(classes, per_star)
    assignment = assign(table, options)
    assert assignment.schema.equals(schema(ASSIGNMENT))
    assert sorted(assignment["obsid"].to_pylist()) == table["obsid"].to_pylist()
    rows = assignment.to_pylist()
    assert rows == sorted(rows, key=lambda row: (row["shard"], row["obsid"]))
    stars = {(row["star_id"], row["split"]) for row in rows}
    assert len(stars) == len({star for star, _ in stars})
    for name in set(classes):
        for part, quota in options.quotas.items():
            mine = [r["shard"] for r in rows if (r["class"], r["split"]) == (name, part)]
            full = [quota] * (len(mine) // quota) + [len(mine) % quota] * (len(mine) % quota > 0)
            assert np.bincount(mine).tolist() == full


@settings(max_examples=25, deadline=None)
@given(CLASSES, st.randoms(use_true_random=False))
def test_the_order_of_the_catalogue_does_not_matter(classes, random):
    table = catalogue(classes)
    order = pa.array(random.sample(range(len(classes)), len(classes)), pa.int64())
    options = SampleOptions(shard_size=SHARD)
    assert assign(table.take(order), options).equals(assign(table, options))


def test_seeds_give_other_splits_and_shards():
    table = catalogue("AFGKM" * 100)
    one, other = (assign(table, SampleOptions(shard_size=100, seed=seed)) for seed in (1, 2))
    rows = [{row["obsid"]: row for row in assignment.to_pylist()} for assignment in (one, other)]
    for column in ("split", "shard"):
        assert any(rows[0][obsid][column] != rows[1][obsid][column] for obsid in rows[0])


def test_a_larger_scale_keeps_the_shards_of_the_smaller(tmp_path):
    table = catalogue("AFGKM" * 400)
    shards = [drawn(tmp_path, table, shard, SMALL) for shard in range(8)]
    obsids = [obsid for shard in shards for obsid in shard["obsid"].to_pylist()]
    assert len(obsids) == len(set(obsids)) == 800
    counts = tabulate(tmp_path, assign(table, SMALL), SMALL, [800, 200])
    assert counts[0] == sample.Row(
        scale=200, class_="A", asked=40, there=40, train=28, validation=4, test=8
    )
    assert [row.there for row in counts] == [40] * 5 + [160] * 5


def test_a_shard_is_the_catalogues_rows(tmp_path):
    table = catalogue("AFGKM" * 100)
    shard = drawn(tmp_path, table, 2, SMALL)
    assert shard.schema.equals(schema(SAMPLE), check_metadata=True)
    assert shard["obsid"].to_pylist() == sorted(shard["obsid"].to_pylist())
    assert set(shard["shard"].to_pylist()) == {2}
    rows = {row["obsid"]: row for row in table.to_pylist()}
    for row in shard.to_pylist():
        assert row.items() >= rows[row["obsid"]].items()


@settings(max_examples=50, deadline=None)
@given(CLASSES, st.integers(1, 3), st.sets(st.integers(0, 119)))
def test_stage_2_has_stage_1s_split_whatever_is_crossmatched(classes, per_star, matched):
    options = SampleOptions(shard_size=SHARD)
    table = catalogue(classes, per_star)
    rows = table.take(pa.array([i for i in range(len(classes)) if i in matched], pa.int64()))
    new = catalogue("G", first=1000)
    first = assign(table, options)
    second = assign(pa.concat_tables([rows, new]), options, Strata.NONE).to_pylist()
    assert {row["obsid"] for row in second} == {*rows["obsid"].to_pylist(), 1000}
    for key in ("obsid", "star_id"):
        split = dict(zip(first[key].to_pylist(), first["split"].to_pylist(), strict=True))
        for row in second:
            assert split.get(row[key], row["split"]) == row["split"]
    alone = assign(new, options, Strata.NONE).to_pylist()[0]
    assert alone["split"] in [row["split"] for row in second if row["obsid"] == 1000]


def test_stage_2s_shards_are_nested_and_take_classes_as_they_come():
    options = SampleOptions(shard_size=SHARD)
    assignment = assign(catalogue("G" * 150 + "K" * 47 + "AFM"), options, Strata.NONE).to_pylist()
    assert len({row["obsid"] for row in assignment}) == len(assignment) == 200
    quotas = options.divide(SHARD)
    assert sum(quotas.values()) == SHARD
    for part, quota in quotas.items():
        shards = np.bincount([row["shard"] for row in assignment if row["split"] == part])
        assert (shards[:-1] == quota).all()
        assert 0 < shards[-1] <= quota


def test_a_crossmatched_shard_keeps_labels_and_nulls(tmp_path, caplog):
    rows = [
        {**row, "survey_id": f"2M{row['obsid']}", "mg_fe": 0.1 * place, "ce_fe": None}
        for place, row in enumerate(catalogue("GGGK").to_pylist())
    ]
    table = pa.Table.from_pylist(rows, schema=schema(CROSSMATCHED))
    write_parquet(tmp_path / "c.parquet", table)
    write_parquet(tmp_path / "r.parquet", assign(table, SMALL, Strata.NONE))
    with caplog.at_level(logging.WARNING):
        shard = draw(tmp_path / "c.parquet", tmp_path / "r.parquet", 0, SMALL, Strata.NONE)
    assert "shard 0: 4 of 100 spectra" in caplog.text
    assert shard.schema.equals(schema(CROSSMATCHED_SAMPLE), check_metadata=True)
    assert shard["mg_fe"].to_pylist() == [row["mg_fe"] for row in rows]
    assert shard["ce_fe"].null_count == 4
    write_manifest(tmp_path / "0000.parquet", shard)
    assert read_manifest(tmp_path / "0000.parquet").equals(shard)


def test_a_small_folder_is_one_short_shard(tmp_path, caplog):
    """405 spectra of three classes, and a shard that is bigger than all: each is in it."""
    table = catalogue("AFG" * 135)
    with caplog.at_level(logging.WARNING):
        shard = drawn(tmp_path, table, 0, SampleOptions())
    assert shard["obsid"].to_pylist() == table["obsid"].to_pylist()
    assert "A: 135 of 1000, F: 135 of 1000, G: 135 of 1000, K: 0 of 1000, M: 0" in caplog.text
    counts = tabulate(tmp_path, assign(table, SampleOptions()), SampleOptions(), [5000])
    assert [row.asked for row in counts] == [1000] * 5
    assert [row.there for row in counts] == [135, 135, 135, 0, 0]


def test_imbalance_is_an_error_where_balance_is_required(tmp_path):
    strict = SMALL.model_copy(update={"require_balance": True})
    assert drawn(tmp_path, catalogue("AFGKM" * 200), 0, strict).num_rows == 100
    with pytest.raises(SpectraLMError, match=r"shard 0 has too few.* M: 7 of 20; give more"):
        drawn(tmp_path, catalogue("AFGK" * 200 + "M" * 7), 0, strict)


def test_an_assignment_of_another_catalogue_is_refused(tmp_path):
    drawn(tmp_path, catalogue("AFGKM" * 100), 0, SMALL)
    write_parquet(tmp_path / "c.parquet", catalogue("AFGKM" * 100, first=300))
    with pytest.raises(InputError, match="are not in"):
        draw(tmp_path / "c.parquet", tmp_path / "r.parquet", 0, SMALL)


def test_an_edited_manifest_is_refused(tmp_path):
    path = tmp_path / "0000.parquet"
    shard = drawn(tmp_path, catalogue("AFGKM" * 100), 0, SMALL)
    write_manifest(path, shard)
    assert read_manifest(path).equals(shard)
    metadata = pq.read_schema(path).metadata
    for edited in (shard.slice(1), shard.set_column(5, "teff", pa.array([1.0] * len(shard)))):
        pq.write_table(edited.replace_schema_metadata(metadata), path)
        with pytest.raises(InputError, match="not those of its sha256"):
            read_manifest(path)
    pq.write_table(shard.replace_schema_metadata(None), path)
    with pytest.raises(InputError, match="sha256"):
        read_manifest(path)


def test_a_broken_manifest_is_named(tmp_path):
    (tmp_path / "0000.parquet").write_bytes(b"PAR1")
    for name in ("0000.parquet", "0001.parquet"):
        with pytest.raises(InputError, match=name):
            read_manifest(tmp_path / name)


def test_the_hash_is_of_values_not_of_bytes():
    table = catalogue("AFGKM")
    chunks = pa.concat_tables([table.slice(0, 2), table.slice(2)])
    assert hash_of_rows(chunks) == hash_of_rows(table) != hash_of_rows(table.slice(1))


def test_commands_give_what_the_library_gives(tmp_path):
    table = catalogue("AFGKM" * 100)
    write_parquet(tmp_path / "c.parquet", table)
    c, r, m = (str(tmp_path / name) for name in ("c.parquet", "r.parquet", "m.parquet"))
    options = ["--options", SMALL.model_dump_json()]
    assert main(["assign-shards", "--catalogue", c, *options, "--out", r]) == 0
    assert pq.read_table(r).equals(assign(table, SMALL))
    command = ["draw-shard", "--catalogue", c, "--assignment", r, "--shard", "1"]
    assert main([*command, *options, "--out", m]) == 0
    assert read_manifest(Path(m)).equals(drawn(tmp_path, table, 1, SMALL))
    command = ["tabulate", "sample", "--assignment", r, "--sample-options", options[1]]
    assert main([*command, "--scales", "100", "300", "--out", str(tmp_path)]) == 0
    expected = tabulate(tmp_path, assign(table, SMALL), SMALL, [100, 300])
    assert read_rows(tmp_path / "sample.csv", sample.Row) == expected


def test_many_spectra_are_assigned_in_seconds(tmp_path):
    rows = 200_000
    table = pa.table(
        {
            "obsid": pa.array(range(rows)),
            "class": pa.array(["AFGKM"[i % 5] for i in range(rows)]),
            "star_id": pa.array([f"gaia:{i // 3}" for i in range(rows)]),
        }
    )
    assignment = assign(table, SampleOptions())
    counts = tabulate(tmp_path, assignment, SampleOptions(), [150_000])
    assert [row.there for row in counts] == [30_000] * 5
