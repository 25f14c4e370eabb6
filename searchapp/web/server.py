"""The life of a server: it opens its corpus, listens, says where, answers, and ends in order.

uvicorn runs it. The file by which this user's programs find it stands while it answers. Prints
nothing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Generator, Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import uvicorn

from searchapp import __version__, config
from searchapp.errors import SearchappError
from searchapp.web.access import Access
from searchapp.web.application import application, methods_at
from searchapp.web.connections import MOST_HEAD, BoundedConnection
from searchapp.web.corpus_service import CorpusService
from searchapp.web.events import Events
from searchapp.web.guard import CODE, HEALTH, Allowed, App, Guard
from searchapp.web.ingests import Ingests
from searchapp.web.state_file import (
    ServerState,
    living_server,
    remove_state,
    state_path,
    write_state,
)
from searchapp.web.workers import Workers

if TYPE_CHECKING:
    from types import FrameType

    from searchapp.config import Settings
    from searchapp.corpus import Corpus
    from searchapp.web.command_lines import Written

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LAST_ANSWERS_WITHIN_S = 10  # after the server was asked to end
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # and how it is reached here
_BACKLOG = 512  # connections that wait to be taken


class ServeOptions(NamedTuple):
    """How to serve a corpus."""

    host: str = "127.0.0.1"
    port: int = 8765  # 0: any that is free
    names: tuple[str, ...] = ()  # other names that browsers know it by, as behind a proxy
    token: str | None = None
    read_only: bool = False  # no request begins an ingest
    idle_exit_s: float | None = None  # after which a server that nobody asks ends


class Listening(NamedTuple):
    """Where a server listens."""

    url: str
    open_url: str  # which lets one browser in, once
    state: Path


def serve(
    corpus: Corpus,
    settings: Settings,
    folder: Path,
    options: ServeOptions,
    announce: Callable[[Listening], None],
    written: Written,
) -> None:
    """Serve a corpus until SIGTERM or Ctrl-C, and finish the answers that are being made then.

    `folder` is for the state file; `written` says what a command line of this user would write.
    Raises SearchappError where the address cannot be had, or the
    corpus is served already.
    """
    path = state_path(folder, settings.place)
    _require_alone(path)
    listener = _listener(options)
    port = listener.getsockname()[1]
    access, workers = Access(options.token), Workers()
    service = CorpusService(corpus, read_only=options.read_only)
    events = Events(workers, service.now)
    service.warm_up()
    names = (*_names(options.host), *options.names)
    inner = application(service, workers, events, access, written)
    allowed = Allowed.on(port, names, is_encrypted=bool(options.names))  # by the proxy
    app = Guard(inner, access, allowed, partial(methods_at, inner))
    state = ServerState(
        os.getpid(),
        _ANYWHERE.get(options.host, options.host),
        port,
        access.token,
        __version__,
        settings.place,
        str(settings.cache),
        settings.mode,
        config.answering(),
    )
    url = f"http://{_in_address(options.host)}:{port}/"

    def listening() -> None:
        _require_alone(path, state)
        _write(path, state)
        announce(Listening(url, f"{url}?{CODE}={access.new_code()}", path))

    try:
        _Server(app, options, listening, events.end, service.ingests).run(sockets=[listener])
    finally:
        remove_state(path, os.getpid())
        workers.close()
        service.ingests.end(within_s=_LAST_ANSWERS_WITHIN_S)


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it listens, ends when nobody asks, and does not send itself
    the signal again that ended it.
    """

    def __init__(
        self,
        app: App,
        options: ServeOptions,
        on_listening: Callable[[], None],
        on_end: Callable[[], None],
        ingests: Ingests,
    ) -> None:
        self._ingests = ingests
        self._idle_exit_s = options.idle_exit_s
        self._on_listening = on_listening
        self._on_end = on_end
        self._last = time.monotonic()
        super().__init__(
            uvicorn.Config(
                self._counted(app),
                http=BoundedConnection,
                ws="none",
                lifespan="off",
                interface="asgi3",
                loop="asyncio",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=_LAST_ANSWERS_WITHIN_S,
                backlog=_BACKLOG,
                h11_max_incomplete_event_size=MOST_HEAD,
            )
        )

    def _counted(self, app: App) -> App:
        async def counted(scope, receive, send):  # type: ignore[no-untyped-def]  # as App says
            if scope["path"] != HEALTH:
                self._last = time.monotonic()
            await app(scope, receive, send)

        return counted

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self._on_listening()

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to end."""
        is_idle = (
            self._idle_exit_s is not None
            and not self.server_state.tasks
            and not self._ingests.is_running
            and time.monotonic() - self._last > self._idle_exit_s
        )
        return await super().on_tick(counter) or is_idle

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the answers that are being made."""
        self._on_end()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Let SIGTERM and Ctrl-C end the server in order; a second one ends it at once."""

        def end(_: int, __: FrameType | None) -> None:
            if self.should_exit:
                self.force_exit = True
            self.should_exit = True

        before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


# ---- where it listens ----------------------------------------------------------------------------


def _require_alone(path: Path, own: ServerState | None = None) -> None:
    state = living_server(path)
    if state is not None and (own is None or state.port != own.port):
        error = SearchappError(
            f"this corpus is served already, at http://{_in_address(state.host)}:{state.port}/ "
            f"(process {state.pid})",
            hint="`searchapp serve --open` opens that page",
        )
        error.code = "served"
        raise error


def _write(path: Path, state: ServerState) -> None:
    try:
        write_state(path, state)
    except OSError as error:
        raise SearchappError(
            f"cannot write {path}: {error.strerror or error}",
            hint="programs find the server by that file; its folder is that of XDG_RUNTIME_DIR",
        ) from error


def _listener(options: ServeOptions) -> socket.socket:
    """A socket that listens; raises SearchappError."""
    listener = None
    try:
        family, address = _family(options.host), (options.host, options.port)
        # of TCP by name: only then does asyncio send each answer at once (TCP_NODELAY)
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)  # now, as two may bind the address while neither listens
    except OSError as error:
        if listener is not None:
            listener.close()
        hint = "another port: --port N, or --port 0 for any that is free"
        raise SearchappError(
            f"cannot listen at {options.host} port {options.port}: {error.strerror or error}",
            hint=hint,
        ) from error
    return listener


def _family(host: str) -> socket.AddressFamily:
    """IPv6 for an address of it, or a name that has no other."""
    try:
        return socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]


def _names(host: str) -> Sequence[str]:
    """The names of a host in a Host header."""
    if host in LOOPBACK:
        return tuple(map(_in_address, LOOPBACK))
    return (_in_address(host), *map(_in_address, LOOPBACK))


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
