"""One encoding of a corpus put in the place of another, in one transaction.

An encoding is a database of its own until then. What an ingest does not make of the documents
(settings, labels, whatever comes) belongs to the corpus and goes over, also of tables that are not
known here. A kill at any moment leaves the one encoding or the other, whole. Call everything here
under the corpus's lock. Knows neither models nor files.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchapp.backends.sqlite import layout, schema, shadow
from searchapp.backends.sqlite.database_files import take_place
from searchapp.backends.sqlite.integrity import LABELS, check
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.errors import CorpusDamaged, CorpusUnwritable
from searchapp.filesystem import atomic_write

if TYPE_CHECKING:
    import sqlalchemy as sa

# What each encoding has of its own: its documents, what an ingest records beside them, and what is
# derived. All else is the corpus's.
_OF_AN_ENCODING = frozenset(
    {
        *(
            "alembic_version",
            "corpus",
            "encoding",
            "root",
            "document",
            "document_text",
            "passage",
            "vectors",
        ),
        *("tombstone", "published", "unindexed", "background", "tally", "exclusion"),
        *("vocabulary", "stemmed_language"),
    }
)
_DERIVED = ("keywords", "sqlite_")  # how the names of FTS5's and SQLite's own tables begin
_SPARE_IDS = 2**20  # that the corpus may give to new passages while another encoding is being built


def require_room(folder: Path, *, copies: int) -> None:
    """Raise CorpusUnwritable where the disk has no room for so many more copies of the corpus's
    database.
    """
    size = sum(path.stat().st_size for path in folder.glob(f"{layout.DATABASE}*"))
    if shutil.disk_usage(folder).free < copies * size:
        hint = f"make room for {copies * size / 2**20:,.0f} MiB; the corpus answers as before"
        raise CorpusUnwritable(
            f"there is too little room on the disk for another encoding of the corpus at {folder}",
            hint=hint,
        )


def count_on(folder: Path, current: Path) -> None:
    """Have an encoding number its next documents and passages behind all that the current one ever
    had, so that no number means two.
    """
    with _opened(folder) as new, SqliteReader(current) as old:
        given: dict[str, int] = dict(old.database.execute("SELECT name, seq FROM sqlite_sequence"))
        own: dict[str, int] = dict(
            new.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all()
        )
        behind = {name: seq + _SPARE_IDS for name, seq in given.items() if own.get(name, 0) < seq}
        if behind:
            new.exec_driver_sql(
                f"DELETE FROM sqlite_sequence WHERE name IN ({', '.join('?' * len(behind))})",
                tuple(behind),
            )
            new.exec_driver_sql(
                "INSERT INTO sqlite_sequence(name, seq) VALUES (?, ?)", list(behind.items())
            )
            schema.seal(new)
            new.commit()


def make_ready(folder: Path, current: Path) -> None:
    """Give an encoding all that belongs to the corpus, and a generation behind the corpus's."""
    with _opened(folder) as new, SqliteReader(current) as old:
        ids = _ids(old.database, new)
        _copy_labels(old.database, new, ids)
        for (table,) in old.database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ).fetchall():
            if table not in (*_OF_AN_ENCODING, "label") and not table.startswith(_DERIVED):
                _copy_table(table, old.database, new, ids)
        uuid, created_at_ns = old.database.execute(
            "SELECT uuid, created_at_ns FROM corpus"
        ).fetchone()
        statement = (
            "UPDATE corpus SET uuid = ?, created_at_ns = ?, generation = max(generation, ?) + 1"
        )
        new.exec_driver_sql(statement, (uuid, created_at_ns, old.generation))
        for table in ("published", "tombstone"):  # of a vectors file that stays behind
            new.exec_driver_sql(f"DELETE FROM {table}")
        schema.seal(new)
        new.commit()


def require_sound(folder: Path, *, full: bool) -> None:
    """Raise CorpusDamaged where an encoding is not what was written, as `check` finds it."""
    if findings := check(folder, full=full):
        hint = (
            "the corpus answers as before; delete the new encoding with searchapp model "
            "drop, and build it again"
        )
        raise CorpusDamaged(
            f"the new encoding is damaged, and was not put in place: {findings[0].what}", hint=hint
        )


def keep(current: Path) -> None:
    """Copy the current encoding into a folder of its own, which appears whole."""
    with SqliteReader(current) as old:
        assert old.encoder is not None
        folder = shadow.folder_of(current, old.encoder.fingerprint)
        work = shadow.new_folder(folder)
        try:
            with atomic_write.created(work / layout.DATABASE):
                pass
            with contextlib.closing(sqlite3.connect(work / layout.DATABASE)) as copy:
                old.database.backup(copy)
            atomic_write.sync(work / layout.DATABASE)
            shadow.put(work, folder)
        except (sqlite3.Error, OSError) as error:
            raise schema.translated(error, current) from error


def put_in_place(folder: Path, current: Path) -> None:
    """Have the corpus answer from an encoding that was made ready; readers go on undisturbed.
    Nothing has changed where this raises.
    """
    try:
        take_place(folder / layout.DATABASE, current / layout.DATABASE)
    except (sqlite3.Error, OSError) as error:
        raise schema.translated(error, current) from error


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[sa.Connection]:
    """The connection of a writer; what it did not commit is dropped."""
    engine = schema.connect(folder)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _ids(old: sqlite3.Connection, new: sa.Connection) -> Mapping[int, int]:
    """Which document of the new encoding each of the old one is: that at its path, else one of the
    same bytes, which was moved.
    """
    rows = new.exec_driver_sql(
        "SELECT path, content_hash, id FROM document ORDER BY path DESC"
    ).all()
    by_path = {path: document_id for path, _, document_id in rows}
    by_content = {content_hash: document_id for _, content_hash, document_id in rows}
    documents = old.execute("SELECT id, path, content_hash FROM document")
    pairs = (
        (document_id, by_path.get(path, by_content.get(content_hash)))
        for document_id, path, content_hash in documents
    )
    return {document_id: other for document_id, other in pairs if other is not None}


def _copy_labels(old: sqlite3.Connection, new: sa.Connection, ids: Mapping[int, int]) -> None:
    """Have the new encoding's documents be labelled as the old one's, under digests of their own; a
    damaged label stays one.
    """
    rows = []
    for document_id, *said, digest in old.execute(LABELS).fetchall():
        if document_id in ids:
            is_sound = layout.label_digest(document_id, *said) == digest
            rows.append(
                (
                    ids[document_id],
                    *said,
                    layout.label_digest(ids[document_id], *said) if is_sound else digest,
                )
            )
    new.exec_driver_sql("DELETE FROM label")
    if rows:
        new.exec_driver_sql(
            "INSERT OR IGNORE INTO label(document_id, name, origin, probability, digest) VALUES "
            "(?, ?, ?, ?, ?)",
            rows,
        )


def _copy_table(
    table: str, old: sqlite3.Connection, new: sa.Connection, ids: Mapping[int, int]
) -> None:
    """Have a table hold what the old one does; rows of documents go to the document that is theirs
    in the new encoding.
    """
    cursor = old.execute(f'SELECT * FROM "{table}"')
    names = [column[0] for column in cursor.description]
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    if "document_id" in names:
        at = names.index("document_id")
        rows = [(*row[:at], ids[row[at]], *row[at + 1 :]) for row in rows if row[at] in ids]
    new.exec_driver_sql(f'DELETE FROM "{table}"')
    if rows:
        columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
        new.exec_driver_sql(f'INSERT OR IGNORE INTO "{table}"({columns}) VALUES ({marks})', rows)
