"""The database as files: copied as it is found, opened although damaged, put in place of another.

Works with pages and bytes; knows no table.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

from searchapp.backends.sqlite import layout, schema
from searchapp.backends.sqlite.integrity import as_text
from searchapp.filesystem import atomic_write

_HEADER_BYTES = 100


def copy_files(folder: Path, target: Path) -> None:
    """Copy the database and its log, byte for byte, into a new folder."""
    target.mkdir(mode=0o700)
    for name in (layout.DATABASE, f"{layout.DATABASE}-wal"):
        with (
            contextlib.suppress(FileNotFoundError),
            (folder / name).open("rb") as file,
            atomic_write.created(target / name) as copy,
        ):
            shutil.copyfileobj(file, copy)
    atomic_write.sync(target)


def take_place(fresh: Path, place: Path) -> None:
    """Replace a database by another in one transaction, which leaves its readers alone.

    Raises sqlite3.Error, or FileNotFoundError where there is no other one, having changed nothing.
    """
    fresh.stat()  # SQLite would make an empty one where it is missing
    with (
        contextlib.closing(sqlite3.connect(fresh)) as source,
        contextlib.closing(sqlite3.connect(place)) as target,
    ):
        target.execute("PRAGMA synchronous = FULL")
        source.backup(target)


def take_place_of_damaged(fresh: Path, place: Path) -> None:
    """Replace a damaged database; one that is no database any more is replaced as a file."""
    try:
        take_place(fresh, place)
        return
    except (sqlite3.DatabaseError, UnicodeError) as error:
        if not schema.is_damage(error):
            raise
    for ending in ("-wal", "-shm"):  # of the old one: they would be taken for the new one's
        place.with_name(f"{place.name}{ending}").unlink(missing_ok=True)
    atomic_write.sync(place.parent)
    fresh.replace(place)
    atomic_write.sync(place.parent)


def open_damaged(old: Path, fresh: Path) -> sqlite3.Connection:
    """The damaged database, made readable where a fresh one's header or table definitions can do
    that.
    """
    connection = connect_damaged(old)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        _mend_header(old, fresh)
        connection = connect_damaged(old)
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(fresh)) as sound:
        definitions = sound.execute(
            "SELECT sql, type, name, tbl_name FROM sqlite_master"
        ).fetchall()
        connection.executemany(
            "UPDATE sqlite_master SET sql = ? WHERE type = ? AND name = ? AND tbl_name = ?",
            definitions,
        )
    connection.close()
    return connect_damaged(old)


def connect_damaged(path: Path) -> sqlite3.Connection:
    """A database that is opened whatever its definitions say, its rows by name."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = as_text
    connection.row_factory = sqlite3.Row
    with contextlib.suppress(sqlite3.Error):
        # also: a definition that cannot be read hides no other
        connection.execute("PRAGMA writable_schema = ON")
    return connection


def _mend_header(old: Path, fresh: Path) -> None:
    """Give a database file the header of a fresh one, without the list of its free pages
    (https://sqlite.org/fileformat2.html).
    """
    with fresh.open("rb") as sound, old.open("r+b") as file:
        header = bytearray(sound.read(_HEADER_BYTES))
        header[28:40] = bytes(12)  # the size is the file's; no free pages
        file.write(header)
