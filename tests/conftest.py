"""What every test rests on: no network, a cache of its own, and a corpus that is sound when the
test is over.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tests.cpu_limit import MOST_S, cpu_limit

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: programs that
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests interrupt would inherit it

# Before torch, FAISS or SciPy is loaded: threads that wait for one another spin, and the tests keep
# every processor busy. Small models are taught four times as fast so.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("usual", max_examples=40, deadline=None)
settings.register_profile("torture", max_examples=1000, deadline=None)
settings.load_profile("usual")  # another by --hypothesis-profile


@pytest.fixture(autouse=True)
def limited_work() -> Iterator[None]:
    """A test that works without end fails."""
    with cpu_limit(MOST_S):
        yield


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting anywhere is a failure, in this process; nothing of ours has a reason to."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a test reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(autouse=True)
def no_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that starts a program is marked `slow` or `model`, and so no part of `make quick`."""
    if any(map(request.node.get_closest_marker, ("slow", "model"))):
        return

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a quick test started a process: mark it slow")

    monkeypatch.setattr(subprocess.Popen, "_execute_child", refuse)


@pytest.fixture(autouse=True)
def sound_corpora(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test, every corpus below its `tmp_path` passes `check --full`, unless the test is
    marked `damages_corpus`.
    """
    folder: Path | None = (
        request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    )
    yield
    if folder is None or request.node.get_closest_marker("damages_corpus"):
        return
    from searchapp.backends.sqlite.integrity import check

    for database in folder.rglob("corpus.db"):
        assert check(database.parent, full=True) == []


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for converted models, one for all workers of a run: whoever comes first
    converts, under the lock of the cache.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "model-cache"
    folder.mkdir(exist_ok=True)
    return folder
