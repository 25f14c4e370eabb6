"""What a date looks like, in ISO form and told from now, and the one reading of each. Pure."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchapp.types.documents import Source

# For patterns: "2024-05" and "2024-05-31".
ISO_MONTH = r"\d{4}-(?:0[1-9]|1[0-2])"
ISO_DAY = ISO_MONTH + r"-(?:0[1-9]|[12]\d|3[01])"

_AGO = re.compile(
    r"(?P<count>\d{1,5}) ?(?P<unit>h|hours?|d|days?|w|weeks?|m|mo|months?|y|years?)(?: ago)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_NS, _LAST_NS = -62_135_596_800 * 10**9, 253_402_300_799 * 10**9
_REST_OF_DATE = {len("2024"): "-01-01", len("2024-05"): "-01"}


def moment_ns(date: str) -> int:
    """When an ISO 8601 date begins, with or without its month, day and time, unix ns; in UTC unless
    it says otherwise.

    Raises ValueError for any other text.
    """
    moment = datetime.fromisoformat(date + _REST_OF_DATE.get(len(date), ""))
    return _unix_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def relative_ns(text: str, now: datetime) -> int:
    """When a time told from now begins, unix ns: `7d`, `2 weeks ago`, `today`, `yesterday`,
    `last month`. All but hours begin with a day: that of the calendar where `now` is, counted in
    UTC as the dates of documents are.

    Raises ValueError for any other text.
    """
    words = " ".join(text.lower().split())
    today = datetime(now.year, now.month, now.day, tzinfo=UTC)
    if ago := _AGO.fullmatch(words):
        unit = ago["unit"][:1]
        return _unix_ns(_before(now if unit == "h" else today, int(ago["count"]), unit))
    days = {"today": 0, "yesterday": 1}
    if words in days:
        return _unix_ns(today - timedelta(days=days[words]))
    which, _, unit = words.partition(" ")
    if which not in ("this", "last") or unit not in ("week", "month", "year"):
        raise ValueError(f"no time: {text!r}")
    if unit == "week":
        begin = today - timedelta(days=today.weekday())
    else:
        begin = today.replace(day=1, month=today.month if unit == "month" else 1)
    return _unix_ns(_before(begin, which == "last", unit[:1]))


def date_of(moment_ns: int) -> str:
    """The day of a moment, in UTC: "2024-05-31"; the first or last of all for one beyond."""
    if not _FIRST_NS <= moment_ns <= _LAST_NS:
        return "0001-01-01" if moment_ns < 0 else "9999-12-31"
    return (_EPOCH + timedelta(microseconds=moment_ns // 1000)).date().isoformat()


def _before(moment: datetime, count: int, unit: str) -> datetime:
    """So many hours, days, weeks, months or years earlier; on the last day of a shorter month."""
    if unit in "hdw":
        return moment - count * timedelta(hours={"h": 1, "d": 24, "w": 7 * 24}[unit])
    months = moment.year * 12 + moment.month - 1 - count * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    if year < 1:
        raise ValueError("before all dates")
    day = min(moment.day, monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _unix_ns(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


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
