"""Pages of PDFs, drawn and measured in the processes that read files: a hostile file is never
opened by the program itself.

Workers are kept for the next page. Only the file that was indexed is drawn: its hash tells.
"""

from __future__ import annotations

import base64
import os
import sys
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from searchapp.errors import FileChanged, FileError, FileFailed, PageMissing
from searchapp.extract.sandbox.answers import reason_of
from searchapp.extract.sandbox.page_answers import (
    boxes_of,
    boxes_request,
    picture_of,
    picture_request,
)
from searchapp.extract.sandbox.patience import ReaderCrashed
from searchapp.extract.sandbox.worker import is_last
from searchapp.extract.sandbox.worker_process import WorkerProcess
from searchapp.filesystem.safe_open import open_file
from searchapp.humanize import one_line
from searchapp.types.documents import MEMBER, containers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from searchapp.types.documents import Span
    from searchapp.types.results import PageBoxes

T = TypeVar("T")

_WORKERS = 2
_READ_AGAIN = "run: searchapp ingest"
_AS_ANY = {"refused": [], "with_secrets": True}  # it was read before


class ReadFile(NamedTuple):
    """A file, or a member of one, as it was when it was read."""

    path: bytes
    content_hash: bytes


class PageReader:
    """Draws and measures pages; `close` it. May be asked by several threads at once.

    A page that takes longer than `timeout_s`, or more memory than `memory_bytes`, fails. `command`
    is the program of a worker, for tests.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 20.0,
        max_bytes: int = 200 * 2**20,
        memory_bytes: int = 2 * 2**30,
        command: Sequence[str] | None = None,
    ) -> None:
        own = (sys.executable, "-P", "-m", "searchapp.extract.sandbox.worker")
        self._command = tuple(
            command or (*own, str(max_bytes), str(memory_bytes), str(os.getpid()))
        )
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._slots = BoundedSemaphore(_WORKERS)
        self._idle: SimpleQueue[WorkerProcess] = SimpleQueue()
        self._lock = Lock()
        self._is_closed = False

    def boxes(
        self, file: ReadFile, number: int, text: str = "", *, span: Span | None = None
    ) -> PageBoxes:
        """The size of a page, from 1, and where a text stands on it, or of the text only a span.

        Raises PageMissing for a page that there is not, FileChanged where the file is not the one
        that was read, and FileError where it cannot be read any more.
        """
        found = self._asked(file, number, boxes_request(text, span), boxes_of)
        if not 1 <= number <= found.pages:
            raise _no_page(file, number)
        return found

    def picture(self, file: ReadFile, number: int, scale: float) -> bytes:
        """A page as a PNG, so many pixels a point, at most 2,000 a side. Raises as `boxes` does."""
        picture = self._asked(file, number, picture_request(scale), picture_of)
        if not picture:
            raise _no_page(file, number)
        return picture

    def close(self) -> None:
        """End the workers; one that is at work ends when it is done."""
        with self._lock:
            self._is_closed = True
        while True:
            try:
                self._idle.get_nowait().release()
            except Empty:
                return

    # -- asking a worker

    def _asked(
        self, file: ReadFile, number: int, asked: dict[str, Any], take: Callable[[Any], T]
    ) -> T:
        """What a worker answers, taken in; a worker that others may have spoilt is asked once, and
        a fresh one then.
        """
        path, member = _standing(file.path)
        page = {
            "member": base64.b64encode(member).decode(),
            "content_hash": file.content_hash.hex(),
            "number": number,
        }
        name = base64.b64encode(path.rpartition(b"/")[2]).decode()
        request = _AS_ANY | {"name": name, "page": page | asked, "work_s": self._timeout_s}
        try:
            with self._slots:
                try:
                    answer, taken = self._taken(self._worker(), path, request, take)
                except ReaderCrashed:
                    answer, taken = self._taken(self._worker(fresh=True), path, request, take)
        except FileError as error:
            raise FileFailed(f"{_shown(file.path)}: {error}", hint=_READ_AGAIN) from error
        if taken is None or answer.get("changed"):
            raise FileChanged(
                f"{_shown(file.path)} is not the file any more that was read", hint=_READ_AGAIN
            )
        return taken

    def _taken(
        self,
        worker: WorkerProcess,
        path: bytes,
        request: dict[str, Any],
        take: Callable[[Any], T],
    ) -> tuple[dict[str, Any], T | None]:
        """A worker's answer as it is, and taken in. Raises FileError."""
        is_sound = False
        try:
            with open_file(path, max_bytes=self._max_bytes) as file:
                worker.ask(request, file.fileno())
                answer, _ = worker.answer(self._timeout_s)
                if answer.get("source"):
                    answer, _ = worker.answer(self._timeout_s)
            if "reason" in answer or "failed" in answer:
                is_sound = not is_last(answer)
                raise FileFailed(reason_of(answer.get("reason", answer.get("failed"))))
            taken = None if "changed" in answer else take(answer)
            is_sound = not is_last(answer)
            return answer, taken
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ReaderCrashed("the reader crashed (nonsense answer)") from error
        finally:
            self._give_back(worker, is_sound=is_sound)

    def _worker(self, *, fresh: bool = False) -> WorkerProcess:
        while not fresh:
            try:
                worker = self._idle.get_nowait()
            except Empty:
                break
            if worker.is_alive():
                return worker
            worker.release()
        try:
            return WorkerProcess(self._command)
        except OSError as error:
            raise FileFailed(f"no reader could be started: {error.strerror}") from error

    def _give_back(self, worker: WorkerProcess, *, is_sound: bool) -> None:
        with self._lock:
            if is_sound and not self._is_closed:
                self._idle.put(worker)
                return
        worker.release()


def _standing(path: bytes) -> tuple[bytes, bytes]:
    """The file that a path is of, and the member in it, b"" for the file itself. The first file on
    the way is the one: a folder may have the name of a container.
    """
    for outer in containers_of(path):
        if os.path.isfile(outer):  # noqa: PTH113 - bytes
            return outer, path[len(outer) + len(MEMBER) :]
    return path, b""


def _no_page(file: ReadFile, number: int) -> PageMissing:
    return PageMissing(f"{_shown(file.path)} has no page {number}", hint="pages count from 1")


def _shown(path: bytes) -> str:
    return one_line(os.fsdecode(path))
