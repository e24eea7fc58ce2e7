"""The jobs counted from a config alone are those of a dry run of the experiment."""

import os

import yaml
from snakemake.utils import update_config
from workflow.experiment import Experiment, make_sky

from spectralm.planning.dag import dag


def test_as_many_jobs_as_where_the_data_are(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{repository / 'src'}:{os.environ.get('PYTHONPATH', '')}")
    make_sky(tmp_path, per_class=1)
    mine = {
        "surveys": {"lamost": {"spectra": ["spectra"], "catalogues": ["catalogue.csv"]}},
        "samples": {"shard_size": 20},
        "models": {
            "words": {"kind": "llm", "base": "tiny"},
            "large": {"kind": "llm", "text": "compact"},
        },
        "experiment": [
            {"models": ["words", "ridge", "class_mean"], "scales": [20, 40]},
            {"models": ["large"], "scales": [60]},
        ],
    }
    made = Experiment.make(tmp_path, repository, mine)
    config = yaml.safe_load((tmp_path / "mine.yaml").read_text())
    config["surveys"]["lamost"] |= {"spectra": ["/not/here"], "catalogues": ["/nor/here.csv"]}
    config["models"]["large"]["base"] = "/not/here/either"
    whole = yaml.safe_load((tmp_path / "config" / "config.yaml").read_text())
    update_config(whole, config)
    planned = dag(whole, tmp_path / "Snakefile")
    assert planned.jobs == made.to_do()
    assert planned.predictions["large-lamost-60", "lamost"] == 3
    assert sum(planned.predictions.values()) == 3 * (1 + 2) + 3
