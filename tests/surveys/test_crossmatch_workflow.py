"""The rules of other surveys: keys in the manual, a run, and what runs again."""

import numpy as np
import pytest
import yaml
from astropy.table import Table
from workflow.experiment import Experiment, make_sky

from spectralm.config import Surveys
from spectralm.files import read_parquet
from spectralm.labels.vocabulary import SPECIES

pytestmark = pytest.mark.slow


def test_the_manual_names_every_key_with_its_default(repository):
    surveys = yaml.safe_load((repository / "config" / "config.yaml").read_text())["surveys"]
    defaults = Surveys(lamost=surveys["lamost"]).model_dump()
    assert surveys["crossmatch"] == defaults["crossmatch"]
    for part in ("apogee", "galah", "gaia_eso"):
        assert surveys[part] | {"catalogue": None} == defaults[part]


def test_the_demo_uses_every_survey(repository):
    surveys = yaml.safe_load((repository / "config" / "demo.yaml").read_text())["surveys"]
    files = ("allStar-r12-l33.fits", "galah_dr4_allstar_240705.fits", "GES_DR5_1_V1.fits")
    found = [surveys[name]["catalogue"] for name in ("apogee", "galah", "gaia_eso")]
    assert found == [f"results/sky/{name}" for name in files]


@pytest.fixture(scope="module")
def experiment(repository, tmp_path_factory) -> Experiment:
    """Five LAMOST stars, two of which APOGEE has."""
    folder = tmp_path_factory.mktemp("crossmatch")
    make_sky(folder, per_class=1)
    columns = {name: np.zeros(2, "i8") for name in ("ASPCAPFLAG", "EXTRATARG", "GAIA_SOURCE_ID")}
    columns |= {"APOGEE_ID": np.array(["A", "B"]), "FE_H_FLAG": np.zeros(2, "i4")}
    columns |= {"RA": np.array([10.1, 10.3]), "DEC": np.array([20.0, 20.0])}
    for name in ("SNR", "TEFF", "LOGG", "FE_H", *(f"{species}_FE" for species in SPECIES)):
        columns[name] = np.full(2, 0.5, "f4")
    columns |= {f"{species}_FE_FLAG": np.zeros(2, "i4") for species in SPECIES}
    Table(columns).write(folder / "allStar.fits")
    lamost = {"spectra": ["spectra"], "catalogues": ["catalogue.csv"]}
    config = {
        "surveys": {"lamost": lamost, "apogee": {"catalogue": "allStar.fits"}},
        "samples": {"shard_size": 100},
        "experiment": [{"models": ["ridge"], "scales": [100]}],
    }
    made = Experiment.make(folder, repository, config)
    made.run("catalogues")
    return made


def test_the_catalogue_of_a_survey_is_made_and_only_what_changed_is_again(experiment):
    table = read_parquet(experiment.folder / "results" / "catalogues" / "apogee.parquet")
    assert table["survey_id"].to_pylist() == ["A", "B"]
    assert experiment.to_do("catalogues") == {}
    experiment.edit("mine.yaml", "surveys:\n", "surveys:\n  crossmatch:\n    radius_arcsec: 2.0\n")
    assert experiment.to_do("catalogues") == {"catalogues": 1, "crossmatch": 1}


def test_a_survey_without_a_catalogue_is_asked_for(experiment):
    done = experiment.snakemake("--dry-run", "results/catalogues/galah.parquet")
    assert done.returncode != 0
    assert "surveys.galah.catalogue: null; give the survey's file" in done.stdout
