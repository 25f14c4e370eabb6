"""The read-only connection to a corpus's database, and what an error of it means.

Never blocks or is blocked by the writer, and needs no log beside a database on read-only media.
Knows no question.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unicodedata import normalize
from urllib.parse import quote

from searchapp.backends.sqlite import fts, layout, place_matcher
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


class Database:
    """A corpus's database, opened to be read; its errors are translated. Values are bound, never
    part of a statement.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self.connection = connection

    def one(self, statement: str, *values: object) -> Any:
        """The first row; None where there is none."""
        return next(self.each(statement, *values), None)

    def all(self, statement: str, *values: object) -> list[Any]:
        """All rows."""
        return list(self.each(statement, *values))

    def of_ids(self, statement: str, column: str, ids: Sequence[int]) -> list[Any]:
        """The rows whose column is one of the ids."""
        return self.all(
            f"{statement} WHERE {column} IN (SELECT value FROM json_each(?))", json.dumps(ids)
        )

    def each(self, statement: str, *values: object) -> Iterator[Any]:
        """The rows as they come: the one place where the database is read."""
        try:
            yield from self.connection.execute(statement, values)
        except sqlite3.ProgrammingError:
            raise  # a reader that is closed already: the caller's mistake
        except (
            sqlite3.Error,
            UnicodeError,
        ) as error:  # SQLite quotes names in its messages, which damaged are no text
            raise translated(error, self.folder) from error


class OldSchema(CorpusError):
    """The corpus must be migrated before this program reads it."""

    code = "old_schema"


def open_read_only(folder: Path, *, cautious: bool = False) -> sqlite3.Connection:
    """The database of a folder, opened; an empty one in memory where the first ingest was killed
    before it made one. Raises CorpusMissing and sqlite3.Error.

    Cautious, it is tried first, and read without a log where none can be made beside it.
    """
    path = folder / layout.DATABASE
    if not path.is_file():
        if (folder / layout.LOCK).is_file() and not any(folder.glob(layout.VECTORS_FILES)):
            # its first ingest was killed before it made the database
            return sqlite3.connect(":memory:", isolation_level=None)
        raise CorpusMissing(
            f"there is no corpus at {folder}", hint="make one with: searchapp ingest PATH"
        )
    url = f"file:{quote(bytes(path))}?mode=ro"
    connection = sqlite3.connect(url, uri=True, isolation_level=None, timeout=30)
    if cautious:
        connection = _tried(connection, path, url)
    connection.create_function("is_value", 2, matches_value, deterministic=True)
    connection.create_function("nfc", 1, partial(normalize, "NFC"), deterministic=True)
    aggregate: Any = place_matcher.PlaceMatcher  # typeshed knows no `step` of more than one value
    connection.create_aggregate(place_matcher.NAME, place_matcher.PARAMETERS, aggregate)
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _tried(connection: sqlite3.Connection, path: Path, url: str) -> sqlite3.Connection:
    """The connection, or one without a log where the system refuses to make one."""
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        return connection
    except sqlite3.OperationalError:
        connection.close()
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise
        # Read-only media: no log can be made beside the database, and nobody can change it.
        return sqlite3.connect(f"{url}&immutable=1", uri=True, isolation_level=None)


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
    CREATE TABLE corpus (uuid, generation, ingested_at_ns, embedded);
    CREATE TABLE tally (type, extractor, splitter, documents, passages, stale);
    CREATE TABLE encoding (model, fingerprint, dim, max_tokens);
    CREATE TABLE root (path, include, exclude);
    CREATE TABLE document (id, path, display, size, mtime_ns, ctime_ns, inode, content_hash,
                           hashed_at_ns, is_stale, type, title, metadata, dated_ns, extractor,
                           splitter, has_lines, first_passage_id, passages);
    CREATE TABLE document_text (document_id, text);
    CREATE TABLE passage (id, document_id, start, "end", headings, place);
    CREATE TABLE vectors (document_id, first_passage_id, passages, generation, vectors);
    CREATE TABLE label (document_id, name, origin, probability);
    CREATE TABLE tombstone (first_passage_id, passages);
    CREATE TABLE published (name, generation, digest, size, mtime_ns, ctime_ns, inode, passages);
    CREATE TABLE unindexed (path, outcome, reason, files);
    CREATE TABLE setting (name, value);
    CREATE TABLE background (scale, mean);
    CREATE TABLE exclusion (path);
    {fts.VOCABULARY};
    {fts.STEMMED_LANGUAGES};
    CREATE VIRTUAL TABLE keywords USING {fts.TABLE};
"""
