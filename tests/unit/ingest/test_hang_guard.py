"""A disk that does not answer costs the folders on it, and no more: `os.scandir` and `os.open` wait
here as they do for a server that is gone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders.house import House

DEAD = "its disk does not answer"


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.write(a_md="one", z_md="two")
    (made.docs / "mount").mkdir()
    (made.docs / "mount/b.md").write_text("three")
    (made.docs / "mount/.gitignore").write_text("*.tmp\n")
    made.ingest()
    return made


@pytest.fixture(params=["scandir", "open"])
def dead_house(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, house: House
) -> Iterator[House]:
    """What is below `mount` never comes, the listing of it or the rules in it."""
    answered = threading.Event()

    def waiting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".", *rest: Any, **options: Any) -> Any:
            if isinstance(path, bytes) and b"/mount" in path:
                answered.wait(20)
            return real(path, *rest, **options)

        return call

    monkeypatch.setattr(os, request.param, waiting(getattr(os, request.param)))
    monkeypatch.setattr("searchapp.ingest.hang_guard.TIMEOUT_S", 0.05)
    yield house
    answered.set()


def test_a_folder_on_a_dead_disk_is_given_up_and_keeps_its_documents(dead_house: House) -> None:
    house = dead_house
    house.write(a_md="four")
    report = house.ingest()
    told = {os.fsdecode(each.path)[len(str(house.docs)) + 1 :]: each for each in report.files}
    assert {name: each.outcome for name, each in told.items()} == {
        "a.md": "indexed",
        "z.md": "unchanged",
        "mount": "failed",
        "mount/b.md": "failed",
    }
    assert told["mount"].reason == DEAD
    assert house.names() == ["a.md", "b.md", "z.md"]


def test_a_stop_does_not_wait_for_a_dead_disk(
    dead_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("searchapp.ingest.hang_guard.TIMEOUT_S", 30)
    stopping = threading.Timer(0.3, (stop := threading.Event()).set)
    stopping.start()
    report = dead_house.ingest(is_stopped=stop.is_set)
    assert report.was_interrupted
    assert [each for each in report.files if each.outcome == "failed"] == []
