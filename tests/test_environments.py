import re
import subprocess
import tomllib

import pytest
import yaml

ENVIRONMENTS = ("astro", "llm", "baselines", "plots")


def pins(lines: list[str]) -> dict[str, str]:
    return dict(line.lower().replace("_", "-").split("==") for line in lines if "==" in line)


@pytest.fixture(scope="module")
def locked(repository) -> dict[str, str]:
    return pins((repository / "requirements.lock").read_text().splitlines())


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_conda_environments_have_the_locks_versions(repository, locked, name):
    made = yaml.safe_load((repository / "workflow" / "envs" / f"{name}.yaml").read_text())
    given = pins(made["dependencies"][-1]["pip"])
    assert len(given) >= 8
    assert given.items() <= locked.items()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_conda_environments_hold_what_the_package_needs(repository, name):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"].get(name, [])]
    text = (repository / "workflow" / "envs" / f"{name}.yaml").read_text().lower()
    for requirement in needed:
        package = re.match(r"[\w.-]+", requirement)[0].lower()
        assert f"- {package}==" in text, f"{name} lacks {package}"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_conda_environments_run_the_checkout_itself(repository, name):
    """A copy of the package would stay as it was at the next `git pull`."""
    script = (repository / "workflow" / "envs" / f"{name}.post-deploy.sh").read_text()
    command = script.replace("python -m pip install", "printf '%s\\n'")
    given = subprocess.run(
        ["sh", "-c", command], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert given == ["--no-deps", "--editable", str(repository.resolve())]


def test_the_lock_pins_everything_that_is_asked_for(repository, locked):
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    groups = [project["project"]["dependencies"]]
    groups += project["project"]["optional-dependencies"].values()
    groups += project["dependency-groups"].values()
    for requirement in (requirement for group in groups for requirement in group):
        package = re.match(r"[\w.-]+", requirement)[0].lower()
        assert package in locked, f"requirements.lock lacks {package}"
    assert locked["torch"] == "2.13.0"
