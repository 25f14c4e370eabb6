"""Limit how often something may happen, while still allowing short bursts.

A bucket holds up to `capacity` tokens and is refilled steadily at `rate` tokens a second. Each
action takes one; when the bucket is empty the caller has to wait. A client that was quiet for a
while may therefore be lively for a moment, but its average never exceeds the rate.

    bucket = TokenBucket(rate=5, capacity=20)
    if bucket.take():
        send(request)
    else:
        refuse(request, retry_after=bucket.wait_s())
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class TokenBucket:
    """A bucket that fills by itself; safe to share between threads."""

    def __init__(self, rate: float, capacity: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        if rate <= 0 or capacity < 1:
            raise ValueError("rate must be positive and capacity at least 1")
        self._rate = rate
        self._capacity = capacity
        self._clock = clock
        self._tokens = capacity
        self._filled_at = clock()
        self._lock = threading.Lock()

    def take(self, tokens: float = 1) -> bool:
        """Take tokens if there are enough; never blocks."""
        with self._lock:
            self._refill()
            if self._tokens < tokens:
                return False
            self._tokens -= tokens
            return True

    def wait_s(self, tokens: float = 1) -> float:
        """Seconds until `tokens` could be taken, 0.0 if they could be taken now."""
        if tokens > self._capacity:
            raise ValueError("more tokens than the bucket can ever hold")
        with self._lock:
            self._refill()
            return max(0.0, (tokens - self._tokens) / self._rate)

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
