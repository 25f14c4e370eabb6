"""What happens to the corpus, told to whoever listens: server-sent events.

While somebody listens, the corpus is looked at every other second, and a running ingest more often;
only what changed is sent. See https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

from searchapp.web.problems import BUSY_S, ProblemDetails

if TYPE_CHECKING:
    from starlette.responses import Response

    from searchapp.web.workers import Workers

MEDIA_TYPE = "text/event-stream"
ENDS = ("done", "failed", "stopped")  # of an ingest
MOST_LISTENERS = 32
_LOOK_S = 2.0
_LOOK_AT_INGEST_S = 0.5
_ALIVE_S = 15.0  # after which silence is broken, so that a lost connection is noticed


class Events:
    """The stream of what a corpus is like now."""

    def __init__(self, workers: Workers, now: Callable[[], Mapping[str, Any]]) -> None:
        """`now` says what is to be known of the corpus; it may take some milliseconds."""
        self._workers = workers
        self._now = now
        self._listeners = 0
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Let all listeners go: the server ends."""
        self._ended.set()

    async def answer(self) -> Response:
        """A stream to one listener."""
        if self._listeners >= MOST_LISTENERS:
            headers = {"Retry-After": str(BUSY_S)}
            return ProblemDetails(503, "busy", "too many listen already", headers=headers)
        stream = self._stream()
        return StreamingResponse(stream, media_type=MEDIA_TYPE)

    async def _stream(self) -> AsyncIterator[str]:
        self._listeners += 1
        try:
            last, silent_s = "", 0.0
            while not self._ended.is_set():
                now = await self._workers.run_quietly(self._now)
                text = json.dumps(now)
                if text != last or silent_s >= _ALIVE_S:
                    yield f"data: {text}\n\n" if text != last else ": alive\n\n"
                    last, silent_s = text, 0.0
                is_busy = now["ingest"] is not None and now["ingest"]["state"] not in ENDS
                wait_s = _LOOK_AT_INGEST_S if is_busy else _LOOK_S
                silent_s += wait_s
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), wait_s)
        finally:
            self._listeners -= 1
