"""Cards, read as Hugging Face reads them, and the lines of code in them, run."""

import json
import re

import datasets
import pyarrow as pa
import pytest
import torch
from huggingface_hub import DatasetCard, ModelCard
from llm.toy import base_on_cpu
from peft import PeftModel

from spectralm.files import write_parquet
from spectralm.labels.vocabulary import Targets
from spectralm.language.records import write_records
from spectralm.llm.adapter import add_adapter, load_adapter
from spectralm.llm.options import LoraOptions, TinyOptions
from spectralm.llm.tiny import make_tiny_base
from spectralm.llm.tokenizer import name_on_hub
from spectralm.report.cards import count_questions, dataset_card, is_hub_id, metrics, model_card
from spectralm.schemas import REJECTS, residual_columns, schema
from spectralm.spectra.options import SpectraOptions

NOTE = "All our spectra are synthetic."
RUN = "tiny-lamost-20"
MANIFEST = {
    "targets": Targets.PARAMETERS,
    "n_train": 10,
    "n_validation": 5,
    "parameters": 540_288,
    "seconds": 12.0,
    "adapter_sha256": "ab" * 32,
    "git_commit": None,
    "versions": {"peft": "0.21.2"},
}


@pytest.fixture(scope="module")
def residuals() -> pa.Table:
    """Three test spectra; the last is not parsed and one class is wrong."""
    rows = [
        {"class": "G", "predicted_class": "G", "status": "parsed", "teff_residual": -50.0},
        {"class": "K", "predicted_class": "G", "status": "parsed", "teff_residual": 150.0},
        {"class": "M", "predicted_class": None, "status": "unparsed: no class"},
    ]
    return pa.Table.from_pylist(rows, schema=schema(residual_columns(Targets.PARAMETERS)))


def card_of(adapter: dict, residuals: pa.Table, note: str = NOTE) -> ModelCard:
    return ModelCard(model_card(RUN, adapter, MANIFEST, residuals, SpectraOptions(), note))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, residuals):
    """A folder with a tiny base and a run with its card; the adapter is not trained, but not 0."""
    folder = tmp_path_factory.mktemp("experiment")
    base = folder / "results" / "models" / "tiny_base"
    make_tiny_base(base, TinyOptions(hidden=64, layers=1, heads=4, mlp=64))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        name = "results/models/tiny_base"
        model = add_adapter(base_on_cpu(name), LoraOptions(rank=4), seed=0)
        torch.manual_seed(1)
        for parameter in model.parameters():
            if parameter.requires_grad:
                torch.nn.init.normal_(parameter, std=0.1)
        model.save_pretrained(folder / "results" / "models" / RUN)
        run = folder / "results" / "models" / RUN
        adapter = json.loads((run / "adapter_config.json").read_text())
        (run / "README.md").write_text(str(card_of(adapter, residuals)))
    return folder


def test_five_lines_of_the_card_load_the_adapter_with_plain_peft(folder, monkeypatch):
    monkeypatch.chdir(folder)
    run = folder / "results" / "models" / RUN
    code = re.search(r"```python\n(.*?)```", (run / "README.md").read_text(), re.S)[1]
    assert len(code.strip().splitlines()) == 5
    made: dict = {}
    exec(code, made)  # the test is that a reader can
    assert isinstance(made["model"], PeftModel)
    ids = made["tokenizer"]("<flux>303 300</flux>", return_tensors="pt").input_ids
    with torch.inference_mode():
        told = made["model"](input_ids=ids).logits.float()
        ours = load_adapter(base_on_cpu("results/models/tiny_base").float(), run)
        expected = ours(input_ids=ids).logits.float()
        with made["model"].disable_adapter():
            without = made["model"](input_ids=ids).logits.float()
    torch.testing.assert_close(told, expected, atol=0.05, rtol=0.05)
    assert (told - without).abs().max() > 0.1


def test_the_card_of_a_model_is_of_hugging_faces_form(folder):
    card = ModelCard.load(folder / "results" / "models" / RUN / "README.md")
    assert card.data.library_name == "peft"
    assert card.data.license == "mit"
    assert "astronomy" in card.data.tags
    assert card.data.base_model is None
    told = ("540,288", "could not be read", "33.3%", NOTE, "ab" * 32, "| Teff | K | 2 | 50 | 100 |")
    for words in told:
        assert words in card.text, words
    for title in ("Intended use", "Data", "Metrics", "Limits", "How to load it", "Licence"):
        assert f"\n## {title}\n" in card.text


def test_a_base_of_a_hub_is_named_with_its_licence(residuals):
    base = "meta-llama/Llama-3.1-8B-Instruct"
    card = card_of({"base_model_name_or_path": base}, residuals, note="")
    assert card.data.base_model == base
    assert card.data.license == "other"
    assert "LAMOST's data policy" in card.text


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B"),
        ("/c/models--meta-llama--Llama-3.1-8B/snapshots/0e9e", "meta-llama/Llama-3.1-8B"),
        ("results/models/tiny_base", "results/models/tiny_base"),
    ],
)
def test_a_base_has_the_name_that_others_know(base, name):
    assert name_on_hub(base) == name
    assert is_hub_id(name) == ("meta" in name)


def test_labels_without_an_answer_are_not_in_the_metrics(residuals):
    assert [metric.label.name for metric in metrics(residuals, Targets.PARAMETERS)] == ["teff"]


@pytest.fixture
def questions(tmp_path):
    """Questions of six spectra in two spellings; one spectrum is not read, one not asked."""
    splits = ["train"] * 3 + ["validation", "test", "test"]
    sample = pa.table({"obsid": range(6), "split": splits})
    write_parquet(tmp_path / "samples" / "0000.parquet", sample)
    write_parquet(tmp_path / "spectra" / "0000.parquet", pa.table({"obsid": range(1, 6)}))
    for text in ("compact", "paper"):
        for split in ("train", "validation", "test"):
            asked = [n for n in range(2, 6) if splits[n] == split]
            rows = [{"obsid": n, "question": f"{text}?", "answer": "['G']"} for n in asked]
            write_records(tmp_path / "qa" / split / f"0000.parameters.{text}.jsonl.gz", rows)
        refused = pa.Table.from_pylist([{"obsid": 1}], schema=schema(REJECTS))
        write_parquet(tmp_path / "qa" / f"0000.parameters.{text}.rejects.parquet", refused)
    return tmp_path


def test_datasets_loads_the_folder_by_its_card(questions):
    configs = count_questions(
        [questions / "samples" / "0000.parquet"],
        [questions / "spectra" / "0000.parquet"],
        sorted((questions / "qa").glob("*.rejects.parquet")),
    )
    card = DatasetCard(dataset_card("lamost", configs, NOTE))
    card.save(questions / "qa" / "README.md")
    for text in ("compact", "paper"):
        loaded = datasets.load_dataset(
            str(questions / "qa"), f"parameters-{text}", cache_dir=str(questions / "cache")
        )
        sizes = {split: len(rows) for split, rows in loaded.items()}
        assert sizes == {"train": 1, "validation": 1, "test": 2}
        assert f"| `parameters-{text}` | parameters | 1 | 1 | 2 |" in card.text
        assert set(loaded["test"]["question"]) == {f"{text}?"}
