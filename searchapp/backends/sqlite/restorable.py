"""Whether a database from elsewhere is laid out as one of ours: its definitions, and in its own
records only values that a writer could have put there.

A backup's checksum says that it is what somebody wrote, and not who: a trigger in it would be code
that comes with data. What is damaged is for `integrity` to find, and for `salvage` to mend: so
documents are looked at only where their digests hold. Reads, and changes nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from importlib.resources import files

_MOST = 2**62  # of what is counted on from
_MOST_DIM = 2**16  # values of a vector
_KINDS = {  # that a declared type allows, as `typeof` names them
    "INTEGER": ("integer",),
    "BOOLEAN": ("integer",),
    "TEXT": ("text",),
    "VARCHAR(32)": ("text",),
    "BLOB": ("blob",),
    "REAL": ("real", "integer"),
}
_RECORDS = (  # tables of what belongs to no document, and what vectors files are made of
    *("alembic_version", "corpus", "encoding", "root", "setting", "exclusion", "tombstone"),
    *("published", "unindexed", "background", "tally", "vectors"),
)
_DOCUMENTS = ("document", "document_text", "passage", "label")
_NO_PATH = "hex(substr({0}, 1, 1)) <> '2F' OR instr({0}, x'00')"
_NO_LIST = """
    json_valid({0}) = 0 OR json_type({0}) <> 'array'
    OR EXISTS (SELECT 1 FROM json_each({0}) WHERE type <> 'text')"""
_NO_OBJECT = "json_valid({0}) = 0 OR json_type({0}) <> 'object'"
_NO_COUNT = f"{{0}} NOT BETWEEN 0 AND {_MOST}"
_NO_MOMENT = f"{{0}} NOT BETWEEN -{_MOST} AND {_MOST}"
_WRONG_RECORDS = (  # tables, and what no row of them is
    ("(SELECT count(*) AS rows FROM alembic_version)", "rows <> 1"),
    ("(SELECT count(*) AS rows, min(id) AS id FROM corpus)", "rows <> 1 OR id <> 1"),
    ("corpus", _NO_COUNT.format("generation")),
    ("encoding", f"id <> 1 OR max_tokens < 1 OR dim NOT BETWEEN 2 AND {_MOST_DIM}"),
    ("sqlite_sequence", f"typeof(seq) <> 'integer' OR {_NO_COUNT.format('seq')}"),
    ("root", _NO_PATH.format("path")),
    ("root", _NO_LIST.format("include")),
    ("root", _NO_LIST.format("exclude")),
    ("exclusion", _NO_PATH.format("path")),
    ("unindexed", _NO_PATH.format("path")),
    ("published", "name NOT GLOB 'vectors-*.faiss' OR name GLOB '*/*'"),
    ("tombstone", _NO_COUNT.format("first_passage_id")),
    ("tombstone", _NO_COUNT.format("passages")),
    ("vectors", "length(vectors) <> passages * 2 * (SELECT dim FROM encoding)"),
)
_WRONG_DOCUMENTS = (
    ("document", _NO_PATH.format("path")),
    ("document", _NO_OBJECT.format("metadata")),
    ("document", _NO_COUNT.format("size")),
    ("document", _NO_MOMENT.format("mtime_ns")),
    ("document", _NO_MOMENT.format("ctime_ns")),
    ("document", _NO_MOMENT.format("dated_ns")),
    ("passage", 'start < 0 OR start > "end"'),
    ("passage", _NO_LIST.format("headings")),
    ("passage", _NO_OBJECT.format("place")),
    ("passage", "EXISTS (SELECT 1 FROM json_each(place) WHERE type IN ('object', 'array'))"),
    ("label", "origin NOT IN ('hand', 'classifier', 'descriptions')"),
    ("label", "probability NOT BETWEEN 0 AND 1"),
)


def strangeness(database: sqlite3.Connection) -> str:
    """What keeps a database of the newest schema from being a corpus, "" where nothing does; its
    documents may be damaged.
    """
    definitions, expected = _definitions(database), _expected()
    for (kind, name), statement in expected.items():
        if definitions.get((kind, name)) != statement:
            return f"the {kind} {name} is another than ours"
    for kind, name in definitions.keys() - expected.keys():
        if kind not in ("table", "index"):
            return f"it has a {kind}, {name}"
    return _wrong(database, _RECORDS, _WRONG_RECORDS)


def forgery(database: sqlite3.Connection) -> str:
    """What no reader could have made of a file, of documents whose digests hold; "" for nothing."""
    return _wrong(database, _DOCUMENTS, _WRONG_DOCUMENTS)


def _wrong(
    database: sqlite3.Connection, tables: Sequence[str], conditions: Sequence[tuple[str, str]]
) -> str:
    """Which of the tables holds values of other kinds than its columns have, or that meet one of
    the conditions; "" for none.
    """
    for table in tables:
        if database.execute(_of_other_kinds(database, table)).fetchone():
            return f"{table} holds values of another kind"
    for table, condition in conditions:
        if database.execute(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1").fetchone():
            return "its records make no sense"
    return ""


def _definitions(database: sqlite3.Connection) -> Mapping[tuple[str, str], str]:
    rows = database.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master")
    return {(kind, name): statement for kind, name, statement in rows}


def _expected() -> Mapping[tuple[str, str], str]:
    """The definitions of a corpus of the newest schema."""
    script = (files("searchapp.backends.sqlite") / "blank.sql").read_text("utf-8")
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        fresh.executescript(script)
        return _definitions(fresh)


def _of_other_kinds(database: sqlite3.Connection, table: str) -> str:
    """A statement that finds a row with a value that is not of its column's declared type."""
    wrong = []
    for _, name, declared, is_required, *_ in database.execute(f"PRAGMA table_info({table})"):
        kinds = (*_KINDS[declared], *(() if is_required else ("null",)))
        allowed = ", ".join(f"'{kind}'" for kind in kinds)
        wrong.append(f'typeof("{name}") NOT IN ({allowed})')
    return f"SELECT 1 FROM {table} WHERE {' OR '.join(wrong)} LIMIT 1"
