"""SQLite: the tables of a database, row by row, opened in memory from its bytes.

Nothing of the database is run: no triggers and no views, and functions of its schema are not
trusted. Long tables are read in part, and the report says so.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from itertools import chain

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.builder import Part, document_of, with_unread
from searchapp.extract.spreadsheets.rows import Row, limited, named_rows
from searchapp.types.documents import Document

MAX_TABLE_ROWS = 20_000
_MAX_ROWS = 200_000  # of all tables together
_MAX_TABLES = 500
_MAX_STEPS = 200_000  # of a thousand instructions of SQLite's machine
# bytes 18 and 19: whether changes are in a log beside it
_NO_LOG, _LOG = b"\1\1", b"\2\2"
_LEAST_LENGTH = 2**20
_OWN = "sqlite_"
_CORPUS = frozenset({"alembic_version", "corpus"})
_SHADOWS = ("_data", "_idx", "_docsize", "_config", "_segments", "_segdir", "_stat", "_node")


def read(data: bytes, document_type: str) -> Document:
    """The tables of a database, each row's values beside the names of its columns; raises
    FileFailed where it is broken, FileSkipped for a corpus.
    """
    reading = _TableReading()
    try:
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(data[:18] + _NO_LOG + data[20:])
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA query_only = ON")
            database.text_factory = lambda raw: raw.decode("utf-8", "replace")
            # a value that is longer than the file is none that it holds, but one that it computes
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(_LEAST_LENGTH, len(data)))
            database.set_progress_handler(reading.step, 1000)
            document = document_of(limited(reading.parts(database)), document_type)
    except (sqlite3.Error, ValueError, OverflowError) as error:
        raise FileFailed(f"not a readable database: {error}") from error
    if data[18:20] == _LOG:
        reading.said.append("changes in a log beside it, where there is one, are not read")
    if reading.said and not document.blocks:
        raise FileFailed(f"no text found: {'; '.join(reading.said)}")
    return with_unread(document, reading.said)


class _TableReading:
    """How far the reading of a database is."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._rows = 0
        self._steps = 0

    def step(self) -> bool:
        """Called by SQLite now and then: True ends what it does."""
        self._steps += 1
        return self._steps > _MAX_STEPS

    def parts(self, database: sqlite3.Connection) -> Iterator[Part]:
        """The tables with their names as headings."""
        names = [
            (str(name), str(sql or ""))
            for name, sql in database.execute(
                "SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY rowid"
            )
        ]
        if {name for name, _ in names} >= _CORPUS:
            raise FileSkipped("a corpus of searchapp")  # it would be found twice
        virtual = {name for name, sql in names if sql.upper().startswith("CREATE VIRTUAL")}
        shadows = {name + ending for name in virtual for ending in _SHADOWS}
        tables = [
            name
            for name, _ in names
            if not name.startswith(_OWN) and name not in virtual and name not in shadows
        ]
        if len(tables) > _MAX_TABLES:
            self.said.append(f"{_MAX_TABLES} of {len(tables)} tables were read")
        for name in tables[:_MAX_TABLES]:
            yield from self._table(database, name)

    def _table(self, database: sqlite3.Connection, name: str) -> Iterator[Part]:
        place = (("sheet", name),)
        quoted = name.replace('"', '""')
        try:
            cursor = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - it is a name
            header = Row(1, tuple(enumerate(column[0] for column in cursor.description)))
        except sqlite3.Error as error:
            self.said.append(f"table {name} could not be read: {error}")
            return
        rows = self._rows_of(cursor, name)
        if (first := next(rows, None)) is not None:
            yield Part("heading", name, level=1, place=place)
            yield from named_rows(header, chain([first], rows), place)

    def _rows_of(self, cursor: sqlite3.Cursor, name: str) -> Iterator[Row]:
        number = 1
        try:
            for number, values in enumerate(cursor, 2):
                if number - 1 > MAX_TABLE_ROWS or self._rows >= _MAX_ROWS:
                    self.said.append(f"the first {number - 2:,} rows of table {name} were read")
                    return
                self._rows += 1
                cells = ((column, _text(value)) for column, value in enumerate(values))
                yield Row(number, tuple((column, text) for column, text in cells if text))
        except sqlite3.Error as error:
            self.said.append(f"table {name} could not be read after row {number - 1:,}: {error}")


def _text(value: object) -> str:
    """What a value says; "" for binary ones."""
    if value is None or isinstance(value, bytes):
        return ""
    return f"{value:.15g}" if isinstance(value, float) else " ".join(str(value).split())
