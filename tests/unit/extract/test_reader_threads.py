"""A thread that hangs in a call of the system holds up neither the others nor the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from threading import Event

import pytest

from searchapp.extract.sandbox.threads import AbandonableThreads


@pytest.fixture
def disk() -> Iterator[Event]:
    """A disk that answers once it is set."""
    answers = Event()
    yield answers
    answers.set()


def test_what_hangs_too_long_is_given_up_and_another_thread_goes_on(disk: Event) -> None:
    threads: AbandonableThreads[str] = AbandonableThreads(1, "test")

    def ask() -> str:
        with threads.may_hang(0.01, lambda: "no answer"):
            disk.wait(20)
        return "too late"

    asked, following = threads.submit(ask), threads.submit(lambda: "done")
    assert (asked.result(timeout=5), following.result(timeout=5)) == ("no answer", "done")
    disk.set()
    assert threads.close()
    assert asked.result() == "no answer"


def test_what_hangs_keeps_no_end_waiting(disk: Event) -> None:
    threads: AbandonableThreads[str] = AbandonableThreads(1, "test")
    begun = Event()

    def ask() -> str:
        with threads.may_hang(60, lambda: "no answer"):
            begun.set()
            disk.wait(20)
        return "too late"

    asked, following = threads.submit(ask), threads.submit(lambda: "done")
    assert begun.wait(5)
    begun_s = time.monotonic()
    assert threads.close()
    assert time.monotonic() - begun_s < 2
    with pytest.raises(CancelledError):
        asked.result(timeout=0)
    assert following.cancelled()
    with pytest.raises(RuntimeError, match="closed"):
        threads.submit(lambda: "done")


def test_a_task_that_fails_fails_alone() -> None:
    threads: AbandonableThreads[str] = AbandonableThreads(2, "test")

    def fail() -> str:
        raise ValueError("no")

    failed, done = threads.submit(fail), threads.submit(lambda: "done")
    with pytest.raises(ValueError, match="no"):
        failed.result(timeout=5)
    assert done.result(timeout=5) == "done"
    assert threads.close()
