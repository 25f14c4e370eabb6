"""Extraction in processes that can be killed: a file that hangs, crashes or devours memory costs one line in the report.

The parent half is `ExtractionPool`; the other half, `main`, is the program of each worker. They exchange messages of a
four-byte big-endian length and a JSON object, so nothing that a hostile file makes of a worker is ever executed here:
the parent sends {"path": base64}, the worker answers with {"source", "document"} or {"source", "outcome", "reason"}.
"""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn

from searchapp.errors import FileError, FileFailed, FileSkipped
from searchapp.types import Block, Document, FileIdentity, Source, Unindexed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from searchapp.types import Outcome

_MAX_ANSWER = 512 * 2**20  # bytes
_FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "pty.spawn")
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Extraction:
    """What became of one file: a document, or the reason for none. `source` is None where the file could not be read."""

    source: Source | None
    document: Document | None
    unindexed: Unindexed | None  # exactly one of the two is there


class ExtractionPool:
    """Workers that read files, a file each at a time.

    A worker that takes longer than `timeout_s`, dies, or needs more than `memory_bytes` is killed with all that it
    started, and a fresh one takes its place. Leaving the pool kills what still runs; the workers of a killed parent die
    with it. `command` is the program of a worker, for tests.
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
        own = (sys.executable, "-P", "-m", "searchapp.extract.worker", str(max_bytes), str(memory_bytes), str(os.getpid()))
        self._command = tuple(command or own)
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="extract")
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._running: set[_Worker] = set()
        self._lock = Lock()
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def submit(self, path: bytes) -> Future[Extraction]:
        """The extraction of a file, in time; its future never raises unless the pool is closed first."""
        return self._threads.submit(self._extract, path)

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

    def _extract(self, path: bytes) -> Extraction:
        try:
            worker = self._worker()
        except OSError as error:
            return Extraction(None, None, Unindexed(path, "failed", f"no reader could be started: {error.strerror}"))
        try:
            answer = worker.ask({"path": base64.b64encode(path).decode()}, self._timeout_s)
            extraction = _extraction(path, answer)
        except (FileError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            self._discard(worker)
            reason = str(error) if isinstance(error, FileError) else "the reader crashed (nonsense answer)"
            return Extraction(None, None, Unindexed(path, "failed", reason))
        if answer.get("is_exhausted"):
            self._discard(worker)
        else:
            self._idle.put(worker)
        return extraction

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
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, start_new_session=True
        )

    def ask(self, request: dict[str, str], timeout_s: float) -> dict[str, Any]:
        """The answer to a request; raises FileFailed for a worker that is too slow or dead, ValueError for a broken answer."""
        deadline = time.monotonic() + timeout_s
        assert self._process.stdin is not None
        try:
            _write(self._process.stdin.fileno(), request)
        except OSError:
            raise FileFailed(self._death()) from None
        size = int.from_bytes(self._receive(4, deadline, timeout_s), "big")
        if size > _MAX_ANSWER:
            raise FileFailed(f"holds more than {_MAX_ANSWER >> 20} MiB of text")
        answer: dict[str, Any] = json.loads(self._receive(size, deadline, timeout_s))
        return answer

    def is_alive(self) -> bool:
        """False once the process has ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process and all that it started; whoever waits for its answer sees its pipe close."""
        if self.is_alive():
            _kill_group(self._process.pid)
            self._process.wait()

    def release(self) -> None:
        """End the process and give its pipes back; only for who no longer waits on them."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _receive(self, size: int, deadline: float, timeout_s: float) -> bytes:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        received = bytearray()
        while len(received) < size:
            remaining_ms = max(0.0, deadline - time.monotonic()) * 1000
            if not poll.poll(remaining_ms):
                raise FileFailed(f"took longer than {timeout_s:g} s")
            chunk = os.read(pipe, min(size - len(received), 2**20))
            if not chunk:
                raise FileFailed(self._death())
            received += chunk
        return bytes(received)

    def _death(self) -> str:
        """How the process ended, in words."""
        try:
            code = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return "the reader crashed (closed its pipe)"
        return f"the reader crashed (signal {-code})" if code < 0 else f"the reader crashed (exit {code})"


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _extraction(path: bytes, answer: dict[str, Any]) -> Extraction:
    """The values in a worker's answer; raises ValueError, KeyError, TypeError or OverflowError where it is not one."""
    found = answer["source"]
    source = None
    if found is not None:
        identity = FileIdentity(*map(int, found["identity"]))
        source = Source(path, identity, bytes.fromhex(found["content_hash"]), int(found["hashed_at_ns"]), str(found["extractor"]))
    if "document" not in answer:
        outcome: Outcome = "skipped" if answer["outcome"] == "skipped" else "failed"
        return Extraction(source, None, Unindexed(path, outcome, str(answer["reason"])))
    fields = dict(answer["document"])
    blocks = tuple(Block(start, end, kind, tuple(names), page) for start, end, kind, names, page in fields.pop("blocks"))
    return Extraction(source, Document(**fields, blocks=blocks), None)


def _write(pipe: int, message: dict[str, Any]) -> None:
    body = json.dumps(message, ensure_ascii=False).encode()
    view = memoryview(len(body).to_bytes(4, "big") + body)
    while view:
        view = view[os.write(pipe, view) :]


# ---- in the worker -------------------------------------------------------------------------------------------------


def main(max_bytes: int, memory_bytes: int, parent: int) -> NoReturn:
    """Answer requests until the parent is gone. Parsers see neither the pipes nor a network, and start no programs."""
    requests, answers = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    _confine(memory_bytes, parent)
    while request := _next_request(requests):
        answer = _answer(base64.b64decode(request["path"]), max_bytes, memory_bytes)
        _write(answers, answer)
        if answer.get("is_exhausted"):
            break
    os._exit(0)


def _confine(memory_bytes: int, parent: int) -> None:
    import resource

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(parent)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    sys.addaudithook(_forbid)


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, where the kernel can; elsewhere the closed pipe ends it."""
    import ctypes

    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _forbid(event: str, _arguments: tuple[object, ...]) -> None:
    """An audit hook: no parser opens a socket or starts a program."""
    if event.startswith(_FORBIDDEN):
        raise PermissionError(f"not allowed while reading a file: {event}")


def _next_request(pipe: int) -> dict[str, str]:
    """The next request, {} when the parent has closed the pipe."""
    with os.fdopen(os.dup(pipe), "rb", buffering=0) as stream:
        head = stream.read(4) or b""
        body = bytearray()
        while len(head) == 4 and len(body) < int.from_bytes(head, "big"):
            chunk = stream.read(int.from_bytes(head, "big") - len(body))
            if not chunk:
                return {}
            body += chunk
    request: dict[str, str] = json.loads(body) if body else {}
    return request


def _answer(path: bytes, max_bytes: int, memory_bytes: int) -> dict[str, Any]:
    """What the worker says of a file."""
    from searchapp.extract import extract, extractor_of
    from searchapp.walk import read_file

    source = None
    try:
        hashed_at_ns = time.time_ns()
        content = read_file(path, max_bytes=max_bytes)
        identity = content.identity
        source = {
            "identity": [identity.size, identity.mtime_ns, identity.ctime_ns, identity.inode],
            "content_hash": content.content_hash.hex(),
            "hashed_at_ns": hashed_at_ns,
            "extractor": "",
        }
        document = extract(content.data, Path(os.fsdecode(path)).name)
    except FileError as error:
        return {"source": source, "outcome": "skipped" if isinstance(error, FileSkipped) else "failed", "reason": str(error)}
    except MemoryError:
        reason = f"needed more than {memory_bytes / 2**30:.3g} GiB of memory"
        return {"source": source, "outcome": "failed", "reason": reason, "is_exhausted": True}
    except Exception as error:  # noqa: BLE001 - the border of the process: whatever a reader raises is one file's failure
        return {"source": source, "outcome": "failed", "reason": f"the reader failed: {type(error).__name__}: {error}"[:300]}
    source["extractor"] = extractor_of(document.type)
    return {"source": source, "document": _fields(document)}


def _fields(document: Document) -> dict[str, Any]:
    return {
        "text": document.text,
        "type": document.type,
        "title": document.title,
        "blocks": [[block.start, block.end, block.kind, block.headings, block.page] for block in document.blocks],
        "has_lines": document.has_lines,
        "metadata": dict(document.metadata),
    }


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
