"""The plan of an experiment, from its config alone."""

import json
import os

import pytest
import yaml

from spectralm.cli import main
from spectralm.config import check
from spectralm.errors import InputError, SpectraLMError
from spectralm.planning.dag import Dag, dag
from spectralm.planning.disk import PREDICTION, SAMPLE, split_sizes
from spectralm.planning.gpus import gpu_named, gpus
from spectralm.planning.plan import plan


@pytest.fixture
def config(repository) -> dict:
    """The config of the paper; its data do not exist here."""
    return yaml.safe_load((repository / "config" / "config.yaml").read_text())


@pytest.fixture(autouse=True)
def package(repository, monkeypatch):
    """Let Snakemake, a separate process, import the package of this checkout."""
    path = os.pathsep.join([str(repository / "src"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)


def test_the_papers_experiment_is_planned_from_its_config(repository, tmp_path, capsys):
    snakefile, out = repository / "Snakefile", tmp_path / "plan.json"
    assert main(["plan", "--snakefile", str(snakefile), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "| lamost | 1,500,000 | 60 | 1,176,000 | 24,000 | 300,000 |" in printed
    # 1.5e6 spectra of LAMOST, 1e5 of APOGEE's stars and as many of each external survey.
    assert f"| resample_spectra | {60 + 3 * 4} |" in printed
    made = json.loads(out.read_text())
    # Three scales and abundances, from written flux and from soft tokens.
    assert made["jobs"]["train_llm"] == 2 * (3 + 1)
    assert sum(made["jobs"].values()) < 1000
    training = {
        (row["run"], row["text"]): row for row in made["estimates"] if row["step"] == "train"
    }
    paper, compact = (training["llm-lamost-1500000", text] for text in ("paper", "compact"))
    # Computed by hand: 1872 and 259 hours on an H100 for 1.5 million training spectra.
    assert paper["gpu_hours"] == pytest.approx(1872 * 1.176 / 1.5, rel=0.02)
    assert compact["gpu_hours"] == pytest.approx(259 * 1.176 / 1.5, rel=0.02)
    assert 4.8 < paper["tokens"] / compact["tokens"] < 5.0
    assert (paper["chosen"], compact["chosen"]) == (True, False)
    assert (
        f"| llm-lamost-1500000 | lamost | paper (config) | 1,176,000 | {paper['tokens']:,} |"
        in printed
    )


def test_files_extend_the_config_as_with_snakemake(repository, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(repository)
    mine = tmp_path / "mine.yaml"
    mine.write_text("experiment: [{models: [llm, ridge], scales: [50000]}]\n")
    assert main(["plan", "--configfile", "config/config.yaml", str(mine), "--gpu", "A100-40"]) == 0
    printed = capsys.readouterr().out
    assert "| lamost | 50,000 | 2 |" in printed
    assert "| train_llm | 1 |" in printed
    assert "on A100-40" in printed


def test_the_demos_models_need_no_gpu(repository, monkeypatch, capsys):
    monkeypatch.chdir(repository)
    assert main(["plan", "--configfile", "config/demo.yaml"]) == 0
    printed = capsys.readouterr().out
    assert "| make_sky | 1 |" in printed
    assert "tiny_compact trains on the tiny base" in printed


def test_errors_name_what_is_wrong(repository, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(repository)
    mine = tmp_path / "mine.yaml"
    mine.write_text("models: {llm: {training: {epoch: 2.0}}}\n")
    assert main(["plan", "--configfile", str(mine)]) == 1
    assert "did you mean epochs?" in capsys.readouterr().err
    with pytest.raises(InputError, match="give one of H100"):
        gpu_named("H1000")
    mine.write_text(
        "models: {llm: {base: some/model}}\nexperiment: [{models: [llm], scales: [25000]}]\n"
    )
    assert main(["plan", "--configfile", str(mine)]) == 1
    assert "known: ['meta-llama/Llama-3.1-8B'" in capsys.readouterr().err


def test_a_config_that_snakemake_cannot_plan(config, tmp_path):
    snakefile = tmp_path / "Snakefile"
    snakefile.write_text("rule all:\n    input: 'nowhere'\n")
    with pytest.raises(SpectraLMError, match="cannot plan"):
        dag(config, snakefile)


def test_every_gpu_says_where_its_numbers_are_from():
    for gpu in gpus().values():
        assert gpu.source.startswith(("NVIDIA", gpu.name.split("-")[0]))
        assert 1e14 < gpu.flops < 1e15
        assert 2e10 < gpu.memory < 2e11


def test_more_gpus_take_less_time_and_a_small_one_is_too_small(config):
    config["experiment"] = [{"models": ["llm"], "scales": [100000]}]
    settings = {"processes": 4, "nodes": 2, "gradient_checkpointing": False}
    config["models"]["llm"]["training"] |= settings
    jobs = Dag({}, {("llm-lamost-100000", "lamost"): 4, ("llm-lamost-100000", "galah"): 4})
    estimates = plan(check(config), jobs, gpu_named("RTX4090")).estimates
    train, evaluate, calibrate, predict, outside = (row for row in estimates if row.chosen)
    steps = ("train", "evaluate", "calibrate", "predict", "predict")
    assert tuple(row.step for row in (train, evaluate, calibrate, predict, outside)) == steps
    assert (predict.dataset, outside.dataset) == ("lamost", "galah")
    assert train.hours == (train.gpu_hours / 8, train.gpu_hours_at_worst / 8)
    assert predict.hours == (predict.gpu_hours, predict.gpu_hours_at_worst)
    assert train.gpu_hours_at_worst == pytest.approx(2 * train.gpu_hours)
    # Seven times 500 spectra; and all validation spectra, as they are fewer than 5,000.
    assert (evaluate.spectra, calibrate.spectra) == (7 * 500, 1600)
    assert not train.fits
    assert train.spectra + predict.spectra == 100000 * 0.984


def test_disk_is_shared_by_scales(config):
    config["experiment"] = [{"models": ["ridge"], "scales": [25000, 50000]}]
    config["surveys"] |= {name: {} for name in ("apogee", "galah", "gaia_eso")}
    checked = check(config)
    jobs = Dag({}, {("ridge-lamost-25000", "lamost"): 1, ("ridge-lamost-50000", "lamost"): 2})
    disk = {stage.stage: stage.bytes for stage in plan(checked, jobs, gpu_named("H100")).disk}
    assert disk["samples"] == SAMPLE * 50000
    assert disk["predictions"] == PREDICTION * 15000
    assert not any(name.startswith(("qa", "workspace")) for name in disk)
    assert split_sizes(checked, 50000) == {"train": 39200, "validation": 800, "test": 10000}


def test_every_model_of_the_paper_at_every_scale(config, repository):
    scales = [100000, 500000, 1500000]
    llms = ("llm", "llm_compact", "llm_soft")
    assert {config["models"][name]["text"] for name in llms} == config["texts"].keys()
    stage_2 = ("llm_abundances", "llm_soft_abundances", "from_parameters")
    stage_1 = [name for name in config["models"] if name not in stage_2]
    for survey in ("galah", "gaia_eso"):
        config["surveys"][survey]["catalogue"] = None
    config["experiment"] = [{"models": stage_1, "scales": scales}]
    jobs = dag(config, repository / "Snakefile").jobs
    shards = [scale // 25000 for scale in scales]
    others = len(stage_1) - len(llms)
    assert jobs["resample_spectra"] == jobs["draw_shard"] == max(shards)
    assert jobs["write_questions"] == len(llms) * max(shards)
    assert (jobs["train_llm"], jobs["train_baseline"]) == (9, 3 * others)
    assert jobs["predict_llm"] == 3 * sum(shards)
    assert jobs["predict_baseline"] == others * sum(shards)
