"""`make smoke-gpu` on machines without a GPU: a toy run, and its messages."""

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from llm.trainings import workers_of

from spectralm.config import check
from spectralm.files import read_parquet
from spectralm.planning.architecture import architecture
from spectralm.planning.gpus import gpu_named

pytestmark = pytest.mark.slow

STEPS = 6
BASE = "meta-llama/Llama-3.1-8B-Instruct"
ROWS = ["seconds a step", "tokens a second", "share of peak", "GiB per GPU", "seconds an answer"]


@pytest.fixture(scope="module")
def smoke_gpu(repository):
    """The script as a module."""
    path = repository / "bench" / "smoke_gpu.py"
    spec = importlib.util.spec_from_file_location("smoke_gpu", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["smoke_gpu"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["smoke_gpu"]


def run(repository: Path, *options: object, **environment: str) -> subprocess.CompletedProcess:
    """Run the script as `make` does."""
    return subprocess.run(
        [sys.executable, str(repository / "bench" / "smoke_gpu.py"), *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


def cells(lines: list[str]) -> dict[str, list[str]]:
    """The rows of a Markdown table, by their first cell."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    return {name: others for name, *others in rows}


def number(cell: str) -> float:
    """The number in a cell."""
    return float(cell.replace(",", ""))


@pytest.fixture(scope="module")
def toy(repository, tmp_path_factory) -> tuple[Path, str]:
    """The folder and the output of the toy run."""
    folder = tmp_path_factory.mktemp("smoke") / "kept"
    done = run(repository, "--toy", "--steps", STEPS, "--folder", folder)
    assert done.returncode == 0, done.stderr[-5000:]
    return folder, done.stdout


def test_a_training_is_killed_and_resumed_to_its_end(toy):
    folder, said = toy
    assert "from the beginning" in (folder / "train.log").read_text()
    assert "train_runtime" not in (folder / "train.log").read_text()
    assert f"checkpoint-{STEPS // 2}\n" in (folder / "resumed.log").read_text()
    assert f"resume from step {STEPS // 2}, until the last step: " in said
    assert json.loads((folder / "run" / "manifest.json").read_text())["steps"] == STEPS
    metrics = json.loads((folder / "run" / "metrics.json").read_text())
    # The loss of a random base.
    assert metrics["eval_loss"] == pytest.approx(math.log(2048), rel=0.1)
    assert metrics["check_loss_loaded"] == pytest.approx(metrics["check_loss"], rel=0.01)
    assert f"of the saved adapter {metrics['check_loss_loaded']:.4f}" in said


def test_ten_are_predicted_with_errors(toy):
    folder, said = toy
    assert "10 of 10 answers parsed" in said
    rows = read_parquet(folder / "predictions.parquet").to_pylist()
    first = rows[0]["obsid"]
    assert [row["obsid"] for row in rows] == list(range(first, first + 10))
    assert {row["status"] for row in rows} == {"parsed"}
    assert all(row["teff_err"] >= 0 for row in rows)


def test_every_stage_and_a_table_are_printed(toy):
    folder, said = toy
    lines = said.splitlines()
    stages = [line.split(",")[0].split(":")[0] for line in lines if line.endswith(" s")]
    assert stages == [
        "make the base and the questions",
        *("load", "steps until the checkpoint"),
        *("load again", f"resume from step {STEPS // 2}", "evaluate"),
        *("load", "load"),
    ]
    table = cells(lines)
    assert [name for name in table if name in ROWS] == ROWS
    metrics = json.loads((folder / "run" / "metrics.json").read_text())
    measured = {name: table[name][0] for name in ROWS}
    seconds, speed = (number(measured[name]) for name in ROWS[:2])
    assert seconds == pytest.approx(metrics["step_seconds"], rel=0.01)
    # Sixteen questions of forty pixels, five tokens each, with the words around.
    assert 16 * 40 * 5 < speed * seconds < 16 * 400
    assert measured["GiB per GPU"] == "-"
    assert f"{STEPS} steps of 16 questions" in said
    assert "only that it runs" in lines[-1]


def test_soft_tokens_run_through_all_stages(repository):
    done = run(repository, "--toy", "--text", "soft", "--steps", 2)
    assert done.returncode == 0, done.stderr[-5000:]
    assert "10 of 10 answers parsed" in done.stdout
    assert "2 steps of 128 questions" in done.stdout


def test_no_process_is_left(toy):
    folder, _ = toy
    assert workers_of(folder) == []


def test_the_end_of_a_failed_stages_log_is_shown(repository):
    done = run(repository, "--toy", ACCELERATE_TORCH_DEVICE="nowhere")
    assert done.returncode == 1
    assert "device string: nowhere" in done.stderr
    assert "FAILED: load, and evaluate before the first step." in done.stderr
    assert "steps until the checkpoint" not in done.stdout


def test_a_folder_that_is_not_empty_is_refused(repository, tmp_path):
    (tmp_path / "mine").touch()
    done = run(repository, "--toy", "--folder", tmp_path)
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_prints_a_message_and_succeeds(repository):
    done = run(repository)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "No GPU" in done.stdout


@pytest.mark.parametrize(
    ("text", "model", "processes", "zero3"),
    [
        ("paper", "llm", 8, True),
        ("paper", "llm", 1, False),
        ("compact", "llm_compact", 2, False),
        ("soft", "llm_soft", 2, False),
    ],
)
def test_the_recipe_is_the_configs(smoke_gpu, repository, tmp_path, text, model, processes, zero3):
    smoke = smoke_gpu.smoke_of(tmp_path, text, processes, 20, toy=False)
    config = check(yaml.safe_load((repository / "config" / "config.yaml").read_text()))
    shipped = config.llms[model]
    one_epoch = {"training": shipped.training.model_copy(update={"epochs": 1.0})}
    expected = shipped.model_copy(update=one_epoch).weight_options()
    assert smoke.options.weight_options() == expected
    assert smoke.options.training.zero3 == zero3
    assert smoke.options.generation == shipped.generation
    kept = ("batch_size", "gradient_checkpointing", "evaluation_batch_size")
    for name in kept:
        assert getattr(smoke.options.training, name) == getattr(shipped.training, name)
    assert smoke.grid.size == 4901


def test_the_table_tells_what_is_reached_of_the_plan(smoke_gpu, tmp_path):
    smoke = smoke_gpu.smoke_of(tmp_path, "paper", 8, 20, toy=False)
    base, gpu = architecture(BASE), gpu_named("H100")

    def table(gpu, seconds):
        metrics = {"step_seconds": seconds, "gpu_gib": 25.04}
        rows = smoke_gpu.compared(smoke, base, gpu, metrics, answered=2.5)
        return {name: cells for name, *cells in rows}

    best, worst = map(number, table(gpu, 1.0)["seconds a step"][1].split(" to "))
    assert worst == pytest.approx(2 * best, rel=0.01)
    made = table(gpu, 2 * best)
    assert made["seconds a step"][0] == f"{2 * best:.3g}"
    assert float(made["share of peak"][0].rstrip("%")) == pytest.approx(20, rel=0.01)
    assert made["share of peak"][1] == "40% to 20%"
    speed, planned = made["tokens a second"]
    assert number(speed) == pytest.approx(number(planned.split(" to ")[1]), rel=0.01)
    assert made["GiB per GPU"][0] == "25"
    assert made["seconds an answer"][0] == "2.5"

    unknown = table(None, 2.0)
    assert unknown["share of peak"][0] == unknown["seconds a step"][1] == "-"
    assert unknown["GiB per GPU"] == made["GiB per GPU"]


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 PCIe", "H100-PCIe"),
        ("NVIDIA A100-SXM4-80GB", "A100-80"),
        ("NVIDIA A100-PCIE-40GB", "A100-40"),
        ("NVIDIA GeForce RTX 4090", "RTX4090"),
    ],
)
def test_a_gpus_name_leads_to_its_row(smoke_gpu, device, name):
    assert smoke_gpu.gpu_like(device).name == name
