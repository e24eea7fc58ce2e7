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
from spectralm.labels.vocabulary import ABUNDANCES, CLASSES, LABELS, PARAMETERS, Targets
from spectralm.language.answers import Star, answer_text
from spectralm.language.errors import ParseError
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import Question, read_question, write_question
from spectralm.language.records import FEATURES, make_record, read_records, write_records
from spectralm.language.shards import records
from spectralm.llm import encoding
from spectralm.spectra.pixels import Pixels

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
    obsid = np.array([33, 11, 22])
    flux = np.repeat(obsid[:, None], len(wavelength), axis=1).astype(np.int16)
    return sample, pa.table({"obsid": obsid} | Pixels(flux, flux < 0).columns())


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
    with pytest.raises(ParseError, match="not a question about these labels"):
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
    assert np.array_equal(read_question(question, text, SOME), flux)
    for names in ("CI_FE C_FE", "C_FE C_FE", "C_FE  CI_FE", "C_FE TEFF", "c_fe"):
        with pytest.raises(ParseError, match="not a question about these labels"):
            read_question(question.replace("C_FE CI_FE N_FE NA_FE", names), text, SOME)


@settings(deadline=None)
@given(st.sets(st.sampled_from(range(len(ABUNDANCES))), min_size=1))
def test_a_question_is_read_with_the_labels_that_it_asks_for_and_no_others(places):
    text = flux_text(TextOptions(flux="compact"), WAVELENGTH[:3])
    asked = tuple(ABUNDANCES[place] for place in sorted(places))
    question = write_question(np.array([1, 2, 3], np.int16), text, asked)
    assert read_question(question, text, asked).tolist() == [1, 2, 3]
    for others in (PARAMETERS, asked[1:] or ABUNDANCES, asked[::-1] * 2):
        with pytest.raises(ParseError, match="not a question about these labels"):
            read_question(question, text, others)


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
def test_the_texts_of_stage_1_never_change(text, digest):
    """A model that was trained on other texts would have to be trained again."""
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
    flux = random.integers(-50, 1100, (count, 50)).astype(np.int16)
    spectra = pa.table({"obsid": sample["obsid"]} | Pixels(flux, flux < -50).columns())
    splits, _ = records(sample, spectra, text, 3800.0 + 100.0 * np.arange(50))
    texts = {
        split: [{name: row[name] for name in ("obsid", "question", "answer")} for row in rows]
        for split, rows in splits.items()
    }
    assert hashlib.sha256(json.dumps(texts).encode()).hexdigest() == digest


def test_each_question_asks_for_the_abundances_that_the_star_has():
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
    assert splits["train"][0]["asked"] == ["c_fe", "mg_fe", "ce_fe"]
    assert splits["train"][0]["labels"] == {"c_fe": 0.1, "mg_fe": 0.3, "ce_fe": -0.2}
    for row in (*splits["train"], *splits["test"]):
        answer = answer_text(text, Question.of(row).asked)
        assert answer.read(row["answer"]) == Star.of(row)
        assert answer.write(Star.of(row)) == row["answer"]


def test_records_are_joined_by_obsid_and_divided_by_split():
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
    assert star["asked"] == ["teff", "logg", "feh"]
    assert star["labels"] == {"class": "M", "teff": 3500.0, "logg": 5.0, "feh": 0.25}
    flux = read_question(star["question"], flux_text(text, wavelength))
    assert flux.tolist() == [33] * 10


def test_pixels_of_a_question_are_bins_without_their_masked_grid_points():
    wavelength = WAVELENGTH[:12]
    flux = np.tile(np.arange(100, 112, dtype=np.int16), (3, 1))
    masked = np.zeros(flux.shape, bool)
    masked[:, 4] = True
    sample, spectra = tables(wavelength)
    spectra = pa.table({"obsid": spectra["obsid"]} | Pixels(flux, masked).columns())
    written = TextOptions(flux="compact", answer="grouped", bin=5)
    splits, _ = records(sample, spectra, written, wavelength)
    assert "from 3802 angstrom to 3807. " in splits["test"][0]["question"]
    assert splits["test"][0]["question"].endswith("<flux>102107</flux>")  # 101.5 and 107
    soft = written.model_copy(update={"flux": "soft"})
    splits, _ = records(sample, spectra, soft, wavelength)
    assert splits["test"][0]["question"].endswith("<flux></flux>")


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
    assert [row["labels"] for row in splits["test"] if not row["answer"]] == [{}]


@st.composite
def any_records(draw):
    """A record of either stage in either spelling, or one without an answer."""
    text = draw(st.sampled_from([TextOptions(), TextOptions(answer="grouped")]))
    places = draw(st.sets(st.sampled_from(range(len(ABUNDANCES)))))
    asked = tuple(ABUNDANCES[place] for place in sorted(places)) or PARAMETERS
    values = {a.name: draw(st.floats(a.low, a.high - a.step)) for a in asked}
    spectral_class = draw(st.sampled_from(CLASSES)) if asked == PARAMETERS else None
    answer = answer_text(text, asked).write(Star(spectral_class, values))
    obsid = draw(st.integers(-(2**63), 2**63 - 1))
    return make_record(obsid, asked, draw(st.text()), draw(st.sampled_from([answer, ""])), text)


@settings(deadline=None)
@given(st.lists(any_records(), max_size=5))
def test_records_to_file_and_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("records") / "a.jsonl.gz"
    write_records(path, rows)
    assert list(read_records(path)) == rows
    for row in rows:
        assert [label.name for label in Question.of(row).asked] == row["asked"]
        assert not row["answer"] or Star.of(row).labels() == row["labels"]


#: Of stage 2, with other labels in each, and one without an answer.
VARIED = [
    make_record(number, asked, "q", answer, TextOptions(answer="grouped"))
    for number, (asked, answer) in enumerate(
        [
            (ABUNDANCES[:1], ""),
            (ABUNDANCES[:1], "C_FE:500"),
            (ABUNDANCES[1:3], "CI_FE:510,N_FE:512"),
            (ABUNDANCES[2:3], "N_FE:500"),
        ]
    )
]


@pytest.mark.parametrize("order", [1, -1])
def test_datasets_loads_records_whose_labels_vary(tmp_path, order):
    """With the types of the fields in a card; each file may have other labels."""
    for number, row in enumerate(VARIED[::order]):
        write_records(tmp_path / f"{number}.jsonl.gz", [row])
    info = {"config_name": "c", "features": FEATURES}
    front = {"configs": [{"config_name": "c", "data_files": "*.jsonl.gz"}], "dataset_info": info}
    (tmp_path / "README.md").write_text(f"---\n{json.dumps(front)}\n---\n")
    cache = str(tmp_path / "cache")
    loaded = datasets.load_dataset(str(tmp_path), "c", split="train", cache_dir=cache)
    assert loaded.features["labels"].keys() == {"class", *LABELS}
    assert loaded.features == encoding.FEATURES
    for row, record in zip(loaded, VARIED[::order], strict=True):
        labels = {name: value for name, value in row["labels"].items() if value is not None}
        assert {**row, "labels": labels} == record


def test_files_are_reproducible_and_load_with_datasets(tmp_path):
    answer = "[ 'M',' 3 7 9 4 . 6 6 ',' 4 . 6 2 8 ',' - 0 . 0 2 9 5 ']"
    rows = [make_record(2**53 + 1, PARAMETERS, "q", answer, TextOptions())] * 3
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


GOOD = make_record(1, ABUNDANCES[:2], "q", "C_FE:500,CI_FE:500", TextOptions(answer="grouped"))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "not JSON"),
        ("[1]", "not an object but list"),
        ('{"obsid": 1}', "no field asked of type list"),
        (json.dumps({"obsid": 1, "question": "q", "answer": "a"}), "no field asked"),
        (json.dumps(GOOD | {"obsid": "1"}), "no field obsid of type int"),
        (json.dumps(GOOD | {"asked": []}), r"asked is \[\]"),
        (json.dumps(GOOD | {"asked": ["ci_fe", "c_fe"]}), "asked is .* nor abundances"),
        (json.dumps(GOOD | {"asked": ["c_fe", "c_fe"]}), "asked is .* nor abundances"),
        (json.dumps(GOOD | {"asked": ["c_fe", "teff"]}), "asked is .* nor abundances"),
        (json.dumps(GOOD | {"asked": ["c_fe"]}), "labels has the keys"),
        (json.dumps(GOOD | {"answer": ""}), "labels has the keys"),
    ],
)
def test_a_line_that_is_no_record_is_named_with_its_fault(tmp_path, line, fault):
    path = tmp_path / "bad.jsonl.gz"
    path.write_bytes(gzip.compress(f"{json.dumps(GOOD)}\n{line}\n".encode()))
    with pytest.raises(InputError, match=rf"bad\.jsonl\.gz: line 2: {fault}.*write-questions"):
        list(read_records(path))
