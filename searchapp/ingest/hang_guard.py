"""Looks at a disk that may not answer: each is made in a thread of its own, and given up once
nothing has come of it for a minute. Knows of no folders or files.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar

from searchapp.extract.sandbox.threads import AbandonableThreads

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

T = TypeVar("T")

TIMEOUT_S = 60.0  # without a sign of life
_POLL_S = 0.2  # between looks at whether to stop


class HangGuard:
    """Makes calls that may hang, one at a time; leave it to end its thread."""

    def __init__(self, is_stopped: Callable[[], bool]) -> None:
        self._is_stopped = is_stopped
        self._threads: AbandonableThreads[Any] = AbandonableThreads(1, "look")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.close()

    def renew(self) -> None:
        """A sign of life of the call that is being made, from within it."""
        self._threads.renew(TIMEOUT_S)

    def __call__(self, work: Callable[[], T], instead: Callable[[], T]) -> T:
        """What `work` gives or raises; what `instead` gives where it hangs, or once the run is to
        stop. Work that was given up may go on, and nobody gets what comes of it.
        """

        def watched() -> T:
            with self._threads.may_hang(TIMEOUT_S, instead):
                return work()

        future = self._threads.submit(watched)
        while True:
            try:
                result: T = future.result(timeout=_POLL_S)
            except TimeoutError:
                if future.done():
                    raise
                if self._is_stopped():
                    return instead()
            except CancelledError:
                return instead()
            else:
                return result
