"""Times told from now, each against the day that a calendar shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from searchapp.errors import BadFilter
from searchapp.types.dates import date_of, moment_ns, relative_ns
from searchapp.types.filters import Filters

NOW = datetime(2024, 3, 31, 15, 20, tzinfo=timezone(timedelta(hours=2)))  # a Sunday
TIMES = {
    "7d": "2024-03-24",
    "1 day": "2024-03-30",
    "2 weeks ago": "2024-03-17",
    "36h": "2024-03-30T01:20",
    "1 month": "2024-02-29",  # the last day of a shorter month
    "13 months ago": "2023-02-28",
    "1y": "2023-03-31",
    "today": "2024-03-31",
    "Yesterday": "2024-03-30",
    "this week": "2024-03-25",
    "last week": "2024-03-18",
    "this month": "2024-03-01",
    "last  month": "2024-02-01",
    "this year": "2024-01-01",
    "last year": "2023-01-01",
}


@pytest.mark.parametrize("text", TIMES)
def test_a_time_told_from_now_begins_where_the_calendar_says(text: str) -> None:
    assert relative_ns(text, NOW) == moment_ns(TIMES[text])


@pytest.mark.parametrize(
    "text", ["", "soon", "7", "d7", "last", "last day", "next month", "9999y", "-3d"]
)
def test_any_other_text_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        relative_ns(text, NOW)


def test_filters_take_them() -> None:
    week_ns = 7 * 24 * 3600 * 10**9
    since = Filters.parse(since="168h").since_ns
    now_ns = (datetime.now(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert since is not None
    assert abs(now_ns * 1000 - week_ns - since) < 60 * 10**9
    with pytest.raises(BadFilter, match="--since: 'soon' is not a date"):
        Filters.parse(since="soon")


def test_a_day_is_named_in_utc() -> None:
    assert date_of(moment_ns("2024-05-31T23:30")) == "2024-05-31"
    assert date_of(moment_ns("9999-12-31T23:59:59-05:00")) == "9999-12-31"
    assert date_of(moment_ns("0001-01-01T00:00:00+05:00")) == "0001-01-01"
