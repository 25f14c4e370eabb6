"""Whether a corpus is what was written: SQLite's own checks, then every digest.

`PRAGMA integrity_check` sees structure, not content: it caught 3 of 497 bit flips, the digests
caught all. Reads through the reader's connection and changes nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from searchapp.backends.sqlite import bodies, fts, layout
from searchapp.backends.sqlite.bodies import with_bodies
from searchapp.backends.sqlite.catalog import BEHIND
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.vector_index import VectorsFileError, verify
from searchapp.errors import CorpusDamaged
from searchapp.filesystem.sources import standing_source
from searchapp.lexical import keyword_row
from searchapp.types.documents import FileIdentity, Source
from searchapp.types.languages import language_in
from searchapp.types.results import Finding

_CONTENT = (
    "type",
    "title",
    "metadata",
    "extractor",
    "splitter",
    "has_lines",
    "first_passage_id",
    "generation",
)
_SOURCE = (
    *(
        "path",
        "display",
        "size",
        "mtime_ns",
        "ctime_ns",
        "inode",
        "content_hash",
        "hashed_at_ns",
        "dated_ns",
        "is_stale",
    ),
    *("source_digest", "content_digest"),
)
RECORD, CONTENT, VECTORS = (
    "the record of its file is damaged",
    "its text or passages are damaged",
    "its vectors are damaged",
)
DOCUMENT = f"""
    SELECT {", ".join(f"d.{name}" for name in ("id", *_SOURCE, *_CONTENT))},
           CAST(coalesce(d.path, '') AS BLOB) AS raw_path, t.text,
           v.document_id IS NULL AS is_pending, v.first_passage_id AS v_first,
           v.passages AS v_passages, v.generation AS v_generation, v.vectors, v.digest
    FROM document d JOIN document_text t ON t.document_id = d.id
    LEFT JOIN vectors v ON v.document_id = d.id"""
LABELS = "SELECT document_id, name, origin, probability, digest FROM label NOT INDEXED"
_PASSAGES = (
    'SELECT start, "end", place, headings, text_digest FROM passage '
    "WHERE document_id = ? ORDER BY id"
)
_AT_ONCE = 1000  # passages whose keyword rows are made together
_KEYWORD_TABLES = {
    "keywords_data": 2,
    "keywords_idx": 3,
    "keywords_docsize": 2,
    "keywords_config": 2,
}  # FTS5's own, and their columns


def check(folder: Path, *, full: bool) -> list[Finding]:
    """What is wrong; empty when nothing is. Quick: structure and counts. Full: every byte that was
    written.
    """
    findings: list[Finding] = []
    try:
        with SqliteReader(folder) as snapshot:
            if not snapshot.is_blank:
                snapshot.database.text_factory = as_text
                for finding in _findings(snapshot, folder, full=full):
                    findings.append(finding)  # noqa: PERF402 - what was found before an error counts
    except (
        sqlite3.DatabaseError,
        UnicodeError,
        CorpusDamaged,
    ) as error:  # SQLite quotes names in its messages that are no text
        findings.append(Finding(f"the database cannot be read: {error}", is_lost=True))
    return findings


def _findings(snapshot: SqliteReader, folder: Path, *, full: bool) -> Iterator[Finding]:
    database = snapshot.database
    if snapshot.is_behind:
        yield Finding(BEHIND, is_lost=True)
    yield from _structure(database, full=full)
    if full:
        damaged = [*_account(database), *_documents(database), *_labels(database)]
        yield from damaged
        if not damaged:  # what is derived can be told wrong only where its source is right
            yield from _keywords(database)
    yield from _vectors_file(snapshot, folder)


def _structure(database: sqlite3.Connection, *, full: bool) -> Iterator[Finding]:
    pragma = "integrity_check" if full else "quick_check"
    for (line,) in database.execute(f"PRAGMA {pragma}"):
        if line != "ok":
            yield Finding(f"database: {line}")
    for table, row, *_ in database.execute("PRAGMA foreign_key_check"):
        yield Finding(f"row {row} of {table} refers to nothing")
    wrong = """
        SELECT CAST(coalesce(d.path, '') AS BLOB) FROM document d
        LEFT JOIN vectors v ON v.document_id = d.id
        LEFT JOIN document_text t ON t.document_id = d.id
        WHERE t.document_id IS NULL OR v.first_passage_id <> d.first_passage_id
           OR v.passages <> d.passages
           OR (SELECT count(*) = d.passages AND min(p.id) = d.first_passage_id
                      AND max(p.id) = d.first_passage_id + d.passages - 1
               FROM passage p WHERE p.document_id = d.id) IS NOT 1"""
    for (path,) in database.execute(wrong):
        yield _damaged("passages or vectors are missing", path)


def _account(database: sqlite3.Connection) -> Iterator[Finding]:
    (digest,) = database.execute("SELECT max(digest) FROM corpus").fetchone()
    if layout.account_digest(database.execute(statement) for statement in layout.ACCOUNT) != digest:
        yield Finding(
            "the corpus's own records are damaged: its roots, encoder, generation, or what is not "
            "indexed"
        )
    counted = database.execute(
        "SELECT type, extractor, splitter, count(*), sum(passages), sum(is_stale), sum(id) FROM "
        "document GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).fetchall()
    tally = database.execute(
        "SELECT type, extractor, splitter, documents, passages, stale, ids FROM tally ORDER BY 1, "
        "2, 3"
    ).fetchall()
    embedded = database.execute(
        "SELECT (SELECT count(*) FROM vectors), (SELECT sum(embedded) FROM corpus)"
    ).fetchone()
    if counted != tally or embedded[0] != embedded[1]:
        yield Finding("there are not as many documents or vectors as there were")
    labels = database.execute(
        "SELECT (SELECT count(*) FROM label NOT INDEXED), (SELECT sum(labels) FROM corpus)"
    ).fetchone()
    if labels[0] != labels[1]:
        yield Finding("there are not as many labels as there were")


def _documents(database: sqlite3.Connection) -> Iterator[Finding]:
    cursor = database.cursor()
    cursor.row_factory = sqlite3.Row
    for row in cursor.execute(DOCUMENT):
        for fault in faults(database, row):
            yield _damaged(fault, row["raw_path"], has_text=fault != CONTENT)


def _labels(database: sqlite3.Connection) -> Iterator[Finding]:
    paths = dict(database.execute("SELECT id, CAST(coalesce(path, '') AS BLOB) FROM document"))
    for *label, digest in database.execute(LABELS):
        if layout.label_digest(*label) != digest:
            yield Finding("one of its labels is damaged", paths.get(label[0], b""))


def faults(database: sqlite3.Connection, row: sqlite3.Row) -> Iterator[str]:
    """Which parts of a document, a row of DOCUMENT, are not as they were written: RECORD, CONTENT,
    VECTORS.
    """
    if _source_digest(row) != row["source_digest"] or row["display"] != row["raw_path"].decode(
        "utf-8", "replace"
    ):
        yield RECORD
    columns = [row[name] for name in _CONTENT]
    passages = database.execute(_PASSAGES, (row["id"],))
    if layout.content_digest(columns, row["text"], passages) != row["content_digest"]:
        yield CONTENT
    if not row["is_pending"] and _vectors_digest(row) != row["digest"]:
        yield VECTORS


def _source_digest(row: sqlite3.Row) -> bytes:
    identity = FileIdentity(*(row[name] for name in ("size", "mtime_ns", "ctime_ns", "inode")))
    source = Source(row["path"], identity, row["content_hash"], row["hashed_at_ns"])
    return layout.source_digest(source, dated_ns=row["dated_ns"], is_stale=row["is_stale"])


def _vectors_digest(row: sqlite3.Row) -> bytes:
    if not isinstance(row["vectors"], bytes):
        return b""
    return layout.vectors_digest(
        row["v_first"], row["v_passages"], row["v_generation"], row["vectors"]
    )


def _keywords(database: sqlite3.Connection) -> Iterator[Finding]:
    """The keyword index is derived: a fresh one from the stored passages must hold the same terms
    at the same places.
    """
    (definition,) = database.execute(
        "SELECT sql FROM sqlite_master WHERE name = 'keywords'"
    ).fetchone()
    languages = {code for (code,) in database.execute("SELECT language FROM stemmed_language")}
    passages = f"""
        SELECT p.id, CAST(d.path AS BLOB), d.title, p.headings, d.metadata, {bodies.COLUMNS}
        FROM passage p JOIN document d ON d.id = p.document_id
        JOIN document_text t ON t.document_id = d.id ORDER BY p.id"""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        fresh.execute(definition)
        fresh.execute(fts.VOCABULARY)
        rows = (
            (
                i,
                *keyword_row(path, title, json.loads(headings), body),
                language_in(json.loads(metadata)),
            )
            for i, path, title, headings, metadata, _, _, body in with_bodies(
                database.execute(passages)
            )
        )
        while some := list(islice(rows, _AT_ONCE)):
            fts.add(fresh.executemany, some, languages)
        if not _is_consistent(database, definition) or _terms(database) != _terms(fresh):
            yield Finding("the keyword index differs from the passages it is derived from")
        if _vocabulary(database) != _vocabulary(fresh):
            yield Finding("the vocabulary differs from the passages it is derived from")


def _vocabulary(database: sqlite3.Connection) -> list[tuple[str, str, int]]:
    statement = "SELECT word, written, passages FROM vocabulary ORDER BY word, written"
    return database.execute(statement).fetchall()


def _is_consistent(database: sqlite3.Connection, definition: str) -> bool:
    """Whether FTS5 finds its own tables in order; asked of a copy, as the question is a write to
    it.
    """
    with (
        contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as copy,
        contextlib.suppress(sqlite3.DatabaseError),
    ):
        copy.execute(definition)
        for table, columns in _KEYWORD_TABLES.items():
            copy.execute(f"DELETE FROM {table}")
            copy.executemany(
                f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})",
                database.execute(f"SELECT * FROM {table}"),
            )
        copy.execute("INSERT INTO keywords(keywords) VALUES ('integrity-check')")
        return True
    return False


def _terms(database: sqlite3.Connection) -> bytes:
    """A digest of all terms with their places, the rows' lengths and their sums: FTS5 keeps those
    in row 1, zeros at its end or not.
    """
    database.execute(
        "CREATE VIRTUAL TABLE temp.keyword_terms USING fts5vocab(main, keywords, instance)"
    )
    digest = hashlib.blake2b()
    for statement in (
        'SELECT term, doc, col, "offset" FROM temp.keyword_terms',
        "SELECT id, sz FROM keywords_docsize ORDER BY id",
    ):
        for row in database.execute(statement):
            digest.update(repr(row).encode())
    for (sums,) in database.execute("SELECT CAST(block AS BLOB) FROM keywords_data WHERE id = 1"):
        digest.update(sums.rstrip(b"\0"))
    return digest.digest()


def as_text(data: bytes) -> str:
    """Text with its damaged bytes kept, so that a digest and not a decoder finds them."""
    return data.decode("utf-8", "surrogateescape")


def _vectors_file(snapshot: SqliteReader, folder: Path) -> Iterator[Finding]:
    published = snapshot.published
    if published is None or not (folder / published.name).exists():
        return
    try:
        verify(folder, published, is_whole=True)
    except VectorsFileError as error:
        yield Finding(f"{error}; {error.hint}", is_of_cache=True)


def _damaged(what: str, path: bytes, *, has_text: bool = False) -> Finding:
    """A finding of a document; it is lost where neither its stored text nor its file is left."""
    return Finding(what, path, is_lost=not has_text and standing_source(path) is None)
