"""Progress on a real terminal and in a log."""

import os
import pty
import subprocess
import sys
import termios

import pytest

from spectralm import progress as module
from spectralm.progress import Progress, progress

COUNT = """
import logging, sys
from spectralm import progress
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
progress.INTERVAL = {interval}
for _ in progress.progress(range(5), 5, "spectra"):
    pass
"""


def on_terminal(code: str) -> str:
    """What a program writes to a terminal."""
    parent, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    subprocess.run([sys.executable, "-c", code], stderr=terminal, check=True)
    os.close(terminal)
    output = b""
    try:
        while block := os.read(parent, 4096):
            output += block
    except OSError:  # the other end is closed
        pass
    return output.decode()


def in_log(code: str) -> str:
    """What a program writes if there is no terminal."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stderr


def test_a_terminal_gets_a_bar_and_no_lines():
    output = on_terminal(COUNT.format(interval=0))
    assert "| 0/5 [" in output
    assert "INFO" not in output


def test_a_log_gets_a_line_a_minute_and_no_bar():
    assert in_log(COUNT.format(interval=60)) == ""
    lines = in_log(COUNT.format(interval=0)).splitlines()
    assert len(lines) == 5
    assert "2 of 5 spectra, 0 min left" in lines[1]
    assert not any("|" in line for line in lines)


def test_all_items_are_yielded():
    assert list(progress(iter("abc"), 3, "letters")) == ["a", "b", "c"]


def test_time_left_counts_from_where_a_resumed_step_began(caplog, monkeypatch):
    now = iter([0.0, 120.0, 150.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    caplog.set_level("INFO")
    shown = Progress(100, "steps", first=80)
    shown.show(90)
    shown.show(91)
    assert caplog.messages == ["90 of 100 steps, 2 min left"]


def test_an_error_in_a_step_is_raised():
    with pytest.raises(ZeroDivisionError):
        sum(1 / number for number in progress(range(3), 3, "steps"))
