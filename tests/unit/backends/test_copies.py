"""A copy of a live folder is detected where it can be: torn ones are not written to, and one
without its log says what it lacks.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.errors import CorpusDamaged
from tests.builders.corpora import add, document, unit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with SqliteWriter(tmp_path / "corpus") as writer:
        for i in range(40):
            add(writer, f"/nowhere/{i}.txt", document(20, word=f"first {i}"), unit(20, i))
        writer.finish()
    return tmp_path / "corpus"


def rewrite(writer: SqliteWriter) -> None:
    for i in range(40):
        add(writer, f"/nowhere/{i}.txt", document(20, word=f"second {i}"), unit(20, i + 50))
    writer.finish()


def test_a_copy_at_rest_is_as_good_as_the_original(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    with SqliteReader(folder) as original, SqliteReader(copy) as copied:
        assert (original.is_copy, original.is_behind) == (False, False)
        assert (copied.is_copy, copied.is_behind, copied.notes) == (True, False, [])
    SqliteBackend(copy).writer().close()
    with SqliteBackend(copy).writer() as writer:
        writer.finish()
    with SqliteReader(copy) as copied:
        assert not copied.is_copy


def test_a_copy_with_a_damaged_vectors_file_is_written_to_as_that_is_only_a_cache(
    folder: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    file = next(copy.glob("vectors-*"))
    file.write_bytes(file.read_bytes()[:-1])
    with SqliteBackend(copy).writer() as writer:
        writer.finish()
    with SqliteReader(copy) as snapshot:
        assert snapshot.status().vectors_state == "current"


@pytest.mark.damages_corpus
def test_a_copy_torn_by_a_checkpoint_is_not_written_to(folder: Path, tmp_path: Path) -> None:
    before = (folder / "corpus.db").read_bytes()
    with SqliteWriter(folder) as writer:
        rewrite(writer)
    copy = shutil.copytree(folder, tmp_path / "copy")
    after = (folder / "corpus.db").read_bytes()
    torn = bytearray(after)
    place = after.index(b"second 7 0") // 4096 * 4096
    torn[place : place + 4096] = before[
        place : place + 4096
    ]  # read before the log was written back, all the rest after
    (copy / "corpus.db").write_bytes(torn)
    with pytest.raises(CorpusDamaged, match="is a copy, and not a whole one") as caught:
        SqliteBackend(copy).writer()
    assert "--repair" in caught.value.hint
    SqliteBackend(folder).writer().close()


@pytest.mark.damages_corpus
def test_a_copy_without_its_log_says_what_it_lacks(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with (
        SqliteWriter(folder) as writer,
        SqliteReader(folder),
    ):  # which keeps the log from being written back
        rewrite(writer)
        assert (folder / "corpus.db-wal").stat().st_size
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    with SqliteReader(copy) as snapshot:
        assert snapshot.is_behind
        assert "without its log" in snapshot.notes[0]
    first = check(copy, full=True)[0]
    assert (first.what[:26], first.is_lost) == ("the database is older than", True)
    assert check(folder, full=True) == []


def test_a_vectors_file_that_was_never_recorded_is_not_taken_for_a_later_one(folder: Path) -> None:
    file = next(folder.glob("vectors-*"))
    generation, digest = file.name.split("-")[1:]
    shutil.copy(
        file, folder / f"vectors-{generation}-0{digest[1:]}"
    )  # killed between writing and recording it
    shutil.copy(file, folder / "vectors-none-0.faiss")
    with SqliteReader(folder) as snapshot:
        assert not snapshot.is_behind
