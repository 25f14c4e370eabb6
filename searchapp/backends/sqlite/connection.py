"""The read-only connection to a corpus's database, and what an error of it means.

Never blocks or is blocked by the writer, and needs no log beside a database on read-only media.
Knows no question.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import quote

from searchapp.backends.sqlite import layout
from searchapp.backends.sqlite.fts import TABLE
from searchapp.errors import (
    CorpusDamaged,
    CorpusError,
    CorpusMissing,
    CorpusUnreadable,
)
from searchapp.types.filters import matches_value

_REFUSALS = {  # by the system, of a sound file
    *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN),
    *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_TOOBIG),
}


class OldSchema(CorpusError):
    """The corpus must be migrated before this program reads it."""

    code = "old_schema"


def open_read_only(folder: Path) -> sqlite3.Connection:
    """The database of a folder, opened; an empty one in memory where the first ingest was killed
    before it made one. Raises CorpusMissing and sqlite3.Error.
    """
    path = folder / layout.DATABASE
    if not path.is_file():
        if (folder / layout.LOCK).is_file() and not any(folder.glob("vectors-*.faiss")):
            return sqlite3.connect(
                ":memory:", isolation_level=None
            )  # its first ingest was killed before it made the database
        raise CorpusMissing(
            f"there is no corpus at {folder}", hint="make one with: searchapp ingest PATH"
        )
    url = f"file:{quote(bytes(path))}?mode=ro"
    connection = sqlite3.connect(url, uri=True, isolation_level=None, timeout=30)
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise
        # Read-only media: no log can be made beside the database, and nobody can change it.
        connection = sqlite3.connect(f"{url}&immutable=1", uri=True, isolation_level=None)
    connection.create_function("is_value", 2, matches_value, deterministic=True)
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def translated(error: sqlite3.Error | UnicodeError, folder: Path) -> CorpusError:
    """What an error of SQLite's means for who only reads."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _REFUSALS:
        return CorpusUnreadable(
            f"the corpus at {folder} cannot be read: {error}",
            hint="check its disk and the permissions of its files",
        )
    return damaged(folder, str(error))


def damaged(folder: Path, reason: str) -> CorpusDamaged:
    """The error of a corpus whose database is not what was written."""
    return CorpusDamaged(
        f"the corpus at {folder} is damaged: {reason}", hint="run: searchapp check --full"
    )


def empty_corpus() -> sqlite3.Connection:
    """A database that reads as a corpus without a commit: what an ingest killed before its first
    one leaves.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(_EMPTY)
    return connection


_EMPTY = f"""
    CREATE TABLE corpus (generation, ingested_at_ns, embedded);
    CREATE TABLE tally (type, extractor, splitter, documents, passages, stale);
    CREATE TABLE encoding (model, fingerprint, dim, max_tokens);
    CREATE TABLE root (path, include, exclude);
    CREATE TABLE document (id, path, display, title, type, metadata, passages, size, mtime_ns,
                           dated_ns, extractor, splitter, first_passage_id, is_stale);
    CREATE TABLE document_text (document_id, text);
    CREATE TABLE passage (id, document_id, start, "end", headings, place);
    CREATE TABLE vectors (document_id, first_passage_id, passages, generation, vectors);
    CREATE TABLE label (document_id, name, origin, probability);
    CREATE TABLE tombstone (first_passage_id, passages);
    CREATE TABLE published (name, generation, digest, size, mtime_ns, ctime_ns, inode, passages);
    CREATE TABLE unindexed (path, outcome, reason, files);
    CREATE TABLE setting (name, value);
    CREATE TABLE background (scale, mean);
    CREATE VIRTUAL TABLE keywords USING {TABLE};
"""
