"""The one reading of a date that people or documents give. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
