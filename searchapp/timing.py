"""How long each stage of a piece of work takes, for those who want to know where the time goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Wall time by stage, of one thread; a stage within another interrupts it, so that the sum is
    the whole.
    """

    def __init__(self) -> None:
        self.taken_s: dict[str, float] = {}  # by stage, in the order in which they first began
        self._running: list[str] = []
        self._since_s = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of the block as this stage's, but for the stages within it."""
        self._charge()
        self.taken_s.setdefault(name, 0.0)
        self._running.append(name)
        try:
            yield
        finally:
            self._charge()
            self._running.pop()

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._running:
            self.taken_s[self._running[-1]] += now - self._since_s
        self._since_s = now
