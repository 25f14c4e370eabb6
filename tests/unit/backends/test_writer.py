"""The local store on the disk: its files, its lock, its schema, and what a crash leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from searchapp.backends.sqlite import blank, layout, schema
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.vector_index import to_blob
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.errors import (
    CorpusDamaged,
    CorpusError,
    CorpusLocked,
    CorpusMissing,
    CorpusTooNew,
    CorpusUnreadable,
    CorpusUnwritable,
)
from searchapp.types.digests import text_digest
from searchapp.types.documents import Document, FileIdentity, Passage, Unindexed
from tests.builders.corpora import (
    ENCODER,
    EVERYTHING,
    add,
    axis,
    document,
    passages_of,
    paths,
    source,
    unit,
)
from tests.paths import PACKAGE, ROOT

TABLES = (
    "corpus",
    "encoding",
    "root",
    "document",
    "document_text",
    "passage",
    "vectors",
    "tombstone",
    "published",
    "unindexed",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "corpus"


@contextmanager
def plain(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database as any other program sees it; changes are committed."""
    with closing(sqlite3.connect(folder / layout.DATABASE)) as connection, connection:
        yield connection


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another process that runs the code with `SqliteWriter`, `add`, `document` and `unit` at hand, and
    need not import alembic for it.
    """
    SqliteWriter(Path(str(arguments[0]))).close()
    prelude = f"import sys, time; sys.path.insert(0, {str(ROOT)!r})\nfrom pathlib import Path\n"
    prelude += "from tests.builders.corpora import add, document, unit\nfrom searchapp.backends.sqlite.writer import SqliteWriter\n"
    command = [sys.executable, "-c", prelude + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def killed_at_its_line(code: str, *arguments: object) -> None:
    """Run the code in another process, and kill it once it has written a line."""
    with child(code, *arguments) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.kill()
        assert process.wait(30) == -signal.SIGKILL


def matching(folder: Path, words: str) -> list[int]:
    """The passage ids whose keyword rows match."""
    with plain(folder) as database:
        return [
            row[0]
            for row in database.execute(
                "SELECT rowid FROM keywords WHERE keywords MATCH ? ORDER BY rowid", (words,)
            )
        ]


# ---- files ---------------------------------------------------------------------------------------


def test_nobody_else_may_read_a_corpus_whatever_the_umask(folder: Path) -> None:
    old = os.umask(0)
    try:
        with SqliteWriter(folder) as writer:
            add(writer, "/a", document(), unit(1))
            writer.finish()
            with SqliteReader(folder) as reader:
                assert paths(reader, axis(0)) == [b"/a"]
                modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    finally:
        os.umask(old)
    assert folder.stat().st_mode & 0o777 == 0o700
    vectors = next(name for name in modes if name.startswith("vectors-"))
    assert modes == dict.fromkeys(
        ("corpus.db", "corpus.db-wal", "corpus.db-shm", "lock", vectors), 0o600
    )


def test_the_writer_s_connection_is_careful(folder: Path) -> None:
    SqliteWriter(folder).close()
    engine = schema.connect(folder)
    pragmas = (
        "journal_mode",
        "synchronous",
        "foreign_keys",
        "trusted_schema",
        "cell_size_check",
        "secure_delete",
        "application_id",
    )
    with engine.connect() as connection:
        assert [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas] == [
            "wal",
            2,
            1,
            0,
            1,
            1,
            0x53524348,
        ]
    engine.dispose()


def test_removed_text_is_not_left_in_the_files(folder: Path) -> None:
    with SqliteWriter(folder) as writer:
        document_id = add(writer, "/a", document(word="xylophone"), unit(1))
        add(writer, "/b", document(), unit(1))
        writer.commit()
        writer.remove([document_id])
        writer.commit()
    assert b"xylophone 0" not in (folder / "corpus.db").read_bytes()


def test_numbers_of_a_file_that_no_database_holds_are_cut() -> None:
    status = os.stat_result(
        (0o100644, 2**64 - 1, 0, 1, 0, 0, 3, 0, 0, 0), {"st_mtime_ns": 10**19, "st_ctime_ns": -5}
    )
    assert FileIdentity.of(status) == FileIdentity(3, 2**63 - 1, -5, 2**63 - 1)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CorpusUnwritable, match="cannot write the corpus"):
        SqliteWriter(tmp_path / "file" / "corpus")


@pytest.mark.damages_corpus
def test_a_file_that_is_no_database_is_damage(folder: Path) -> None:
    folder.mkdir()
    (folder / "corpus.db").write_bytes(b"not a database" * 100)
    with pytest.raises(CorpusDamaged) as caught:
        SqliteReader(folder)
    assert caught.value.exit_code == 5
    for _ in range(2):  # the second shows that the first gave the lock back
        with pytest.raises(CorpusDamaged):
            SqliteWriter(folder)


@pytest.mark.damages_corpus
def test_damage_met_while_reading_is_said_as_damage(folder: Path) -> None:
    SqliteWriter(folder).close()
    with plain(folder) as database:
        database.execute("DROP TABLE published")
    with (
        SqliteReader(folder) as snapshot,
        pytest.raises(CorpusDamaged, match="no such table: published"),
    ):
        snapshot.status()


def test_a_corpus_that_the_system_will_not_open_is_not_called_damaged(folder: Path) -> None:
    SqliteWriter(folder).close()
    log = folder / "corpus.db-wal"
    log.mkdir()
    with pytest.raises(CorpusUnreadable) as caught:
        SqliteReader(folder)
    assert (caught.value.exit_code, bool(caught.value.hint)) == (4, True)
    log.rmdir()


def test_there_is_no_corpus_before_a_writer_came(folder: Path) -> None:
    with pytest.raises(CorpusMissing):
        SqliteReader(folder)
    assert not folder.exists()


def test_a_corpus_in_a_folder_of_an_odd_name_works(tmp_path: Path) -> None:
    folder = tmp_path / "100% café?#'\n"
    with SqliteWriter(folder) as writer:
        add(writer, "/a", document(), unit(1))
        writer.finish()
    with SqliteReader(folder) as reader:
        assert paths(reader, axis(0)) == [b"/a"]
        assert reader.notes == []
    with pytest.raises(CorpusUnwritable, match="not UTF-8"):
        SqliteWriter(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")))


# ---- the lock ------------------------------------------------------------------------------------

HOLD = """
    with SqliteWriter(Path(sys.argv[1])) as writer:
        print("now", flush=True)
        time.sleep(60)
"""


@pytest.mark.slow
def test_a_second_writer_is_refused_at_once_with_the_process_that_writes(folder: Path) -> None:
    with SqliteWriter(folder):
        with pytest.raises(CorpusLocked, match=f"process {os.getpid()}") as caught:
            SqliteWriter(folder)
        assert caught.value.exit_code == 11
        command = [
            sys.executable,
            "-c",
            "import sys, pathlib, searchapp.backends.sqlite.writer as s; s.SqliteWriter(pathlib.Path(sys.argv[1]))",
            str(folder),
        ]
        errors = subprocess.run(command, capture_output=True, text=True, check=False).stderr
        assert (
            f"CorpusLocked: another ingest is writing this corpus (process {os.getpid()})" in errors
        )
    SqliteWriter(folder).close()


@pytest.mark.slow
def test_a_killed_writer_leaves_no_lock(folder: Path) -> None:
    with child(HOLD, folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        with pytest.raises(CorpusLocked, match=f"process {process.pid}"):
            SqliteWriter(folder)
        process.kill()
        process.wait(30)
    SqliteWriter(folder).close()


@pytest.mark.slow
def test_a_writer_s_lock_does_not_pass_to_the_programs_it_starts(folder: Path) -> None:
    with SqliteWriter(folder):
        sleeper = subprocess.Popen(
            [sys.executable, "-c", "import sys; print('now', flush=True); sys.stdin.read()"],
            stdin=subprocess.PIPE,
            close_fds=False,
        )
    with sleeper:
        SqliteWriter(folder).close()
        sleeper.kill()


# ---- crashes -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_writer_killed_before_its_commit_leaves_the_last_one(folder: Path) -> None:
    code = """
        with SqliteWriter(Path(sys.argv[1])) as writer:
            add(writer, "/a", document(2), unit(2))
            writer.commit()
            writer.remove([1])
            add(writer, "/b", document(300), unit(300))
            print("now", flush=True)
            time.sleep(60)
    """
    killed_at_its_line(code, folder)
    with SqliteReader(folder) as reader:
        assert (reader.generation, paths(reader, axis(0))) == (1, [b"/a", b"/a"])
    with SqliteWriter(folder) as writer:
        assert writer.known_files().keys() == {b"/a"}
        assert writer.finish() == 1


@pytest.mark.slow
def test_a_writer_killed_after_its_commit_leaves_it(folder: Path) -> None:
    code = """
        writer = SqliteWriter(Path(sys.argv[1]))
        add(writer, "/a", document(2), unit(2))
        add(writer, "/late", document(2))
        writer.commit()
        print("now", flush=True)
        time.sleep(60)
    """
    killed_at_its_line(code, folder)
    assert (folder / "corpus.db-wal").stat().st_size > 0
    with SqliteReader(folder) as reader:
        assert (reader.generation, reader.counts(), paths(reader, axis(0))) == (
            1,
            (2, 4, 1, 0),
            [b"/a", b"/a"],
        )
    with SqliteWriter(folder) as writer:
        assert [one.document_id for one in writer.pending()] == [2]


# ---- schema --------------------------------------------------------------------------------------


def old_rows(made: Document) -> list[tuple[str | int | bytes | None, ...]]:
    """The passage rows of the document in `old_corpus`, as they are written today."""
    return [
        layout.passage_columns(
            p, text_digest(ENCODER.fingerprint, "Titel\n" + made.text[p.start : p.end])
        )
        for p in passages_of(made)
    ]


def old_corpus(folder: Path) -> None:
    """A corpus as revision 0001 left it, without keyword rows: one complete document of two
    passages.
    """
    folder.mkdir()
    engine = schema.connect(folder)
    schema.migrate(engine, "0001")
    made = document(2, title="Titel", word="日本語 running")
    of = source("/old.txt")
    rows = [
        (start, end, None, *dict(json.loads(str(place))).values(), headings, digest)
        for start, end, place, headings, digest in old_rows(made)
    ]
    columns = layout.content_columns(of, made, 1, 1)
    blob = to_blob(unit(2))
    names = (
        "type",
        "title",
        "metadata",
        "extractor",
        "splitter",
        "has_lines",
        "first_passage_id",
        "generation",
    )
    document_row = dict(zip(names, columns, strict=True)) | {
        "id": 1,
        "path": of.path,
        "display": "/old.txt",
        "size": of.identity.size,
        "mtime_ns": 5,
        "ctime_ns": 7,
        "inode": 11,
        "content_hash": of.content_hash,
        "hashed_at_ns": 13,
        "is_stale": 0,
        "source_digest": layout.source_digest(of, dated_ns=5, is_stale=0),
        "dated_ns": 5,
        "content_digest": layout.content_digest(columns, made.text, rows),
        "passages": 2,
    }
    passage_names = (
        'id, document_id, start, "end", page, line_start, line_end, headings, text_digest'
    )
    passage_row = f"INSERT INTO passage ({passage_names}) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?)"
    with engine.begin() as connection:
        tables = schema.Base.metadata.tables
        connection.execute(
            tables["encoding"]
            .insert()
            .values(
                id=1, model="test", fingerprint=ENCODER.fingerprint, dim=ENCODER.dim, max_tokens=16
            )
        )
        connection.exec_driver_sql("UPDATE corpus SET generation = 1")
        connection.exec_driver_sql(
            f"INSERT INTO document ({', '.join(document_row)}) VALUES "
            f"({', '.join('?' * len(document_row))})",
            tuple(document_row.values()),
        )
        connection.execute(tables["document_text"].insert().values(document_id=1, text=made.text))
        for i, row in enumerate(rows):
            connection.exec_driver_sql(passage_row, (1 + i, *row))
        connection.execute(
            tables["vectors"]
            .insert()
            .values(
                document_id=1,
                first_passage_id=1,
                passages=2,
                generation=1,
                digest=layout.vectors_digest(1, 2, 1, blob),
                vectors=blob,
            )
        )
    engine.dispose()


def dump(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows and the schema."""
    with plain(folder) as database:
        rows = {
            table: database.execute(f"SELECT * FROM {table}").fetchall()
            for table in (*TABLES, "alembic_version")
        }
        return rows | {
            "schema": database.execute(
                "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
            ).fetchall()
        }


@pytest.mark.slow
def test_a_query_brings_an_old_corpus_up_to_date_after_a_backup(folder: Path) -> None:
    old_corpus(folder)
    before = dump(folder)
    with closing(SqliteBackend(folder).reader()) as reader:
        assert paths(reader, axis(0)) == [b"/old.txt"] * 2
    after = dump(folder)
    assert after["alembic_version"] == [(layout.REVISIONS[-1],)]
    assert after["schema"] != before["schema"]
    untouched = set(TABLES) - {"corpus", "document", "passage"}
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}
    with plain(folder) as database:
        rows = database.execute(
            'SELECT start, "end", place, headings, text_digest FROM passage ORDER BY id'
        ).fetchall()
    assert rows == old_rows(document(2, title="Titel", word="日本語 running"))
    assert check(folder, full=True) == []
    assert [matching(folder, words) for words in ("run", "語", "titel", "1", "absent")] == [
        [1, 2],
        [1, 2],
        [1, 2],
        [2],
        [],
    ]
    backup = folder / "corpus.db.backup-0001"
    assert backup.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(backup)) as kept:
        assert kept.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert kept.execute("SELECT * FROM document_text").fetchall() == before["document_text"]
        assert kept.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.slow
@pytest.mark.damages_corpus
@pytest.mark.slow
def test_a_migration_that_fails_leaves_the_corpus_as_it_was(folder: Path) -> None:
    old_corpus(folder)
    with plain(folder) as database:
        database.execute("CREATE TABLE keywords (in_the_way)")
    before = dump(folder)
    with pytest.raises(
        CorpusError, match=r"could not be brought to this program's schema: .*already exists"
    ):
        SqliteBackend(folder).reader()
    assert dump(folder) == before
    with plain(folder) as database:
        database.execute("DROP TABLE keywords")
    with closing(SqliteBackend(folder).reader()) as reader:
        assert len(paths(reader, axis(0))) == 2


@pytest.mark.damages_corpus
def test_a_newer_schema_is_refused(folder: Path) -> None:
    SqliteWriter(folder).close()
    with plain(folder) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    before = dump(folder)
    backend = SqliteBackend(folder)
    for act in (backend.reader, backend.writer, backend.writer):
        with pytest.raises(CorpusTooNew, match="9999"):
            act()
    assert dump(folder) == before


def test_the_models_are_what_the_migrations_make(folder: Path) -> None:
    folder.mkdir()
    engine = schema.connect(folder)
    schema.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": schema.is_ours, "compare_type": True}
        )
        assert compare_metadata(context, schema.Base.metadata) == []
        connection.rollback()
        connection.exec_driver_sql("DROP INDEX vectors_generation")
        assert [change[0] for change in compare_metadata(context, schema.Base.metadata)] == [
            "add_index"
        ]
        connection.rollback()
    engine.dispose()


def test_a_new_corpus_has_the_tables_that_the_migrations_make(tmp_path: Path) -> None:
    made = []
    for name, make in (("script", schema.upgrade), ("migrations", schema.migrate)):
        (tmp_path / name).mkdir()
        engine = schema.connect(tmp_path / name)
        make(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql(
                "UPDATE corpus SET uuid = '', created_at_ns = 0, digest = ''"
            )
            tables = connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master ORDER BY name"
            ).all()
            rows = [
                connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()
                for table, sql in tables
                if str(sql).startswith("CREATE TABLE")
            ]
            number = connection.exec_driver_sql("PRAGMA application_id").scalar()
            made.append((tables, rows, number))
            assert blank.script(connection) == (PACKAGE / "backends/sqlite/blank.sql").read_text(
                "utf-8"
            )
        engine.dispose()
    assert made[0] == made[1]


def test_the_page_of_the_corpus_format_names_every_table_with_its_columns() -> None:
    page = (ROOT / "docs" / "corpus-format.md").read_text(encoding="utf-8")
    assert f"this page describes revision {layout.REVISIONS[-1]}" in " ".join(page.split())
    named = {}
    for section in page.split("\n### `")[1:]:
        table, _, rest = section.partition("`")
        cells = re.findall(r"^\| (`[^|]*) \|", rest.partition("\n## ")[0], re.MULTILINE)
        named[table] = {column for cell in cells for column in re.findall(r"`(\w+)`", cell)}
    assert named.pop("keywords") == {"title", "headings", "body", "name", "forms"}
    assert named == {
        table.name: {column.name for column in table.columns}
        for table in schema.Base.metadata.tables.values()
    }


def test_the_database_of_another_program_is_refused_untouched(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere/corpus.db"
    place.parent.mkdir()
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("CREATE TABLE sentences (text)")
    before = place.read_bytes()
    with pytest.raises(CorpusError, match="the database of another program"):
        SqliteWriter(place.parent)
    assert place.read_bytes() == before
    place.unlink()


def test_the_revisions_are_those_in_the_folder() -> None:
    names = sorted(path.name.split("_")[0] for path in (ROOT / "alembic" / "versions").glob("*.py"))
    assert tuple(names) == layout.REVISIONS


@pytest.mark.slow
def test_alembic_refuses_to_run_without_a_database() -> None:
    command = [sys.executable, "-P", "-m", "alembic", "upgrade", "head"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "which database?" in done.stderr


@pytest.mark.slow
def test_a_second_opening_of_a_current_corpus_imports_no_alembic(folder: Path) -> None:
    SqliteWriter(folder).close()
    with child(
        "SqliteWriter(Path(sys.argv[1])).close(); print('alembic' in sys.modules)", folder
    ) as process:
        assert process.communicate(timeout=60)[0] == "False\n"


# ---- keyword rows --------------------------------------------------------------------------------


def test_keyword_rows_follow_the_documents(folder: Path) -> None:
    with SqliteWriter(folder) as writer:
        first = add(writer, "/a", document(3, word="running foxes", title="Wölfe"), unit(3))
        add(writer, "/pending", document(1, word="running late"))
        writer.commit()
    assert matching(folder, "run") == [1, 2, 3, 4]
    assert matching(folder, "fox 2") == [3]
    assert matching(folder, "title: wolfe") == [1, 2, 3]
    assert matching(folder, "headings: wolfe") == []
    with SqliteWriter(folder) as writer:
        assert add(writer, "/a", document(1, word="still waters"), unit(1)) != first
        writer.commit()
    assert [matching(folder, words) for words in ("run", "fox", "wolfe", "water")] == [
        [4],
        [],
        [],
        [5],
    ]
    with SqliteWriter(folder) as writer:
        writer.remove([known.document_id for known in writer.known_files().values()])
        writer.commit()
    assert [matching(folder, words) for words in ("run", "water", "0")] == [[], [], []]


def test_text_without_spaces_is_found_by_its_characters(folder: Path) -> None:
    text = "日本語の検索 ภาษาไทย 한국어 검색"
    with SqliteWriter(folder) as writer:
        writer.set_encoder(ENCODER)
        writer.replace(source("/a"), document(word=text), [Passage(0, len(text), ("検", "索引"))])
        writer.commit()
    for words in ("検", '"検 索"', '"日 本 語"', "ภ", "한국어", "headings: 引"):
        assert matching(folder, words) == [1], words
    for words in ('"索 検"', "国", "한"):
        assert matching(folder, words) == [], words


# ---- publishing ----------------------------------------------------------------------------------


def vectors_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.faiss"))


def rows(folder: Path, statement: str) -> list[tuple[object, ...]]:
    with plain(folder) as database:
        return database.execute(statement).fetchall()


def test_only_what_changed_of_what_is_not_indexed_is_written(folder: Path) -> None:
    files = [Unindexed(f"/d/{number}".encode(), "skipped", "empty") for number in range(40)]
    after = [Unindexed(b"/d/0", "failed", "encrypted"), *files[2:]]
    with SqliteWriter(folder) as writer:
        writer.set_unindexed([b"/d"], files)
        writer.commit()
        with writer.between_units() as database:
            before = database.total_changes
        writer.set_unindexed([b"/d"], after)
        writer.commit()
        with writer.between_units() as database:
            assert database.total_changes - before < 10
        assert writer.unindexed() == {file.path: file for file in after}


def test_an_ingest_publishes_one_file_named_by_generation_and_digest(folder: Path) -> None:
    with SqliteWriter(folder) as writer:
        first = add(writer, "/a", document(2), unit(2))
        writer.finish()
        ((name, digest),) = rows(folder, "SELECT name, hex(digest) FROM published")
        assert vectors_files(folder) == [name] == [f"vectors-1-{str(digest)[:16].lower()}.faiss"]
        writer.remove([first])
        add(writer, "/b", document(3), unit(3))
        (folder / ".vectors-99.tmp").write_bytes(b"left by a crash")
        assert writer.commit() == 2
        assert rows(folder, "SELECT first_passage_id, passages, generation FROM tombstone") == [
            (1, 2, 2)
        ]
        assert writer.publish(is_due=True)
        assert rows(folder, "SELECT * FROM tombstone") == []
        assert rows(folder, "SELECT generation, passages FROM published") == [(2, 3)]
        (new,) = vectors_files(folder)
        assert new.startswith("vectors-2-")
        assert not list(folder.glob(".vectors-*"))
        assert rows(folder, "SELECT generation FROM corpus") == [(2,)]


@pytest.mark.slow
def test_a_new_file_is_due_when_more_than_256_passages_and_a_tenth_have_changed(
    folder: Path,
) -> None:
    with SqliteWriter(folder) as writer:
        add(writer, "/base", document(3000), unit(3000))
        writer.finish()
        added = add(writer, "/299", document(299), unit(299))
        writer.finish()
        assert rows(folder, "SELECT generation FROM published") == [(1,)]
        with SqliteReader(folder) as reader:
            assert reader.status().vectors_state == "behind by 299 passages"
        add(writer, "/1", document(1), unit(1))
        writer.finish()
        assert rows(folder, "SELECT generation FROM published") == [
            (1,)
        ]  # 300 are a tenth, and not more
        writer.remove([added])  # 299 rows less in the tail, 299 tombstones more
        writer.finish()
        assert rows(folder, "SELECT generation FROM published") == [(1,)]
        add(writer, "/2", document(1), unit(1))
        writer.finish()
        assert rows(folder, "SELECT generation, passages FROM published") == [(5, 3002)]


def test_a_small_corpus_is_published_anew_after_257_changes(folder: Path) -> None:
    with SqliteWriter(folder) as writer:
        add(writer, "/a", document(1), unit(1))
        writer.finish()
        add(writer, "/256", document(256), unit(256))
        writer.finish()
        assert rows(folder, "SELECT generation FROM published") == [(1,)]
        add(writer, "/257", document(1), unit(1))
        writer.finish()
        assert rows(folder, "SELECT generation, passages FROM published") == [(3, 258)]


def test_nothing_is_published_in_the_middle_of_a_change(folder: Path) -> None:
    with SqliteWriter(folder) as writer:
        add(writer, "/a", document(1), unit(1))
        with pytest.raises(ValueError, match="commit before"):
            writer.publish(is_due=True)
        writer.commit()
        assert writer.publish()


@pytest.mark.slow
def test_a_disk_that_is_full_when_publishing_loses_nothing(folder: Path) -> None:
    code = """
        import resource
        with SqliteWriter(Path(sys.argv[1])) as writer:
            add(writer, "/a", document(2000), unit(2000))
            writer.commit()
        with SqliteWriter(Path(sys.argv[1])) as writer:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
            writer.finish()
            print(*writer.notes)
    """
    with child(code, folder) as process:
        output, errors = process.communicate(timeout=60)
    assert output.startswith(
        "cannot write the vectors file: File too large; queries search the database instead"
    ), errors
    assert vectors_files(folder) == []
    assert not list(folder.glob(".vectors-*"))
    with SqliteReader(folder) as reader:
        assert len(reader.cosine_leg(axis(0), EVERYTHING, 5000)[0]) == 2000
    with SqliteWriter(folder) as writer:
        writer.finish()
    assert len(vectors_files(folder)) == 1
    assert check(folder, full=True) == []


def test_the_recorded_file_holds_the_vectors_of_the_database(folder: Path) -> None:
    with SqliteWriter(folder) as writer:
        add(writer, "/a", document(5), unit(5))
        writer.finish()
    with SqliteReader(folder) as mapped:
        from_file = mapped.cosine_leg(axis(2), EVERYTHING, 5)
        assert mapped.status().vectors_state == "current"
    assert np.array_equal(
        from_file[1],
        np.sort(unit(5).astype(np.float16).astype(np.float64)[:, 2].astype(np.float32))[::-1],
    )


@pytest.mark.slow
def test_a_query_needs_no_sqlalchemy_and_of_english_no_stemmer(folder: Path) -> None:
    with SqliteWriter(folder) as writer:
        add(writer, "/a", document(1), unit(1))
        writer.finish()
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.builders.corpora import EVERYTHING, axis
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.types.filters import Term
reader = SqliteBackend(Path(sys.argv[1])).reader()
assert len(reader.keyword_leg([Term(("words",))], EVERYTHING, 5)[0]) == 1
assert len(reader.cosine_leg(axis(0), EVERYTHING, 5)[0]) == 1
print(sorted({{"sqlalchemy", "alembic", "torch", "transformers", "Stemmer"}} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_corpus_that_grows_little_by_little_gets_its_background_once_it_is_large_enough(
    folder: Path,
) -> None:
    with SqliteWriter(folder) as writer:
        add(writer, "/a", document(50), unit(50))
        writer.finish()
    with closing(SqliteBackend(folder).reader()) as reader:
        assert reader.background() is None
    with SqliteWriter(folder) as writer:
        add(writer, "/b", document(60), unit(60, 1))
        writer.finish()
    with closing(SqliteBackend(folder).reader()) as reader:
        assert reader.background() is not None


def test_setting_what_is_set_already_changes_nothing(folder: Path) -> None:
    with SqliteWriter(folder) as writer:
        writer.set_setting("mode", "best")
        before = writer.commit()
        writer.set_setting("mode", "best")
        assert writer.commit() == before


@pytest.mark.parametrize(
    ("mode", "does"), [(0o777, "change"), (0o750, "read"), (0o720, "change"), (0o700, "")]
)
def test_a_folder_that_is_open_to_others_is_said_by_every_writer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, does: str
) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    folder.chmod(mode)
    said = f"others may {does} the corpus at {folder}; searchapp doctor --fix closes it to them"
    for _ in range(2):
        caplog.clear()
        SqliteWriter(folder).close()
        assert caplog.messages == ([said] if does else [])
    (folder / "corpus.db").chmod(0o644)
    (folder / "link").symlink_to("/")
    closed = SqliteBackend(folder).close_to_others()
    assert closed == (["corpus", "corpus.db"] if does else ["corpus.db"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "corpus.db")} == {
        0o700,
        0o600,
    }
    assert SqliteBackend(folder).close_to_others() == []


def test_a_log_that_a_reader_keeps_is_said_and_goes_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    with SqliteWriter(folder) as writer:
        add(writer, "/a", document(20), unit(20))
        writer.finish()
    log = folder / "corpus.db-wal"
    with SqliteWriter(folder) as writer, closing(SqliteReader(folder)) as reader:
        assert reader.counts()[0] == 1
        add(writer, "/b", document(20), unit(20))
        writer.finish()
        writer.note_kept_log(from_bytes=1)
        (note,) = writer.notes
        assert "a query or a backup that is still running keeps it" in note
    with SqliteWriter(folder) as writer:
        writer.finish()
        writer.note_kept_log(from_bytes=1)
        assert writer.notes == []
    assert not log.exists()
