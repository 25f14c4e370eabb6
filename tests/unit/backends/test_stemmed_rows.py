"""Which keyword rows are by stems, in the database: after a migration, a repair and removals."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from searchapp.backends.sqlite.integrity import check
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.salvage import salvage
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.types.documents import Document
from searchapp.types.filters import Term
from tests.builders.corpora import ENCODER, EVERYTHING, add, unit

HOUSE = Term(("Haus",))


def store(writer: SqliteWriter, path: str, text: str, language: str) -> int:
    return add(writer, path, Document(text, "txt", metadata={"language": language}), unit(1))


def held(folder: Path) -> list[int]:
    """The passages that the keyword index has for HOUSE."""
    with SqliteReader(folder) as reader:
        found: list[int] = reader.keyword_leg([HOUSE], EVERYTHING, 9)[0].tolist()
        return found


def changed(folder: Path, script: str) -> None:
    with closing(sqlite3.connect(folder / "corpus.db", isolation_level=None)) as database:
        database.executescript(script)


@pytest.fixture
def german(tmp_path: Path) -> Path:
    """A corpus of a German document and an English one."""
    with SqliteWriter(tmp_path) as writer:
        store(writer, "/a", "Häuser", "de")
        store(writer, "/b", "houses", "en")
        writer.finish()
    return tmp_path


def test_a_corpus_of_the_schema_before_gets_its_rows_by_stems(tmp_path: Path) -> None:
    with SqliteWriter(tmp_path) as writer:
        english = [store(writer, f"/en/{i}", "pebbles", "en") for i in range(20)]
        store(writer, "/a", "Häuser", "de")
        writer.finish()
        writer.remove(english)
        writer.commit()
    assert held(tmp_path) == []
    changed(
        tmp_path,
        "DROP TABLE stemmed_language; UPDATE alembic_version SET version_num = '0007'",
    )
    SqliteWriter(tmp_path).close()
    assert held(tmp_path) == [21]
    assert check(tmp_path, full=True) == []


def test_a_repair_keeps_the_rows_by_stems(german: Path) -> None:
    salvage(german, find_encoder=lambda: ENCODER)
    assert held(german) == [1]
    assert check(german, full=True) == []


def test_what_was_removed_leaves_no_stem(german: Path) -> None:
    with SqliteWriter(german) as writer:
        writer.remove([1])
        writer.commit()
        store(writer, "/b", "houses", "en")
        writer.finish()
    assert held(german) == []
    assert check(german, full=True) == []
