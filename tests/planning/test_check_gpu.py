"""`make check-gpu` on machines without one: its steps at toy size, and what it says."""

import importlib.util
import math
import subprocess
import sys

import pytest
import torch

from spectralm.planning.architecture import Architecture
from spectralm.planning.gpus import gpu_named


@pytest.fixture
def check_gpu(repository):
    """The script as a module."""
    path = repository / "bench" / "check_gpu.py"
    spec = importlib.util.spec_from_file_location("check_gpu", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_gpu"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["check_gpu"]


def test_the_same_steps_at_toy_size_on_a_cpu(check_gpu, tmp_path):
    base = Architecture(2, 64, 4, 2, 16, 128, 500, True)
    check_gpu.save_base(base, tmp_path, "cpu")
    one, many = (check_gpu.measure(tmp_path, 500, 100, steps, "cpu") for steps in (1, 8))
    assert one.seconds > 0
    assert one.loss == pytest.approx(math.log(500), rel=0.1)
    assert many.loss < one.loss
    line = check_gpu.row(base, 100, one, gpu_named("H100"))
    assert line.startswith("| 100 | 0.0 (0.0) |")
    assert "(40%)" in line


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so_and_does_not_fail(repository):
    done = subprocess.run(
        [sys.executable, str(repository / "bench" / "check_gpu.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "No GPU" in done.stdout


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
def test_a_gpus_name_leads_to_its_row(check_gpu, device, name):
    assert check_gpu.gpu_like(device).name == name
