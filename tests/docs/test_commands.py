"""Every command of the manual can be run: its program, options, files and targets exist.

A block marked ``<!-- needs: cluster|gpu|data -->`` is only checked; all others are dry runs.
Commands within a sentence may be incomplete, for example without the number of cores.
"""

import json
import os
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from processes import finish, started
from snakemake.cli import parse_args

from spectralm.cli import commands as subcommands
from spectralm.cli import main

ROOT = Path(__file__).parent.parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
FENCED = re.compile(
    r"(?:<!-- needs: (?P<need>\w+) -->\s*)?^ *```(?P<language>\w*)\n(?P<lines>.*?)^ *```$",
    re.M | re.S,
)
INLINE = re.compile(r"`((?:spectralm|snakemake|make|python -m) [^`\n]+)`")
#: Patterns for several commands.
PATTERNS = ("spectralm RULE-NAME ...", "spectralm read-mine")
NEEDS = {"cluster", "gpu", "data"}
#: The user's own config in the pages, and the file that it is a copy of.
MINE = {"mine.yaml": "config/lamost_folder.yaml"}
#: Existing paths in place of a survey's files.
SURVEYS = {name: {"catalogue": "README.md"} for name in ("apogee", "galah", "gaia_eso")}
SURVEYS["lamost"] = {"spectra": ["tests"], "catalogues": ["README.md"]}


@dataclass(frozen=True)
class Command:
    """A line that a reader may type."""

    page: str
    text: str
    need: str | None
    whole: bool
    """It is in a block of its own."""

    @property
    def words(self) -> list[str]:
        """Program and arguments, with the user's config replaced by its original."""
        return [MINE.get(word, word) for word in shlex.split(self.text)]


def found() -> list[Command]:
    """All commands of all pages."""
    made = []
    for page in PAGES:
        text = page.read_text()
        for block in FENCED.finditer(text):
            if block["language"]:
                continue
            lines = [re.sub(r"\s+#.*", "", line).strip() for line in block["lines"].split("\n")]
            made += [Command(page.name, line, block["need"], True) for line in lines if line]
        inline = (one for one in INLINE.findall(FENCED.sub("", text)) if one not in PATTERNS)
        made += [Command(page.name, command, None, False) for command in inline]
    return list(dict.fromkeys(made))


COMMANDS = found()


def of(program: str) -> list[Command]:
    return [command for command in COMMANDS if command.words[0] == program]


def named(command: Command) -> str:
    return f"{command.page}: {command.text}"


def run(*command: str) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    finish(started(command, ROOT, PYTHONPATH=str(ROOT / "src"), PATH=path))


def test_the_pages_have_commands():
    assert len(COMMANDS) > 25
    assert {command.need for command in COMMANDS} <= NEEDS | {None}
    programs = {command.words[0] for command in COMMANDS if command.need is None}
    assert programs <= {"make", "snakemake", "spectralm", "source", "cp", "python"}


@pytest.mark.parametrize("command", of("cp"), ids=named)
def test_what_is_copied_is_there(command):
    _, source, copy = shlex.split(command.text)
    assert (ROOT / source).is_file()
    assert MINE[copy] == source


@pytest.mark.parametrize("command", of("source"), ids=named)
def test_the_environment_is_make_s(command):
    assert command.words == ["source", ".venv/bin/activate"]
    assert "BIN := .venv/bin" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("words", sorted({tuple(c.words) for c in of("make")}), ids=" ".join)
def test_make_knows_the_target(words):
    run("make", "--dry-run", *words[1:])


@pytest.mark.parametrize("command", of("spectralm"), ids=named)
def test_the_command_line_knows_the_options(command, capsys):
    subcommand = command.words[1]
    assert subcommand in subcommands()
    with pytest.raises(SystemExit) as stop:
        main([subcommand, "--help"])
    assert stop.value.code == 0
    known = set(re.findall(r"--[\w-]+", capsys.readouterr().out))
    assert {word for word in command.words if word.startswith("--")} <= known
    for option in ("--configfile", "--gpu"):
        if option in command.words:
            value = command.words[command.words.index(option) + 1]
            known_gpus = (ROOT / "src/spectralm/planning/gpus.csv").read_text()
            assert (ROOT / value).is_file() or f"\n{value}," in known_gpus


@pytest.mark.parametrize("command", of("snakemake"), ids=named)
def test_snakemake_knows_the_options(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    _, arguments = parse_args(command.words[1:])
    assert all(Path(file).is_file() for file in arguments.configfile or ())
    if command.whole:
        # A command that readers copy must limit the cores it uses.
        assert arguments.cores or arguments.profile or arguments.dryrun


def targets() -> dict[tuple[str, ...], list[str]]:
    """Targets of Snakemake by the config files they are used with; "all" is the default."""
    asked: dict[tuple[str, ...], list[str]] = {}
    for command in of("snakemake"):
        _, arguments = parse_args(command.words[1:])
        if arguments.unlock or "slurm" in command.words:  # tests/slurm/test_profile.py
            continue
        configs = tuple(map(str, arguments.configfile or ()))  # a profile's, too
        asked.setdefault(configs, []).extend(arguments.targets or ["all"])
    return asked


@pytest.mark.parametrize("configs", targets(), ids=" ".join)
def test_snakemake_plans_the_targets(configs, tmp_path):
    surveys = [] if configs == ("config/demo.yaml",) else [f"surveys={json.dumps(SURVEYS)}"]
    given = ["--configfile", *configs] if configs else []
    given += ["--config", *surveys] if surveys else []
    run("snakemake", *sorted(set(targets()[configs])), "--dry-run", "--quiet", "all", *given)
