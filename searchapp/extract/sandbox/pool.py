"""Extraction in processes that can be killed: a file that hangs, crashes or devours memory costs
one line in the report.

This is the parent's half; `searchapp.extract.sandbox.worker` is the program of each worker, and
says how the two speak. Nothing that a hostile file makes of a worker is ever executed here. A
worker that dies has shown which member of a file it was at: a fresh one goes on behind it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING

from searchapp.errors import FileError
from searchapp.extract.sandbox.patience import ReaderCrashed, ReaderFailed
from searchapp.extract.sandbox.reading import Extracted, Reading
from searchapp.extract.sandbox.threads import AbandonableThreads
from searchapp.extract.sandbox.worker import is_last
from searchapp.extract.sandbox.worker_process import WorkerProcess
from searchapp.extract.working_time import said
from searchapp.filesystem.safe_open import open_file
from searchapp.types.documents import Unindexed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from io import FileIO
    from types import TracebackType
    from typing import Self

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
    of a worker, and `open_file` opens its files, for tests.
    """

    def __init__(
        self,
        workers: int,
        *,
        timeout_s: float = 60.0,
        max_bytes: int = 200 * 2**20,
        memory_bytes: int = 2 * 2**30,
        command: Sequence[str] | None = None,
        open_file: Callable[..., FileIO] = open_file,
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
        self._max_bytes = max_bytes
        self._open = open_file
        self._threads: AbandonableThreads[list[Extracted]] = AbandonableThreads(workers, "extract")
        self._idle: SimpleQueue[WorkerProcess] = SimpleQueue()
        self._running: set[WorkerProcess] = set()
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
        self,
        path: bytes,
        refused: Mapping[bytes, Unindexed] | None = None,
        *,
        with_secrets: bool = False,
    ) -> Future[list[Extracted]]:
        """All that a file holds, in time; members have paths below its own, a container comes after
        its members.

        `refused` are files that were refused before, by content hash: one of the same bytes is
        refused again, unread. What holds a secret is refused, unless the caller is `with_secrets`:
        its extractor then ends in `WITH_SECRETS`. The future never raises unless the pool is closed
        first.
        """
        reading = Reading(path, refused or {}, with_secrets=with_secrets)
        return self._threads.submit(partial(self._extract, reading))

    def close(self) -> None:
        """End every worker at once; what is not finished is cancelled. What hangs is not waited
        for.
        """
        with self._lock:
            self._is_closed = True
            workers = list(self._running)
        for worker in workers:
            worker.kill()
        if self._threads.close():
            for worker in workers:
                worker.release()

    def _extract(self, reading: Reading) -> list[Extracted]:
        begun_s = time.monotonic()
        results = self._extracted(reading)
        if any(extracted.unindexed and extracted.unindexed.is_passing for extracted in results):
            self._lose(time.monotonic() - begun_s)
        return results

    def _lose(self, seconds: float) -> None:
        with self._lock:
            self.lost_s += seconds

    def _extracted(self, reading: Reading) -> list[Extracted]:
        timeout_s = self._timeout_s if self.lost_s < _LOST_S else min(self._timeout_s, _HASTY_S)
        deaths, has_doubt = 0, False
        while deaths < _MAX_DEATHS:
            try:
                file = self._opened(reading, timeout_s)
            except FileError as error:
                reading.refuse_unopened(error)
                return reading.results
            with file:  # until it is read: in flight alone it would get lost on macOS
                try:
                    worker = self._worker(fresh=has_doubt)
                except OSError as error:
                    reason = f"no reader could be started: {error.strerror}"
                    entry = Unindexed(reading.path, "failed", reason)
                    return [*reading.results, Extracted(unindexed=entry)]
                has_doubt = not self._read_on(worker, file, reading, timeout_s)
            deaths += not has_doubt
            if reading.is_done:
                return reading.results
            if reading.work_s > _CONTAINER_TIMES * timeout_s:
                return reading.failed(_too_long(timeout_s), is_passing=True)
        return reading.failed(f"crashed its reader {_MAX_DEATHS} times", is_passing=True)

    def _opened(self, reading: Reading, timeout_s: float) -> FileIO:
        """The file of a reading; raises FileError. Where its disk does not answer in time, the
        reading fails and this thread is given up.
        """

        def give_up() -> list[Extracted]:
            self._lose(timeout_s)
            reason = f"could not be opened in {timeout_s:g} s: its disk does not answer"
            return reading.failed(reason, is_passing=True)

        with ExitStack() as undo:
            with self._threads.may_hang(timeout_s, give_up):
                file = undo.enter_context(self._open(reading.path, max_bytes=self._max_bytes))
            undo.pop_all()
            return file

    def _read_on(
        self, worker: WorkerProcess, file: FileIO, reading: Reading, timeout_s: float
    ) -> bool:
        """Have a worker read as far as it comes. Returns whether that says something of the file:
        where a worker crashes that has read another one before, that one may be to blame.
        """
        is_fresh, before_s, begun_s = worker.is_fresh, reading.work_s, worker.work_s()
        try:
            is_spent = self._converse(worker, file, reading, timeout_s, begun_s)
        except (
            FileError,
            ValueError,
            KeyError,
            TypeError,
            OverflowError,
            RecursionError,
            AttributeError,
        ) as error:
            reading.work_s = before_s + worker.work_s() - begun_s
            self._discard(worker)
            is_of_file = isinstance(error, FileError)
            if not is_fresh and (isinstance(error, ReaderCrashed) or not is_of_file):
                reading.begin_again()
                return False
            reading.fail_current(
                str(error) if is_of_file else "the reader crashed (nonsense answer)",
                is_passing=isinstance(error, ReaderFailed) or not is_of_file,
            )
            return True
        if is_spent:
            reading.work_s = before_s + worker.work_s() - begun_s
            self._discard(worker)
        else:
            self._idle.put(worker)
        return True

    @staticmethod
    def _converse(
        worker: WorkerProcess, file: FileIO, reading: Reading, timeout_s: float, begun_s: float
    ) -> bool:
        """Take a worker's answers until the last; returns whether the worker is spent. It had
        worked for `begun_s` before.
        """
        limit_s = _CONTAINER_TIMES * timeout_s
        begun, before_s, is_fresh = time.monotonic(), reading.work_s, worker.is_fresh
        worker.ask(reading.request() | {"work_s": timeout_s}, file.fileno())
        while not reading.is_done:
            answer, size = worker.answer(timeout_s)
            if answer.get("is_exhausted") and not is_fresh:
                raise ReaderCrashed("had too little memory left")
            reading.take(answer, size)
            if time.monotonic() - begun > limit_s - before_s:  # it cannot have worked longer
                reading.work_s = before_s + worker.work_s() - begun_s
                if reading.work_s > limit_s:
                    raise ReaderFailed(_too_long(timeout_s))
            if is_last(answer):
                return True
        return False

    def _worker(self, *, fresh: bool) -> WorkerProcess:
        """An idle worker, or a new one; a `fresh` one has read nothing yet."""
        while not fresh:
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
            worker = WorkerProcess(self._command)
            self._running.add(worker)
            return worker

    def _discard(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._running.discard(worker)
            is_closed = self._is_closed
        worker.release()
        if is_closed:
            raise CancelledError


def _too_long(timeout_s: float) -> str:
    return f"{said(_CONTAINER_TIMES * timeout_s)} in all"
