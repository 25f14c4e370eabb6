"""The unit of work of the one writer: its lock, its connection, its migration and its commits.

One process writes a corpus at a time, under its `Lock`. Changes gather in one transaction until a
commit makes them durable together (WAL, synchronous=FULL); a process that dies before it leaves the
corpus as the last commit left it. Knows no document.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from searchapp.backends.sqlite import blank, fts, layout, stemmed_rows
from searchapp.backends.sqlite.lock import Lock
from searchapp.backends.sqlite.rows import GatheredRows
from searchapp.backends.sqlite.schema import (
    CorpusTable,
    EncodingTable,
    connect,
    seal,
    translated,
    upgrade,
)
from searchapp.errors import CorpusError, CorpusTooNew
from searchapp.filesystem import atomic_write
from searchapp.humanize import human_bytes
from searchapp.types.vectors import EncoderIdentity

_LARGE_LOG = 64 * 2**20  # bytes, from which on it is said why the log is so large


class UnitOfWork:
    """The database of a corpus folder, opened to be written; the folder is made where there is
    none.
    """

    def __init__(self, folder: Path, lock: Lock | None = None) -> None:
        """Open the database, migrated, under the folder's lock, which is taken unless it is given;
        it goes with the writer.

        Raises CorpusLocked, CorpusTooNew or CorpusUnwritable.
        """
        self.folder = folder
        self.notes: list[str] = []
        self._is_new = False  # there was no database before
        self._is_discarded = False
        with contextlib.ExitStack() as undo:
            self._lock = lock or Lock(folder)
            undo.callback(self._lock.release)
            _refuse_other_database(folder)
            self._engine = connect(folder)
            undo.callback(self._engine.dispose)
            try:
                self._migrate()
            except (sqlite3.Error, OSError, UnicodeError) as error:
                raise translated(error, folder) from error
            self._open = self._engine.connect()
            undo.callback(self._open.close)
            self._gathered = GatheredRows()
            row = self._open.execute(sa.select(EncodingTable)).first()
            self._encoder = row and EncoderIdentity(
                row.model, row.fingerprint, row.dim, row.max_tokens
            )
            self._start_unit()
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop what was not committed and give the lock back; once is enough."""
        if self._is_discarded:
            return
        try:
            self._open.close()
            self._engine.dispose()
            atomic_write.set_aside(self.folder / layout.RESERVE, layout.RESERVE_BYTES)
        finally:
            self._lock.release()

    def discard(self) -> None:
        """Close; a corpus that was not there before, and of which nothing was committed, leaves
        nothing behind.
        """
        if not self._is_new or self._generation:
            self.close()
            return
        self._is_discarded = True
        try:
            self._open.close()
            self._engine.dispose()
            with contextlib.suppress(OSError):  # what cannot be removed is an empty corpus
                for name in layout.FILES:
                    for path in self.folder.glob(name):
                        path.unlink(missing_ok=True)
        finally:
            self._lock.discard()

    def encoder(self) -> EncoderIdentity | None:
        """The encoder that made the corpus, None before the first."""
        return self._encoder

    def set_encoder(self, identity: EncoderIdentity) -> None:
        """Record the encoder of a corpus that has none. Raises ValueError where there is one."""
        if self._encoder is not None:
            raise ValueError("the corpus has an encoder already")
        values = {
            "id": 1,
            "model": identity.model,
            "fingerprint": identity.fingerprint,
            "dim": identity.dim,
        }
        self._change(sa.insert(EncodingTable).values(values | {"max_tokens": identity.max_tokens}))
        self._encoder = identity

    def _migrate(self) -> None:
        with self._engine.connect() as connection:
            has_version = connection.exec_driver_sql(
                "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
            ).first()
            self._is_new = blank.is_blank(connection)
            revision: str | None = (
                connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
                if has_version
                else None
            )
        if revision == layout.REVISIONS[-1]:
            return
        if revision is not None:
            if revision not in layout.REVISIONS:
                raise CorpusTooNew(
                    f"this corpus was written by a newer searchapp (schema {revision})",
                    hint="upgrade searchapp",
                )
            self._back_up(revision)
        upgrade(self._engine)

    def _back_up(self, revision: str) -> None:
        target = self.folder / f"{layout.DATABASE}.backup-{revision}"
        target.unlink(missing_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with contextlib.closing(self._engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM INTO ?", (str(target),))

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> None:
        """Run a statement that changes no answer, so that it makes no generation; see `settle`."""
        self._connection.exec_driver_sql(statement, values)

    def settle(self) -> None:
        """Make what was done durable, under the generation that it is of already."""
        seal(self._connection)
        self._connection.commit()
        self._start_unit()

    def _start_unit(self) -> None:
        self._is_changed = False
        corpus = self._connection.execute(sa.select(CorpusTable)).one()
        self._generation: int = corpus.generation
        self._stemmed = stemmed_rows.stemmed_languages(self._open)
        highest: dict[str, int] = dict(
            self._connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all()
        )
        self._next_document_id: int = highest.get("document", 0) + 1
        self._next_passage_id: int = highest.get("passage", 0) + 1

    def _change(self, statement: sa.Executable, rows: list[dict[str, Any]] | None = None) -> None:
        if rows is None or rows:
            self._connection.execute(statement, rows)
            self._is_changed = True

    @property
    def _connection(self) -> sa.Connection:
        """The connection, once it has all rows that were gathered."""
        self._write()
        return self._open

    def _write(self) -> None:
        """Give the database what was gathered, a statement a table: one a row would take most of an
        ingest's own time.
        """
        gathered, self._gathered = self._gathered, GatheredRows()
        for kind, rows in gathered.rows.items():
            table: Any = kind.__table__
            if rows:
                self._open.execute(sa.insert(table), rows)
        if gathered.keywords:
            if gathered.keywords[0][0] == 1:  # of the first document ever
                self._stemmed |= stemmed_rows.begin(self._open, gathered.keywords)
            fts.add(self._open.exec_driver_sql, gathered.keywords, self._stemmed)

    def note_kept_log(self, *, from_bytes: int = _LARGE_LOG) -> None:
        """Say that the log beside the database is large, as a reader that does not end keeps SQLite
        from writing it back: it grows by all that is committed meanwhile.
        """
        log = self.folder / f"{layout.DATABASE}-wal"
        if not log.exists() or (size := log.stat().st_size) < from_bytes:
            return
        with self.between_units() as database:
            _, frames, written_back = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if written_back < frames:
            self.notes.append(
                f"the log beside the database has {human_bytes(size)}: a query or a backup that is "
                "still running keeps it; the next ingest after its end empties it"
            )

    @contextlib.contextmanager
    def between_units(self) -> Iterator[Any]:
        """The bare connection of sqlite3 between two units of work; what was not committed is
        dropped.
        """
        self._open.rollback()
        try:
            yield self._open.connection.driver_connection
        except sqlite3.Error as error:
            raise translated(error, self.folder) from error
        finally:
            self._start_unit()


def _refuse_other_database(folder: Path) -> None:
    """Raise CorpusError where another program's database has the name of a corpus's; it is not
    written to. What cannot be read is left to whoever opens it.
    """
    path = folder / layout.DATABASE
    if not path.exists():
        return
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as other,
    ):
        names = {name for (name,) in other.execute("SELECT name FROM sqlite_master")}
        if names and "alembic_version" not in names:
            raise CorpusError(
                f"{path} is the database of another program",
                hint="name an empty or a new folder with --corpus",
            )
