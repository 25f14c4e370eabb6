"""Connections that cannot be held open for nothing: uvicorn's, with an end to waiting.

uvicorn waits for the head of a request as long as it takes to come; here a connection without a
whole head is closed after some seconds. Refusals of what is no HTTP carry the same headers as every
other answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from searchapp.web.guard import HEADERS, MOST_HEADERS, MOST_TARGET

HEAD_WITHIN_S = 10.0
MOST_HEAD = MOST_TARGET + MOST_HEADERS  # bytes of a request's head that are kept


class BoundedConnection(H11Protocol):
    """A connection of HTTP/1.1 whose head has to come in time, and which sends no stray line to the
    log.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the head of the first request."""
        super().connection_made(transport)
        self._late: asyncio.TimerHandle | None = None
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take what came; a head that is whole is waited for no longer, and a body that goes on
        after its answer for as long as a head.
        """
        super().handle_events()
        is_unread = self.conn.states == {h11.CLIENT: h11.SEND_BODY, h11.SERVER: h11.DONE}
        if self.conn.their_state is not h11.IDLE and not is_unread:
            self._stop_waiting()
        elif (is_unread or self.conn.trailing_data[0]) and self._late is None:
            self._await_head()  # or a part of the next one came

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or whose head is larger than any honest one."""
        is_large = self.conn.trailing_data[0][: MOST_HEAD + 1].__len__() > MOST_HEAD
        body = msg.encode("ascii", "replace")
        headers = [
            *HEADERS.items(),
            ("content-type", "text/plain; charset=utf-8"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        response: Any = h11.Response(status_code=431 if is_large else 400, headers=headers)
        output = (self.conn.send(event) for event in (response, h11.Data(body), h11.EndOfMessage()))
        self.transport.write(b"".join(part or b"" for part in output))
        self.transport.close()

    def _await_head(self) -> None:
        self._late = self.loop.call_later(HEAD_WITHIN_S, self._close)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
