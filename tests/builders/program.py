"""The program as people and scripts run it, for tests: in a process of its own, or within the test's
where the libraries that it loads are what would take long.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from unittest.mock import patch

from searchapp.cli import app

MODULE = (sys.executable, "-P", "-m", "searchapp")


@dataclass
class Program:
    """The program in a folder of its own, with an environment that holds only what it is given."""

    folder: Path
    cache: Path
    command: tuple[str, ...] = MODULE
    extra: dict[str, str] = field(default_factory=dict)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        base = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "SEARCHAPP_CACHE": str(self.cache),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "OMP_NUM_THREADS": "1",  # as in conftest
        }
        return {**base, **self.extra, **(extra or {})}

    def run(
        self, *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [*self.command, *words]
        return subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=self.environment(env),
            capture_output=True,
            text=True,
            timeout=900,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.returncode in (0, 1, 3), done.stderr
        return json.loads(done.stdout)

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.command, *words], cwd=self.folder, env=self.environment(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip

    def on_terminal(
        self, *words: str, columns: int = 80, env: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """What the program writes to a terminal, and to stderr."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        command = [*self.command, *words]
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            os.close(slave)
            shown = b"".join(chunks(master))
            os.close(master)
            assert process.stderr is not None
            return shown.decode().replace("\r\n", "\n"), process.stderr.read()


@dataclass
class ProgramInside(Program):
    """The program within the process of the test: torch and its like are loaded once for all runs.
    Stdin is what it is given; what needs a terminal, or signals, takes a process.
    """

    def run(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str = "",
    ) -> subprocess.CompletedProcess[str]:
        out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in "oe")
        given = TextIOWrapper(BytesIO(stdin.encode()), encoding="utf-8")
        with (
            chdir(cwd or self.folder),
            patch.dict(os.environ, self.environment(env), clear=True),
            patch.object(sys, "stdin", given),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                code = app.main(words)
            finally:
                logging.getLogger("searchapp").handlers.clear()  # they write to this run's stderr
        told = [stream.buffer.getvalue().decode() for stream in (out, err)]
        return subprocess.CompletedProcess(words, code, *told)


def chunks(descriptor: int) -> Iterator[bytes]:
    with suppress(OSError):  # EIO: the other side of a terminal is closed
        while chunk := os.read(descriptor, 65536):
            yield chunk


def error_of(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The one error, as JSON on stderr; nothing on stdout."""
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    error: dict[str, str] = json.loads(line)["error"]
    assert set(error) == {"code", "message", "hint"}
    return error
