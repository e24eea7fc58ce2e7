"""Stage 2, from a catalogue of APOGEE's to labels of a file of one's own."""

import pytest
from astropy.table import Table

from spectralm.files import read_parquet
from spectralm.labels.vocabulary import LABELS, SPECIES
from spectralm.language.records import read_records
from spectralm.samples.manifest import read_manifest

pytestmark = pytest.mark.slow

SPLITS = ("train", "validation", "test")
QUESTIONS = "0000.abundances.compact.jsonl.gz"
#: What is asked for; APOGEE has copper too.
ASKED = [f"{species}_FE" for species in SPECIES if species not in ("CU", "CE")]


def test_every_crossmatched_spectrum_is_asked_for_what_apogee_has(second_stage):
    results = second_stage.folder / "results"
    manifest = read_manifest(results / "samples" / "apogee" / "0000.parquet")
    spectra = read_parquet(results / "spectra" / "apogee" / "0000.parquet")["obsid"].to_pylist()
    assert manifest.num_rows == 27
    assert manifest["ce_fe"].null_count == 27
    asked = [
        row
        for split in SPLITS
        for row in read_records(results / "qa" / "apogee" / split / QUESTIONS)
    ]
    assert sorted(row["obsid"] for row in asked) == sorted(spectra)
    for row in asked:
        assert [LABELS[name].text for name in row["asked"]] == ASKED
        assert row["answer"].count(":") == len(ASKED)


def test_a_star_is_in_the_same_split_in_both_stages(second_stage):
    samples = second_stage.folder / "results" / "samples"
    first, second = (
        read_manifest(samples / dataset / "0000.parquet") for dataset in ("lamost", "apogee")
    )
    for key in ("obsid", "star_id"):
        split = dict(zip(first[key].to_pylist(), first["split"].to_pylist(), strict=True))
        for star, part in zip(second[key].to_pylist(), second["split"].to_pylist(), strict=True):
            assert split[star] == part
    assert set(second["split"].to_pylist()) == set(SPLITS)


def test_a_run_tells_abundances_of_a_file(second_stage):
    """`spectralm predict` gives what the workflow's predictions say of the same spectra."""
    results = second_stage.folder / "results"
    sample = read_manifest(results / "samples" / "apogee" / "0000.parquet").to_pylist()
    stars = [row for row in sample if row["split"] == "test"]
    predicted = results / "predictions" / "second-apogee-100" / "apogee" / "0000.parquet"
    expected = {row["obsid"]: row for row in read_parquet(predicted).to_pylist()}
    given = ["predict", *(row["path"] for row in stars), "--run", "second-apogee-100"]
    done = second_stage.command(*given, "--out", "own.ecsv")
    assert done.returncode == 0, done.stdout
    told = Table.read(second_stage.folder / "own.ecsv")
    names = [name.lower() for name in ASKED]
    assert [name for name in told.colnames if name.endswith("_fe")] == names
    for name in names:
        assert told[name].tolist() == pytest.approx(
            [expected[star["obsid"]][name] for star in stars]
        )
    assert set(told["status"]) == {"parsed"}
