"""JSON as every command prints it. Knows nothing of what the values mean."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping


def json_text(value: Mapping[str, object]) -> str:
    """The JSON of a value, on one line, in ASCII, so that any path survives any terminal and comes
    back exactly.
    """
    return f"{json.dumps(value, ensure_ascii=True, allow_nan=False)}\n"


def rounded(score: float) -> float:
    """A score to six digits, as a plain float."""
    return round(float(score), 6)


def iso_time(moment_ns: int) -> str:
    """A moment in UTC to the second, as 2026-07-01T12:00:00Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment_ns // 1_000_000_000))
