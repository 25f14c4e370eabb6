"""How long the rest of an ingest takes: two kinds of work on one processor, each told by what it
has cost.
"""

from __future__ import annotations

import math
import random

import pytest

from searchapp.ingest.eta import Work, left_s


def test_nothing_tells_before_something_was_read_and_encoded() -> None:
    assert left_s(Work(0, 100), Work(0, 0), took_s=1, reading_s=1, cores=2) == math.inf
    assert left_s(Work(50, 100), Work(0, 50), took_s=1, reading_s=1, cores=2) == math.inf


def test_what_is_left_is_what_each_kind_of_work_has_cost_so_far() -> None:
    # Ten seconds of two cores: five on reading half, fifteen on encoding a third of that half.
    left = left_s(Work(50, 100), Work(20, 60), took_s=10, reading_s=5, cores=2)
    assert left == pytest.approx((5 + 100 * 15 / 20) / 2)


def test_nothing_is_left_when_all_is_read_and_encoded() -> None:
    assert left_s(Work(100, 100), Work(60, 60), took_s=10, reading_s=5, cores=2) == 0.0


@pytest.mark.parametrize("lead", [0.0, 0.1, 0.5, 1.0])
def test_it_is_right_within_a_fifth_after_a_tenth_however_far_reading_runs_ahead(
    lead: float,
) -> None:
    """A simulated ingest of documents of many sizes: reading has one core's half of the machine
    while it lasts.
    """
    chance = random.Random(3)
    sizes = [chance.lognormvariate(7, 0.7) for _ in range(2_000)]
    total = sum(sizes)
    reading_rate, encoding_rate = total / 20, total / 200  # in seconds of one core
    read = encoded = clock = reading_s = 0.0
    told: list[tuple[float, float]] = []
    while encoded < total:
        is_reading = read < total and (read - encoded < lead * total or read <= encoded)
        reading_s += is_reading * 0.1
        read = min(total, read + is_reading * 0.1 * reading_rate)
        encoded = min(read, encoded + (2 - is_reading) * 0.1 * encoding_rate)
        clock += 0.1
        told.append(
            (
                clock,
                left_s(
                    Work(read, total),
                    Work(encoded, read),
                    took_s=clock,
                    reading_s=reading_s,
                    cores=2,
                ),
            )
        )
    for at, left in told:
        if at > clock / 10:
            assert at + left == pytest.approx(clock, rel=0.2)
