"""`check --full` finds whatever is not as it was written, and nothing else."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from searchapp.backends.sqlite.integrity import check
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.errors import CorpusError, CorpusMissing
from searchapp.types.documents import Label, Root, Unindexed
from searchapp.types.results import Finding
from tests.builders.corpora import EVERYTHING, add, axis, document, unit

pytestmark = pytest.mark.damages_corpus

FLIPS = 100
CELLS = {
    "corpus": (
        "uuid",
        "generation",
        "created_at_ns",
        "ingested_at_ns",
        "embedded",
        "labels",
        "digest",
    ),
    "tally": ("type", "extractor", "splitter", "documents", "passages", "stale", "ids"),
    "encoding": ("model", "fingerprint", "dim", "max_tokens"),
    "root": ("path", "include", "exclude"),
    "document": (
        *(
            "path",
            "display",
            "size",
            "mtime_ns",
            "ctime_ns",
            "inode",
            "content_hash",
            "hashed_at_ns",
            "is_stale",
            "source_digest",
        ),
        *(
            "type",
            "title",
            "metadata",
            "dated_ns",
            "extractor",
            "splitter",
            "has_lines",
            "content_digest",
            "first_passage_id",
        ),
        *("passages", "generation"),
    ),
    "document_text": ("document_id", "text"),
    "passage": ("id", "document_id", "start", "end", "place", "headings", "text_digest"),
    "vectors": ("document_id", "first_passage_id", "passages", "generation", "digest", "vectors"),
    "label": ("document_id", "name", "origin", "probability", "digest"),
    "tombstone": ("first_passage_id", "passages", "generation"),
    "published": (
        "name",
        "generation",
        "digest",
        "size",
        "mtime_ns",
        "ctime_ns",
        "inode",
        "passages",
    ),
    "setting": ("name", "value"),
    "exclusion": ("path",),
    "stemmed_language": ("language",),
    "vocabulary": ("word", "written", "passages"),
    "background": ("scale", "mean"),
    "unindexed": (
        *(
            "path",
            "outcome",
            "reason",
            "files",
            "size",
            "mtime_ns",
            "ctime_ns",
            "inode",
            "content_hash",
            "hashed_at_ns",
            "extractor",
        ),
    ),
    "sqlite_sequence": ("seq",),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus with something in every table: complete, pending, stale, replaced and removed
    documents.
    """
    folder = tmp_path_factory.mktemp("sound") / "corpus"
    with SqliteWriter(folder) as writer:
        writer.set_root(Root(b"/tmp", ("*.md",)))
        ids = [
            add(
                writer,
                f"/nowhere/{i}.txt",
                document(15, title="Titel", word=f"Wörter {i}", language="de"),
                unit(15, i),
            )
            for i in range(8)
        ]
        writer.finish()
        writer.remove([ids[0]])
        writer.mark_stale(ids[1])
        writer.set_labels(ids[3], [Label("invoice"), Label("letter", "classifier", 0.5)])
        writer.set_setting("mode", "hybrid")
        writer.set_exclusions([b"/tmp/secret.txt"])
        writer.set_unindexed([b"/tmp"], [Unindexed(b"/tmp/x", "skipped", "empty")])
        add(writer, "/nowhere/2.txt", document(3, kind="md", date="2024-02-03"), unit(3))
        add(writer, "/nowhere/pending.txt", document(4))
        writer.finish()
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound, tmp_path / "corpus")


def change(folder: Path, statement: str) -> None:
    """Change the database behind our back, once."""
    with closing(sqlite3.connect(folder / "corpus.db")) as database, database:
        assert database.execute(statement).rowcount == 1


def changed(value: int | str | bytes | None) -> int | str | bytes:
    """Another value of the same type."""
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    return value + "x" if isinstance(value, str) else (value or 0) + 1


def test_a_sound_corpus_has_no_findings(folder: Path) -> None:
    assert check(folder, full=True) == []
    assert check(folder, full=False) == []


def test_every_column_of_every_table_is_listed_here(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "corpus.db")) as database:
        tables = [
            row[0]
            for row in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'keywords%'"
            )
        ]
        assert sorted(tables) == sorted([*CELLS, "alembic_version"])
        for table, names in CELLS.items():
            columns = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
            assert columns - set(names) <= {"id", "name"}, table


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table, columns in CELLS.items() for column in columns]
)
def test_a_change_of_any_cell_is_found(folder: Path, table: str, column: str) -> None:
    keys = {"vocabulary": "word || written", "stemmed_language": "language"}
    key = keys.get(table, "rowid")
    where = f"WHERE {key} = (SELECT max({key}) FROM {table})"
    with closing(sqlite3.connect(folder / "corpus.db")) as database, database:
        (value,) = database.execute(f'SELECT "{column}" FROM {table} {where}').fetchone()
        database.execute(f'UPDATE {table} SET "{column}" = ? {where}', (changed(value),))
    assert check(folder, full=True) != []


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("document", "path"),
        ("document", "content_hash"),
        ("vectors", "vectors"),
        ("vectors", "digest"),
    ],
)
def test_a_change_of_type_alone_is_found(folder: Path, table: str, column: str) -> None:
    change(
        folder,
        f"UPDATE {table} SET {column} = CAST({column} AS TEXT) WHERE rowid = (SELECT max(rowid) "
        f"FROM {table})",
    )
    assert check(folder, full=True) != []


@pytest.mark.parametrize(
    "table",
    [
        "document_text",
        "passage",
        "root",
        "tombstone",
        "unindexed",
        "published",
        "encoding",
        "document",
        "label",
    ],
)
def test_a_row_that_is_gone_is_found(folder: Path, table: str) -> None:
    change(folder, f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})")
    assert check(folder, full=True) != []


def test_vectors_that_went_are_found_and_the_next_ingest_completes_their_document(
    folder: Path,
) -> None:
    change(folder, "DELETE FROM vectors WHERE document_id = 2")
    assert [finding.is_lost for finding in check(folder, full=True)] == [False]
    with SqliteWriter(folder) as writer:
        assert [one.document_id for one in writer.pending()] == [2, 10]
        writer.attach(2, unit(15, 1))
        writer.commit()
    assert check(folder, full=True) == []


def test_a_document_that_went_behind_the_triggers_is_found(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "corpus.db")) as database, database:
        database.execute("DROP TRIGGER document_removed")
        database.execute("DROP TRIGGER vectors_removed")
        database.executescript("PRAGMA foreign_keys = ON; DELETE FROM document WHERE id = 4")
    assert "there are not as many documents or vectors as there were" in [
        finding.what for finding in check(folder, full=True)
    ]


def test_bytes_that_are_no_text_are_a_finding_of_their_document(folder: Path) -> None:
    change(
        folder, "UPDATE document_text SET text = CAST(x'ff' || text AS TEXT) WHERE document_id = 4"
    )
    assert check(folder, full=True) == [
        Finding("its text or passages are damaged", b"/nowhere/3.txt", is_lost=True)
    ]


def test_what_is_lost_is_told_from_what_can_be_read_again(folder: Path, tmp_path: Path) -> None:
    here = tmp_path / "here.txt"
    here.write_text("still here")
    with SqliteWriter(folder) as writer:
        add(writer, os.fsencode(here), document(), unit(1))
        writer.commit()
    for column in ("title", "mtime_ns"):
        change(folder, f"UPDATE document SET {column} = 7 WHERE path = CAST('{here}' AS BLOB)")
        change(
            folder, f"UPDATE document SET {column} = 7 WHERE path = CAST('/nowhere/3.txt' AS BLOB)"
        )
    assert {
        (finding.path, finding.what, finding.is_lost) for finding in check(folder, full=True)
    } == {
        (os.fsencode(here), "its text or passages are damaged", False),
        (os.fsencode(here), "the record of its file is damaged", False),
        (b"/nowhere/3.txt", "its text or passages are damaged", True),
        (
            b"/nowhere/3.txt",
            "the record of its file is damaged",
            False,
        ),  # its text can still be had
    }


# ---- keyword rows --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO keywords(rowid, title, headings, body) VALUES (999, '', '', 'stray')",
        (
            "INSERT INTO keywords(keywords, rowid, title, headings, body) VALUES ('delete', 7, "
            "'Titel', '', 'Wörter 1 1')"
        ),
        (
            "INSERT INTO keywords(keywords, rowid, title, headings, body) VALUES ('delete', 8, '', "
            "'', "
            "'Wörter')"
        ),
        "UPDATE keywords_docsize SET sz = x'010001' WHERE id = 27",
        "UPDATE keywords_data SET block = x'7f7f7f7f' WHERE id = 1",
        "UPDATE keywords_idx SET pgno = pgno + 2 WHERE rowid = 1",
        "DELETE FROM keywords_config",
    ],
)
def test_keyword_rows_that_do_not_follow_from_the_passages_are_found(
    folder: Path, statement: str
) -> None:
    with closing(sqlite3.connect(folder / "corpus.db")) as database, database:
        if "keywords_idx" in statement:
            statement = "UPDATE keywords_idx SET pgno = pgno + 2"
        database.execute(statement)
    assert check(folder, full=True) != []
    assert check(folder, full=False) == []


# ---- the vectors file ----------------------------------------------------------------------------


def test_a_missing_vectors_file_is_clean(folder: Path) -> None:
    next(folder.glob("*.faiss")).unlink()
    assert check(folder, full=True) == []


def test_a_damaged_vectors_file_is_a_finding_and_nothing_is_lost(folder: Path) -> None:
    path = next(folder.glob("*.faiss"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 128
    path.write_bytes(data)
    for full in (True, False):
        assert check(folder, full=full) == [
            Finding("the vectors file is damaged; the next ingest rebuilds it", is_of_cache=True)
        ]
    with SqliteWriter(folder) as writer:
        writer.finish()
    assert check(folder, full=True) == []


# ---- no corpus yet -------------------------------------------------------------------------------


def reads_as_empty(folder: Path) -> bool:
    with SqliteReader(folder) as reader:
        empty = (
            reader.generation,
            reader.encoder,
            reader.counts(),
            len(reader.cosine_leg(axis(0), EVERYTHING, 5)[0]),
            reader.notes,
        )
        return (
            empty == (0, None, (0, 0, 0, 0), 0, []) and reader.status().vectors_state == "none yet"
        )


def test_an_ingest_killed_before_its_first_commit_leaves_a_clean_empty_corpus(
    tmp_path: Path,
) -> None:
    for name in ("only the lock", "an empty database", "an empty database in WAL", "no commit"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "lock").write_bytes(b"1\n")
        if name == "an empty database":
            (folder / "corpus.db").write_bytes(b"")
        elif name == "an empty database in WAL":
            with closing(sqlite3.connect(folder / "corpus.db")) as database:
                database.execute("PRAGMA journal_mode = WAL")
        elif name == "no commit":
            SqliteWriter(folder).close()
        assert reads_as_empty(folder), name
        assert check(folder, full=True) == check(folder, full=False) == [], name
        with SqliteWriter(folder) as writer:
            add(writer, "/a", document(), unit(1))
            assert writer.commit() == 1


def test_a_corpus_without_its_database_is_not_an_empty_one(folder: Path) -> None:
    (folder / "corpus.db").unlink()
    with pytest.raises(CorpusMissing):
        check(folder, full=True)
    with pytest.raises(CorpusMissing):
        check(folder / "nowhere", full=True)


def test_a_corpus_whose_first_table_lost_its_name_is_not_an_empty_one(folder: Path) -> None:
    data = (folder / "corpus.db").read_bytes()
    (folder / "corpus.db").write_bytes(data.replace(b"alembic_version", b"alembic_versioo"))
    assert [finding.is_lost for finding in check(folder, full=True)] == [True]


# ---- flipped bits --------------------------------------------------------------------------------


def dump(folder: Path) -> object:
    """All rows of all our tables, and what the keyword index answers; None where SQLite cannot read
    them.
    """
    try:
        with closing(sqlite3.connect(folder / "corpus.db")) as database:
            database.text_factory = bytes
            names = [*CELLS, "alembic_version", "keywords_docsize", "keywords_config"]
            rows = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in names}
            for word in ("titel", "word", "wörter", *map(str, range(9))):
                statement = (
                    "SELECT rowid, bm25(keywords) FROM keywords WHERE keywords MATCH ? "
                    "ORDER BY rowid"
                )
                rows[word] = database.execute(statement, (word,)).fetchall()
            return rows | {
                "schema": database.execute(
                    "SELECT type, name, tbl_name, sql FROM sqlite_master"
                ).fetchall()
            }
    except (sqlite3.DatabaseError, UnicodeError):
        return None


def is_found(folder: Path) -> bool:
    try:
        return check(folder, full=True) != []
    except CorpusError:
        return True  # a newer or older schema, by its number


@pytest.mark.slow
def test_every_flipped_bit_that_changes_a_row_is_found(folder: Path) -> None:
    path = folder / "corpus.db"
    data = path.read_bytes()
    before = dump(folder)
    assert before is not None
    random = np.random.default_rng(5)
    positions = random.choice(
        np.flatnonzero(np.frombuffer(data, dtype=np.uint8)), FLIPS
    )  # most of a small database is empty
    changes, missed = 0, []
    for position, bit in zip(
        positions.tolist(), random.integers(0, 8, FLIPS).tolist(), strict=True
    ):
        path.write_bytes(
            data[:position] + bytes([data[position] ^ 1 << bit]) + data[position + 1 :]
        )
        if dump(folder) != before:
            changes += 1
            if not is_found(folder):
                missed.append((position, bit))
    assert missed == []
    assert changes > FLIPS // 4
