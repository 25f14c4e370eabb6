"""A pool of workers survives what its files and its parent do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from searchapp.extract.worker import ExtractionPool

SHARED = Path(__file__).resolve().parents[1].parent / "shared"

REQUEST = "import os, sys, time; os.read(0, 65536); "  # a worker that has taken its request, and then...


def failure(pool: ExtractionPool, path: bytes = b"/nowhere") -> str:
    extraction = pool.submit(path).result(timeout=30)
    assert (extraction.source, extraction.document) == (None, None)
    assert extraction.unindexed is not None
    assert extraction.unindexed.outcome == "failed"
    return extraction.unindexed.reason


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
        extraction = pool.submit(os.fsencode(file)).result(timeout=30)
    assert extraction.unindexed is None
    assert extraction.document is not None
    assert (extraction.document.title, extraction.document.text) == ("Title", "# Title\n\ntext\n")
    assert [block.kind for block in extraction.document.blocks] == ["heading", "prose"]
    assert extraction.source is not None
    assert (extraction.source.path, extraction.source.extractor, extraction.source.splitter) == (os.fsencode(file), "markdown/1", "")
    assert extraction.source.identity.size == 14
    assert len(extraction.source.content_hash) == 32


def test_a_name_that_is_no_text_is_read_too(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    Path(os.fsdecode(path)).write_bytes(b"text")
    with ExtractionPool(1) as pool:
        extraction = pool.submit(path).result(timeout=30)
    assert extraction.document is not None
    assert extraction.document.text == "text"


def test_a_file_without_text_keeps_its_source_and_gives_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"  \n")
    with ExtractionPool(1) as pool:
        extraction = pool.submit(os.fsencode(file)).result(timeout=30)
    assert extraction.source is not None
    assert extraction.unindexed is not None
    assert (extraction.unindexed.outcome, extraction.unindexed.reason) == ("skipped", "empty")


def test_a_hanging_worker_is_killed_in_time_with_all_that_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = f"import subprocess; open({str(child)!r}, 'w').write(str(subprocess.Popen(['sleep', '60']).pid)); time.sleep(60)"
    begun = time.monotonic()
    with ExtractionPool(1, timeout_s=2, command=program(code)) as pool:
        assert failure(pool) == "took longer than 2 s"
    assert time.monotonic() - begun < 20
    assert until_gone(int(child.read_text()))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("os.kill(os.getpid(), 11)", "the reader crashed (signal 11)"),
        ("os._exit(3)", "the reader crashed (exit 3)"),
        ("os.write(1, b'\\0\\0\\0\\2{]'); time.sleep(60)", "the reader crashed (nonsense answer)"),
        ("os.write(1, b'\\0\\0\\0\\2[]'); time.sleep(60)", "the reader crashed (nonsense answer)"),
        ("os.write(1, b'\\xff\\0\\0\\0'); time.sleep(60)", "holds more than 512 MiB of text"),
    ],
)
def test_a_worker_that_dies_or_answers_nonsense_costs_its_file_only(code: str, reason: str) -> None:
    with ExtractionPool(1, command=program(code)) as pool:
        assert failure(pool) == reason
        assert failure(pool) == reason


def test_a_worker_that_cannot_be_started_costs_its_file_only() -> None:
    with ExtractionPool(1, command=["/nowhere/python"]) as pool:
        assert failure(pool) == "no reader could be started: No such file or directory"


def test_a_file_that_needs_too_much_memory_fails_and_the_next_one_is_read(tmp_path: Path) -> None:
    large, small = tmp_path / "large.txt", tmp_path / "small.txt"
    large.write_bytes(b"word " * (40 * 2**20))
    small.write_bytes(b"text")
    with ExtractionPool(1, memory_bytes=2**28) as pool:
        extraction = pool.submit(os.fsencode(large)).result(timeout=60)
        assert extraction.unindexed is not None
        assert extraction.unindexed.reason == "needed more than 0.25 GiB of memory"
        assert pool.submit(os.fsencode(small)).result(timeout=30).document is not None


def test_a_worker_that_died_while_idle_costs_no_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"text")
    with ExtractionPool(1) as pool:
        assert pool.submit(os.fsencode(file)).result(timeout=30).document is not None
        (worker,) = pool._running
        os.kill(worker._process.pid, signal.SIGKILL)
        assert until_gone(worker._process.pid)
        assert pool.submit(os.fsencode(file)).result(timeout=30).document is not None


def test_a_file_over_the_limit_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"0123456789")
    with ExtractionPool(1, max_bytes=9) as pool:
        extraction = pool.submit(os.fsencode(file)).result(timeout=30)
    assert extraction.unindexed is not None
    assert extraction.unindexed.outcome == "skipped"


def test_leaving_the_pool_kills_a_worker_that_is_busy() -> None:
    begun = time.monotonic()
    with ExtractionPool(1, command=program("time.sleep(60)")) as pool:
        running = pool.submit(b"/nowhere")
        waiting = pool.submit(b"/nowhere")
        time.sleep(0.2)
    assert time.monotonic() - begun < 20
    assert running.done()
    assert waiting.cancelled()


def test_workers_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"text")
    code = f"""
import time
from searchapp.extract.worker import ExtractionPool
pool = ExtractionPool(1)
pool.submit({os.fsencode(tmp_path / "a.txt")!r}).result()
print(*(worker._process.pid for worker in pool._running), flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert is_running(worker)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert until_gone(worker)


def test_a_worker_opens_no_socket_and_starts_no_program() -> None:
    code = """
import sys, socket, subprocess
from searchapp.extract.worker import _forbid
sys.addaudithook(_forbid)
for attempt in (socket.socket, lambda: subprocess.Popen(["true"])):
    try:
        attempt()
    except PermissionError as error:
        print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.splitlines() == ["not allowed while reading a file: socket.__new__", "not allowed while reading a file: subprocess.Popen"]


def test_a_worker_needs_no_numpy_for_a_text_file() -> None:
    code = """
import sys
import searchapp.extract.worker, searchapp.walk
from searchapp.extract import extract
extract(b"text", "a.txt")
print("numpy" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.slow
def test_every_sample_is_a_document_with_text_or_has_a_reason() -> None:
    if not (SHARED / "samples").is_dir():
        pytest.skip("needs the shared samples")
    with ExtractionPool(2, timeout_s=10) as pool:
        futures = {path: pool.submit(os.fsencode(path)) for path in sorted((SHARED / "samples").rglob("*")) if path.is_file()}
        for path, future in futures.items():
            extraction = future.result(timeout=120)
            if extraction.document is None:
                assert extraction.unindexed is not None, path
                assert extraction.unindexed.reason, path
                assert "crashed" not in extraction.unindexed.reason, path
            else:
                assert extraction.document.text.strip(), path
