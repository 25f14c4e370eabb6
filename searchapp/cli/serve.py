"""The command that shows a corpus to a browser and to other programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import config
from searchapp.cli import console, everyday
from searchapp.cli.options import CorpusOption, JsonOption
from searchapp.errors import UsageError
from searchapp.output.serialization import json_text

if TYPE_CHECKING:
    from searchapp.web.server import Listening

_LEAST_TOKEN = 32  # characters


PortOption = Annotated[
    int, typer.Option("--port", metavar="N", min=0, max=65535, help="0: any that is free.")
]
HostOption = Annotated[
    str, typer.Option("--host", metavar="HOST", help="The address to listen at.")
]
OpenOption = Annotated[
    bool, typer.Option("--open", help="Open the page in the browser, of a living server, too.")
]
ReadOnlyOption = Annotated[
    bool, typer.Option("--read-only", help="Let no request begin an ingest.")
]
IdleExitOption = Annotated[
    float | None,
    typer.Option("--idle-exit", metavar="MIN", min=0, help="End after so long unasked."),
]
AllowRemoteOption = Annotated[
    bool, typer.Option("--allow-remote", help="Listen beyond this machine; see the guide.")
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file", metavar="FILE", help="The token that programs send, of 32 characters."
    ),
]
NamesOption = Annotated[
    list[str],
    typer.Option("--name", metavar="HOST", help="Another name of it, behind a proxy."),
]


def serve(
    port: PortOption = 8765,
    host: HostOption = "127.0.0.1",
    is_opened: OpenOption = False,
    read_only: ReadOnlyOption = False,
    idle_exit: IdleExitOption = None,
    allow_remote: AllowRemoteOption = False,
    token_file: TokenFileOption = None,
    names: NamesOption = [],
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Serve the corpus on this machine: a page for people and an API for programs.

    The page opens at the address that is printed, once; --open opens it again.
    """
    from searchapp.corpus import Corpus
    from searchapp.web.command_lines import new_code
    from searchapp.web.server import LOOPBACK, ServeOptions
    from searchapp.web.server import serve as serve_until_told
    from searchapp.web.state_file import living_server, state_path

    console.show_log()
    if host not in LOOPBACK and not (allow_remote and token_file):
        raise UsageError(
            f"{host} can be reached from other machines",
            hint="--allow-remote with a --token-file allows that",
        )
    options = ServeOptions(
        host=host,
        port=port,
        names=tuple(names),
        token=None if token_file is None else _token_in(token_file),
        read_only=read_only,
        idle_exit_s=None if idle_exit is None else idle_exit * 60,
    )
    settings = config.load(corpus=corpus)
    folder = config.runtime_folder(settings.cache)
    if is_opened and (state := living_server(state_path(folder, settings.place))):
        host_there = f"[{state.host}]" if ":" in state.host else state.host
        _open(f"http://{host_there}:{state.port}/?code={new_code(state)}")
        return console.Exit.DONE

    def announce(listening: Listening) -> None:
        console.write(_told(listening, settings.place, as_json=as_json))
        sys.stdout.flush()
        if is_opened:
            _open(listening.open_url)

    opened = Corpus.open(settings)
    serve_until_told(
        opened,
        settings,
        folder,
        options,
        announce,
        lambda asked: everyday.written(opened, settings, asked)._asdict(),
    )
    return console.Exit.DONE


def _told(listening: Listening, place: str, *, as_json: bool) -> str:
    """Where a server listens, for people or for programs."""
    if not as_json:
        return f"{place} is served at {listening.url}\nopen it once with {listening.open_url}\n"
    state = str(listening.state)
    return json_text({"url": listening.url, "open": listening.open_url, "state": state})


def _token_in(file: Path) -> str:
    """The token in a file of the user's own; raises UsageError."""
    try:
        status, token = file.stat(), file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {file}: {error}", hint="name a file of one line") from error
    if status.st_mode & 0o077:
        raise UsageError(f"others may read {file}", hint=f"chmod 600 {file}")
    if len(token) < _LEAST_TOKEN or not token.isprintable() or " " in token:
        raise UsageError(
            f"{file} holds no token",
            hint="32 characters and more, as from: openssl rand -base64 32",
        )
    return token


def _open(url: str) -> None:
    """Open an address in the browser; where there is none, the address was printed."""
    import webbrowser

    if not webbrowser.open(url):
        console.note("no browser could be opened; use the address above")
