"""Sizes and durations in words."""

from __future__ import annotations

import pytest

from searchapp.humanize import human_bytes, human_duration


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (2_500_000_000, "2.5 GB"),
        (10**16, "10,000.0 TB"),
    ],
)
def test_sizes_are_in_decimal_units(size: int, shown: str) -> None:
    assert human_bytes(size) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (7799, "2 h 9 min"),
    ],
)
def test_durations_are_in_their_two_largest_units(seconds: float, shown: str) -> None:
    assert human_duration(seconds) == shown
