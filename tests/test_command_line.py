import re
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from spectralm.cli import commands, main

#: Commands that people type; all others are run by rules.
FOR_PEOPLE = {"plan", "predict"}
#: Commands with one rule for each table or figure, such as tabulate_sample.
MANY = {"tabulate", "plot"}


def test_every_command_explains_itself(capsys):
    for command in commands():
        with pytest.raises(SystemExit) as stop:
            main([command, "--help"])
        assert stop.value.code == 0
        said = capsys.readouterr().out
        assert len(said.split("\n\n")[1]) > 20, f"{command} has no sentence of help"


def test_every_rule_has_a_command_of_its_name_and_every_other_command_is_for_people(repository):
    workflow = "".join(path.read_text() for path in (repository / "workflow").rglob("*.smk"))
    rules = set(re.findall(r"^rule (\w+):", workflow, re.MULTILINE))
    rules |= {command for command in MANY if re.search(rf'"{command}": \(', workflow)}
    targets = {"catalogues", "tables", "figures"}
    assert {rule.replace("_", "-") for rule in rules - targets} == set(commands()) - FOR_PEOPLE


def test_an_error_of_the_user_is_one_sentence_and_status_1(tmp_path, capsys):
    given = ["--sample", str(tmp_path / "no.parquet"), "--options", "{}"]
    given += ["--out", str(tmp_path / "a"), "--rejects", str(tmp_path / "b")]
    assert main(["resample-spectra", *given]) == 1
    assert "spectralm resample-spectra: error: " in capsys.readouterr().err


def test_wrong_options_name_the_key(capsys):
    with pytest.raises(SystemExit):
        main(["assign-shards", "--catalogue", "a", "--options", '{"sed": 1}', "--out", "b"])
    said = capsys.readouterr().err
    assert "--options" in said
    assert "sed" in said


def test_the_module_is_the_command(tmp_path):
    (tmp_path / "empty").mkdir()
    out = tmp_path / "files.parquet"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "spectralm", "index-spectra"),
            *("--folders", str(tmp_path / "empty"), "--out", str(out)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == out.exists()
    if out.exists():
        assert pq.read_table(out).num_rows == 0


def test_the_picture_in_the_readme_has_every_rule(repository):
    picture = (repository / "README.md").read_text().split("```mermaid")[1].split("```")[0]
    for command in set(commands()) - FOR_PEOPLE:
        assert re.search(rf"\b{command.replace('-', '_')}\b", picture), command
