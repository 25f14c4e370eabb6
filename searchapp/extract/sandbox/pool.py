"""Extraction in processes that can be killed: a file that hangs, crashes or devours memory costs
one line in the report.

This is the parent's half; `searchapp.extract.sandbox.worker` is the program of each worker, and
says how the two speak. Nothing that a hostile file makes of a worker is ever executed here. A
worker that dies has shown which member of a file it was at: a fresh one goes on behind it.
"""

from __future__ import annotations

import base64
import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileError, FileFailed, FileSkipped
from searchapp.extract.members import UNTAKEN
from searchapp.extract.registry import WITH_SECRETS
from searchapp.extract.sandbox.worker_process import MAX_ANSWER, WorkerProcess
from searchapp.extract.working_time import said
from searchapp.filesystem.safe_open import open_file
from searchapp.types.documents import MEMBER, Block, Document, FileIdentity, Source, Unindexed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from searchapp.types.documents import Outcome

_MAX_DEATHS = 20  # workers that one container may cost
_CONTAINER_TIMES = 10  # a file with members may take so many times as long as one without
_MAX_REFUSED = 500  # contents that a worker is told of: the request must fit the pipe


@dataclass(frozen=True, slots=True)
class Extracted:
    """What became of a file, or of one member of a container: a document and its source, or the
    reason for none.
    """

    source: Source | None = None
    document: Document | None = None
    unindexed: Unindexed | None = None  # exactly one of the last two is there

    @property
    def path(self) -> bytes:
        """The file's path, or the member's below it."""
        return self.unindexed.path if self.unindexed else self.source.path if self.source else b""


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
        self._max_bytes = max_bytes
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="extract")
        self._idle: SimpleQueue[WorkerProcess] = SimpleQueue()
        self._running: set[WorkerProcess] = set()
        self._lock = Lock()
        self._is_closed = False

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
        return self._threads.submit(self._extract, _Reading(path, refused or {}, with_secrets))

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

    def _extract(self, reading: _Reading) -> list[Extracted]:
        for _ in range(_MAX_DEATHS):
            try:
                worker = self._worker()
            except OSError as error:
                return [
                    *reading.results,
                    Extracted(
                        unindexed=Unindexed(
                            reading.path, "failed", f"no reader could be started: {error.strerror}"
                        )
                    ),
                ]
            try:
                is_spent = self._converse(worker, reading)
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
                reading.fail_current(
                    str(error)
                    if isinstance(error, FileError)
                    else "the reader crashed (nonsense answer)"
                )
            else:
                if is_spent:
                    self._discard(worker)
                else:
                    self._idle.put(worker)
            if reading.is_done:
                return reading.results
            if reading.work_s > _CONTAINER_TIMES * self._timeout_s:
                return reading.failed(self._too_long())
        return reading.failed(f"crashed its reader {_MAX_DEATHS} times")

    def _converse(self, worker: WorkerProcess, reading: _Reading) -> bool:
        """Take a worker's answers until the last; returns whether the worker is spent."""
        limit_s = _CONTAINER_TIMES * self._timeout_s
        begun, before_s, begun_s = time.monotonic(), reading.work_s, worker.work_s()
        try:
            file = open_file(reading.path, max_bytes=self._max_bytes)
        except FileError as error:
            reading.refuse_unopened(error)
            return False
        with file:
            worker.ask(reading.request() | {"work_s": self._timeout_s}, file.fileno())
        while not reading.is_done:
            answer, size = worker.answer(self._timeout_s)
            reading.take(answer, size)
            if time.monotonic() - begun > limit_s - before_s:  # it cannot have worked longer
                reading.work_s = before_s + worker.work_s() - begun_s
                if reading.work_s > limit_s:
                    raise FileFailed(self._too_long())
            if answer.get("is_exhausted"):
                return True
        return False

    def _too_long(self) -> str:
        return f"{said(_CONTAINER_TIMES * self._timeout_s)} in all"

    def _worker(self) -> WorkerProcess:
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


class _Reading:
    """How far the reading of one file is, over however many workers it takes."""

    def __init__(self, path: bytes, refused: Mapping[bytes, Unindexed], with_secrets: bool) -> None:
        self.path = path
        self._with_secrets = with_secrets
        self._refused = refused
        self._file: Source | None = None
        self._current: Source | None = None  # begun, not read yet
        self._size = 0
        self.results: list[Extracted] = []
        self.is_done = False
        self.work_s = 0.0  # of all workers so far

    def request(self) -> dict[str, Any]:
        """What to ask a worker for: all that is not there yet."""
        refused = [content_hash.hex() for content_hash in islice(self._refused, _MAX_REFUSED)]
        return {
            "name": base64.b64encode(os.path.basename(self.path)).decode(),  # noqa: PTH119
            "start": len(self.results),
            "refused": refused,
            "with_secrets": self._with_secrets,
        }

    def take(self, answer: dict[str, Any], size: int) -> None:
        """Take an answer in. Raises ValueError, KeyError, TypeError or OverflowError where it is
        none, FileFailed where it is too much.
        """
        self._size += size
        if self._size > MAX_ANSWER:
            raise FileFailed(f"holds more than {MAX_ANSWER >> 20} MiB of text")
        if "end" in answer:
            self.is_done = True
        elif "failed" in answer:
            self.failed(str(answer["failed"]))
        elif "source" in answer:
            self._opened(answer["source"], answer)
        elif "member" in answer:
            member = base64.b64decode(answer["member"])
            path = self.path + (MEMBER + member if member else b"")
            if self._file is None:
                raise ValueError("a member before its file")
            self._current = replace(
                self._file,
                path=path,
                content_hash=bytes.fromhex(answer["content_hash"]),
                extractor=str(answer["extractor"]),
            )
        elif "document" in answer:
            if answer.get("has_secrets") and self._current is not None:
                extractor = self._current.extractor + WITH_SECRETS
                self._current = replace(self._current, extractor=extractor)
            self.results.append(Extracted(self._current, _document(answer["document"])))
            self._current = None
        else:
            outcome: Outcome = (
                answer["outcome"] if answer["outcome"] in {"skipped", "indexed"} else "failed"
            )
            self._refuse(outcome, str(answer["reason"]))

    def refuse_unopened(self, error: FileError) -> None:
        """Record why the file cannot be opened, or was not."""
        if self.results or self._current is not None:
            self.failed(str(error))
            return
        self._refuse("skipped" if isinstance(error, FileSkipped) else "failed", str(error))
        self.is_done = True

    def fail_current(self, reason: str) -> None:
        """Record that a worker died: of what it was at, or of the file as a whole."""
        if self._current is not None:
            self._refuse("failed", reason)
        else:
            self.failed(reason)

    def failed(self, reason: str) -> list[Extracted]:
        """What there is, and that the rest of the file failed."""
        if self._current is not None and self._current.path != self.path:
            self._refuse("failed", reason)
        source = self._current or self._file
        if any(
            each.document and each.source and each.source.path == self.path for each in self.results
        ):
            assert source is not None
            # the file is a document already
            source = replace(source, path=self.path + MEMBER + UNTAKEN.encode())
        self._current = source
        self._refuse("failed", reason)
        self.is_done = True
        return self.results

    def _opened(self, found: dict[str, Any] | None, answer: dict[str, Any]) -> None:
        if found is None:
            self._refuse(
                "skipped" if answer["outcome"] == "skipped" else "failed", str(answer["reason"])
            )
            self.is_done = True
            return
        identity = FileIdentity(*map(int, found["identity"]))
        source = Source(
            self.path,
            identity,
            bytes.fromhex(found["content_hash"]),
            int(found["hashed_at_ns"]),
            str(found["extractor"]),
        )
        if self._file is not None and self._file.content_hash != source.content_hash:
            raise FileFailed("changes while it is being read")
        self._file = source
        if answer.get("is_refused"):
            known = self._refused[source.content_hash]
            self._current = replace(
                source, extractor=known.source.extractor if known.source else ""
            )
            self._refuse(known.outcome, known.reason)
            self.is_done = True

    def _refuse(self, outcome: Outcome, reason: str) -> None:
        source, self._current = self._current, None
        path = source.path if source else self.path
        self.results.append(
            Extracted(source, None, Unindexed(path, outcome, reason, source=source))
        )


def _document(found: dict[str, Any]) -> Document:
    """The document in a worker's answer; raises ValueError, KeyError or TypeError where
    it is none.
    """
    fields = dict(found)
    blocks = tuple(
        Block(start, end, kind, tuple(names), tuple((name, value) for name, value in place))
        for start, end, kind, names, place in fields.pop("blocks")
    )
    return Document(**fields, blocks=blocks)
