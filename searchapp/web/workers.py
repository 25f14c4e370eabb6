"""The threads that answer, and how many may wait for one.

A question beyond those that may wait is refused at once, with a time to try again; one whose client
has left is not begun. Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from searchapp.web.problems import BUSY_S, ProblemDetails

if TYPE_CHECKING:
    from starlette.requests import Request

T = TypeVar("T")

MOST_WAITING = 64  # beside those at work


class Busy(Exception):
    """As many wait already as may."""

    def answer(self) -> ProblemDetails:
        """What the client is told."""
        headers = {"Retry-After": str(BUSY_S)}
        return ProblemDetails(
            503, "busy", "too many questions at once", "ask again", headers=headers
        )


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


class Workers:
    """As many threads as processors, each answering one request at a time."""

    def __init__(self, threads: int | None = None, *, most_waiting: int = MOST_WAITING) -> None:
        self._threads = threads or max(2, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="answer")
        self._most = self._threads + most_waiting
        self._taken = 0

    async def run(self, request: Request, work: Callable[[], T]) -> T:
        """What the work comes to; raises Busy, ClientLeft, or what the work raises."""
        if self._taken >= self._most:
            raise Busy
        self._taken += 1
        try:
            loop = asyncio.get_running_loop()
            answer = loop.run_in_executor(self._pool, work)
            leaving = loop.create_task(_leaving(request))
            await asyncio.wait((answer, leaving), return_when=asyncio.FIRST_COMPLETED)
            leaving.cancel()
            if not answer.done():
                answer.cancel()
                raise ClientLeft
            return answer.result()
        finally:
            self._taken -= 1

    async def run_quietly(self, work: Callable[[], T]) -> T:
        """What some work of the server's own comes to, which nobody waits for."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Begin nothing that still waits."""
        self._pool.shutdown(wait=False, cancel_futures=True)


async def _leaving(request: Request) -> None:
    """Wait until the client has left; its whole request was read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
