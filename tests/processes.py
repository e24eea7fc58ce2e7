"""Commands that tests start, wait for or kill."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path


def started(
    command: Iterable[object], cwd: Path | None = None, **environment: str
) -> subprocess.Popen:
    """Start a command in a new session, on one thread, with its output in a pipe."""
    return subprocess.Popen(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen) -> str:
    """Wait for a command to end, check that it succeeded, and return its output."""
    output, _ = process.communicate(timeout=1200)
    assert process.returncode == 0, output[-5000:]
    return output
