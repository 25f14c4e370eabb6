"""How long a test may work: processor time, so that a busy machine costs no test. One that waits for
ever is ended by pytest's own limit, which is far off.
"""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

MOST_S = 600


class WorkedTooLong(BaseException):
    """The limit is reached; nothing but a test's end catches it."""


@contextmanager
def cpu_limit(seconds: int) -> Iterator[None]:
    """Raise WorkedTooLong in the block once this process has worked for so many seconds in it, all
    its threads together. Only the main thread may call this.
    """

    def end(*_: object) -> None:
        raise WorkedTooLong(f"the test has worked for {seconds} s")

    usual, most = resource.getrlimit(resource.RLIMIT_CPU)
    before = signal.signal(signal.SIGXCPU, end)
    limit = int(time.process_time()) + 1 + seconds
    resource.setrlimit(
        resource.RLIMIT_CPU, (limit if most == resource.RLIM_INFINITY else min(limit, most), most)
    )
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (usual, most))
        signal.signal(signal.SIGXCPU, before)
