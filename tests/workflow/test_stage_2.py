"""Stage 2's samples and questions, from a catalogue of APOGEE's to text."""

import numpy as np
import pytest
from astropy.table import Table
from workflow.experiment import Experiment, make_sky

from spectralm.files import read_parquet
from spectralm.labels.vocabulary import SPECIES
from spectralm.language.questions import asked_of, read_records
from spectralm.samples.manifest import read_manifest

SPLITS = ("train", "validation", "test")
TEXTS = ("compact", "paper")
SHARD = "0000.abundances.{}.jsonl.gz"


@pytest.fixture(scope="module")
def experiment(repository, tmp_path_factory) -> Experiment:
    """Thirty LAMOST stars, all but the first three of which APOGEE has: all without cerium."""
    folder = tmp_path_factory.mktemp("stage_2")
    make_sky(folder, per_class=6)
    places = 10 + 0.1 * np.arange(3, 30)
    nothing = np.zeros(27, "i8")
    columns = dict.fromkeys(("ASPCAPFLAG", "EXTRATARG", "GAIA_SOURCE_ID", "FE_H_FLAG"), nothing)
    columns |= {"APOGEE_ID": np.array([f"2M{place:.1f}" for place in places])}
    columns |= {"RA": places, "DEC": nothing + 20.0}
    for name in ("SNR", "TEFF", "LOGG", "FE_H", *(f"{species}_FE" for species in SPECIES)):
        columns[name] = np.full(27, 0.5, "f4")
    columns |= {f"{species}_FE_FLAG": nothing + (species == "CE") for species in SPECIES}
    Table(columns).write(folder / "allStar.fits")
    lamost = {"spectra": ["spectra"], "catalogues": ["catalogue.csv"]}
    config = {
        "surveys": {"lamost": lamost, "apogee": {"catalogue": "allStar.fits"}},
        "samples": {"shard_size": 100, "validation_fraction": 0.3},
        "spectra": {"step": 50.0},
        "experiment": [{"models": ["ridge"], "scales": [100]}],
    }
    made = Experiment.make(folder, repository, config)
    files = (f"results/qa/apogee/train/{SHARD.format(text)}" for text in TEXTS)
    made.run("results/samples/lamost/0000.parquet", *files)
    return made


def test_every_crossmatched_spectrum_is_asked_for_what_apogee_has(experiment):
    results = experiment.folder / "results"
    manifest = read_manifest(results / "samples" / "apogee" / "0000.parquet")
    spectra = read_parquet(results / "spectra" / "apogee" / "0000.parquet")["obsid"].to_pylist()
    assert manifest.num_rows == 27
    assert manifest["ce_fe"].null_count == 27
    for text in TEXTS:
        asked = {
            split: list(read_records(results / "qa" / "apogee" / split / SHARD.format(text)))
            for split in SPLITS
        }
        assert sorted(row["obsid"] for rows in asked.values() for row in rows) == sorted(spectra)
        for row in (row for rows in asked.values() for row in rows):
            names = [label.text for label in asked_of(row["question"])]
            assert names == [f"{species}_FE" for species in SPECIES if species != "CE"]
            assert row["answer"].count(":") == len(names)


def test_a_star_is_in_the_same_split_in_both_stages(experiment):
    samples = experiment.folder / "results" / "samples"
    first, second = (
        read_manifest(samples / dataset / "0000.parquet") for dataset in ("lamost", "apogee")
    )
    for key in ("obsid", "star_id"):
        split = dict(zip(first[key].to_pylist(), first["split"].to_pylist(), strict=True))
        for star, part in zip(second[key].to_pylist(), second["split"].to_pylist(), strict=True):
            assert split[star] == part
    assert set(second["split"].to_pylist()) == set(SPLITS)
