"""How far a long step is: a bar on a terminal, a line a minute in a log."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

#: Seconds between two lines of a log.
EVERY = 60.0

Item = TypeVar("Item")
log = logging.getLogger(__name__)


class Progress:
    """Tells of a step of ``total`` things, the first of which may have been done earlier.

    Args:
        things: what they are, in plural, such as ``spectra``.
    """

    def __init__(self, total: int, things: str, first: int = 0):
        self._total, self._things, self._first = total, things, first
        self._start = self._told = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            self._bar = tqdm(total=total, initial=first, unit=f" {things}", leave=False)

    def to(self, done: int) -> None:
        """So many are done now."""
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
            return
        now = time.monotonic()
        if now - self._told >= EVERY:
            self._told = now
            left = (now - self._start) * (self._total - done) / max(done - self._first, 1)
            log.info("%d of %d %s, %.0f min left", done, self._total, self._things, left / 60)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


def progress(items: Iterable[Item], total: int, things: str) -> Iterator[Item]:
    """The items, ``total`` in number; one is done when the next is asked for."""
    told = Progress(total, things)
    try:
        for done, item in enumerate(items, start=1):
            yield item
            told.to(done)
    finally:
        told.close()
