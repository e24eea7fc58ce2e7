import json

import pytest

from spectralm import __version__
from spectralm.provenance import Clock, provenance, workspace_key


def test_a_workspace_is_named_by_all_facts():
    facts = {"options": {"epochs": 3}, "sha256": "ab"}
    assert workspace_key(facts) == workspace_key(dict(reversed(facts.items())))
    assert workspace_key(facts) != workspace_key(facts | {"options": {"epochs": 4}})
    assert workspace_key(facts).isalnum()


def test_a_clock_goes_on_from_what_was_kept(tmp_path):
    file = tmp_path / "clock.json"
    file.write_text(json.dumps({"seconds": 100.0, "cpu_seconds": 50.0}))
    clock = Clock(file)
    sum(range(100_000))
    read = clock.read()
    assert 100 < read["seconds"] < 200
    assert 50 < read["cpu_seconds"] < 100
    clock.keep()
    assert Clock(file).read()["seconds"] >= read["seconds"]


def test_a_new_clock_starts_at_nothing(tmp_path):
    assert Clock(tmp_path / "clock.json").read()["seconds"] == pytest.approx(0, abs=5)


def test_versions_and_commit():
    facts = provenance(["numpy"])
    assert facts["versions"].keys() == {"spectralm", "numpy"}
    assert facts["versions"]["spectralm"] == __version__
    assert facts["git_commit"] is None or len(facts["git_commit"]) == 40
