"""Real training of the tiny base: QLoRA under torchrun, interrupted, resumed and answering."""

import json
import math
import os
import re
import shutil
import signal
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from llm.toy import STAGE_2, TEXTS, Toy, base_on_cpu, make_toy, questions_of
from llm.trainings import check_continued, options, start, start_of, workers_of
from peft import PeftModel
from processes import finish, started
from safetensors.torch import load_file, save_file

from spectralm.cli import main
from spectralm.errors import SpectraLMError
from spectralm.files import sha256
from spectralm.labels.vocabulary import PARAMETERS
from spectralm.language.answers import Star, answer_text
from spectralm.language.questions import Question
from spectralm.language.records import read_records
from spectralm.llm.adapter import load_adapter
from spectralm.llm.adapter_files import check_weights
from spectralm.llm.checkpoints import last_whole_checkpoint
from spectralm.llm.finish import compare_losses
from spectralm.llm.generation import Reader
from spectralm.llm.options import GenerationOptions, LlmOptions
from spectralm.llm.tokenizer import load_tokenizer

pytestmark = pytest.mark.slow

OUTPUTS = {"adapter_model.safetensors", "adapter_config.json", "metrics.json", "manifest.json"}

#: For tests that do not depend on the spelling, or that need number tokens.
GROUPED = pytest.mark.parametrize("toy", ["grouped"], indirect=True)
#: For tests of all spellings, or of those with number tokens.
EACH = pytest.mark.parametrize("toy", ["grouped", "characters", "soft"], indirect=True)
BOTH = pytest.mark.parametrize("toy", ["grouped", "soft"], indirect=True)


@pytest.fixture(scope="module")
def trained(toy, tmp_path_factory) -> Path:
    """The folder of an uninterrupted training."""
    folder = tmp_path_factory.mktemp("trained")
    finish(start(toy, folder, options(toy.text, 3)))
    return folder


@EACH
def test_outputs_and_their_contents(toy, trained):
    run = trained / "run"
    assert {path.name for path in run.iterdir()} == OUTPUTS
    (workspace,) = (trained / "workspaces").iterdir()
    assert [path.name for path in workspace.iterdir()] == ["finished"]
    assert any((trained / "tensorboard").iterdir())
    manifest = json.loads((run / "manifest.json").read_text())
    assert (manifest["kind"], manifest["n_train"], manifest["n_validation"]) == ("llm", 96, 8)
    assert (manifest["targets"], manifest["looks_at_spectrum"], manifest["given"]) == (
        *("parameters", True),
        [],
    )
    assert 0 < manifest["parameters"] < manifest["parameters_total"]
    assert manifest["seconds"] > 0 < manifest["cpu_seconds"]
    assert manifest["steps"] == 36
    assert manifest["adapter_sha256"] == sha256(run / "adapter_model.safetensors")
    assert manifest["train_sha256"] == sha256(toy.train)
    assert manifest["text"] == toy.text.model_dump()
    assert {"torch", "peft", "spectralm"} <= manifest["versions"].keys()
    metrics = json.loads((run / "metrics.json").read_text())
    losses = [step["loss"] for step in metrics["history"] if "loss" in step]
    assert losses[-1] < 0.6 * losses[0]
    assert metrics["truncated_fraction"] == 0
    assert metrics["eval_parsed"] == 1
    assert sum("eval_sigma_teff" in step for step in metrics["history"]) >= 2
    for name, tensor in load_file(run / "adapter_model.safetensors").items():
        assert "lora_A" in name or tensor.any()


@BOTH
def test_an_interrupted_training_ends_with_the_same_adapter(toy, trained, tmp_path):
    process = start(toy, tmp_path, options(toy.text, 3))
    # Within the second epoch, whose spectra are changed otherwise than those of the first.
    while steps_of(last_written(tmp_path / "workspaces")) <= 12:
        assert process.poll() is None, process.stdout.read()[-5000:]
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "run").exists()
    assert steps_of(last_written(tmp_path / "workspaces")) in (18, 30)

    assert workers_of(tmp_path) == []
    assert "checkpoint-" in start_of(finish(start(toy, tmp_path, options(toy.text, 3))))
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (tmp_path / "run" / name).read_bytes() == (trained / "run" / name).read_bytes()


def steps_of(state: Path | None) -> int:
    """The steps of a checkpoint; 0 without one, or while it is written."""
    try:
        return json.loads(state.read_text())["global_step"] if state else 0
    except json.JSONDecodeError:
        return 0


def last_written(workspaces: Path) -> Path | None:
    """The state of the last checkpoint, complete or not."""
    found = sorted(workspaces.glob("*/checkpoint-*/trainer_state.json"), key=os.path.getmtime)
    return found[-1] if found else None


@pytest.mark.parametrize("processes", [1, 2])
def test_an_incomplete_checkpoint_is_not_used(tmp_path, processes):
    names = ["rng_state.pth"] if processes == 1 else ["rng_state_0.pth", "rng_state_1.pth"]
    for step, state in ((6, "{}"), (12, '{"global'), (18, None), (24, "{}")):
        (tmp_path / f"checkpoint-{step}").mkdir()
        for name in names:
            torch.save({"cpu": torch.get_rng_state()}, tmp_path / f"checkpoint-{step}" / name)
        if state is not None:
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    last = tmp_path / "checkpoint-24" / names[-1]
    last.write_bytes(last.read_bytes()[:-100])
    assert last_whole_checkpoint(tmp_path, processes) == tmp_path / "checkpoint-6"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-6"]
    assert last_whole_checkpoint(tmp_path / "none", processes) is None


@GROUPED
def test_evaluations_and_checkpoints_change_no_weight(toy, tmp_path):
    plain = options(toy.text, 1)
    closely = {"evaluations": 3, "evaluation_spectra": 16, "checkpoints": 6}
    hardly = {"evaluations": 0, "evaluation_spectra": 1, "checkpoints": 1}
    names, weights = set(), set()
    for watched in (closely, hardly):
        training = plain.training.model_copy(update=watched)
        changed = plain.model_copy(update={"training": training})
        folder = tmp_path / str(watched["checkpoints"])
        finish(start(toy, folder, changed))
        names |= {path.name for path in (folder / "workspaces").iterdir()}
        weights.add(sha256(folder / "run" / "adapter_model.safetensors"))
    assert len(names) == len(weights) == 1


def test_what_can_fail_at_the_end_is_done_before_the_first_step(trained):
    history = json.loads((trained / "run" / "metrics.json").read_text())["history"]
    first = [entry for entry in history if entry["step"] == 0]
    scored = {name for entry in first for name in entry}
    assert {"eval_loss", "eval_parsed", "eval_sigma_teff", "check_loss_loaded"} <= scored
    assert not any("loss" in entry for entry in first)
    assert [entry["step"] for entry in history if "eval_loss" in entry] == [0, 12, 24, 36]
    assert [entry["step"] for entry in history if "loss" in entry] == [10, 20, 30]


@GROUPED
def test_a_job_near_its_end_is_saved_and_requeued_once(toy, tmp_path):
    """With stand-ins for SLURM's commands; tests/slurm has the real ones."""
    programs = tmp_path / "bin"
    programs.mkdir()
    end = datetime.now() + timedelta(seconds=1)
    for name, line in (
        ("squeue", f"echo {end.isoformat(timespec='seconds')}; echo $* > {programs}/squeue.asked"),
        ("scontrol", f"echo $* >> {programs}/scontrol.asked"),
    ):
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    slurm = {"PATH": path, "SLURM_JOB_ID": "77"}
    output = finish(start(toy, tmp_path, options(toy.text, 1), **slurm))
    assert (programs / "squeue.asked").read_text().split() == [
        *("--noheader", "--jobs", "77", "--format", "%e")
    ]
    assert (programs / "scontrol.asked").read_text() == "requeue 77\n"
    assert output.count("nearly over: saving a checkpoint") == 1
    assert output.index("nearly over") < output.index("{'loss'")


@GROUPED
def test_a_training_that_diverges_ends_at_once(toy, tmp_path):
    plain = options(toy.text, 3)
    training = plain.training.model_copy(update={"learning_rate": 1e30})
    changed = plain.model_copy(update={"training": training})
    process = start(toy, tmp_path, changed)
    output, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    assert re.search(r"is nan at step \d+; lower learning_rate", output), output[-3000:]
    assert not (tmp_path / "run").exists()


def test_a_last_checkpoint_within_an_epoch_is_not_used(tmp_path):
    for step, epoch in ((6, 0.6), (13, 1.3)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        torch.save({"cpu": torch.get_rng_state()}, folder / "rng_state.pth")
        state = {"global_step": step, "max_steps": 13, "epoch": epoch}
        (folder / "trainer_state.json").write_text(json.dumps(state))
    assert last_whole_checkpoint(tmp_path, 1) == tmp_path / "checkpoint-6"
    state |= {"epoch": 2.0}
    (tmp_path / "checkpoint-13" / "trainer_state.json").write_text(json.dumps(state))
    assert last_whole_checkpoint(tmp_path, 1) == tmp_path / "checkpoint-13"


@GROUPED
def test_a_finished_training_is_not_repeated(toy, trained, tmp_path):
    shutil.copytree(trained / "workspaces", tmp_path / "workspaces")
    output = finish(start(toy, tmp_path, options(toy.text, 3)))
    assert "'loss'" not in output
    for name in OUTPUTS:
        assert (tmp_path / "run" / name).read_bytes() == (trained / "run" / name).read_bytes()


@EACH
def test_stage_2_continues_from_the_adapter_of_stage_1(toy, trained, tmp_path):
    second = make_toy(tmp_path, toy.base, toy.text, STAGE_2, counts=(64, 16), seeds=(3, 4))
    finish(start(second, tmp_path, options(toy.text, 2), "--after", trained / "run"))
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["after_sha256"] == sha256(trained / "run" / "adapter_model.safetensors")
    check_continued(trained / "run", tmp_path / "run")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["eval_parsed"] == 1
    assert {"eval_sigma_c_fe", "eval_sigma_mg_fe", "eval_sigma_ce_fe"} <= metrics.keys()

    rows = answers_by_shard(second, tmp_path / "run", tmp_path / "answers.parquet")
    for row, record in zip(rows, read_records(second.validation), strict=True):
        answer = answer_text(toy.text, Question.of(record).asked)
        values = answer.read(row["answer"]).values
        assert values == {name: row[name] for name in values}
        assert answer.read(record["answer"]).values.keys() == values.keys()
        assert answer.read(record["answer"]) == Star.of(record)
        assert all(row[label.name] is None for label in PARAMETERS)


def answers_by_shard(toy: Toy, run: Path, out: Path) -> list[dict]:
    """Predictions for the validation questions, as the rule makes them."""
    command = [
        *(sys.executable, "-m", "spectralm", "predict-llm", "--model", run, "--base", toy.base),
        *("--options", options(toy.text, 3).model_dump_json()),
        *("--text", toy.text.model_dump_json()),
        *(("--spectra", toy.shards[1]) if toy.shards else ()),
        *("--questions", toy.validation, "--workspaces", out.parent / "workspaces", "--out", out),
    ]
    said = finish(started(command))
    # Only the log of the code itself, no progress bars or warnings of libraries.
    assert all(re.match(r"\d{4}-\d\d-\d\d .* INFO ", line) for line in said.splitlines()), said
    return pq.read_table(out).to_pylist()


@EACH
def test_answers_by_shard(toy, trained, tmp_path):
    rows = answers_by_shard(toy, trained / "run", tmp_path / "answers.parquet")
    assert [row["obsid"] for row in rows] == [row["obsid"] for row in read_records(toy.validation)]
    answers = answer_text(toy.text)
    for row in rows:
        star = answers.read(row["answer"])
        assert row["status"] == "parsed"
        assert row["class"] == star.spectral_class
        assert {name: row[name] for name in star.values} == star.values


@EACH
def test_errors_cover_68_percent(toy, trained, tmp_path):
    """With the stars of the calibration itself; the tests of the factor use other stars."""
    run = shutil.copytree(trained / "run", tmp_path / "run")
    assert not any(row["teff_err"] for row in answers_by_shard(toy, run, tmp_path / "without"))
    # So short a training gives the same digits to all stars, but not the same distribution.
    reading = GenerationOptions(batch_size=4, reading="expected")
    model = options(toy.text, 3).model_copy(update={"generation": reading})
    common = ["--base", str(toy.base), "--options", model.model_dump_json()]
    common += ["--text", toy.text.model_dump_json(), "--model", str(run)]
    common += ["--questions", str(toy.train)]
    common += ["--spectra", str(toy.shards[0])] if toy.shards else []
    assert main(["calibrate-llm", *common, "--out", str(run / "calibration.json")]) == 0
    out = tmp_path / "with.parquet"
    given = ["--workspaces", str(tmp_path / "workspaces"), "--out", str(out)]
    assert main(["predict-llm", *common, *given]) == 0
    truth = list(read_records(toy.train))
    for label in PARAMETERS:
        within = [
            abs(row[label.name] - record["labels"][label.name]) <= row[f"{label.name}_err"]
            for row, record in zip(pq.read_table(out).to_pylist(), truth, strict=True)
        ]
        assert 0.55 < np.mean(within) < 0.8


def reader(toy: Toy, model: PeftModel, reading: str) -> Reader:
    tokenizer = load_tokenizer(str(toy.base))
    return Reader(model, tokenizer, toy.text, 4096, 4, reading, spectra=toy.store())


@BOTH
def test_expected_values_lie_between_the_numbers(toy, trained):
    read_in = options(toy.text, 3).read_in
    model = load_adapter(base_on_cpu(toy.base, quantise=True), trained / "run", read_in)
    questions = questions_of(toy.validation)
    greedy = list(reader(toy, model, "greedy").replies(questions))
    expected = list(reader(toy, model, "expected").replies(questions))
    assert [reply.text for reply in greedy] == [reply.text for reply in expected]
    for name, step in (("teff", 12.0), ("logg", 0.01), ("feh", 0.01)):
        values = torch.tensor([reply.star.values[name] for reply in expected]) / step
        assert (values - values.round()).abs().max() > 1e-3
        assert values.std() > 0


@pytest.mark.parametrize("toy", ["soft"], indirect=True)
def test_the_lines_of_the_manual_load_an_adapter_with_soft_tokens(
    toy, trained, tmp_path, monkeypatch, repository
):
    code = re.search(
        r"```python\n(.*?)```", (repository / "docs" / "soft_tokens.md").read_text(), re.S
    )[1]
    results = tmp_path / "results"
    places = re.findall(r"results/([^\"]+)", code)
    for place, path in zip(places, (trained / "run", toy.validation, toy.shards[1]), strict=True):
        (results / place).parent.mkdir(parents=True)
        (results / place).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    made: dict = {}
    exec(code, made)  # the test is that a reader can
    read_in = options(toy.text, 3).read_in
    ours = load_adapter(base_on_cpu(toy.base), trained / "run", read_in)
    spectra = torch.from_numpy(toy.store()[made["record"]["obsid"]][None])
    ids = torch.tensor([made["ids"]])
    ours.soft_tokens.give(spectra)
    assert made["answer"].equal(ours.generate(input_ids=ids, do_sample=False, max_new_tokens=32))
    with torch.inference_mode():
        told, expected = (model(ids, spectra=spectra).logits for model in (made["model"], ours))
        other = ours(ids, spectra=spectra.flip(-1)).logits
    torch.testing.assert_close(told, expected)
    assert (told - other).abs().max() > 0.01


def test_a_small_model_learns_from_soft_tokens(base, tmp_path):
    """Trained as in the demo, with its embeddings and the last layer at the answer alone."""
    toy = make_toy(tmp_path, base, TEXTS["soft"], counts=(384, 32))
    given = options(toy.text, 15).model_dump() | {"quantise": False}
    given["generation"] = {"reading": "expected"}
    given["training"] |= {"batch_size": 8, "accumulation": 1, "evaluation_spectra": 32}
    given["training"] |= {"answer_only_layer": True, "gradient_checkpointing": False}
    given["training"]["soft_targets"] = {"teff": 200.0, "logg": 0.2, "feh": 0.2, "x_fe": 0.1}
    given["lora"] |= {"train_embeddings": True, "dropout": 0.0}
    finish(start(toy, tmp_path, LlmOptions.model_validate(given)))
    run = tmp_path / "run"
    metrics = json.loads((run / "metrics.json").read_text())
    first = next(entry for entry in metrics["history"] if "eval_sigma_teff" in entry)
    assert metrics["eval_sigma_teff"] < 0.7 * first["eval_sigma_teff"]
    assert metrics["check_loss_loaded"] == pytest.approx(metrics["check_loss"], rel=1e-4)
    weights = load_file(run / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert {"embed_tokens", "read_in"} <= {part for name in weights for part in name.split(".")}


def test_an_untrained_adapter_is_refused(toy, trained, tmp_path):
    weights = load_file(trained / "run" / "adapter_model.safetensors")
    name = next(key for key in weights if "lora_B" in key)
    save_file({**weights, name: weights[name] * 0}, tmp_path / "adapter_model.safetensors")
    check_weights(tmp_path, trained=False)
    with pytest.raises(SpectraLMError, match="lora_B"):
        check_weights(tmp_path, trained=True)


def test_a_small_change_of_the_loss_is_a_warning_and_a_large_one_an_error(tmp_path, caplog):
    compare_losses(tmp_path, 2.0, 2.01)
    assert not caplog.records
    compare_losses(tmp_path, 2.0, 2.1)
    assert "2.0000 before saving but 2.1000 after loading" in caplog.text
    for other in (2.5, math.nan):
        with pytest.raises(SpectraLMError, match="after loading"):
            compare_losses(tmp_path, 2.0, other)
