"""What an ISO date looks like, and the one reading of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchapp.types.documents import Source

# For patterns: "2024-05" and "2024-05-31".
ISO_MONTH = r"\d{4}-(?:0[1-9]|1[0-2])"
ISO_DAY = ISO_MONTH + r"-(?:0[1-9]|[12]\d|3[01])"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REST_OF_DATE = {len("2024"): "-01-01", len("2024-05"): "-01"}


def moment_ns(date: str) -> int:
    """When an ISO 8601 date begins, with or without its month, day and time, unix ns; in UTC unless
    it says otherwise.

    Raises ValueError for any other text.
    """
    moment = datetime.fromisoformat(date + _REST_OF_DATE.get(len(date), ""))
    return (
        ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH)
        // timedelta(microseconds=1)
        * 1000
    )


def dated_ns(source: Source, metadata: Mapping[str, str]) -> int:
    """When a document is from, unix ns: its own date where it has one, else its file's modification
    time; between 1677 and 2262.
    """
    try:
        return clamped_to_64_bits(moment_ns(metadata.get("date", "")))
    except ValueError:
        return source.identity.mtime_ns


def clamped_to_64_bits(value: int) -> int:
    """The nearest number that SQLite holds as an integer: 64 bits, signed."""
    return max(-(2**63), min(value, 2**63 - 1))
