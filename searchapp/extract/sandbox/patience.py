"""How long the parent waits for a worker's answer: as long as it works and is allowed to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.working_time import said

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAST_WORKED, _LEAST_WORKED_S = 0.02, 0.2  # of the time waited: one that does less hangs
_MOST_WORKED, _MOST_WORKED_S = 1.5, 5.0  # a worker ends itself earlier


class ReaderFailed(FileFailed):
    """The reader took too long, or crashed: the file says nothing of it, and another try may end
    otherwise.
    """


class ReaderCrashed(ReaderFailed):
    """The reader ended, or had no memory left: what it read before may be to blame."""


class Patience:
    """The waiting for one answer. `work_s` gives the seconds that the worker has worked in all."""

    def __init__(self, timeout_s: float, work_s: Callable[[], float]) -> None:
        self.timeout_s = timeout_s
        self._work_s = work_s
        self._looks: list[float] = []  # what the worker had worked at each look
        self._deadline = time.monotonic() + timeout_s

    def left_ms(self) -> float:
        """Milliseconds until the worker's work is looked at."""
        return max(0.0, self._deadline - time.monotonic()) * 1000

    def renew(self) -> None:
        """Wait once more for a worker that has worked since the last look; raises ReaderFailed for
        one that hangs, or has worked too long. The first look only begins to count: most answers
        come before it, and cost nothing.
        """
        work_s = self._work_s()
        if self._looks:
            if work_s - self._looks[-1] < _LEAST_WORKED * self.timeout_s + _LEAST_WORKED_S:
                raise ReaderFailed(f"took longer than {self.timeout_s:g} s")
            if work_s - self._looks[0] > _MOST_WORKED * self.timeout_s + _MOST_WORKED_S:
                raise ReaderFailed(said(self.timeout_s))
        self._looks.append(work_s)
        self._deadline = time.monotonic() + self.timeout_s
