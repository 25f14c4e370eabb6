"""How far a torture is: one line on stderr, with rate and time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def progress(what: str, total: int) -> Callable[[int], None]:
    """What tells, now and then, how many of the total are done."""
    began = last = time.monotonic()

    def tell(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done < total and now - last < 1:
            return
        last = now
        rate = done / max(now - began, 1e-3)
        end = "\n" if done == total else ""
        sys.stderr.write(
            f"\r{done:,} of {total:,} {what}, {rate:.1f} a second, {(total - done) / rate:.0f} s "
            f"left {end}"
        )
        sys.stderr.flush()

    return tell
