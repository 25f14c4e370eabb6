"""One worker process as its parent sees it: asked, listened to, watched and ended."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileFailed
from searchapp.extract.sandbox.patience import Patience, ReaderCrashed, ReaderFailed
from searchapp.extract.sandbox.reading import MAX_ANSWER
from searchapp.extract.sandbox.worker import send
from searchapp.extract.working_time import KILLED_BY, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psutil

# with a thread for each of many cores, NumPy alone would need all the memory of a worker
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
_DYING_S = 0.5  # that a process is given to end; one that reads from a dead disk may never


class WorkerProcess:
    """One worker process, the two pipes to it, and the socket over which it gets its files."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it; the last argument is the number of its end of the socket. Raises OSError where
        it cannot be started.
        """
        self._files, its_end = socket.socketpair()
        self._files.setblocking(False)
        try:
            with its_end:
                self._process = subprocess.Popen(
                    [*command, str(its_end.fileno())],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    bufsize=0,
                    start_new_session=True,
                    pass_fds=[its_end.fileno()],
                    env=_ENVIRONMENT | os.environ,
                )
        except OSError:
            self._files.close()
            raise
        self._watched: psutil.Process | None = None
        self._work_s = 0.0
        self.is_fresh = True  # it was asked for nothing yet

    def ask(self, request: dict[str, Any], file: int) -> None:
        """Send a request and the descriptor of its file; raises ReaderFailed for a worker that
        is dead, or takes no more files.
        """
        assert self._process.stdin is not None
        self.is_fresh = False
        try:
            socket.send_fds(self._files, [b"f"], [file])
            send(self._process.stdin.fileno(), request)
        except OSError:
            raise self._death() from None

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
        close. One that the kernel cannot end yet is left to it.
        """
        if self.is_alive():
            _kill_group(self._process.pid)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_DYING_S)

    def release(self) -> None:
        """End the process and give its pipes back; only for who no longer waits on them."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._files.close()

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
                raise self._death(patience.timeout_s)
            received += chunk
        return bytes(received)

    def _death(self, timeout_s: float = 0.0) -> ReaderFailed:
        """How the process ended."""
        try:
            code = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return ReaderCrashed("the reader crashed (closed its pipe)")
        if code == -KILLED_BY:
            return ReaderFailed(said(timeout_s))
        how = f"signal {-code}" if code < 0 else f"exit {code}"
        return ReaderCrashed(f"the reader crashed ({how})")


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
