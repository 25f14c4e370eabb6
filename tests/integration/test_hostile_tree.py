"""A tree made to do harm: whatever stands in it, an ingest ends, reads what is good, and gives a
reason for the rest.
"""

from __future__ import annotations

import os
import socket
import stat
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.testing import HashEncoder
from tests.builders.house import House

SLOWEST_S = 30.0


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Pipes, sockets, devices, loops, dangling links, a sparse giant, and names that are no text,
    among good files.
    """
    docs = tmp_path / "docs"
    (docs / "deep" / "deeper").mkdir(parents=True)
    (docs / "good.txt").write_text("a good file", encoding="utf-8")
    os.mkfifo(docs / "pipe.txt")
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(docs / "socket.txt"))
    with suppress(PermissionError):
        os.mknod(docs / "zero.txt", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        os.mknod(docs / "full.txt", stat.S_IFBLK | 0o666, os.makedev(7, 99))
    (docs / "dangling.txt").symlink_to(docs / "nothing")
    (docs / "self.txt").symlink_to(docs / "self.txt")
    (docs / "deep" / "up").symlink_to(docs)
    (docs / "deep" / "deeper" / "round").symlink_to("../../deep")
    (docs / "passwd.txt").symlink_to("/etc/passwd")
    with (docs / "giant.txt").open("wb") as giant:
        giant.truncate(50 * 10**9)
    for name in (
        b"new\nline.txt",
        b"caf\xe9.txt",
        b"\xff\xfe",
        b"tab\there.txt",
        b"-rf.txt",
        b"$(reboot).txt",
        b"\x1b[31mred.txt",
        b"x" * 250 + b".txt",
    ):
        with open(os.fsencode(docs) + b"/" + name, "wb") as file:  # noqa: PTH123 - pathlib cannot hold a path that is bytes
            file.write(b"an odd name " + name[:20].hex().encode())
    return docs


@pytest.mark.slow
def test_an_ingest_of_it_ends_and_accounts_for_everything(tree: Path, tmp_path: Path) -> None:
    corpus = Corpus(SqliteBackend(tmp_path / "corpus"), encoder=HashEncoder())
    began = time.monotonic()
    report = corpus.ingest([tree])
    assert time.monotonic() - began < SLOWEST_S
    told = {entry.path.rpartition(b"/")[2]: (entry.outcome, entry.reason) for entry in report.files}
    on_disk = {
        entry for _, folders, files in os.walk(os.fsencode(tree)) for entry in [*files, *folders]
    } - {b"deep", b"deeper"}
    assert told.keys() == on_disk
    assert told[b"good.txt"] == ("indexed", "")
    assert told[b"giant.txt"] == ("skipped", "larger than 200 MiB")
    assert all(
        told[name][0] == "skipped" and told[name][1]
        for name in (b"pipe.txt", b"socket.txt", b"dangling.txt", b"self.txt", b"up", b"passwd.txt")
    )
    odd = {name for name in on_disk if told[name][0] == "indexed"} - {b"good.txt"}
    assert len(odd) >= 7
    assert {row.path.rpartition(b"/")[2] for row in corpus.documents()} == odd | {b"good.txt"}
    assert corpus.ingest().counts()["unchanged"] == len(odd) + 1


@pytest.mark.slow
def test_files_that_change_while_they_are_read_never_leave_a_mixture(tmp_path: Path) -> None:
    house = House(tmp_path)
    is_over = threading.Event()

    def rewrite() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            for i in range(5):
                (house.docs / f"{i}.txt").write_text(f"version{number} " * 5000, encoding="utf-8")

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(3):
            house.ingest()
    finally:
        is_over.set()
        writer.join()
    for rows in house.content().values():
        assert len(set(str(rows[0][-1]).split())) == 1
    house.ingest()
    assert {name: str(rows[0][-1]) for name, rows in house.content().items()} == {
        path.name: path.read_text(encoding="utf-8") for path in house.docs.iterdir()
    }


@pytest.mark.slow
def test_ten_thousand_files_are_walked_read_and_found_unchanged(tmp_path: Path) -> None:
    house = House(tmp_path)
    for i in range(10_000):
        if i % 500 == 0:
            (house.docs / f"{i:06}").mkdir()
        (house.docs / f"{i // 500 * 500:06}" / f"{i}.txt").write_text(
            f"file number {i}", encoding="utf-8"
        )
    assert house.ingest().counts() == {"indexed": 10_000}
    began = time.monotonic()
    assert house.ingest().counts() == {"unchanged": 10_000}
    assert time.monotonic() - began < SLOWEST_S
