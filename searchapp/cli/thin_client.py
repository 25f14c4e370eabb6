"""A command line that asks a living server, where there is one: the same bytes in a tenth of the
time.

It runs before anything else is imported, so it knows only what is light: the settings, the table of
options and the server's state file. Whatever it is not sure of, the program does by itself: an
option it does not know, a server of another version, an answer that is none. Then nobody is told.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from searchapp import __version__, config
from searchapp.errors import SearchappError
from searchapp.search.query_options import ON_COMMAND_LINE, Option
from searchapp.types.places import resolve_place
from searchapp.web.state_file import read_state, state_path

if TYPE_CHECKING:
    from searchapp.web.state_file import ServerState

PATH, HEALTH = "/api/v1/written", "/health"
_WITHIN_S = 60.0  # an answer that takes longer is made here
_ALIVE_WITHIN_S = 2.0  # a server that says nothing for so long is stopped, or stuck
_FORMS = {"--json": "json", "--paths": "paths", "--null": "null", "-0": "null"}
_OF_LISTS = ("--in", "--type", "--where", "--label")  # what `list` takes, too
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Asked(NamedTuple):
    """What a command line asks for."""

    command: str
    words: list[str]  # of `show`, the name of a file, "" where it is a path, and the place
    options: dict[str, Any]  # by flag
    forms: set[str]
    corpus: str | None


def run(arguments: Sequence[str]) -> int | None:
    """Have a living server answer a command line, and write what it says; returns the exit code.
    None: there is none, or this is not for it, and nothing was written.
    """
    try:
        asked = parsed(arguments)
        if asked is None or not (sys.stdout and sys.stderr):  # None where they are closed
            return None
        settings = config.load(corpus=asked.corpus)
        state = read_state(state_path(config.runtime_folder(settings.cache), settings.place))
        if state is None or not _is_like(state, settings):
            return None
        written = _written(state, asked)
    except (SearchappError, OSError, ValueError, KeyError, TypeError):
        return None
    return None if written is None else _write(written)


def parsed(arguments: Sequence[str]) -> Asked | None:
    """What a command line asks a server for; None where it is not one for a server."""
    words = list(arguments)
    if words and " " in words[0].strip() and not words[0].startswith("-"):
        words.insert(0, "query")
    if not words or words[0] not in ("query", "list", "show"):
        return None
    command = words.pop(0)
    known = _known(command)
    asked = Asked(command, [], {}, set(), None)
    rest = iter(words)
    for word in rest:
        flag, sign, value = word.partition("=")
        if word == "--":
            asked.words.extend(rest)
        elif not word.startswith("-"):
            asked.words.append(word)
        elif word in _FORMS and (command == "query" or word == "--json"):
            asked.forms.add(_FORMS[word])
        elif flag == "--corpus" and asked.corpus is None:
            asked = asked._replace(corpus=value if sign else next(rest, ""))
        elif flag not in known or not _take(known[flag], asked, rest, value if sign else None):
            return None
    return _with_places(asked) if _is_whole(asked) else None


def _with_places(asked: Asked) -> Asked:
    """The same with its paths made absolute, as they stand in the folder of this program."""
    if asked.command == "query" or "/" not in "".join(asked.words):
        place = [resolve_place(word) for word in asked.words] if asked.command == "show" else []
        return asked._replace(words=[*asked.words, *place])
    places = [resolve_place(word) for word in asked.words]
    if asked.command == "show":
        return asked._replace(words=["", *places])
    options = asked.options | {"--in": [*asked.options.get("--in", []), *places]}
    return asked._replace(words=[], options=options)


def _known(command: str) -> Mapping[str, Option]:
    if command == "query":
        return {flag: option for flag, option in ON_COMMAND_LINE.items() if flag != "--like"}
    return {flag: ON_COMMAND_LINE[flag] for flag in _OF_LISTS} if command == "list" else {}


def _take(option: Option, asked: Asked, rest: Iterator[str], value: str | None) -> bool:
    """Put an option's value among what is asked; whether it is one that can only mean that."""
    flag, options = option.flag, asked.options
    if option.kind == "flag":
        options[flag] = True
        return value is None
    text = next(rest, "") if value is None else value
    if not text or (option.kind == "text" and text.startswith("-")):
        return False
    if option.kind != "text":
        if not _NUMBER.fullmatch(text) or (option.kind == "integer" and not text.isdigit()):
            return False
        given: object = int(text) if option.kind == "integer" else float(text)
    else:
        given = resolve_place(text) if flag == "--in" else text
    if option.is_repeatable:
        options.setdefault(flag, []).append(given)
        return True
    is_first = flag not in options
    options[flag] = given
    return is_first


def _is_whole(asked: Asked) -> bool:
    """Whether there is nothing that only the program itself can do, or refuse."""
    if asked.command != "query":
        return len(asked.words) == 1 or (asked.command == "list" and not asked.words)
    is_one_form = asked.forms <= {"json"} or (
        asked.forms <= {"paths", "null"} and "paths" in asked.forms
    )
    has_question = bool(asked.words or "--like-match" in asked.options)
    return has_question and asked.words != ["-"] and is_one_form


def _is_like(state: ServerState, settings: config.Settings) -> bool:
    """Whether the server of a state gives the answers that this program would."""
    return (
        state.version == __version__
        and state.corpus == settings.place
        and state.cache == str(settings.cache)
        and state.mode == settings.mode
        and state.environment == config.answering()
    )


# ---- asking, and writing the answer --------------------------------------------------------------


def _written(state: ServerState, asked: Asked) -> Mapping[str, Any] | None:
    """What the server says; None where it cannot. Raises OSError or ValueError."""
    import json

    body = json.dumps(
        {
            "command": asked.command,
            "words": asked.words,
            "options": asked.options,
            "form": next(
                (form for form in ("null", "paths", "json") if form in asked.forms), "text"
            ),
            "style": config.terminal_facts(sys.stdout) if sys.stdout.isatty() else None,
            "note_columns": config.terminal_columns(sys.stderr) if sys.stderr.isatty() else None,
        }
    ).encode()
    if _answer(state, f"GET {HEALTH}", within_s=_ALIVE_WITHIN_S) is None:
        return None
    head = (
        f"POST {PATH}",
        f"Authorization: Bearer {state.token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    content = _answer(state, *head, body=body)
    written = None if content is None else json.loads(content)
    return written if isinstance(written, dict) else None


def _answer(
    state: ServerState, request: str, *headers: str, body: bytes = b"", within_s: float = _WITHIN_S
) -> bytes | None:
    """What a server answers, None where that is a problem. Raises OSError, as where it says nothing
    in time.
    """
    import socket

    host = f"[{state.host}]" if ":" in state.host else state.host
    lines = (f"{request} HTTP/1.1", f"Host: {host}:{state.port}", *headers, "Connection: close")
    with socket.create_connection((state.host, state.port), within_s) as connection:
        connection.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii") + body)
        answer = bytearray()
        while part := connection.recv(1 << 16):
            answer += part
    status, _, content = bytes(answer).partition(b"\r\n\r\n")
    return content if status.startswith(b"HTTP/1.1 200 ") else None


def _write(written: Mapping[str, Any]) -> int:
    """Write an answer as the program itself would."""
    text, notes, code = written["text"], written["notes"], int(written["exit_code"])
    for note in notes:
        sys.stderr.write(f"{note}\n")
    is_utf8 = sys.stdout.encoding.lower().replace("-", "").replace("_", "") == "utf8"
    as_bytes = is_utf8 or not sys.stdout.isatty()
    encoding, errors = (
        ("utf-8", "surrogateescape") if as_bytes else (sys.stdout.encoding, "replace")
    )
    sys.stderr.flush()
    try:
        sys.stdout.buffer.write(text.encode(encoding, errors))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # as of a full disk
        sys.stderr.write(f"error: cannot write the answer: {error.strerror or error}\n")
        return SearchappError.exit_code
    return code
