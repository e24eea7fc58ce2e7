"""Which tables and figures there are follows from the surveys and the runs of the config."""

import pytest
from workflow.experiment import Experiment

pytestmark = pytest.mark.slow

TINY = {"kind": "llm", "base": "tiny", "text": "compact"}
STAGE_1 = {"dataset": "lamost", "models": ["tiny", "ridge"], "scales": [20, 40]}
STAGE_2 = {"dataset": "apogee", "models": ["second", "ridge"], "scales": [20, 40]}
ALL = {"apogee": {"catalogue": "apogee.fits"}, "galah": {"catalogue": "galah.fits"}}


def to_do(folder, repository, surveys, grids) -> dict[str, int]:
    """Jobs per rule that make all tables and figures of an experiment."""
    (folder / "spectra").mkdir()
    for name in ("catalogue.csv", "apogee.fits", "galah.fits"):
        (folder / name).touch()
    lamost = {"spectra": ["spectra"], "catalogues": ["catalogue.csv"]}
    config = {
        "surveys": {"lamost": lamost} | surveys,
        "samples": {"shard_size": 20, "external": 60},
        "models": {"tiny": TINY, "second": {**TINY, "after": "tiny-lamost-40"}},
        "experiment": grids,
    }
    return Experiment.make(folder, repository, config).to_do("tables", "figures")


def test_stage_2_and_an_external_survey(tmp_path, repository):
    jobs = to_do(tmp_path, repository, ALL, [STAGE_1, STAGE_2])
    assert jobs["tabulate_labels"] == jobs["tabulate_apogee"] == jobs["tabulate_abundances"] == 1
    assert jobs["tabulate_external_parameters"] == jobs["tabulate_external_abundances"] == 1
    assert jobs["tabulate_rejects"] == 3
    # GALAH judges the runs of the larger scales; those of language models are drawn.
    assert jobs["plot_external"] == 2
    assert jobs["plot_llm"] == jobs["plot_baseline"] == jobs["plot_llm_abundances"] == 2
    # Of stage 1 each run's own, of stage 2 only the larger scale's and those drawn, and GALAH's.
    assert jobs["compute_residuals"] == 4 + 3 + 4
    assert jobs["predict_llm"] == (1 + 2) + (1 + 2) + 2 * 3


@pytest.mark.parametrize(
    ("surveys", "grids", "external"),
    [
        ({}, [STAGE_1], 0),
        ({"galah": ALL["galah"]}, [STAGE_1], 1),
        ({"apogee": ALL["apogee"]}, [STAGE_1, STAGE_2], 0),
    ],
)
def test_what_is_not_there_is_not_asked_for(tmp_path, repository, surveys, grids, external):
    jobs = to_do(tmp_path, repository, surveys, grids)
    tables = jobs.get("tabulate_external_parameters", 0)
    assert tables == jobs.get("plot_external", 0) == external
    assert ("tabulate_apogee" in jobs) == ("read_apogee" in jobs) == (STAGE_2 in grids)
    assert ("read_galah" in jobs) == bool(external)


def test_stage_2_without_runs_of_stage_1(tmp_path, repository):
    baseline = {"dataset": "apogee", "models": ["ridge"], "scales": [20]}
    jobs = to_do(tmp_path, repository, {"apogee": ALL["apogee"]}, [baseline])
    assert jobs["tabulate_apogee"] == jobs["tabulate_abundances"] == 1
    assert not {"tabulate_llm", "tabulate_all_models", "train_llm"} & jobs.keys()
