"""Progress of a long step: a bar on a terminal, a line per minute in a log."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

#: Seconds between two lines in a log.
INTERVAL = 60.0

Item = TypeVar("Item")
log = logging.getLogger(__name__)


class Progress:
    """Shows the progress of a step.

    Args:
        total: number of items.
        unit: what the items are, in plural, such as ``spectra``.
        first: number of items that were done before, in an interrupted attempt.
    """

    def __init__(self, total: int, unit: str, first: int = 0):
        self._total, self._unit, self._first = total, unit, first
        self._start = self._last_line = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            self._bar = tqdm(total=total, initial=first, unit=f" {unit}", leave=False)

    def show(self, done: int) -> None:
        """Show that ``done`` items are done."""
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
            return
        now = time.monotonic()
        if now - self._last_line >= INTERVAL:
            self._last_line = now
            left = (now - self._start) * (self._total - done) / max(done - self._first, 1)
            log.info("%d of %d %s, %.0f min left", done, self._total, self._unit, left / 60)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()


def progress(items: Iterable[Item], total: int, unit: str) -> Iterator[Item]:
    """Iterate over ``total`` items and show the progress."""
    shown = Progress(total, unit)
    try:
        for done, item in enumerate(items, start=1):
            yield item
            shown.show(done)
    finally:
        shown.close()
