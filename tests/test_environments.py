import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ENVIRONMENTS = ("astro", "llm", "baselines", "plots")


#: Version and hashes of each package.
Pins = dict[str, tuple[str, set[str]]]


def pins(lines: list[str]) -> Pins:
    """Read lines such as `numpy==2.4.6 ; MARKER --hash=sha256:...`."""
    found = {}
    for line in lines:
        pin = re.match(r"([\w.-]+)==([^ ;]+)", line)
        assert pin, line
        found[pin[1]] = (pin[2], set(re.findall(r"--hash=(sha256:[0-9a-f]{64})\b", line)))
    return found


def conda_pins(repository: Path, name: str) -> Pins:
    environment = yaml.safe_load((repository / "workflow" / "envs" / f"{name}.yaml").read_text())
    return pins(environment["dependencies"][-1]["pip"])


@pytest.fixture(scope="module")
def locked(repository) -> Pins:
    packages = tomllib.loads((repository / "uv.lock").read_text())["package"]
    return {
        package["name"]: (
            package["version"],
            {
                file["hash"]
                for file in [*package.get("wheels", []), package.get("sdist", {})]
                if file
            },
        )
        for package in packages
        if package["name"] != "spectralm"
    }


@pytest.fixture(scope="module")
def required(repository) -> Pins:
    text = (repository / "requirements.txt").read_text().replace("\\\n", "")
    return pins([line for line in text.splitlines() if not line.startswith("#")])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_conda_environments_have_the_locks_versions(repository, locked, name):
    given = conda_pins(repository, name)
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


def test_the_lock_belongs_to_pyproject(repository):
    command = [sys.executable, "-m", "uv", "lock", "--check", "--offline"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr} Run `make lock`."


def test_pip_installs_the_lock_but_torch_and_its_cuda_libraries(locked, required):
    assert required.items() <= locked.items()
    left_out = {name for name in locked if name.startswith(("cuda-", "nvidia-"))}
    assert set(locked) - set(required) == {"torch", "triton", *left_out}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_pin_has_a_hash(repository, required, name):
    for given in (conda_pins(repository, name), required):
        assert [package for package, (_, hashes) in given.items() if not hashes] == []


def test_the_lock_pins_everything_that_is_asked_for(repository, locked):
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    groups = [project["project"]["dependencies"]]
    groups += project["project"]["optional-dependencies"].values()
    groups += project["dependency-groups"].values()
    for requirement in (requirement for group in groups for requirement in group):
        package = re.match(r"[\w.-]+", requirement)[0].lower()
        assert package in locked, f"uv.lock lacks {package}"
    assert locked["torch"][0] == "2.13.0"
