"""Extraction in processes that can be killed: a file that hangs, crashes or devours memory costs
one line in the report.

This is the parent's half; `searchapp.extract.sandbox.worker` is the program of each worker, and
says how the two speak. Nothing that a hostile file makes of a worker is ever executed here. A
worker that dies has shown which member of a file it was at: a fresh one goes on behind it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileError, FileFailed
from searchapp.extract.sandbox.patience import Patience, ReaderFailed
from searchapp.extract.sandbox.reading import MAX_ANSWER, Extracted, Reading
from searchapp.extract.sandbox.worker import send
from searchapp.extract.working_time import KILLED_BY, said
from searchapp.types.documents import Unindexed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    import psutil


_MAX_DEATHS = 20  # workers that one container may cost
_CONTAINER_TIMES = 10  # a file with members may take so many times as long as one without
# seconds that readers may lose with files that come to nothing, and what each has from then on
_LOST_S, _HASTY_S = 600.0, 10.0


class ExtractionPool:
    """Workers that read files, a file each at a time.

    A worker that works longer than `timeout_s` for a file or member, hangs for so long, dies, or
    needs more than `memory_bytes` is killed with all that it started, and a fresh one takes its
    place. Only its own processor time counts, so that a busy machine costs no file. Leaving the
    pool kills what still runs; the workers of a killed parent die with it. `command` is the program
    of a worker, for tests.
    """

    def __init__(
        self,
        workers: int,
        *,
        timeout_s: float = 60.0,
        max_bytes: int = 200 * 2**20,
        memory_bytes: int = 2 * 2**30,
        command: Sequence[str] | None = None,
    ) -> None:
        own = (
            sys.executable,
            "-P",
            "-m",
            "searchapp.extract.sandbox.worker",
            str(max_bytes),
            str(memory_bytes),
            str(os.getpid()),
        )
        self._command = tuple(command or own)
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="extract")
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._running: set[_Worker] = set()
        self._lock = Lock()
        self._is_closed = False
        self.lost_s = 0.0  # of waiting for files that came to nothing for want of time or memory

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def submit(
        self, path: bytes, refused: Mapping[bytes, Unindexed] | None = None
    ) -> Future[list[Extracted]]:
        """All that a file holds, in time; members have paths below its own, a container comes after
        its members.

        `refused` are files that were refused before, by content hash: one of the same bytes is
        refused again, unread. The future never raises unless the pool is closed first.
        """
        return self._threads.submit(self._extract, path, refused or {})

    def close(self) -> None:
        """End every worker at once; what is not finished is cancelled."""
        with self._lock:
            self._is_closed = True
            workers = list(self._running)
        for worker in workers:
            worker.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in workers:
            worker.release()

    def _extract(self, path: bytes, refused: Mapping[bytes, Unindexed]) -> list[Extracted]:
        begun_s = time.monotonic()
        results = self._extracted(path, refused)
        if any(each.unindexed and each.unindexed.is_passing for each in results):
            with self._lock:
                self.lost_s += time.monotonic() - begun_s
        return results

    def _extracted(self, path: bytes, refused: Mapping[bytes, Unindexed]) -> list[Extracted]:
        reading = Reading(path, refused)
        timeout_s = self._timeout_s if self.lost_s < _LOST_S else min(self._timeout_s, _HASTY_S)
        for _ in range(_MAX_DEATHS):
            try:
                worker = self._worker()
            except OSError as error:
                return [
                    *reading.results,
                    Extracted(
                        unindexed=Unindexed(
                            path, "failed", f"no reader could be started: {error.strerror}"
                        )
                    ),
                ]
            try:
                is_spent = self._converse(worker, reading, timeout_s)
            except (
                FileError,
                ValueError,
                KeyError,
                TypeError,
                OverflowError,
                RecursionError,
                AttributeError,
            ) as error:
                self._discard(worker)
                is_of_file = isinstance(error, FileError)
                reading.fail_current(
                    str(error) if is_of_file else "the reader crashed (nonsense answer)",
                    is_passing=isinstance(error, ReaderFailed) or not is_of_file,
                )
            else:
                if is_spent:
                    self._discard(worker)
                else:
                    self._idle.put(worker)
            if reading.is_done:
                return reading.results
            if reading.work_s > _CONTAINER_TIMES * timeout_s:
                return reading.failed(_too_long(timeout_s), is_passing=True)
        return reading.failed(f"crashed its reader {_MAX_DEATHS} times", is_passing=True)

    def _converse(self, worker: _Worker, reading: Reading, timeout_s: float) -> bool:
        """Take a worker's answers until the last; returns whether the worker is spent."""
        limit_s = _CONTAINER_TIMES * timeout_s
        begun, before_s, begun_s = time.monotonic(), reading.work_s, worker.work_s()
        worker.ask(reading.request() | {"work_s": timeout_s})
        while not reading.is_done:
            answer, size = worker.answer(timeout_s)
            reading.take(answer, size)
            if time.monotonic() - begun > limit_s - before_s:  # it cannot have worked longer
                reading.work_s = before_s + worker.work_s() - begun_s
                if reading.work_s > limit_s:
                    raise ReaderFailed(_too_long(timeout_s))
            if answer.get("is_exhausted"):
                return True
        return False

    def _worker(self) -> _Worker:
        """An idle worker, or a new one."""
        while True:
            try:
                worker = self._idle.get_nowait()
            except Empty:
                break
            if worker.is_alive():
                return worker
            self._discard(worker)
        with self._lock:
            if self._is_closed:
                raise CancelledError
            worker = _Worker(self._command)
            self._running.add(worker)
            return worker

    def _discard(self, worker: _Worker) -> None:
        with self._lock:
            self._running.discard(worker)
            is_closed = self._is_closed
        worker.release()
        if is_closed:
            raise CancelledError


class _Worker:
    """One worker process and the two pipes to it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
        self._watched: psutil.Process | None = None
        self._work_s = 0.0

    def ask(self, request: dict[str, Any]) -> None:
        """Send a request; raises ReaderFailed for a worker that is dead."""
        assert self._process.stdin is not None
        try:
            send(self._process.stdin.fileno(), request)
        except OSError:
            raise ReaderFailed(self._death()) from None

    def answer(self, timeout_s: float) -> tuple[dict[str, Any], int]:
        """The next answer and its size in bytes; raises FileFailed for a worker that hangs, works
        too long or is dead, ValueError for a broken one.
        """
        patience = Patience(timeout_s, self.work_s)
        size = int.from_bytes(self._receive(4, patience), "big")
        if size > MAX_ANSWER:
            raise FileFailed(f"holds more than {MAX_ANSWER >> 20} MiB of text")
        answer = json.loads(self._receive(size, patience))
        if not isinstance(answer, dict):
            raise TypeError("an answer is an object")
        return answer, size

    def is_alive(self) -> bool:
        """False once the process has ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process and all that it started; whoever waits for its answer sees its pipe
        close.
        """
        if self.is_alive():
            _kill_group(self._process.pid)
            self._process.wait()

    def release(self) -> None:
        """End the process and give its pipes back; only for who no longer waits on them."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def work_s(self) -> float:
        """The processor time of the process, in seconds; what it was before where it has ended."""
        import psutil

        try:
            self._watched = self._watched or psutil.Process(self._process.pid)
            times = self._watched.cpu_times()
            self._work_s = times.user + times.system
        except psutil.Error:
            pass
        return self._work_s

    def _receive(self, size: int, patience: Patience) -> bytes:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        received = bytearray()
        while len(received) < size:
            if not poll.poll(patience.left_ms()):
                patience.renew()
                continue
            chunk = os.read(pipe, min(size - len(received), 2**20))
            if not chunk:
                raise ReaderFailed(self._death(patience.timeout_s))
            received += chunk
        return bytes(received)

    def _death(self, timeout_s: float = 0.0) -> str:
        """How the process ended, in words."""
        try:
            code = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return "the reader crashed (closed its pipe)"
        if code == -KILLED_BY:
            return said(timeout_s)
        return (
            f"the reader crashed (signal {-code})"
            if code < 0
            else f"the reader crashed (exit {code})"
        )


def _too_long(timeout_s: float) -> str:
    return f"{said(_CONTAINER_TIMES * timeout_s)} in all"


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
