"""Every table and figure is whole, made by the workflow, and asks manifests about models."""

import ast
import dataclasses
import inspect
import re

import pytest

from spectralm.cli import main
from spectralm.errors import InputError
from spectralm.evaluation import figures, tables
from spectralm.evaluation.elements import EXTERNAL_SURVEYS
from spectralm.evaluation.registry import find_figure, find_table, names_in

TABLES, FIGURES = names_in(tables), names_in(figures)
#: Models that do not use the spectrum.
MODELS = re.compile("class_mean|from_parameters")


@pytest.fixture(scope="module")
def made(repository):
    """Names that the workflow lists, as tables and as figures."""
    text = (repository / "workflow" / "functions" / "evaluation.smk").read_text()
    lists = {}
    for kind in ("TABLES", "FIGURES"):
        (value,) = re.findall(rf"^{kind} = (\{{.*?^\}})$", text, re.DOTALL | re.MULTILINE)
        calls = ast.parse(value, mode="eval").body.values
        lists[kind] = {name for call in calls for name in names_of(call.args[0])}
    return lists


def names_of(first):
    """Names that the first argument of an entry stands for."""
    if isinstance(first, ast.List):
        return [item.value for item in first.elts]
    return [f"table{first.value}"] if isinstance(first, ast.Constant) else EXTERNAL_SURVEYS


def parameters(function):
    """Those without a default; a partial function has one for those that it gives."""
    named = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in named if parameter.default is parameter.empty]


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_its_parts_and_a_rule(name, made):
    module = find_table(name)
    assert module.TITLE
    assert dataclasses.is_dataclass(module.Row)
    assert parameters(module.rows) == ["inputs"]
    assert parameters(module.table) == ["rows", "inputs"]
    assert name in made["TABLES"]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_its_parts_and_a_rule(name, made):
    module = find_figure(name)
    assert module.TITLE
    assert module.CAPTION
    assert parameters(module.draw) == ["inputs"]
    assert name in made["FIGURES"]


def test_the_workflow_lists_nothing_else(made):
    assert made == {"TABLES": set(TABLES), "FIGURES": set(FIGURES)}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_nothing_is_empty_or_an_error_in_words(name, tmp_path, repository):
    assert main(["tabulate", name, "--out", str(tmp_path)]) in (0, 1)
    published = map(str, (repository / "resources" / "published").glob("table*.csv"))
    given = ["--published", *published, "--scales", "40", "--out", str(tmp_path)]
    assert main(["tabulate", name, *given]) in (0, 1)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_nothing_is_an_error_in_words(name, tmp_path, capsys):
    assert main(["plot", name, "--out", str(tmp_path)]) == 1
    assert "0 given; give one" in capsys.readouterr().err


def test_unknown_names_are_refused():
    for find in (find_table, find_figure):
        with pytest.raises(InputError, match="'table99'; give one of "):
            find("table99")


def strings_outside_captions(tree):
    """Strings of a module that are not docstrings nor parts of sentences."""
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and not (" " in node.value.strip() and node.value.strip().endswith("."))
    ]


def test_nothing_is_decided_by_a_models_name(repository):
    """Manifests say which models do not use the spectrum; names stand in sentences alone."""
    for path in (repository / "src" / "spectralm" / "evaluation").rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        found = [text for text in [*strings_outside_captions(tree), *names] if MODELS.search(text)]
        assert not found, path
