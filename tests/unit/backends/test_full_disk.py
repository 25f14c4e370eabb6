"""A disk that is full or may not be written: a clear refusal, and a corpus that is sound, can be
searched, and can be removed from.

Needs the right to mount a small file system; skips where there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.corpus import Corpus
from searchapp.errors import BackupError, CorpusUnwritable
from searchapp.testing import HashEncoder
from tests.builders.house import HereCorpus

SIZE = 6 * 2**20


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of six megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    if (
        shutil.which("mount") is None
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place], check=False
        ).returncode
    ):
        pytest.skip("no right to mount a small file system")
    try:
        yield place
        remount(place, f"size={16 * SIZE},rw")
        (place / "filler").unlink(missing_ok=True)
        if (place / "corpus").exists():
            assert check(place / "corpus", full=True) == []
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)


def fill(place: Path) -> None:
    """Leave no room at all."""
    descriptor = os.open(place / "filler", os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, bytes(4096))
    except OSError:
        os.close(descriptor)


def documents(folder: Path, count: int, *, words: int = 300) -> Path:
    folder.mkdir(exist_ok=True)
    for i in range(count):
        (folder / f"{i:04}.txt").write_text(
            " ".join(f"word{i * j % 977}" for j in range(words)), encoding="utf-8"
        )
    return folder


def corpus_at(folder: Path) -> Corpus:
    return HereCorpus(SqliteBackend(folder), encoder=HashEncoder())


def contents(folder: Path) -> dict[bytes, str]:
    with SqliteBackend(folder).reader() as reader:
        return dict(
            reader.database.execute(
                "SELECT path, text FROM document JOIN document_text ON document_id = id"
            )
        )


@pytest.mark.slow
def test_an_ingest_that_fills_the_disk_keeps_what_was_committed_and_goes_on_when_there_is_room(
    small: Path, tmp_path: Path
) -> None:
    corpus = corpus_at(small / "corpus")
    corpus.ingest([documents(tmp_path / "some", 20)])
    before = contents(small / "corpus")
    with pytest.raises(CorpusUnwritable) as caught:
        corpus.ingest([documents(tmp_path / "many", 1000, words=600)])
    assert "make room" in caught.value.hint
    assert before.items() <= contents(small / "corpus").items()
    assert check(small / "corpus", full=True) == []
    assert corpus.query("word7 word14", mode="keyword").matches
    remount(small, f"size={16 * SIZE}")
    corpus.ingest([tmp_path / "many"])
    assert len(corpus.documents()) == 1020
    assert corpus.status().pending == 0


@pytest.mark.slow
def test_a_full_disk_is_searched_checked_and_removed_from(small: Path, tmp_path: Path) -> None:
    corpus = corpus_at(small / "corpus")
    corpus.ingest([documents(tmp_path / "docs", 60)])
    expected = corpus.query("word7 word14").matches
    fill(small)
    assert os.statvfs(small).f_bavail == 0
    assert corpus.query("word7 word14").matches == expected
    assert check(small / "corpus", full=True) == []
    with pytest.raises(CorpusUnwritable):
        corpus.ingest([documents(tmp_path / "more", 2000, words=600)])
    with pytest.raises(BackupError, match="cannot write"):
        SqliteBackend(small / "corpus").back_up(small / "b")
    assert len(corpus.remove([str(tmp_path / "docs/0003.txt")])) == 1
    assert len(corpus.remove([str(tmp_path / "docs")])) >= 59
    assert contents(small / "corpus").keys() <= {
        bytes(path) for path in (tmp_path / "more").iterdir()
    }
    assert check(small / "corpus", full=True) == []


@pytest.mark.slow
def test_many_documents_leave_a_full_disk_one_by_one_where_they_cannot_at_once(
    small: Path, tmp_path: Path
) -> None:
    remount(small, f"size={4 * SIZE}")
    corpus = corpus_at(small / "corpus")
    corpus.ingest([documents(tmp_path / "docs", 260, words=900)])
    assert (
        small / "corpus/corpus.db"
    ).stat().st_size > 2 * 2**20  # more than is set aside: the log of one commit would not fit
    fill(small)
    assert len(corpus.remove([str(tmp_path / "docs")])) == 260
    assert corpus.documents() == []
    assert check(small / "corpus", full=True) == []


@pytest.mark.slow
def test_read_only_media_are_searched_and_say_that_they_cannot_be_written(
    small: Path, tmp_path: Path
) -> None:
    corpus = corpus_at(small / "corpus")
    corpus.ingest([documents(tmp_path / "docs", 10)])
    expected = corpus.query("word7 word14").matches
    remount(small, "ro")
    try:
        assert corpus.query("word7 word14").matches == expected
        assert len(corpus.documents()) == 10
        assert check(small / "corpus", full=True) == []
        SqliteBackend(small / "corpus").back_up(tmp_path / "b")
        for change in (
            lambda: corpus.ingest([tmp_path / "docs"]),
            lambda: corpus.remove([str(tmp_path / "docs")]),
            corpus.forget,
            lambda: corpus.configure("mode", "best"),
        ):
            with pytest.raises(CorpusUnwritable) as caught:
                change()
            assert "permissions" in caught.value.hint
    finally:
        remount(small, "rw")
