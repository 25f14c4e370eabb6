"""The file by which this user's own programs meet a living server: its address, its token, which
version it is and which corpus it serves.

It is readable by its owner alone, stands in the runtime folder of the user, one for each corpus,
and goes when the server goes. Imports nothing but the standard library, as a query that only asks a
server has no time for more.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

_CONNECTED_WITHIN_S = 2.0


class ServerState(NamedTuple):
    """What is to be known of a living server."""

    pid: int
    host: str
    port: int
    token: str
    version: str
    corpus: str  # its place
    cache: str  # the folder of converted models and last answers
    mode: str | None  # how it ranks by default
    environment: dict[str, str]  # what of it changes an answer


def state_path(folder: Path, corpus: str) -> Path:
    """The file of the server of a corpus, in the runtime folder."""
    name = hashlib.blake2b(os.fsencode(corpus), digest_size=8).hexdigest()
    return folder / f"serve-{name}.json"


def write_state(path: Path, state: ServerState) -> None:
    """Write the file, whole, for its owner alone; raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{state.pid}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(state._asdict(), file)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def read_state(path: Path) -> ServerState | None:
    """The living server that a file tells of; None where there is none, or the file is another
    user's or open to others.
    """
    try:
        with path.open(encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o077:
                return None
            state = ServerState(**json.load(file))
        os.kill(state.pid, 0)
    except (OSError, OverflowError, ValueError, TypeError):
        return None
    return state


def living_server(path: Path) -> ServerState | None:
    """The same; None too where nobody listens at its address, as when it was killed and its process
    id is another's now.
    """
    import socket

    state = read_state(path)
    if state is None or state.pid == os.getpid():
        return None
    try:
        socket.create_connection((state.host, state.port), _CONNECTED_WITHIN_S).close()
    except ConnectionRefusedError:
        return None
    except OSError:
        return state  # it is there, and busy
    return state


def remove_state(path: Path, pid: int) -> None:
    """Remove the file of the server of a process; that of another one stays."""
    state = read_state(path)
    if state is not None and state.pid == pid:
        path.unlink(missing_ok=True)
