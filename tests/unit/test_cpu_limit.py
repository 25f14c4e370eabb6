"""A test is ended by its work, and not by that of others."""

from __future__ import annotations

import subprocess
import sys

import pytest

# in a process without the threads and timers that other tests have left in this one
PROGRAM = """
import time
from tests.cpu_limit import WorkedTooLong, cpu_limit

with cpu_limit(1):
    time.sleep(3)
print("waited")
try:
    with cpu_limit(1):
        while time.process_time() < 60:
            pass
    print("worked on")
except WorkedTooLong as error:
    print(error)
"""


@pytest.mark.slow
def test_work_without_end_is_ended_and_waiting_is_not(request: pytest.FixtureRequest) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=request.config.rootpath,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "waited\nthe test has worked for 1 s\n"
