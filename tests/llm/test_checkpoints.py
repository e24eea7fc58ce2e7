"""The name of a training, and the checkpoints that it can continue from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from llm.toy import ENCODER, PIXELS, STAGE_2, Toy, toy_records, toy_stars, write_shard
from safetensors.torch import save_file
from torch import ones

from spectralm.cli import commands
from spectralm.errors import InputError
from spectralm.fingerprint import import_closure
from spectralm.language.records import write_records
from spectralm.llm import code
from spectralm.llm.checkpoints import keep_layout, weight_facts
from spectralm.llm.code import weights_code
from spectralm.llm.learner import Task
from spectralm.llm.options import LlmOptions
from spectralm.provenance import workspace_key

GROUPED = pytest.mark.parametrize("toy", ["grouped"], indirect=True)

#: Changes of options that do not change the name of a training.
SAME = {
    "evaluations": {"training": {"evaluations": 9}},
    "evaluation_spectra": {"training": {"evaluation_spectra": 9}},
    "evaluation_batch_size": {"training": {"evaluation_batch_size": 9}},
    "checkpoints": {"training": {"checkpoints": 9}},
    "batch size of answers": {"generation": {"batch_size": 9}},
    "reading of answers": {"generation": {"reading": "expected"}},
    "processes, at one global batch": {"training": {"processes": 8, "accumulation": 2}},
    "nodes, at one global batch": {"training": {"nodes": 4, "batch_size": 2, "accumulation": 2}},
    "zero3": {"training": {"zero3": True}},
    "gradient checkpointing": {"training": {"gradient_checkpointing": False}},
    "answer-only layer": {"training": {"answer_only_layer": True}},
    "attention": {"attention": "flash_attention_2"},
    "device": {"device": "cpu"},
    "names": {"text": "other", "after": "llm-lamost-100", "base": "elsewhere"},
}
#: Changes of options that change it.
OTHER = {
    "epochs": {"training": {"epochs": 2.0}},
    "learning rate": {"training": {"learning_rate": 2e-4}},
    "weight decay": {"training": {"weight_decay": 0.0}},
    "warm-up": {"training": {"warmup_fraction": 0.1}},
    "soft targets": {"training": {"soft_targets": {"teff": 30.0}}},
    "velocity": {"training": {"augmentation": {"velocity": 0.1}}},
    "blur": {"training": {"augmentation": {"blur": 0.1}}},
    "gain": {"training": {"augmentation": {"gain": 0.1}}},
    "noise": {"training": {"augmentation": {"noise": 0.1}}},
    "gaps": {"training": {"augmentation": {"gaps": 0.1}}},
    "read-in": {"read_in": ENCODER},
    "seed": {"training": {"seed": 1}},
    "global batch": {"training": {"batch_size": 2}},
    "quantise": {"quantise": False},
    "max_tokens": {"max_tokens": 1000},
    "rank": {"lora": {"rank": 8}},
    "alpha": {"lora": {"alpha": 8}},
    "dropout": {"lora": {"dropout": 0.0}},
    "embeddings": {"lora": {"train_embeddings": True}},
}
#: Options that no training uses.
NOT_HERE = {"kind", "adapter"}


def task(toy: Toy, **options) -> Task:
    paths = ([toy.train], [toy.validation])
    return Task(LlmOptions(**options), toy.text, PIXELS, *paths, str(toy.base), toy.targets)


def name(given: Task) -> str:
    return workspace_key(weight_facts(given))


@GROUPED
@pytest.mark.parametrize("change", SAME)
def test_options_that_do_not_decide_the_weights_keep_the_name(toy, change):
    assert name(task(toy, **SAME[change])) == name(task(toy))


@GROUPED
@pytest.mark.parametrize("change", OTHER)
def test_options_that_decide_the_weights_change_the_name(toy, change):
    assert name(task(toy, **OTHER[change])) != name(task(toy))


def leaves(options: dict, prefix: str = "") -> set[str]:
    found = set()
    for key, value in options.items():
        nested = isinstance(value, dict) and key not in ("soft_targets", "read_in")
        found |= leaves(value, f"{prefix}{key}.") if nested else {prefix + key}
    return found


#: Changes of the options of each kind of read-in.
READ_INS = [
    *({"kind": "encoder", **one} for one in ({}, {"channels": [8]}, {"hidden": 9}, {"tokens": 9})),
    *({"kind": "patches", **one} for one in ({}, {"pixels": 8}, {"channels": 9})),
    {"kind": "patches", "wavelength": "fourier"},
    *({"kind": kind, "width": 9} for kind in ("encoder", "patches")),
]


@GROUPED
def test_each_option_of_a_read_in_changes_the_name(toy):
    assert len({name(task(toy, read_in=read_in)) for read_in in READ_INS}) == len(READ_INS)
    for kind in ("encoder", "patches"):
        tried = set().union(*(read_in for read_in in READ_INS if read_in["kind"] == kind))
        assert tried == LlmOptions(read_in={"kind": kind}).read_in.model_dump().keys()


@pytest.mark.parametrize("toy", ["soft"], indirect=True)
def test_the_spectra_of_soft_tokens_change_the_name(toy, tmp_path):
    given = replace(task(toy, read_in=ENCODER), shards=toy.shards)
    assert name(replace(given, shards=list(toy.shards))) == name(given)
    write_shard(tmp_path / "other.parquet", toy_stars(96, seed=1)[1], seed=9, first=0)
    other = (tmp_path / "other.parquet", toy.shards[1])
    assert name(replace(given, shards=other)) != name(given)


def test_every_option_is_in_one_of_the_two_lists():
    tried = set().union(*map(leaves, (*SAME.values(), *OTHER.values())))
    assert leaves(LlmOptions().model_dump()) - tried == NOT_HERE


@GROUPED
def test_text_data_targets_and_first_adapter_change_the_name(toy, tmp_path):
    write_records(tmp_path / "train.jsonl.gz", toy_records(toy.text, 95, seed=1))
    (tmp_path / "adapter").mkdir()
    save_file({"lora_A": ones(2)}, tmp_path / "adapter" / "adapter_model.safetensors")
    given = task(toy)
    others = [
        replace(given, text=toy.text.model_copy(update={"marker_every": 10})),
        replace(given, spectra=PIXELS.model_copy(update={"step": 10.0})),
        replace(given, train=[tmp_path / "train.jsonl.gz"]),
        replace(given, targets=STAGE_2),
        replace(given, after=tmp_path / "adapter"),
    ]
    assert len({name(each) for each in (given, *others)}) == 1 + len(others)
    validation = tmp_path / "validation.jsonl.gz"
    write_records(validation, toy_records(toy.text, 15, seed=2))
    assert name(replace(given, validation=[validation])) == name(given)


def test_only_code_that_decides_the_weights_is_in_the_name():
    closure = set().union(*map(import_closure, code.ROOTS)) - code.WITHOUT
    llm = {module.removeprefix("spectralm.llm.") for module in closure if ".llm." in module}
    loaded = {"adapter", "adapter_files", "base", "device", "tokenizer", "encoding"}
    read_in = {"attach", "kinds", "module", "options", "registry", "soft_tokens"}
    assert llm == loaded | {"answer_only", "augmentation", "learner", "loss", "recipe"} | {
        *("read_in", *(f"read_in.{module}" for module in read_in))
    }
    others = {"cli", "inference", "evaluation", "samples", "surveys", "provenance"}
    assert not {module for module in closure if module.split(".")[1] in others}
    assert not {f"spectralm.cli.{command}" for command in commands()} & closure


@pytest.fixture
def edited(monkeypatch) -> Callable[[str], str]:
    """A function that gives the hash of the code if a module had one more line."""
    plain = code.code_of.__globals__["normal_form"]

    def after_a_line_in(module: str, options: LlmOptions) -> str:
        path = code.code_of.__globals__["source"](module).read_text()
        monkeypatch.setitem(
            code.code_of.__globals__,
            "normal_form",
            lambda text: plain(text) + ("more" if text == path else ""),
        )
        return weights_code(options)

    return after_a_line_in


@pytest.mark.parametrize(
    ("module", "same"),
    [
        ("spectralm.llm.loss", False),
        ("spectralm.llm.encoding", False),
        ("spectralm.language.flux", False),
        ("spectralm.llm.recipe", False),
        ("spectralm.llm.augmentation", False),
        ("spectralm.llm.read_in.module", False),
        ("spectralm.llm.read_in.soft_tokens", False),
        ("spectralm.spectra.pixels", False),
        ("spectralm.spectra.store", False),
        ("spectralm.spectra.resample", True),
        ("spectralm.spectra.shards", True),
        ("spectralm.llm.digits", True),
        ("spectralm.llm.generation", True),
        ("spectralm.llm.token_grammar", True),
        ("spectralm.llm.scoring", True),
        ("spectralm.llm.arguments", True),
        ("spectralm.llm.finish", True),
        ("spectralm.llm.answering", True),
        ("spectralm.language.answers", True),
        ("spectralm.evaluation.calibration", True),
        ("spectralm.evaluation.tables", True),
        ("spectralm.samples.manifest", True),
    ],
)
def test_a_change_of_code(edited, module, same):
    options = LlmOptions()
    assert (weights_code(options) == edited(module, options)) == same


@pytest.mark.parametrize("kind", ["encoder", "patches"])
@pytest.mark.parametrize("part", ["kinds", "options"])
def test_a_change_of_a_read_in_s_code_concerns_the_models_that_have_it(edited, kind, part):
    models = [LlmOptions(read_in=r) for r in (None, {"kind": "encoder"}, {"kind": "patches"})]
    plain = [weights_code(options) for options in models]
    for options, code_before in zip(models, plain, strict=True):
        changed = options.read_in is not None and options.read_in.kind == kind
        code_after = edited(f"spectralm.llm.read_in.{part}.{kind}", options)
        assert (code_after != code_before) == changed


def test_checkpoints_of_another_number_of_processes_are_left_alone(tmp_path: Path):
    keep_layout(tmp_path, 8, True)
    (tmp_path / "checkpoint-6").mkdir()
    keep_layout(tmp_path, 8, True)
    for processes, zero3 in ((4, True), (8, False)):
        with pytest.raises(InputError, match=r"\{'processes': 8, 'zero3': True\}, not .*delete"):
            keep_layout(tmp_path, processes, zero3)
    assert (tmp_path / "checkpoint-6").is_dir()
    (tmp_path / "checkpoint-6").rmdir()
    keep_layout(tmp_path, 4, True)
