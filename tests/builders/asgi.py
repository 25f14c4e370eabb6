"""A served corpus within the test's own process: requests without sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from searchapp.corpus import Corpus
from searchapp.web.access import Access
from searchapp.web.application import application, methods_at
from searchapp.web.corpus_service import CorpusService
from searchapp.web.events import Events
from searchapp.web.guard import Allowed, App, Guard
from searchapp.web.workers import Workers

PORT = 8765
HOST = ("host", f"127.0.0.1:{PORT}")


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """A corpus behind the guard of a server."""

    def __init__(self, corpus: Corpus, *, read_only: bool = False, most_waiting: int = 64) -> None:
        self.access = Access()
        self.workers = Workers(2, most_waiting=most_waiting)
        self.service = CorpusService(corpus, read_only=read_only)
        self.events = Events(self.workers, self.service.now)
        inner = application(self.service, self.workers, self.events, self.access, lambda _: {})
        allowed = Allowed.on(PORT, ("127.0.0.1", "localhost", "[::1]"))
        self.app: App = Guard(inner, self.access, allowed, lambda path: methods_at(inner, path))

    def ask(
        self,
        target: str,
        said: object = None,
        *,
        method: str | None = None,
        headers: Sequence[tuple[str, str]] | None = None,
    ) -> Reply:
        """The answer to a request of a program with the token, or with exactly these headers."""
        return asyncio.run(self.reply(target, said, method=method, headers=headers))

    async def reply(
        self,
        target: str,
        said: object = None,
        *,
        method: str | None = None,
        headers: Sequence[tuple[str, str]] | None = None,
    ) -> Reply:
        path, _, query = target.partition("?")
        if headers is None:
            headers = [HOST, ("authorization", f"Bearer {self.access.token}")]
            headers += [("content-type", "application/json")] if said is not None else []
        body = (
            said if isinstance(said, bytes) else b"" if said is None else json.dumps(said).encode()
        )
        scope = {
            "type": "http",
            "method": method or ("GET" if said is None else "POST"),
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
            "http_version": "1.1",
            "scheme": "http",
            "root_path": "",
        }
        sent: list[Any] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            if waiting:
                return waiting.pop()
            await asyncio.Event().wait()
            return None

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start = sent[0]
        given = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
        return Reply(start["status"], given, b"".join(part.get("body", b"") for part in sent[1:]))
