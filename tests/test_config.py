import copy
import json
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from spectralm.baselines.registry import BASELINES
from spectralm.config import Config, Run, load
from spectralm.errors import SpectraLMError
from spectralm.labels.vocabulary import Targets
from spectralm.llm.options import LlmOptions


@pytest.fixture
def config(repository, tmp_path) -> dict:
    """The paper's config, with data that is there."""
    given = yaml.safe_load((repository / "config" / "config.yaml").read_text())
    (tmp_path / "catalogue.csv").touch()
    given["surveys"]["lamost"]["spectra"] = [str(tmp_path)]
    given["surveys"]["lamost"]["catalogues"] = [str(tmp_path / "catalogue.csv")]
    for survey in ("apogee", "galah", "gaia_eso"):
        given["surveys"][survey]["catalogue"] = str(tmp_path / "catalogue.csv")
    return given


def options_of(kind: type[BaseModel]) -> list[type[BaseModel]]:
    """All options classes of a config, found by their annotations."""
    found = {kind}
    queue = [kind]
    while queue:
        for field in queue.pop().model_fields.values():
            waiting = [field.annotation]
            while waiting:
                part = waiting.pop()
                waiting += getattr(part, "__args__", ())
                if isinstance(part, type) and issubclass(part, BaseModel) and part not in found:
                    found.add(part)
                    queue.append(part)
    return sorted(found, key=lambda part: part.__name__)


@pytest.mark.parametrize("kind", options_of(Config), ids=lambda kind: kind.__name__)
def test_every_key_has_a_sentence_and_unknown_ones_are_refused(kind):
    assert kind.model_config["extra"] == "forbid"
    for name, field in kind.model_fields.items():
        assert field.description, f"{kind.__name__}.{name} has no description"


def test_the_papers_experiment(config):
    paper = load(config)
    assert paper.scales("lamost") == [100000, 500000, 1500000]
    assert paper.scales("apogee") == [100000]
    assert paper.shards(100000) == ["0000", "0001", "0002", "0003"]
    assert len(paper.shards(1500000)) == 60
    assert str(paper.runs[0]) == "llm-lamost-100000"
    assert Run("ridge", "lamost", 1500000) in paper.runs
    llm = paper.llms["llm"]
    assert (llm.lora.rank, llm.lora.alpha, llm.lora.dropout) == (64, 128, 0.1)
    assert (llm.training.learning_rate, llm.training.weight_decay) == (1e-4, 0.1)
    assert paper.spectra.size == 4901


def test_the_manual_names_every_key_with_its_default(config):
    """config.yaml is the manual, so no default of the code may be missing or different there."""
    llm = LlmOptions().model_dump()
    llm["training"] |= {"processes": 8, "zero3": True, "accumulation": 2}  # a node of the paper's
    assert load(config).llms["llm"].model_dump() == llm
    given = config["models"]["llm"]
    assert given.keys() == llm.keys()
    for part in ("lora", "training", "generation"):
        assert given[part].keys() == llm[part].keys()
    written = load(config)
    assert "bin" in config["models"]["lightgbm"]  # and need not be in the others
    for kind in BASELINES.names():
        name, given = next((n, m) for n, m in config["models"].items() if m["kind"] == kind)
        default = BASELINES.options_class(kind)()
        assert written.baselines[name] == default
        assert given.keys() | {"bin"} == default.model_dump().keys()
    for part in ("samples", "spectra", "evaluation", "mock", "tiny"):
        assert config[part].keys() == getattr(written, part).model_dump().keys()
    for given, grid in zip(config["experiment"], written.experiment, strict=True):
        assert given.keys() == grid.model_dump().keys()


def test_the_schema_on_disk_is_that_of_the_code(repository):
    path = repository / "workflow" / "schemas" / "config.schema.yaml"
    assert yaml.safe_load(path.read_text()) == Config.model_json_schema(), "run `make schema`"


def test_the_folder_example_needs_only_its_paths(config, repository, tmp_path):
    overlay = yaml.safe_load((repository / "config" / "lamost_folder.yaml").read_text())
    assert overlay["surveys"]["lamost"].keys() == {"spectra", "catalogues"}
    for key in ("samples", "spectra", "models"):
        config[key] |= overlay[key]
    config["experiment"] = overlay["experiment"]
    assert [str(run) for run in load(config).runs] == [
        "tiny-lamost-1000",
        "ridge-lamost-1000",
        "class_mean-lamost-1000",
    ]


def test_the_demos_paths_need_not_be_there_yet(config, repository):
    overlay = yaml.safe_load((repository / "config" / "demo.yaml").read_text())
    config["surveys"]["lamost"] |= overlay["surveys"]["lamost"]
    assert load(config).surveys.lamost.spectra == ["results/sky/lamost"]


def test_the_sweep_is_of_every_model_of_the_demo_at_every_scale(config, repository):
    demo, sweep = (
        yaml.safe_load((repository / "config" / name).read_text())
        for name in ("demo.yaml", "demo_sweep.yaml")
    )
    for key in ("samples", "tiny", "models"):
        config[key] |= demo[key]
    config["experiment"] = demo["experiment"]
    models = load(config).run_models
    config["experiment"] = sweep["experiment"]
    swept = load(config)
    assert {*models, "tiny_paper", "cnn_fine"} == set(swept.run_models)
    # Two models are trained on both datasets.
    assert len(swept.runs) == 3 * len(swept.run_models) + 3 * 2
    assert [len(swept.scales(dataset)) for dataset in swept.datasets] == [3, 3]


def put(config: dict, key: str, value: object) -> dict:
    *path, last = key.split(".")
    place = config
    for part in path:
        place = place.setdefault(part, {})
    place[last] = value
    return config


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("spectre", {}, "spectre: unknown key; did you mean spectra?"),
        ("spectra.stepp", 1.0, "spectra.stepp: unknown key; did you mean step?"),
        ("models.llm.traning", {}, "models.llm.traning: unknown key; did you mean training?"),
        ("models.llm.training.epoch", 1, "models.llm.training.epoch: unknown key; did you mean"),
        (
            "models.llm.lora.train_embeddings",
            True,
            "models.llm.training.zero3: not with lora.train_embeddings",
        ),
        ("models.ridge.zzz", 1, "models.ridge.zzz: unknown key; known here: bin, kind"),
        ("models.ridge.kind", "forest", "models.ridge: Input tag 'forest'"),
        ("spectra.step", "one", "spectra.step: Input should be a valid number, found 'one'"),
        ("spectra.step", 0.3, "spectra: from start to stop must be whole steps"),
        ("elements", ["MG", "FE"], "elements.1: Input should be 'C', 'CI', 'N', "),
        ("elements", [], "elements: List should have at least 1 item"),
        ("samples.shard_size", 7, "samples: shard_size 7 is no multiple of 5 classes"),
        ("samples.seed", "0", "samples.seed: Input should be a valid integer, found '0'"),
        (
            "experiment",
            [{"models": ["llm"], "scales": [1234]}],
            "experiment.0.scales: 1234 is no multiple of samples.shard_size",
        ),
        (
            "experiment",
            [{"models": ["llm"], "scales": [100000]}, {"models": ["gpt"], "scales": [100000]}],
            "experiment.1.models: 'gpt' is not in models (llm, llm_abundances, llm_compact",
        ),
        (
            "experiment",
            [{"model": ["llm"], "scales": [100000]}],
            "experiment.0.model: unknown key; did you mean models?",
        ),
        ("experiment", [{"models": ["llm"]}], "experiment.0.scales: missing; add it"),
        (
            "experiment",
            [{"models": ["from_parameters"], "scales": [100000]}],
            "experiment.0.models: 'from_parameters' starts from lamost's labels; run it on apogee",
        ),
        ("evaluation.failed", {"gru-lamost-1": "?"}, "evaluation.failed: 'gru-lamost-1' is no run"),
        ("evaluation.snr_bins", [20.0, 10.0], "evaluation.snr_bins: [20.0, 10.0] must increase"),
        (
            "experiment",
            [{"dataset": "apogee", "models": ["llm"], "scales": [100000]}],
            "experiment.0.models: 'llm' cannot be trained on apogee",
        ),
        (
            "experiment",
            [{"dataset": "apogee", "models": ["llm_abundances"], "scales": [100000]}],
            "models.llm_abundances.after: 'llm-lamost-1500000' is no language model's run ()",
        ),
        ("models.llm_abundances.quantise", False, "models.llm_abundances.after: quantise must be"),
        ("models.llm_abundances.text", "compact", "after: the text must write spectra as that of"),
        ("surveys.apogee.catalogue", None, "experiment.3.dataset: give surveys.apogee.catalogue"),
        ("samples.external", 30000, "samples.external: no multiple of shard_size = 25000"),
        ("models.gru.hiden", 64, "models.gru.hiden: unknown key; did you mean hidden?"),
        ("models.cnn.epochs", 0, "models.cnn.epochs: Input should be greater than 0"),
        ("models.Big", {"kind": "ridge"}, "'Big': names are of lower-case letters"),
        (
            "models.llm.text",
            "prose",
            "models.llm.text: 'prose' is not in texts (paper, compact, soft)",
        ),
        (
            "models.llm.training.soft_targets",
            {"teff": 30.0},
            "models.llm.training.soft_targets: only a text with grouped answers",
        ),
        ("texts.paper.decimals", {"teff": 1}, "texts.paper.decimals: give each of feh, logg, teff"),
        (
            "texts.paper.flux",
            "papper",
            "texts.paper.flux: Input should be 'paper', 'compact' or 'soft'",
        ),
        ("texts.soft.bin", 5000, "texts.soft.bin: 5000 grid points, but spectra have 4901"),
        ("models.cnn.bin", 5000, "models.cnn.bin: 5000 grid points, but spectra have 4901"),
        (
            "models.llm_soft.read_in",
            {"kind": "patches", "pixels": 5000},
            "models.llm_soft.read_in: no soft token of a spectrum of 4901 pixels",
        ),
        ("models.llm.read_in", {"kind": "encoder"}, "models.llm.read_in: texts.paper has `flux: p"),
        ("models.llm_soft.read_in", None, "models.llm_soft.read_in: texts.soft has `flux: soft`"),
        (
            "models.llm_soft_abundances.read_in",
            {"kind": "encoder"},
            "models.llm_soft_abundances.after: read_in must be that of models.llm_soft",
        ),
        ("surveys.lamost.spectra", ["/no/such"], "surveys.lamost.spectra: /no/such is not there"),
        ("surveys.lamost.catalogues", ["/no.csv"], "surveys.lamost.catalogues: /no.csv is not"),
        ("models.llm.base", "/no/llama", "models.llm_abundances.after: base must be that of"),
        ("surveys.lamost.spectra", [], "surveys.lamost.spectra: List should have at least 1 item"),
    ],
)
def test_a_wrong_key_is_named_with_what_to_do(config, key, value, sentence):
    load(copy.deepcopy(config))
    with pytest.raises(SpectraLMError) as error:
        load(put(config, key, value))
    assert sentence in str(error.value)


def test_a_base_that_is_not_there_is_named(config):
    for name in ("llm", "llm_abundances"):
        config["models"][name]["base"] = "/no/llama"
    with pytest.raises(SpectraLMError, match=r"models.llm.base: /no/llama is not there; correct"):
        load(config)


def test_runs_are_each_once_by_scale_and_then_as_the_config_has_them(config):
    config["experiment"] = [
        {"models": ["llm"], "scales": [500000, 100000]},
        {"models": ["ridge", "llm"], "scales": [100000]},
    ]
    assert list(map(str, load(config).runs)) == [
        "llm-lamost-100000",
        "ridge-lamost-100000",
        "llm-lamost-500000",
    ]


def test_a_failed_run_is_no_run(config):
    failed = "llm-lamost-1500000"
    config["experiment"] = [{"models": ["llm"], "scales": [100000, 1500000]}]
    config["evaluation"]["failed"] = {failed: "out of memory"}
    assert list(map(str, load(config).runs)) == ["llm-lamost-100000"]
    assert load(config).scales("lamost") == [100000]


def test_a_missing_key_is_named(config):
    del config["experiment"]
    with pytest.raises(SpectraLMError, match=r"experiment: missing; add it"):
        load(config)


def test_options_survive_the_command_line(config):
    """Rules hand options over as JSON; nothing may be lost or changed on the way."""
    paper = load(config)
    for part in (paper.samples, paper.spectra, paper.evaluation, paper.llms["llm"], paper.tiny):
        again = type(part).model_validate_json(part.model_dump_json())
        assert again == part
        assert json.loads(part.model_dump_json()) == json.loads(again.model_dump_json())
    assert Path(paper.workspaces).name == "workspaces"


def test_elements_are_asked_for_in_the_order_of_the_vocabulary(config):
    assert load(config).targets("apogee") == Targets.ABUNDANCES
    chosen = load(put(config, "elements", ["MG", "C", "MG"]))
    assert chosen.targets("apogee") == Targets("C,MG")
    assert chosen.targets("lamost") == Targets.PARAMETERS
