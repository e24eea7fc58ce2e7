"""A cluster for all tests of it, and a small experiment there beside the same one without SLURM."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm.cluster import Cluster, why_not
from slurm.runs import RUN, SHARDS
from workflow.experiment import Experiment, make_sky

#: Twenty-odd steps of two ranks, with a base that is sharded.
MODEL = {
    "kind": "llm",
    "base": "tiny",
    "text": "compact",
    "quantise": True,
    "lora": {"rank": 4, "alpha": 8},
    "training": {
        "epochs": 2.0,
        "learning_rate": 0.002,
        "batch_size": 1,
        "accumulation": 1,
        "evaluations": 0,
        "evaluation_spectra": 2,
        "checkpoints": 3,
        "processes": 2,
        "zero3": True,
    },
    "generation": {"batch_size": 4},
}

CONFIG = {
    "surveys": {"lamost": {"spectra": ["spectra"], "catalogues": ["catalogue.csv"]}},
    "samples": {"shard_size": 20, "validation_fraction": 0.3},
    "spectra": {"step": 50.0},
    "tiny": {"hidden": 64, "layers": 1, "heads": 4, "mlp": 64},
    "models": {"tiny": MODEL},
    "experiment": [{"models": ["tiny"], "scales": [40]}],
    "evaluation": {"resamples": 50, "published": {"LLM": ["tiny"]}},
}

MANIFESTS = [f"results/samples/lamost/{shard}.parquet" for shard in SHARDS]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running SLURM."""
    if reason := why_not():
        pytest.skip(f"no SLURM: {reason}")
    # Short: the paths of sockets have at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="slurm"))
    made = Cluster(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def experiment(cluster, repository, tmp_path_factory) -> Experiment:
    """Two shards' manifests, and the base of the models; what follows is the cluster's."""
    folder = tmp_path_factory.mktemp("experiment")
    make_sky(folder, per_class=12)
    made = Experiment.make(folder, repository, CONFIG)
    shutil.copytree(repository / "profiles", folder / "profiles")
    (folder / "slurm").symlink_to("profiles/slurm")
    made.edit("profiles/slurm/config.yaml", "status-checks: 10\n", "status-checks: 2\n")
    shutil.copy(repository / "tests" / "llm" / "as_on_gpus.py", folder / "src")
    made.edit("src/spectralm/__main__.py", "import sys\n", "import sys\n\nimport as_on_gpus\n")
    made.run(*MANIFESTS, "results/models/tiny_base")
    return made


@pytest.fixture(scope="session")
def reference(experiment, tmp_path_factory) -> Path:
    """The folder of the same experiment, done on this machine without an interruption."""
    folder = tmp_path_factory.mktemp("reference") / "experiment"
    shutil.copytree(experiment.folder, folder, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # sums in one order, as in Snakemake.start
        Experiment(folder).run(f"results/residuals/{RUN}/lamost.parquet")
    return folder
