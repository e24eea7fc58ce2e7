"""Adapters that were trained elsewhere: checked, copied, and described by a manifest."""

import json
from pathlib import Path

import pytest
from llm.toy import ENCODER, PATCHES, PIXELS, STAGE_2, Toy, adapted_model
from safetensors.torch import load_file, save_file

from spectralm.errors import InputError, SpectraLMError
from spectralm.files import sha256
from spectralm.llm.adapter_files import CONFIG, WEIGHTS
from spectralm.llm.adoption import adopt
from spectralm.llm.options import LlmOptions, LoraOptions
from spectralm.llm.tokenizer import load_tokenizer, tokenizer_hash

OPTIONS = LlmOptions(base="tiny", lora=LoraOptions(rank=4), adapter="elsewhere")
SOFT_OPTIONS = OPTIONS.model_copy(update={"read_in": LlmOptions(read_in=ENCODER).read_in})
GROUPED = pytest.mark.parametrize("toy", ["grouped"], indirect=True)
SOFT = pytest.mark.parametrize("toy", ["soft"], indirect=True)


@pytest.fixture
def adapter(toy: Toy, tmp_path) -> Path:
    """A folder as PEFT saves it, whose B are not zero."""
    model = adapted_model(toy, ENCODER if toy.shards else None)
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


@pytest.fixture
def manifest(toy: Toy, adapter) -> dict:
    """Of a training of ours, beside the adapter."""
    facts = {
        "targets": str(toy.targets),
        "base": str(toy.base),
        "text": toy.text.model_dump(),
        "spectra": PIXELS.model_dump(),
        "tokenizer_sha256": tokenizer_hash(load_tokenizer(str(toy.base))),
        "options": (SOFT_OPTIONS if toy.shards else OPTIONS).model_dump(),
        "n_train": 96,
    }
    (adapter / "manifest.json").write_text(json.dumps(facts))
    return facts


def given(toy: Toy, **changed) -> dict:
    plain = {"base": str(toy.base), "options": OPTIONS, "text": toy.text, "spectra": PIXELS}
    return {**plain, "targets": toy.targets, **changed}


@GROUPED
def test_a_manifest_is_kept(toy, adapter, manifest, tmp_path):
    (adapter / "metrics.json").write_text('{"eval_loss": 1.5}')
    adopt(adapter, tmp_path / "run", **given(toy))
    made = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert made["n_train"] == 96
    assert (made["looks_at_spectrum"], made["given"]) == (True, [])
    assert made["adopted_from"] == str(adapter)
    assert made["adapter_sha256"] == sha256(adapter / WEIGHTS)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == {"eval_loss": 1.5}
    for name in (WEIGHTS, CONFIG):
        assert (tmp_path / "run" / name).read_bytes() == (adapter / name).read_bytes()


@GROUPED
def test_without_a_manifest_unknown_facts_are_null(toy, adapter, tmp_path):
    adopt(adapter, tmp_path / "run", **given(toy))
    made = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert made["n_train"] is made["seconds"] is made["git_commit"] is None
    assert made["parameters"] == sum(t.numel() for t in load_file(adapter / WEIGHTS).values())
    assert made["text"] == toy.text.model_dump()
    assert (made["looks_at_spectrum"], made["given"]) == (True, [])


@GROUPED
def test_another_base_text_grid_question_or_rank_is_refused(toy, adapter, manifest, tmp_path):
    wrong = {
        "base": manifest | {"tokenizer_sha256": "0"},
        "text": manifest | {"text": {**manifest["text"], "marker_every": 100}},
        "spectra": manifest | {"spectra": {**manifest["spectra"], "step": 10.0}},
        "targets": manifest | {"targets": str(STAGE_2)},
    }
    for field, changed in wrong.items():
        (adapter / "manifest.json").write_text(json.dumps(changed))
        with pytest.raises(InputError, match=f"manifest.json: {field}"):
            adopt(adapter, tmp_path / "run", **given(toy))
    (adapter / "manifest.json").unlink()
    other = OPTIONS.model_copy(update={"lora": LoraOptions(rank=8)})
    with pytest.raises(InputError, match=r"adapter_config.json: r: 4, not 8"):
        adopt(adapter, tmp_path / "run", **given(toy, options=other))
    assert not (tmp_path / "run").exists()


@GROUPED
def test_a_base_is_the_same_in_another_folder_but_not_under_another_name(
    toy, adapter, manifest, tmp_path, monkeypatch
):
    (adapter / "manifest.json").write_text(json.dumps(manifest | {"base": "/elsewhere/tiny"}))
    adopt(adapter, tmp_path / "run", **given(toy))
    (adapter / "manifest.json").write_text(json.dumps(manifest | {"base": "owner/tiny"}))
    (tmp_path / "owner").mkdir()
    (tmp_path / "owner" / "other").symlink_to(toy.base)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"base: 'owner/tiny', which is not 'owner/other'"):
        adopt(adapter, tmp_path / "again", **given(toy, base="owner/other"))


@GROUPED
def test_what_is_missing_or_untrained_is_refused(toy, adapter, tmp_path):
    weights = load_file(adapter / WEIGHTS)
    save_file({k: v * ("lora_B" not in k) for k, v in weights.items()}, adapter / WEIGHTS)
    with pytest.raises(SpectraLMError, match="lora_B"):
        adopt(adapter, tmp_path / "run", **given(toy))
    (adapter / WEIGHTS).unlink()
    with pytest.raises(InputError, match=WEIGHTS):
        adopt(adapter, tmp_path / "run", **given(toy))


@SOFT
def test_an_adapter_with_a_read_in_is_adopted_and_read(toy, adapter, manifest, tmp_path):
    for folder in ("with", "without"):
        adopt(adapter, tmp_path / folder, **given(toy, options=SOFT_OPTIONS))
        assert (tmp_path / folder / WEIGHTS).read_bytes() == (adapter / WEIGHTS).read_bytes()
        made = json.loads((tmp_path / folder / "manifest.json").read_text())
        assert made["options"]["read_in"] == SOFT_OPTIONS.model_dump()["read_in"]
        (adapter / "manifest.json").unlink(missing_ok=True)


@SOFT
def test_another_read_in_is_refused(toy, adapter, manifest, tmp_path):
    for read_in in (ENCODER | {"tokens": 9}, PATCHES):
        options = OPTIONS.model_copy(update={"read_in": LlmOptions(read_in=read_in).read_in})
        with pytest.raises(InputError, match=r"manifest.json: read_in: {'kind': 'encoder'"):
            adopt(adapter, tmp_path / "run", **given(toy, options=options))
    with pytest.raises(InputError, match=r"adapter_config.json: read_in: True, not False"):
        adopt(adapter, tmp_path / "run", **given(toy))
    assert not (tmp_path / "run").exists()


@GROUPED
def test_an_adapter_without_the_read_in_of_the_options_is_refused(toy, adapter, tmp_path):
    with pytest.raises(InputError, match=r"adapter_config.json: read_in: False, not True"):
        adopt(adapter, tmp_path / "run", **given(toy, options=SOFT_OPTIONS))
    assert not (tmp_path / "run").exists()
