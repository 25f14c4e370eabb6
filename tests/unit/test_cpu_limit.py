"""A test is ended by its work, and not by that of others."""

from __future__ import annotations

import time

import pytest

from tests.cpu_limit import WorkedTooLong, cpu_limit


def work(seconds: float) -> None:
    begun_s = time.process_time()
    while time.process_time() < begun_s + seconds:
        pass


@pytest.mark.slow
def test_work_without_end_is_ended_and_waiting_is_not() -> None:
    with cpu_limit(1):
        time.sleep(3)
    with pytest.raises(WorkedTooLong), cpu_limit(1):
        work(60)  # the system's own grain, and other threads of this process, are far within it
