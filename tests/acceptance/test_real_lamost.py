"""Real LAMOST files, of seven releases, through the whole DAG with the tiny model."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from workflow.experiment import Experiment

from spectralm.files import read_parquet

pytestmark = pytest.mark.slow

#: Catalogues with labels for spectra of the folder.
CATALOGUES = (
    "lamost_dr10_gcbellys/type_A_params.csv",
    "lamost_dr10_gcbellys/type_F_params.csv",
    "lamost_dr10_gcbellys/type_G_params.csv",
    "lamost_learninglamost/my_data3_rows_for_these_spectra.csv",
)


@pytest.fixture(scope="module")
def experiment(real: Path, repository: Path, tmp_path_factory) -> Experiment:
    """config/lamost_folder.yaml on the real files, with a shorter training."""
    overlay = yaml.safe_load((repository / "config" / "lamost_folder.yaml").read_text())
    catalogues = [str(real / name) for name in CATALOGUES]
    overlay["surveys"] = {"lamost": {"spectra": [str(real)], "catalogues": catalogues}}
    overlay["models"]["tiny"]["training"] |= {"epochs": 1.0, "evaluations": 1, "checkpoints": 1}
    overlay["spectra"] = {"step": 20.0}
    made = Experiment.make(tmp_path_factory.mktemp("real"), repository, overlay)
    made.run()
    return made


def rows(experiment: Experiment, pattern: str) -> list[dict]:
    """All rows of the Parquet files of a pattern below results."""
    paths = sorted((experiment.folder / "results").glob(pattern))
    return [row for path in paths for row in read_parquet(path).to_pylist()]


def test_every_file_is_in_a_shard_or_in_rejects_with_a_reason(experiment, real):
    files = {row["path"] for row in rows(experiment, "catalogues/files.parquet")}
    sample = {row["obsid"]: row["path"] for row in rows(experiment, "samples/lamost/0*.parquet")}
    spectra = [row["obsid"] for row in rows(experiment, "spectra/lamost/0000.parquet")]
    rejects = [
        row
        for pattern in ("catalogues/*.rejects.parquet", "spectra/lamost/*.rejects.parquet")
        for row in rows(experiment, pattern)
        if row["path"] is not None
    ]
    kept = [sample[obsid] for obsid in spectra]
    assert sorted([*kept, *(row["path"] for row in rejects)]) == sorted(files)
    assert all(row["reason"] and row["detail"] for row in rejects)
    assert len(kept) >= 500
    reasons = {Path(row["path"]).name: row["reason"] for row in rejects}
    assert reasons["med-58025-HIP9645901_sp02-051.fits.gz"] == "LAMOST medium-resolution file"
    assert reasons["spec-0266-51602-0031.fits"] == "not a LAMOST file name"


def test_each_model_answers_every_test_spectrum(experiment):
    sample = rows(experiment, "samples/lamost/0000.parquet")
    spectra = {row["obsid"] for row in rows(experiment, "spectra/lamost/0000.parquet")}
    test = {row["obsid"] for row in sample if row["split"] == "test"} & spectra
    for run in ("tiny", "ridge", "class_mean"):
        answers = rows(experiment, f"predictions/{run}-lamost-1000/lamost/*.parquet")
        assert sorted(row["obsid"] for row in answers) == sorted(test)
        assert all(row["status"] == "parsed" for row in answers)


def test_no_star_is_on_both_sides(experiment):
    sides: dict[str, set[str]] = {}
    for row in rows(experiment, "samples/lamost/0000.parquet"):
        sides.setdefault(row["star_id"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in sides.values())


def test_ridge_beats_the_class_mean_on_real_metallicities(experiment):
    """Real pixels carry real information: the simplest model must find some of it."""
    spread = {}
    for run in ("ridge", "class_mean"):
        residuals = rows(experiment, f"residuals/{run}-lamost-1000/lamost.parquet")
        spread[run] = np.std([row["feh_residual"] for row in residuals])
    assert spread["ridge"] < 0.8 * spread["class_mean"]


def test_a_second_run_has_nothing_to_do(experiment):
    assert experiment.to_do() == {}
