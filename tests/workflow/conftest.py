"""One experiment, run once to its end; tests then ask what would run again."""

from pathlib import Path

import pytest
from workflow.experiment import Experiment, make_apogee, make_sky

from spectralm.labels.vocabulary import SPECIES

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


@pytest.fixture(scope="session")
def second_stage(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """Thirty stars, of which APOGEE has 27, through both stages; copper and cerium are left out."""
    folder = tmp_path_factory.mktemp("second_stage")
    make_sky(folder, per_class=6)
    make_apogee(folder, stars=30)
    lamost = {"spectra": ["spectra"], "catalogues": ["catalogue.csv"]}
    config = {
        "surveys": {"lamost": lamost, "apogee": {"catalogue": "allStar.fits"}},
        "samples": {"shard_size": 100, "validation_fraction": 0.3},
        "spectra": {"step": 50.0},
        "elements": [species for species in SPECIES if species not in ("CU", "CE")],
        "tiny": {"hidden": 64, "layers": 1, "heads": 4, "mlp": 64},
        "models": {"tiny": MODEL, "second": MODEL | {"after": "tiny-lamost-100"}},
        "experiment": [
            {"models": ["tiny"], "scales": [100]},
            {"dataset": "apogee", "models": ["second"], "scales": [100]},
        ],
        "evaluation": {"resamples": 50, "published": {"LLM": ["tiny", "second"]}},
    }
    made = Experiment.make(folder, repository, config)
    made.run()
    return made
