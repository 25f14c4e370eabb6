"""The guard: what every request meets first, whoever it is for, and every answer last.

The outermost layer of page, API and assistants alike. It lets in what is meant for this server,
comes from this machine's own programs or this server's own page, and carries the token or the
cookie; it reads the body, bounded in bytes and time, before anything else sees the request. Pure
ASGI; knows no route but the health check.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from searchapp.web.access import Access
from searchapp.web.problems import ProblemDetails

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY = 1 << 20  # bytes
MOST_TARGET = 8192  # bytes of path and query
MOST_HEADERS = 16_384  # bytes, together
BODY_WITHIN_S = 10.0
HEALTH = "/health"
CODE = "code"  # the parameter that lets a browser in

# A page takes nothing from elsewhere, is shown in no other page, and leaves no trace.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
METHODS = frozenset({"GET", "HEAD", "POST"})
_ONCE = (  # headers that mean something here, and so may not come twice
    *(b"host", b"origin", b"cookie", b"authorization", b"content-type", b"content-length"),
    *(b"transfer-encoding", b"sec-fetch-site", b"if-none-match"),
)


class Allowed(NamedTuple):
    """The names that this server goes by."""

    port: int
    hosts: frozenset[str]  # as a Host header has them, with the port
    origins: frozenset[str]

    @classmethod
    def on(cls, port: int, names: Iterable[str], *, is_encrypted: bool = False) -> Allowed:
        """The names of the machine that it listens on; `[::1]` has its brackets. Names with a port
        of their own are those of a proxy, where a browser may also leave the usual port out.
        """
        hosts = frozenset(name if _has_port(name) else f"{name}:{port}" for name in names)
        schemes = ("http", "https") if is_encrypted else ("http",)
        usual = {f":{number}" for number in (80, 443)}
        short = {host[: host.rindex(":")] for host in hosts if host[host.rindex(":") :] in usual}
        hosts |= short
        return cls(
            port, hosts, frozenset(f"{scheme}://{host}" for host in hosts for scheme in schemes)
        )


class Guard:
    """An ASGI application behind which another is safe from other pages, programs and users."""

    def __init__(
        self,
        app: App,
        access: Access,
        allowed: Allowed,
        methods_at: Callable[[str], frozenset[str]] = lambda _: METHODS,
    ) -> None:
        """`methods_at` says which methods an address has, METHODS where nothing is there."""
        self._app = app
        self._methods_at = methods_at
        self._access = access
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no websockets
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message.get("headers", ())}
                added = [(name, value) for name, value in _HEADERS if name not in own]
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        headers = _Headers(scope["headers"])
        refusal = self._refusal(scope, headers) or self._entrance(scope, headers)
        if refusal is None:
            body = await _body(scope, receive)
            if isinstance(body, bytes):
                await self._app(scope, _given(body, receive), guarded)
                return
            refusal = body
        if refusal is not _GONE:
            await refusal(scope, receive, guarded)

    def _refusal(self, scope: Scope, headers: _Headers) -> ProblemDetails | None:
        """What is wrong with a request that is not meant for this server, or too large."""
        return (
            _misshapen(scope, headers)
            or self._from_elsewhere(headers)
            or self._wrong_method(scope, headers)
        )

    def _wrong_method(self, scope: Scope, headers: _Headers) -> ProblemDetails | None:
        methods = self._methods_at(scope["path"])
        if scope["method"] not in methods:
            allow = {"Allow": ", ".join(sorted(methods))}
            return ProblemDetails(405, "method", "this address has no such method", headers=allow)
        return _unfit_body(scope, headers)

    def _from_elsewhere(self, headers: _Headers) -> ProblemDetails | None:
        """What is wrong with a request that another page sent, or that another name led here."""
        if headers.one("host") not in self._allowed.hosts:
            return ProblemDetails(
                421, "other_host", "this server has another name", "use its own address"
            )
        if "origin" in headers and headers.one("origin") not in self._allowed.origins:
            return ProblemDetails(403, "other_origin", "another page may not ask this server")
        if headers.one("sec-fetch-site") not in ("", "none", "same-origin"):
            return ProblemDetails(403, "cross_site", "another page may not ask this server")
        return None

    def _entrance(self, scope: Scope, headers: _Headers) -> ProblemDetails | None:
        """Let a browser in by its code, everyone else by token or cookie."""
        code = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get(CODE)
        caller = self._access.known(
            headers.one("authorization"), headers.one("cookie"), self._allowed.port
        )
        if scope["path"] == "/" and code is not None and scope["method"] == "GET":
            return self._by_code(code, is_known=bool(caller))
        scope.setdefault("state", {})["caller"] = caller
        if caller or scope["path"] == HEALTH:
            return None
        return ProblemDetails(
            401,
            "no_token",
            "this server answers its owner only",
            "`searchapp serve --open` opens its page; a program sends the token of its state file "
            "as `Authorization: Bearer`",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _by_code(self, code: str, *, is_known: bool) -> ProblemDetails:
        """To the page; a browser that is in already may open a link again, as by going back."""
        if not self._access.redeem(code) and not is_known:
            return ProblemDetails(
                403,
                "code_used",
                "this link has been used, or is too old",
                "`searchapp serve --open` gives another",
            )
        return _Redirect("/", self._access.cookie(self._allowed.port))


class _Redirect(ProblemDetails):
    """To the page, with the cookie, so that no code stays in the address."""

    def __init__(self, location: str, cookie: str) -> None:
        super().__init__(303, "open", "the page is at another address")
        self.headers["location"] = location
        self.headers["set-cookie"] = cookie


class _Headers:
    """The headers of a request, names in lower case."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self.raw = list(raw)
        self._values = {name: value.decode("latin-1") for name, value in self.raw}

    def __contains__(self, name: str) -> bool:
        return name.encode() in self._values

    def one(self, name: str) -> str:
        """The value of a header, "" where it is missing."""
        return self._values.get(name.encode(), "")

    @property
    def size(self) -> int:
        """Bytes of names and values together."""
        return sum(len(name) + len(value) for name, value in self.raw)


def _misshapen(scope: Scope, headers: _Headers) -> ProblemDetails | None:
    """What is wrong with a request that no honest client sends."""
    times = Counter(name for name, _ in headers.raw)
    if any(times[name] > 1 for name in _ONCE):
        return ProblemDetails(400, "header_twice", "a header came twice")
    if len(scope["raw_path"]) + len(scope["query_string"]) > MOST_TARGET:
        return ProblemDetails(
            414, "too_long", "the address is too long", "send the question as JSON, by POST"
        )
    if headers.size > MOST_HEADERS:
        return ProblemDetails(431, "headers_too_large", "the headers are too large")
    if "\0" in scope["path"]:
        return ProblemDetails(400, "usage", "the address holds a NUL")
    return None


def _unfit_body(scope: Scope, headers: _Headers) -> ProblemDetails | None:
    if scope["method"] != "POST":
        return None
    kind = headers.one("content-type").partition(";")[0].strip().lower()
    if kind != "application/json":
        return ProblemDetails(
            415, "not_json", "this server takes JSON", "send Content-Type: application/json"
        )
    length = headers.one("content-length")
    if length and (not length.isascii() or not length.isdigit() or int(length) > MOST_BODY):
        return _too_large()
    return None


def _too_large() -> ProblemDetails:
    return ProblemDetails(413, "too_large", f"a request has at most {MOST_BODY:,} bytes")


async def _body(scope: Scope, receive: Receive) -> bytes | ProblemDetails:
    """The whole body, or what is wrong with it; _GONE where the client has left."""
    if scope["method"] != "POST":
        return b""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return _GONE
                body += message.get("body", b"")
                if len(body) > MOST_BODY:
                    return _too_large()
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        late = {"Connection": "close"}
        return ProblemDetails(408, "too_slow", "the request came too slowly", headers=late)


def _given(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was read already, and then what comes after it."""
    is_given = False

    async def given() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return given


def _has_port(name: str) -> bool:
    return name.rpartition("]")[2].count(":") == 1


_GONE = ProblemDetails(400, "gone", "the client has left")
