"""The pages on adding a survey, an element and a table, followed on a copy of the code."""

import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from surveys.test_survey_readers import apogee_columns
from workflow.experiment import Experiment, make_sky

pytestmark = pytest.mark.slow

#: A path, alone or at the end of a sentence, and the block below it. A block without a path belongs
#: to the file of the block before it.
STEP = re.compile(
    r"(?:`(?P<path>[\w/]+(?:\.\w+)?)`[^`]*?\n\n)?```(?P<kind>python|diff)\n(?P<text>.*?)```",
    re.DOTALL,
)


def follow(page: Path, folder: Path) -> int:
    """Apply a page's changes to the code in a folder; returns their number."""
    path, steps = None, 0
    for step in STEP.finditer(page.read_text()):
        path = folder / step["path"] if step["path"] else path
        if step["kind"] == "python":
            assert not path.exists()
            path.write_text(step["text"])
        else:
            patch(path, step["text"].splitlines())
        steps += 1
    return steps


def patch(path: Path, lines: list[str]) -> None:
    old, new = ("\n".join(line[1:] for line in lines if line[0] in s) for s in (" -", " +"))
    text = path.read_text()
    assert text.count(f"{old}\n") == 1, f"{path} does not contain exactly once {old!r}"
    path.write_text(text.replace(old, new))


def toy(surveys: dict) -> dict:
    """The config of ridge regression on a toy sky, with more surveys than LAMOST."""
    lamost = {"spectra": ["spectra"], "catalogues": ["catalogue.csv"]}
    return {
        "surveys": {"lamost": lamost} | surveys,
        "samples": {"shard_size": 20},
        "spectra": {"step": 50.0},
        "models": {"ridge": {"kind": "ridge"}},
        "experiment": [{"models": ["ridge"], "scales": [20]}],
    }


@pytest.fixture(scope="module")
def judged(repository, tmp_path_factory) -> Experiment:
    """An experiment on a toy sky with the page's survey, which has ten of its stars."""
    folder = tmp_path_factory.mktemp("survey")
    make_sky(folder, per_class=4)
    stars = [
        f"star{i},{10 + 0.1 * i:.4f},20.0,{20 + 10 * i},5000,4.0,-0.5,0.1,0" for i in range(10)
    ]
    lines = ["name,ra,dec,snr,teff,logg,fe_h,mg_fe,flag_mg", *stars]
    (folder / "my_stars.csv").write_text("\n".join(lines) + "\n")
    made = Experiment.make(folder, repository, toy({"mine": {"catalogue": "my_stars.csv"}}))
    assert follow(repository / "docs" / "adding_a_survey.md", folder) == 13
    made.run("catalogues")
    return made


def test_the_new_surveys_stars_are_found(judged):
    found = pq.read_table(judged.folder / "results" / "catalogues" / "mine.parquet")
    assert sorted(found["survey_id"].to_pylist()) == [f"star{i}" for i in range(1, 10)]
    assert set(found["mg_fe"].to_pylist()) == {0.1}
    rejects = pq.read_table(judged.folder / "results" / "catalogues" / "mine.stars.rejects.parquet")
    assert rejects["reason"].to_pylist() == ["S/N too low"]


def test_the_new_survey_judges(judged):
    jobs = judged.to_do("tables")
    assert jobs["tabulate_external_parameters"] == 1
    assert jobs["tabulate_rejects"] == 2


def test_a_new_table_and_a_new_figure_are_made(repository, tmp_path):
    make_sky(tmp_path, per_class=4)
    made = Experiment.make(tmp_path, repository, toy({}))
    assert follow(repository / "docs" / "adding_a_table.md", tmp_path) == 4
    made.run("tables", "figures", "results/report/index.html")
    results = tmp_path / "results"
    written = (results / "tables" / "unparsed-lamost-20.csv").read_text()
    assert written == "run,spectra,unparsed\nridge-lamost-20,3,0\n"
    assert "of models of 20 spectra" in (results / "tables" / "unparsed-lamost-20.md").read_text()
    assert (results / "figures" / "classes-ridge-lamost-20.pdf").is_file()
    page = (results / "report" / "index.html").read_text()
    assert "Unparsed answers" in page
    assert "Number of test spectra of each class." in page


def test_the_new_element_is_read(repository, tmp_path):
    made = Experiment.make(tmp_path, repository, {"surveys": {}, "samples": {"shard_size": 5}})
    assert follow(repository / "docs" / "adding_an_element.md", tmp_path) == 4
    columns = apogee_columns()
    flag = np.zeros(len(columns["RA"]), "i4")
    columns |= {"ND_FE": np.full(len(flag), 0.25, "f4"), "ND_FE_FLAG": flag}
    Table(columns).write(tmp_path / "allStar.fits")
    out = {name: str(tmp_path / f"{name}.parquet") for name in ("out", "rejects", "cuts")}
    given = [word for name, path in out.items() for word in (f"--{name}", path)]
    done = made.command("read-apogee", "--catalogue", str(tmp_path / "allStar.fits"), *given)
    assert done.returncode == 0, done.stdout
    assert pq.read_table(out["out"])["nd_fe"].to_pylist() == [0.25] * len(flag)
