"""Call a function again when it fails for a passing reason.

The pause doubles after each failure, up to a ceiling, and is then drawn at random between zero and
that value ("full jitter"). Without the randomness all clients of a server that has just recovered
would come back in the same instant and knock it over once more.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def retry(
    action: Callable[[], Result],
    *,
    on: tuple[type[Exception], ...],
    attempts: int = 5,
    first_pause_s: float = 0.2,
    longest_pause_s: float = 30.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """The result of `action`, tried up to `attempts` times; the last exception is passed on.

    Only exceptions named in `on` are tried again. A wrong password or a malformed request does not
    become right by being repeated, so name timeouts and refused connections, never `Exception`.
    """
    if attempts < 1:
        raise ValueError("attempts must be at least 1")
    for attempt in range(attempts - 1):
        try:
            return action()
        except on:
            sleep(pause_s(attempt, first_pause_s, longest_pause_s))
    return action()


def pause_s(attempt: int, first_s: float, longest_s: float) -> float:
    """How long to wait after failure number `attempt`, counted from 0."""
    return random.uniform(0.0, min(longest_s, first_s * 2**attempt))
