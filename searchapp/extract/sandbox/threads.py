"""Threads that can be given up: one that hangs in a call of the system, as where a network disk
does not answer, keeps neither the other files nor the end of the program waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread, current_thread
from typing import Generic, TypeVar

T = TypeVar("T")

_LOOK_S = 0.2  # between looks at what hangs
_MOST_GIVEN_UP = 16  # threads; further ones are waited for
_END_S = 2.0  # for all threads to end


class GivenUp(Exception):
    """Nobody waits any more for what this thread does."""


@dataclass(frozen=True, slots=True)
class _Call(Generic[T]):
    """What a thread does that may hang."""

    future: Future[T]
    deadline_s: float
    instead: Callable[[], T]


class AbandonableThreads(Generic[T]):
    """So many threads that do tasks in the order in which they come; `close` them."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._tasks: SimpleQueue[tuple[Callable[[], T], Future[T]] | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._running: dict[Thread, Future[T]] = {}
        self._calls: dict[Thread, _Call[T]] = {}
        self._given_up = 0
        self._lock = Lock()
        self._closing = Event()

    def submit(self, task: Callable[[], T]) -> Future[T]:
        """Have a task done; raises RuntimeError once they are closed."""
        future: Future[T] = Future()
        with self._lock:
            if self._closing.is_set():
                raise RuntimeError("no more tasks: the threads are closed")
            if not self._threads:
                Thread(target=self._watch, name=f"{self._name}-watch", daemon=True).start()
            if len(self._threads) < self._count:
                self._start()
        self._tasks.put((task, future))
        return future

    @contextmanager
    def may_hang(self, timeout_s: float, instead: Callable[[], T]) -> Iterator[None]:
        """A block of a task that may hang. When it has taken so long, the task's future gets what
        `instead` gives and another thread takes this one's place; then, or when the threads are
        closed, GivenUp is raised at its end.
        """
        thread = current_thread()
        with self._lock:
            if self._closing.is_set():
                raise CancelledError
            deadline_s = time.monotonic() + timeout_s
            self._calls[thread] = _Call(self._running[thread], deadline_s, instead)
        try:
            yield
        finally:
            with self._lock:
                is_given_up = self._calls.pop(thread, None) is None
            if is_given_up:
                raise GivenUp

    def renew(self, timeout_s: float) -> None:
        """Let what this thread does, and may hang in, take so long from now on."""
        with self._lock:
            if call := self._calls.get(current_thread()):
                deadline_s = time.monotonic() + timeout_s
                self._calls[current_thread()] = replace(call, deadline_s=deadline_s)

    def close(self) -> bool:
        """Cancel what has not begun, and what hangs; returns whether all else has ended soon."""
        with self._lock:
            self._closing.set()
            hanging, self._calls = self._calls, {}
        for call in hanging.values():
            call.future.set_exception(CancelledError())
        while True:
            try:
                task = self._tasks.get_nowait()
            except Empty:
                break
            if task is not None:
                task[1].cancel()
        waited_for = [thread for thread in self._threads if thread not in hanging]
        for _ in self._threads:
            self._tasks.put(None)
        deadline_s = time.monotonic() + _END_S
        for thread in waited_for:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        return not any(thread.is_alive() for thread in waited_for)

    def _start(self) -> None:
        thread = Thread(target=self._serve, name=self._name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        thread = current_thread()
        while (task := self._tasks.get()) is not None:
            work, future = task
            if not future.set_running_or_notify_cancel():
                continue
            self._running[thread] = future
            try:
                result = work()
            except GivenUp:
                return
            except BaseException as error:  # noqa: BLE001 - whoever waits for the future gets it
                future.set_exception(error)
            else:
                future.set_result(result)
            del work, future, task

    def _watch(self) -> None:
        """Give up what has hung for too long."""
        while not self._closing.wait(_LOOK_S):
            now_s = time.monotonic()
            late: list[_Call[T]] = []
            with self._lock:
                for thread, call in tuple(self._calls.items()):
                    if call.deadline_s < now_s and self._given_up < _MOST_GIVEN_UP:
                        late.append(self._calls.pop(thread))
                        self._threads.remove(thread)
                        self._given_up += 1
                        self._start()
            for call in late:
                call.future.set_result(call.instead())
