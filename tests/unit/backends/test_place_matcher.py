"""Many places find what few do, in one pass over the documents."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from unicodedata import normalize

import pytest

from searchapp.backends.sqlite import connection as connections
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.filter_sql import document_condition
from searchapp.backends.sqlite.place_matcher import _compiled
from searchapp.types.filters import Filters

PATHS = [
    b"/docs/a.md",
    b"/docs/a.md.old",
    b"/docs/a[1].md",
    b"/docs/sub/b.txt",
    b"/docs/subs/b.txt",
    b"/docs/notes.zip!/in/c.md",
    b"/docs/wow!/d.md",
    "/docs/größe/é.md".encode(),
    normalize("NFD", "/docs/größe/ü.md").encode(),
    normalize("NFD", "/docs/Ä[x].md").encode(),
    b"/docs/\xff\xfe.md",
    b"/docs/]!^-.md",
]
PLACES = [
    "/",
    "/docs/",
    "/docs/a.md",
    "/docs/sub",
    "/docs/notes.zip",
    "/docs/notes.zip!/in",
    "/docs/wow",
    "/docs/wow!",
    "/nowhere",
    "*.md",
    "a.md",
    "*/su?",
    "/docs/a[1].md",
    "/docs/a[12].md",
    "a[1].md",
    "/docs/[^as]*",
    "/docs/[]!]*.md",
    "/docs/[^]]*.md",
    "/docs/[c-a]*",
    "/docs/[a",
    "[]",
    normalize("NFD", "/docs/größe"),
    normalize("NFC", "/docs/größe"),
    normalize("NFC", "größe"),
    "/docs/gr*e/*",
    normalize("NFC", "/docs/Ä[x].md"),
    os.fsdecode(b"/docs/\xff\xfe.md"),
    os.fsdecode(b"/docs/\xff\xfd.md"),
    os.fsdecode(b"/docs/\xff*"),
    "*\n*",
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    """The documents' paths alone, as a corpus has them."""
    folder = tmp_path_factory.mktemp("places")
    SqliteBackend(folder).writer().close()
    with closing(sqlite3.connect(folder / "corpus.db")) as made, made:
        made.execute("DROP TABLE document")
        made.execute("CREATE TABLE document (id INTEGER PRIMARY KEY, path BLOB, display TEXT)")
        made.executemany(
            "INSERT INTO document (path, display) VALUES (?, ?)",
            [(path, path.decode("utf-8", "replace")) for path in PATHS],
        )
    return connections.open_read_only(folder)


def found(database: sqlite3.Connection, *places: str) -> set[bytes]:
    where, values = document_condition(Filters(within=places))
    query = f"SELECT d.path FROM document d WHERE {where}"
    return {path for (path,) in database.execute(query, values)}


@pytest.mark.parametrize("place", PLACES)
def test_many_places_find_what_one_does(database: sqlite3.Connection, place: str) -> None:
    others = [f"/nowhere/{number}" for number in range(20)]
    assert found(database, *others, place) == found(database, place)


def test_a_thousand_places_are_as_good_as_one(database: sqlite3.Connection) -> None:
    many = [f"/nowhere/{number}" for number in range(3000)]
    assert found(database, *many) == set()
    assert found(database, *many, "/docs/sub", "*.old") == {b"/docs/sub/b.txt", b"/docs/a.md.old"}


def test_many_stars_are_matched_in_time() -> None:
    globs = ["*a" * 40 + "*b", "*a*a*a*?[xy]*b*"]
    matched = [_compiled(glob).fullmatch("/d/" + "a" * 2_000) for glob in globs]
    assert matched == [None, None]
    assert _compiled("*a*b*").fullmatch("/xaxxbx/below") is not None


def test_conditions_that_must_all_hold_may_be_more_than_sqlite_nests(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path)
    backend.writer().close()
    many = Filters(
        where=tuple(("author", str(number)) for number in range(600)),
        outside=tuple(f"/x/{number}" for number in range(600)),
    )
    with closing(backend.reader()) as reader:
        assert list(reader.rows(many)) == []
