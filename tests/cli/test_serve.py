"""A server as people run it: how it begins, answers many, and ends."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import stat
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from searchapp.web.connections import HEAD_WITHIN_S
from tests.builders.program import Program

pytestmark = pytest.mark.model

REAL_CONNECT = socket.socket.connect


class Living(NamedTuple):
    """A server that listens."""

    process: Any
    port: int
    state: Path
    open_url: str

    @property
    def token(self) -> str:
        return str(json.loads(self.state.read_text())["token"])

    def head(self, target: str, method: str = "GET") -> str:
        return f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer {self.token}\r\n"

    def ask(self, target: str) -> Any:
        status, body = answer_of(
            self.sent(f"{self.head(target)}Connection: close\r\n\r\n".encode())
        )
        assert status == 200, body
        return json.loads(body)

    def sent(self, data: bytes) -> socket.socket:
        connection = socket.socket()
        connection.settimeout(30)
        REAL_CONNECT(connection, ("127.0.0.1", self.port))
        connection.sendall(data)
        return connection


def answer_of(connection: socket.socket) -> tuple[int, bytes]:
    """The status and body of an answer, once the connection is closed."""
    with connection:
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, body


@contextmanager
def serving(program: Program, *options: str, env: dict[str, str] | None = None) -> Iterator[Living]:
    with program.start("serve", "--port", "0", "--json", *options, env=env) as process:
        try:
            said = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            port = int(said["url"].rpartition(":")[2].strip("/"))
            yield Living(process, port, Path(said["state"]), said["open"])
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Program:
    folder = tmp_path_factory.mktemp("serve")
    (folder / "docs").mkdir()
    for number in range(40):
        (folder / "docs" / f"{number}.md").write_text(f"The lamp of quay {number} is lit at dusk.")
    program = Program(folder, model_cache, extra={"SEARCHAPP_CORPUS": str(folder / "corpus")})
    assert program.run("ingest", "docs").returncode == 0
    return program


def test_it_says_where_it_is_and_leaves_nothing(program: Program) -> None:
    with serving(program) as server:
        assert stat.S_IMODE(server.state.stat().st_mode) == 0o600
        assert server.token not in server.open_url
        assert server.token not in Path(f"/proc/{server.process.pid}/cmdline").read_text()
        assert len(server.ask("/api/v1/search?q=lamp&k=3")["matches"]) == 3
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
        assert not server.state.exists()


def test_the_end_waits_for_the_answers_that_are_being_made(program: Program) -> None:
    with serving(program) as server:
        slow = "/api/v1/search?q=lamp&k=40&mode=best&explain=true"
        asked = [
            server.sent(f"{server.head(slow)}Connection: close\r\n\r\n".encode()) for _ in range(3)
        ]
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        for connection in asked:
            status, body = answer_of(connection)
            assert (status, len(json.loads(body)["matches"])) == (200, 40)
        assert server.process.wait(20) == 0


def test_listeners_do_not_keep_it_from_ending(program: Program) -> None:
    with serving(program) as server:
        listening = server.sent(f"{server.head('/api/v1/events')}\r\n".encode())
        assert b"text/event-stream" in listening.recv(65536)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(8) == 0
        listening.close()


def test_a_server_that_nobody_asks_ends(program: Program) -> None:
    with serving(program, "--idle-exit", "0.01") as server:
        assert server.process.wait(20) == 0
        assert not server.state.exists()


def test_half_a_head_is_waited_for_ten_seconds_and_a_long_one_is_refused(program: Program) -> None:
    with serving(program) as server:
        half = server.sent(b"GET /health HTTP/1.1\r\nX: ")
        begin = time.monotonic()
        status, body = answer_of(server.sent(b"GET /health HTTP/1.1\r\nX: " + b"a" * 60_000))
        assert status in (431, 0), body
        assert answer_of(half) == (0, b"")
        assert time.monotonic() - begin < HEAD_WITHIN_S + 5


@pytest.mark.parametrize("body", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
def test_a_body_that_goes_on_after_its_answer_holds_no_connection(
    program: Program, body: str
) -> None:
    with serving(program) as server:
        host = f"Host: 127.0.0.1:{server.port}"
        endless = server.sent(f"GET /health HTTP/1.1\r\n{host}\r\n{body}\r\n\r\n".encode())
        begin, is_open = time.monotonic(), True
        while is_open and time.monotonic() - begin < HEAD_WITHIN_S + 5:
            time.sleep(0.5)
            try:
                endless.sendall(b"1\r\na\r\n")
            except OSError:
                is_open = False
        endless.close()
        assert not is_open


def test_a_large_body_in_parts_is_refused_and_the_answer_is_heard(program: Program) -> None:
    with serving(program) as server:
        head = f"{server.head('/api/v1/search', 'POST')}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        part = b"10000\r\n" + b"a" * 65536 + b"\r\n"
        connection = server.sent(head.encode())
        for _ in range(32):
            connection.sendall(part)
        assert connection.recv(12) == b"HTTP/1.1 413"
        connection.close()


def test_the_same_generation_gives_the_same_answers_beside_an_ingest(program: Program) -> None:
    answers: dict[tuple[str, int], set[str]] = defaultdict(set)
    failures: list[BaseException] = []

    are_ingested = threading.Event()

    def ask(server: Living, number: int) -> None:
        try:
            for turn in itertools.count():
                question = f"lamp+{(number + turn) % 4}"
                said = server.ask(f"/api/v1/search?q={question}&k=5")
                matches = json.dumps([(match["id"], match["score"]) for match in said["matches"]])
                answers[question, said["generation"]].add(matches)
                if are_ingested.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    with serving(program) as server:
        threads = [threading.Thread(target=ask, args=(server, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for number in range(3):
            (program.folder / "docs" / f"new{number}.md").write_text(
                f"Another lamp {number}, newly lit."
            )
            assert program.run("ingest").returncode == 0
        are_ingested.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len({generation for _, generation in answers}) > 1
    assert {len(different) for different in answers.values()} == {1}


def test_open_shows_the_page_of_a_living_server(program: Program) -> None:
    opened = program.folder / "opened"
    browser = program.folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    with serving(program) as server:
        assert program.run("serve", "--open", env={"BROWSER": str(browser)}).returncode == 0
        url = opened.read_text().strip()
        assert url.startswith(f"http://127.0.0.1:{server.port}/?code=")
        target = url.partition(str(server.port))[2]
        asked = (
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n"
        )
        assert answer_of(server.sent(asked.encode()))[0] == 303


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--host", "0.0.0.0"], 2, "can be reached from other machines"),
        (["--host", "0.0.0.0", "--allow-remote"], 2, "can be reached from other machines"),
        (["--token-file", "nosuch"], 2, "cannot read nosuch"),
        (["--port", "99999"], 2, "99999 is not in the range"),
    ],
)
def test_what_is_not_safe_or_makes_no_sense_is_refused(
    program: Program, options: list[str], code: int, says: str
) -> None:
    done = program.run("serve", *options)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr


def test_a_port_that_is_taken_is_said(program: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = program.run("serve", "--port", str(taken.getsockname()[1]))
    assert (done.returncode, "--port 0 for any that is free" in done.stderr) == (4, True)


def test_two_that_begin_at_once_at_one_port_are_told_apart(program: Program) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    first, second = (
        program.start("serve", "--port", port, "--idle-exit", "0.02", "--corpus", corpus)
        for corpus in ("one", "two")
    )
    said = sorted(
        (process.communicate(timeout=60)[1], process.returncode) for process in (first, second)
    )
    assert [code for _, code in said] == [0, 4]
    assert f"cannot listen at 127.0.0.1 port {port}" in said[1][0]


def test_two_that_begin_at_once_on_one_corpus_are_told_apart(program: Program) -> None:
    first, second = (program.start("serve", "--port", "0", "--idle-exit", "0.05") for _ in range(2))
    said = sorted(
        (process.communicate(timeout=60)[1], process.returncode) for process in (first, second)
    )
    assert [code for _, code in said] == [0, 4]
    assert "is served already" in said[1][0]


def test_a_runtime_folder_that_cannot_be_is_said(program: Program, tmp_path: Path) -> None:
    (tmp_path / "searchapp").write_text("a file")
    done = program.run("serve", "--port", "0", env={"XDG_RUNTIME_DIR": str(tmp_path)})
    assert (done.returncode, "error: cannot write" in done.stderr) == (4, True), done.stderr


def test_a_killed_server_whose_process_id_was_taken_over_is_none(program: Program) -> None:
    with serving(program) as server:
        state = server.state
        server.process.kill()
        server.process.wait(20)
    said = json.loads(state.read_text())
    state.write_text(json.dumps(said | {"pid": os.getpid()}))
    with serving(program) as server:
        assert (server.state, server.ask("/api/v1/status")["read_only"]) == (state, False)


def test_a_token_file_is_its_owners_and_holds_a_token(program: Program) -> None:
    file = program.folder / "token"
    file.write_text("short\n")
    file.chmod(0o600)
    assert "holds no token" in program.run("serve", "--token-file", str(file)).stderr
    file.write_text("t" * 40)
    with serving(program, "--token-file", str(file)) as server:
        assert server.token == "t" * 40
    file.chmod(0o644)
    assert "others may read" in program.run("serve", "--token-file", str(file)).stderr
