"""The provenance of a result: code, versions of packages, and computing time."""

import hashlib
import json
import platform
import subprocess
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict

from spectralm.files import write_json


class Provenance(TypedDict):
    """What a result was made with."""

    git_commit: str | None
    python: str
    versions: dict[str, str]
    """Of Python packages."""


def provenance(packages: Iterable[str]) -> Provenance:
    """Versions of this package and others, and the git commit of the code, if there is one."""
    commit = subprocess.run(
        ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "git_commit": commit.stdout.strip() or None,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("spectralm", *packages)},
    }


def workspace_key(facts: Mapping[str, object]) -> str:
    """A hash of everything that determines what is trained: data, options, base and code."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


class Clock:
    """Wall-clock and CPU time of this attempt and earlier ones.

    The time between the last :meth:`keep` and an interruption is not counted, as its work is lost.
    """

    def __init__(self, file: Path):
        self._file = file
        self._earlier = json.loads(file.read_text()) if file.is_file() else {}
        self._start = self._now()

    def read(self) -> dict[str, float]:
        """``seconds`` (wall clock) and ``cpu_seconds`` (all threads of this process)."""
        return {
            name: round(now - self._start[name] + self._earlier.get(name, 0.0), 3)
            for name, now in self._now().items()
        }

    def keep(self) -> None:
        """Write the time so far, to which a later attempt adds its own."""
        write_json(self._file, self.read())

    @staticmethod
    def _now() -> dict[str, float]:
        return {"seconds": time.perf_counter(), "cpu_seconds": time.process_time()}
