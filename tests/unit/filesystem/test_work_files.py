"""What a killed process leaves in the making is deleted by whoever comes next, and nothing else."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from searchapp.filesystem import work_files

TEXT = b"some text"


def leave(place: Path, notes: Path | None = None) -> Path:
    """A folder in the making, as a process that is killed leaves it."""
    with ExitStack() as killed:
        work = killed.enter_context(work_files.work_folder(place, notes=notes))
        (work / "inner").write_bytes(TEXT)
        noted = {note: note.read_bytes() for note in (notes or place).glob("*.note")}
        left = killed.pop_all()
    left.close()  # lets go of the locks, as the end of a process does
    work.mkdir()
    (work / "inner").write_bytes(TEXT)
    for note, content in noted.items():
        note.write_bytes(content)
    return work


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "there").mkdir()
    return tmp_path / "corpus"


def test_what_is_made_goes_with_its_block(tmp_path: Path) -> None:
    with work_files.work_folder(tmp_path, notes=tmp_path) as work:
        (work / "inner").write_bytes(TEXT)
        assert len(list(tmp_path.iterdir())) == 2
    with work_files.work_file(tmp_path, notes=tmp_path) as (path, descriptor):
        os.close(descriptor)
        path.rename(tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_what_was_left_is_deleted_where_the_note_says(corpus: Path, tmp_path: Path) -> None:
    work = leave(tmp_path / "there", corpus)
    assert work.exists()
    assert work_files.sweep(corpus) == []
    assert not work.exists()
    assert list(corpus.iterdir()) == []


def test_what_is_in_use_stays_and_so_does_its_note(corpus: Path, tmp_path: Path) -> None:
    with (
        work_files.work_folder(tmp_path / "there", notes=corpus) as work,
        work_files.work_file(tmp_path / "there", notes=corpus) as (file, descriptor),
    ):
        for folder in (corpus, tmp_path / "there"):
            assert work_files.sweep(folder) == []
        assert work.exists()
        assert file.exists()
        assert len(list(corpus.iterdir())) == 2
        os.close(descriptor)


@pytest.mark.parametrize(
    "said",
    [
        '"{}/precious.txt"',
        '"{}/.searchapp-link.tmp"',
        '".searchapp-relative.tmp"',
        '["{}"]',
        '"{}\\u0000/.searchapp-1.tmp"',
        "{",
        "",
    ],
)
def test_a_note_that_came_with_a_copied_folder_deletes_nothing_of_anybody(
    corpus: Path, tmp_path: Path, said: str
) -> None:
    there = tmp_path / "there"
    (there / "precious.txt").write_bytes(TEXT)
    (there / ".searchapp-link.tmp").symlink_to("precious.txt")
    (corpus / ".searchapp-0123.note").write_text(said.replace("{}", str(there)))
    before = sorted(there.iterdir())
    assert work_files.sweep(corpus) == []
    assert sorted(there.iterdir()) == before
    assert (there / "precious.txt").read_bytes() == TEXT
    assert list(corpus.iterdir()) == []


def test_what_cannot_be_deleted_is_said_until_it_can(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = leave(tmp_path / "there", corpus)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", refuse)
        assert work_files.sweep(corpus) == [work]
        assert work_files.sweep(corpus) == [work]
    assert work_files.sweep(corpus) == []
    assert not work.exists()


def test_who_sweeps_between_making_and_locking_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock
    swept: list[bool] = []

    def late(descriptor: int, kind: int) -> None:
        if not swept:
            swept.append(True)
            assert work_files.sweep(tmp_path) == []
        lock(descriptor, kind)

    monkeypatch.setattr(fcntl, "flock", late)
    with work_files.work_file(tmp_path) as (path, descriptor):
        assert swept
        assert path.exists()
        os.close(descriptor)


def test_who_sweeps_between_making_a_folder_and_opening_it_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Path.mkdir
    swept: list[Path] = []

    def make_and_lose(path: Path, mode: int) -> None:
        make(path, mode)
        if not swept:
            swept.append(path)
            path.rmdir()

    monkeypatch.setattr(Path, "mkdir", make_and_lose)
    with work_files.work_folder(tmp_path) as path:
        assert swept == [path]
        assert path.is_dir()
