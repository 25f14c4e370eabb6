"""A pool of workers survives what its files and its parent do."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from io import FileIO
from pathlib import Path

import pytest

from searchapp.extract.registry import WITH_SECRETS, extractor_of
from searchapp.extract.sandbox.pool import ExtractionPool
from searchapp.filesystem.safe_open import open_file
from searchapp.types.documents import FileIdentity, Source, Unindexed
from tests.paths import SAMPLES

pytestmark = pytest.mark.slow  # a worker is a process

PASSING = ("took longer", "the reader crashed", "crashed its reader", "needed more")  # no fault
REQUEST = (
    "import os, sys, time; os.read(0, 65536); "  # a worker that has taken its request, and then...
)


def failure(pool: ExtractionPool, path: bytes = os.fsencode(__file__)) -> str:
    lost_s = pool.lost_s
    (extraction,) = pool.submit(path).result(timeout=30)
    assert (extraction.source, extraction.document) == (None, None)
    assert extraction.unindexed is not None
    assert extraction.unindexed.outcome == "failed"
    reason = extraction.unindexed.reason
    assert extraction.unindexed.is_passing == reason.startswith(PASSING)
    assert (pool.lost_s > lost_s) == extraction.unindexed.is_passing
    return reason


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    (tmp_path / "a.zip").write_bytes(b"never read")
    return os.fsencode(tmp_path / "a.zip")


def program(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", REQUEST + code)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_running(pid)


def test_a_file_becomes_a_document_with_its_source(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_bytes(b"# Title\n\ntext\n")
    with ExtractionPool(1) as pool:
        (extraction,) = pool.submit(os.fsencode(file)).result(timeout=30)
    assert extraction.unindexed is None
    assert extraction.document is not None
    assert (extraction.document.title, extraction.document.text) == ("Title", "# Title\n\ntext\n")
    assert [block.kind for block in extraction.document.blocks] == ["heading", "prose"]
    assert extraction.source is not None
    assert (extraction.source.path, extraction.source.extractor, extraction.source.splitter) == (
        os.fsencode(file),
        "markdown/3",
        "",
    )
    assert extraction.source.identity.size == 14
    assert len(extraction.source.content_hash) == 32


def test_a_name_that_is_no_text_is_read_too(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    Path(os.fsdecode(path)).write_bytes(b"text")
    with ExtractionPool(1) as pool:
        (extraction,) = pool.submit(path).result(timeout=30)
    assert extraction.document is not None
    assert extraction.document.text == "text"


def test_a_file_without_text_keeps_its_source_and_gives_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"  \n")
    with ExtractionPool(1) as pool:
        (extraction,) = pool.submit(os.fsencode(file)).result(timeout=30)
    assert extraction.source is not None
    assert extraction.unindexed is not None
    assert (extraction.unindexed.outcome, extraction.unindexed.reason) == ("skipped", "empty")


def test_a_hanging_worker_is_killed_in_time_with_all_that_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = (
        f"import subprocess; open({str(child)!r}, 'w').write(str(subprocess.Popen(['sleep', "
        "'60']).pid)); time.sleep(60)"
    )
    begun = time.monotonic()
    with ExtractionPool(1, timeout_s=2, command=program(code)) as pool:
        assert failure(pool) == "took longer than 2 s"
        assert pool.lost_s > 1
    assert time.monotonic() - begun < 20
    assert until_gone(int(child.read_text()))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("os.kill(os.getpid(), 11)", "the reader crashed (signal 11)"),
        ("os._exit(3)", "the reader crashed (exit 3)"),
        ("os.write(1, b'\\0\\0\\0\\2{]'); time.sleep(60)", "the reader crashed (nonsense answer)"),
        ("os.write(1, b'\\0\\0\\0\\2[]'); time.sleep(60)", "the reader crashed (nonsense answer)"),
        (
            "os.write(1, b'\\0\\0\\0\\7[\"end\"]'); time.sleep(60)",
            "the reader crashed (nonsense answer)",
        ),
        (
            'os.write(1, b\'\\0\\0\\0\\x0d{"member": ""}\'); time.sleep(60)',
            "the reader crashed (nonsense answer)",
        ),
        ("os.write(1, b'\\xff\\0\\0\\0'); time.sleep(60)", "holds more than 512 MiB of text"),
    ],
)
def test_a_worker_that_dies_or_answers_nonsense_costs_its_file_only(code: str, reason: str) -> None:
    with ExtractionPool(1, command=program(code)) as pool:
        assert failure(pool) == reason
        assert failure(pool) == reason


MEMBERS = """
import base64, json, os, sys, time

def say(**answer):
    body = json.dumps(answer).encode()
    os.write(1, len(body).to_bytes(4, "big") + body)

def begin(member):
    say(member=base64.b64encode(member).decode(), content_hash="00" * 32, extractor="text/9")

def document():
    say(document={"text": "text", "type": "txt", "title": "", "blocks": [[0, 4, "prose", [], []]], "has_lines": True, "metadata": {}})

size = int.from_bytes(os.read(0, 4), "big")
start = json.loads(os.read(0, size))["start"]
say(source={"identity": [1, 2, 3, 4], "content_hash": "11" * 32, "hashed_at_ns": 5, "extractor": "detect/9"}, is_refused=False)
for number, member in enumerate([b"a.txt", b"bad\\xff.txt", b"c.txt", b""]):
    if number >= start:
        begin(member)
        if number == 1:
            DEATH
        say(outcome="indexed", reason="archive") if not member else document()
say(end=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("death", "reason"),
    [
        ("os._exit(3)", "the reader crashed (exit 3)"),
        ("time.sleep(60)", "took longer than 2 s"),
        ("os.write(1, b'no')", "the reader crashed"),
    ],
)
def test_a_member_that_kills_its_worker_costs_that_member_only(
    archive: bytes, death: str, reason: str
) -> None:
    death = f"{death}; os._exit(4)" if "no" in death else death
    with ExtractionPool(
        1, timeout_s=2, command=(sys.executable, "-c", MEMBERS.replace("DEATH", death))
    ) as pool:
        extracted = pool.submit(archive).result(timeout=60)
    paths = [archive + name for name in (b"!/a.txt", b"!/bad\xff.txt", b"!/c.txt", b"")]
    assert [each.source and each.source.path for each in extracted] == paths
    assert [each.document is not None for each in extracted] == [True, False, True, False]
    refused, whole = extracted[1].unindexed, extracted[3].unindexed
    assert refused is not None
    assert whole is not None
    assert (refused.path, refused.outcome) == (paths[1], "failed")
    assert refused.reason.startswith(reason)
    assert refused.source is not None
    assert (refused.source.extractor, refused.source.content_hash) == ("text/9", bytes(32))
    assert (whole.path, whole.outcome) == (archive, "indexed")


def test_a_mail_that_was_read_before_its_worker_died_stays_a_document(archive: bytes) -> None:
    code = MEMBERS.replace('[b"a.txt", b"bad\\xff.txt", b"c.txt", b""]', '[b"", b"a.txt"]').replace(
        'say(outcome="indexed", reason="archive") if not member else document()',
        "document(); number or DEATH",
    )
    with ExtractionPool(
        1,
        command=(
            sys.executable,
            "-c",
            code.replace("            DEATH", "            pass").replace("DEATH", "os._exit(3)"),
        ),
    ) as pool:
        extracted = pool.submit(archive).result(timeout=60)
    assert [(each.path, each.document is not None) for each in extracted[:1]] == [(archive, True)]
    assert [each.path for each in extracted].count(archive) == 1
    assert extracted[-1].unindexed is not None
    assert (extracted[-1].path, extracted[-1].unindexed.outcome) == (
        archive + b"!/attachments",
        "failed",
    )


def test_a_container_that_kills_every_worker_ends_and_keeps_what_was_read(archive: bytes) -> None:
    code = MEMBERS.replace("number == 1", "number >= 1").replace(
        '[b"a.txt",', '[b"a.txt", *(str(n).encode() for n in range(100)),'
    )
    with ExtractionPool(
        1, command=(sys.executable, "-c", code.replace("DEATH", "os._exit(3)"))
    ) as pool:
        extracted = pool.submit(archive).result(timeout=120)
    assert extracted[0].document is not None
    assert len(extracted) == 22
    assert extracted[-1].unindexed is not None
    assert (extracted[-1].unindexed.path, extracted[-1].unindexed.reason) == (
        archive,
        "crashed its reader 20 times",
    )


def test_a_content_that_was_refused_before_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"text")
    refused = Unindexed(
        b"/elsewhere.txt",
        "failed",
        "took longer than 60 s",
        source=Source(b"", FileIdentity(4, 1, 1, 1), b"", 1, "text/3"),
    )
    content_hash = hashlib.blake2b(b"text", digest_size=32).digest()
    with ExtractionPool(1) as pool:
        (extracted,) = pool.submit(os.fsencode(file), {content_hash: refused}).result(timeout=30)
        (read,) = pool.submit(os.fsencode(file), {bytes(32): refused}).result(timeout=30)
    assert extracted.unindexed is not None
    assert (extracted.unindexed.path, extracted.unindexed.reason) == (
        os.fsencode(file),
        "took longer than 60 s",
    )
    assert extracted.unindexed.source is not None
    assert (extracted.unindexed.source.content_hash, extracted.unindexed.source.extractor) == (
        content_hash,
        "text/3",
    )
    assert read.document is not None


def test_a_worker_that_cannot_be_started_costs_its_file_only() -> None:
    with ExtractionPool(1, command=["/nowhere/python"]) as pool:
        assert failure(pool) == "no reader could be started: No such file or directory"


def test_a_file_that_needs_too_much_memory_fails_and_the_next_one_is_read(tmp_path: Path) -> None:
    large, small = tmp_path / "large.txt", tmp_path / "small.txt"
    large.write_bytes(b"word " * (40 * 2**20))
    small.write_bytes(b"text")
    with ExtractionPool(1, memory_bytes=2**28) as pool:
        (extraction,) = pool.submit(os.fsencode(large)).result(timeout=60)
        assert extraction.unindexed is not None
        assert extraction.unindexed.reason == "needed more than 0.25 GiB of memory"
        assert extraction.unindexed.is_passing
        assert pool.lost_s > 0
        assert pool.submit(os.fsencode(small)).result(timeout=30)[0].document is not None


def test_a_worker_that_died_while_idle_costs_no_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"text")
    with ExtractionPool(1) as pool:
        assert pool.submit(os.fsencode(file)).result(timeout=30)[0].document is not None
        (worker,) = pool._running
        os.kill(worker._process.pid, signal.SIGKILL)
        assert until_gone(worker._process.pid)
        assert pool.submit(os.fsencode(file)).result(timeout=30)[0].document is not None


def test_a_file_over_the_limit_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"0123456789")
    with ExtractionPool(1, max_bytes=9) as pool:
        (extraction,) = pool.submit(os.fsencode(file)).result(timeout=30)
    assert extraction.unindexed is not None
    assert extraction.unindexed.outcome == "skipped"


def test_leaving_the_pool_kills_a_worker_that_is_busy() -> None:
    begun = time.monotonic()
    with ExtractionPool(1, command=program("time.sleep(60)")) as pool:
        running = pool.submit(os.fsencode(__file__))
        waiting = pool.submit(os.fsencode(__file__))
        time.sleep(0.2)
    assert time.monotonic() - begun < 20
    assert running.done()
    with pytest.raises(CancelledError):  # it may have been taken up when the first one ended
        waiting.result(timeout=0)


def test_workers_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"text")
    code = f"""
import time
from searchapp.extract.sandbox.pool import ExtractionPool
from searchapp.types.documents import (FileIdentity, Source, Unindexed)
pool = ExtractionPool(1)
pool.submit({os.fsencode(tmp_path / "a.txt")!r}).result()
print(*(worker._process.pid for worker in pool._running), flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert is_running(worker)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert until_gone(worker)


GREEDY = """
import json, os
while True:
    size = int.from_bytes(os.read(0, 4), "big")
    os.read(0, size)
    body = json.dumps({"source": None, "outcome": "failed", "reason": "as before"}).encode()
    os.write(1, len(body).to_bytes(4, "big") + body)
"""


def test_a_worker_that_answers_without_taking_its_files_is_replaced_and_not_waited_for() -> None:
    with ExtractionPool(1, command=(sys.executable, "-c", GREEDY)) as pool:
        futures = [pool.submit(os.fsencode(__file__)) for _ in range(600)]
        reasons = [future.result(timeout=60)[0].unindexed for future in futures]
    assert {reason.reason if reason else "" for reason in reasons} == {"as before"}


FRAGILE = """
import json, os
for number in range(9):
    size = int.from_bytes(os.read(0, 4), "big")
    request = json.loads(os.read(0, size))
    answer = {"source": None, "outcome": "failed", "reason": f"read as number {number}"}
    if number:
        END
    body = json.dumps(answer).encode()
    os.write(1, len(body).to_bytes(4, "big") + body)
"""


@pytest.mark.parametrize(
    "end",
    [
        "os._exit(3)",
        "os.write(1, b'\\0\\0\\0\\2{]'); os._exit(3)",
        "answer |= {'reason': 'out of memory', 'is_exhausted': True}",
    ],
)
def test_what_a_worker_has_read_before_costs_no_other_file(end: str) -> None:
    command = (sys.executable, "-c", FRAGILE.replace("END", end))
    with ExtractionPool(1, command=command) as pool:
        assert [failure(pool) for _ in range(3)] == ["read as number 0"] * 3


def test_a_file_whose_disk_does_not_answer_fails_and_the_next_one_is_read(tmp_path: Path) -> None:
    dead, alive = (os.fsencode(tmp_path / name) for name in ("dead.txt", "alive.txt"))
    Path(os.fsdecode(alive)).write_bytes(b"text")
    answers = threading.Event()

    def opened(path: bytes, *, max_bytes: int) -> FileIO:
        if path == dead:
            answers.wait(30)
        return open_file(path, max_bytes=max_bytes)

    begun = time.monotonic()
    with ExtractionPool(1, timeout_s=5, open_file=opened) as pool:
        hanging, following = pool.submit(dead), pool.submit(alive)
        assert following.result(timeout=25)[0].document is not None
        (refused,) = hanging.result(timeout=0)
        assert refused.unindexed is not None
        assert refused.unindexed.is_passing
        assert refused.unindexed.reason == "could not be opened in 5 s: its disk does not answer"
        assert pool.lost_s == 5
        pool.submit(dead)
        time.sleep(0.1)
    assert time.monotonic() - begun < 25
    answers.set()


def test_a_file_stays_open_until_its_worker_has_it() -> None:
    files: list[FileIO] = []

    def opened(path: bytes, *, max_bytes: int) -> FileIO:
        files.append(open_file(path, max_bytes=max_bytes))
        return files[-1]

    with ExtractionPool(1, command=program("time.sleep(1)"), open_file=opened) as pool:
        asked = pool.submit(os.fsencode(__file__))
        time.sleep(0.5)
        assert not files[0].closed
        asked.result(timeout=30)
        assert files[0].closed


def test_a_reader_multiplies_in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    code = FRAGILE.replace('f"read as', 'os.environ.get("OPENBLAS_NUM_THREADS", "") + f" as')
    with ExtractionPool(1, command=(sys.executable, "-c", code)) as pool:
        assert failure(pool) == "1 as number 0"


def test_a_file_with_a_secret_is_refused_and_marked_where_it_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH")
    path = os.fsencode(tmp_path / "a.txt")
    with ExtractionPool(1) as pool:
        (refused,) = pool.submit(path).result(timeout=30)
        (read,) = pool.submit(path, with_secrets=True).result(timeout=30)
        (again,) = pool.submit(path).result(timeout=30)
    assert refused.unindexed is not None
    assert refused.unindexed.reason == "secret: a Hugging Face token"
    assert read.document is not None
    assert read.source is not None
    assert read.source.extractor == f"{extractor_of('txt')}{WITH_SECRETS}"
    assert again.document is None


def test_a_worker_needs_no_numpy_for_a_text_file() -> None:
    code = """
import sys
import searchapp.extract.sandbox.worker, searchapp.filesystem.walk
from searchapp.extract.entries import extract
extract(b"text", "a.txt")
print("numpy" in sys.modules)
"""
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "False\n"
    )


def test_every_sample_is_a_document_with_text_or_has_a_reason() -> None:
    with ExtractionPool(2) as pool:
        futures = {
            path: pool.submit(os.fsencode(path))
            for path in sorted(SAMPLES.rglob("*"))
            if path.is_file()
        }
        for path, future in futures.items():
            for extracted in future.result(timeout=300):
                if extracted.document is None:
                    assert extracted.unindexed is not None, path
                    assert extracted.unindexed.reason, path
                    assert "crashed" not in extracted.unindexed.reason, path
                    assert "the reader failed" not in extracted.unindexed.reason, path
                else:
                    assert extracted.document.text.strip(), path
