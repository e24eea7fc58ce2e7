import gzip
import hashlib
import json

import datasets
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm.errors import InputError
from spectralm.labels.vocabulary import ABUNDANCES, Targets
from spectralm.language.answers import answer_text
from spectralm.language.errors import ParseError
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import asked_of, read_question, write_question
from spectralm.language.records import read_records, write_records
from spectralm.language.shards import records

WAVELENGTH = 3800.0 + np.arange(4901)


def tables(wavelength: np.ndarray, teff: float = 5000.0) -> tuple[pa.Table, pa.Table]:
    """A manifest of three stars and their spectra, in another order."""
    obsid = [11, 22, 33]
    sample = pa.table(
        {
            "obsid": obsid,
            "path": ["a.fits", "b.fits", "c.fits"],
            "class": ["A", "K", "M"],
            "split": ["train", "validation", "test"],
            "teff": [teff, 4500.0, 3500.0],
            "logg": [4.0, 4.5, 5.0],
            "feh": [0.0, -0.5, 0.25],
        }
    )
    flux = pa.array(
        [[number] * len(wavelength) for number in (33, 11, 22)],
        pa.list_(pa.int16(), len(wavelength)),
    )
    return sample, pa.table({"obsid": [33, 11, 22], "flux": flux})


def test_question_is_the_papers():
    text = flux_text(TextOptions(), WAVELENGTH)
    flux = np.full(4901, 303, np.int16)
    question = write_question(flux, text)
    assert question.startswith(
        "Given the normalized flux data sorted by wavelength, from 3800 angstrom to 8700. "
        "Your task is to analyze this spectrum, and predict spectral type and physical "
        "parameters. Organize your answer in the order of "
        "['class', 'Teff', 'logg', '[Fe/H]']. <flux>0.303, 0.303, "
    )
    assert question.endswith("0.303</flux>")
    assert np.array_equal(read_question(question, text), flux)
    with pytest.raises(ParseError, match="not a question of ours"):
        read_question(question.replace("<flux>", "flux"), text)


SOME = tuple(a for a in ABUNDANCES if a.name in ("c_fe", "ci_fe", "n_fe", "na_fe"))


def test_question_of_stage_2_is_the_papers():
    text = flux_text(TextOptions(), WAVELENGTH)
    flux = np.full(4901, 303, np.int16)
    question = write_question(flux, text, SOME)
    assert question.startswith(
        "Given the normalized flux data sorted by wavelength, from 3800 angstrom to 8700 "
        "angstrom. Your task is to analyze this spectrum, and predict physical parameters: "
        "C_FE CI_FE N_FE NA_FE. <flux>0.303, 0.303, "
    )
    assert asked_of(question) == SOME
    assert np.array_equal(read_question(question, text), flux)
    for names in ("CI_FE C_FE", "C_FE C_FE", "C_FE  CI_FE", "C_FE TEFF", "c_fe"):
        with pytest.raises(ParseError, match="not abundances in their order"):
            read_question(question.replace("C_FE CI_FE N_FE NA_FE", names), text)


@settings(deadline=None)
@given(st.sets(st.sampled_from(range(len(ABUNDANCES))), min_size=1))
def test_a_question_tells_what_it_asks_for(places):
    text = flux_text(TextOptions(flux="compact"), WAVELENGTH[:3])
    asked = tuple(ABUNDANCES[place] for place in sorted(places))
    question = write_question(np.array([1, 2, 3], np.int16), text, asked)
    assert asked_of(question) == asked
    assert read_question(question, text).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (TextOptions(), "1588ecefd3afe52808dd2ff9173793b6911a4995cde6045c29042d7aa8a80033"),
        (
            TextOptions(flux="compact", answer="grouped", marker_every=10),
            "4c9a8b9526adc0e0c1e031120a5a4b186fffb408a9a7eeaea39c847c39ab42c4",
        ),
    ],
    ids=["paper", "compact"],
)
def test_stage_1s_texts_never_change_again(text, digest):
    """Frozen: a model that was trained on other texts would have to be trained again."""
    count, random = 40, np.random.default_rng(0)
    sample = pa.table(
        {
            "obsid": range(1, count + 1),
            "path": ["x.fits"] * count,
            "class": ["AFGKM"[i % 5] for i in range(count)],
            "split": [("train", "validation", "test")[i % 3] for i in range(count)],
            "teff": 3000 + 9000 * random.random(count),
            "logg": 5 * random.random(count),
            "feh": -3 + 3.5 * random.random(count),
        }
    )
    flux = pa.array(random.integers(-50, 1100, (count, 50)).astype(np.int16).ravel())
    flux = pa.FixedSizeListArray.from_arrays(flux, 50)
    spectra = pa.table({"obsid": sample["obsid"], "flux": flux})
    splits, _ = records(sample, spectra, text, 3800.0 + 100.0 * np.arange(50))
    assert hashlib.sha256(json.dumps(splits).encode()).hexdigest() == digest


def test_each_star_is_asked_for_the_abundances_that_it_has():
    wavelength = WAVELENGTH[:10]
    text = TextOptions(flux="compact", answer="grouped")
    sample, spectra = tables(wavelength)
    nothing = pa.nulls(3, pa.float64())
    for label in ABUNDANCES:
        values = {"c_fe": [0.1, None, 0.0], "mg_fe": [0.3, None, None], "ce_fe": [-0.2, None, -1.0]}
        sample = sample.append_column(label.name, [values.get(label.name, nothing)])
    splits, (reject,) = records(sample, spectra, text, wavelength, Targets.ABUNDANCES)
    assert (reject.obsid, reject.reason) == (22, "nothing to ask for")
    assert [row["answer"] for row in splits["train"]] == ["C_FE:520,MG_FE:560,CE_FE:460"]
    assert [row["answer"] for row in splits["test"]] == ["C_FE:500,CE_FE:300"]
    for row in (*splits["train"], *splits["test"]):
        asked = asked_of(row["question"])
        assert answer_text(text, asked).write(answer_text(text, asked).read(row["answer"]))


def test_records_are_joined_by_obsid_and_parted_by_split():
    wavelength = WAVELENGTH[:10]
    text = TextOptions(flux="compact", answer="grouped")
    splits, rejects = records(*tables(wavelength), text, wavelength)
    assert not rejects
    assert {split: [row["obsid"] for row in rows] for split, rows in splits.items()} == {
        "train": [11],
        "validation": [22],
        "test": [33],
    }
    star = splits["test"][0]
    assert star["answer"] == "M,125,600,525"
    flux = read_question(star["question"], flux_text(text, wavelength))
    assert flux.tolist() == [33] * 10


def test_a_label_out_of_range_is_rejected_with_its_reason():
    wavelength = WAVELENGTH[:10]
    text = TextOptions(answer="grouped")
    splits, rejects = records(*tables(wavelength, teff=40000.0), text, wavelength)
    assert splits["train"] == []
    (reject,) = rejects
    assert (reject.obsid, reject.reason) == (11, "label out of range")
    assert "teff = 40000.0 K" in reject.detail


def test_a_test_star_is_asked_about_even_if_its_answer_cannot_be_spelled():
    wavelength = WAVELENGTH[:10]
    sample, spectra = tables(wavelength, teff=40000.0)
    sample = sample.set_column(3, "split", [["test"] * 3])
    splits, rejects = records(sample, spectra, TextOptions(answer="grouped"), wavelength)
    assert not rejects
    assert {row["obsid"]: row["answer"] for row in splits["test"]} == {
        11: "",
        22: "K,208,550,450",
        33: "M,125,600,525",
    }


def test_files_are_reproducible_and_load_with_datasets(tmp_path):
    rows = [{"obsid": 2**53 + 1, "question": "q", "answer": "a"}] * 3
    write_records(tmp_path / "a.jsonl.gz", rows)
    write_records(tmp_path / "b.jsonl.gz", rows)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert list(read_records(tmp_path / "a.jsonl.gz")) == rows
    loaded = datasets.load_dataset(
        "json", data_files=str(tmp_path / "a.jsonl.gz"), split="train", cache_dir=str(tmp_path)
    )
    assert loaded.to_list() == rows
    write_records(tmp_path / "empty.jsonl.gz", [])
    assert list(read_records(tmp_path / "empty.jsonl.gz")) == []


@pytest.mark.parametrize("line", ["{", '{"obsid": 1}', "[1]"])
def test_a_line_that_is_no_record_is_named(tmp_path, line):
    path = tmp_path / "bad.jsonl.gz"
    good = json.dumps({"obsid": 1, "question": "q", "answer": "a"})
    path.write_bytes(gzip.compress(f"{good}\n{line}\n".encode()))
    with pytest.raises(InputError, match=r"bad\.jsonl\.gz: line 2"):
        list(read_records(path))
