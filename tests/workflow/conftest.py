"""One experiment, run once to its end; tests then ask what would run again."""

from pathlib import Path

import pytest
from workflow.experiment import Experiment, make_sky

MODEL = {
    "kind": "llm",
    "base": "tiny",
    "text": "compact",
    "lora": {"rank": 4, "alpha": 8},
    "training": {
        "epochs": 2.0,
        "learning_rate": 0.002,
        "batch_size": 4,
        "accumulation": 1,
        "evaluations": 1,
        "evaluation_spectra": 2,
        "checkpoints": 1,
    },
    "generation": {"batch_size": 4},
}


@pytest.fixture(scope="session")
def experiment(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """Sixty stars through every rule, at one scale."""
    folder = tmp_path_factory.mktemp("experiment")
    make_sky(folder, per_class=12)
    config = {
        "surveys": {"lamost": {"spectra": ["spectra"], "catalogues": ["catalogue.csv"]}},
        "samples": {"shard_size": 20, "validation_fraction": 0.3},
        "spectra": {"step": 50.0},
        "tiny": {"hidden": 64, "layers": 1, "heads": 4, "mlp": 64},
        "models": {"tiny": MODEL},
        "experiment": [{"models": ["tiny", "ridge", "class_mean"], "scales": [20]}],
        "evaluation": {"resamples": 50, "published": {"LLM": ["tiny"]}},
    }
    made = Experiment.make(folder, repository, config)
    made.run()
    return made
