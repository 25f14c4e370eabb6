"""How programs of this user meet a living server."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from searchapp.web.state_file import (
    ServerState,
    living_server,
    read_state,
    remove_state,
    state_path,
    write_state,
)

STATE = ServerState(os.getpid(), "127.0.0.1", 1, "t", "1", "/corpus", "/cache", None, {})


def test_the_file_is_for_its_owner_alone_and_comes_back_as_written(tmp_path: Path) -> None:
    path = state_path(tmp_path / "run", "/corpus")
    write_state(path, STATE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_state(path) == STATE
    assert list(path.parent.iterdir()) == [path]


def test_each_corpus_has_its_own(tmp_path: Path) -> None:
    assert state_path(tmp_path, "/a") != state_path(tmp_path, "/b")


def test_a_dead_server_is_none(tmp_path: Path) -> None:
    write_state(tmp_path / "s.json", STATE._replace(pid=2**22 + 1))
    assert read_state(tmp_path / "s.json") is None


def test_its_own_process_is_no_other_server(tmp_path: Path) -> None:
    write_state(tmp_path / "s.json", STATE)
    assert living_server(tmp_path / "s.json") is None


def test_a_number_that_no_process_can_have_is_none(tmp_path: Path) -> None:
    write_state(tmp_path / "s.json", STATE._replace(pid=2**80))
    assert read_state(tmp_path / "s.json") is None


def test_a_file_open_to_others_or_broken_is_not_believed(tmp_path: Path) -> None:
    write_state(tmp_path / "s.json", STATE)
    (tmp_path / "s.json").chmod(0o644)
    assert read_state(tmp_path / "s.json") is None
    (tmp_path / "t.json").write_text("{")
    (tmp_path / "t.json").chmod(0o600)
    assert read_state(tmp_path / "t.json") is None
    assert read_state(tmp_path / "missing.json") is None


def test_only_its_own_server_removes_it(tmp_path: Path) -> None:
    write_state(tmp_path / "s.json", STATE)
    remove_state(tmp_path / "s.json", 1)
    assert (tmp_path / "s.json").exists()
    remove_state(tmp_path / "s.json", os.getpid())
    assert not (tmp_path / "s.json").exists()
