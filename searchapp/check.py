"""Whether a corpus is what was written: SQLite's own checks, then every digest.

`PRAGMA integrity_check` sees structure, not content: it caught 3 of 497 bit flips, the digests caught all. Reads through the
snapshot's connection and changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from searchapp import records
from searchapp.errors import CorpusDamaged
from searchapp.snapshot import Snapshot
from searchapp.types import FileIdentity, Finding, Source
from searchapp.vectors import VectorsFileError, verify

_CONTENT = ("type", "title", "metadata", "dated_ns", "extractor", "splitter", "has_lines")
_SOURCE = ("path", "size", "mtime_ns", "ctime_ns", "inode", "content_hash", "hashed_at_ns", "is_stale")


def check(folder: Path, *, is_full: bool) -> list[Finding]:
    """What is wrong; empty when nothing is. Quick: structure and counts. Full: every byte that was written for a document."""
    try:
        with Snapshot(folder) as snapshot:
            if snapshot.generation == 0:
                return []
            findings = list(_structure(snapshot.database, is_full=is_full))
            if is_full and not findings:
                findings += _documents(snapshot.database)
                findings += _keywords(snapshot.database)
                findings += _vectors_file(snapshot, folder)
            return findings
    except (sqlite3.DatabaseError, CorpusDamaged) as error:
        return [Finding(f"the database cannot be read: {error}", is_lost=True)]


def _structure(database: sqlite3.Connection, *, is_full: bool) -> Iterator[Finding]:
    pragma = "integrity_check" if is_full else "quick_check"
    for (line,) in database.execute(f"PRAGMA {pragma}"):
        if line != "ok":
            yield Finding(f"database: {line}")
    for table, row, *_ in database.execute("PRAGMA foreign_key_check"):
        yield Finding(f"row {row} of {table} refers to nothing")
    wrong = """
        SELECT d.path FROM document d LEFT JOIN vectors v ON v.document_id = d.id LEFT JOIN document_text t ON t.document_id = d.id
        WHERE t.document_id IS NULL OR v.first_passage_id <> d.first_passage_id OR v.passages <> d.passages
           OR (SELECT count(*) FROM passage p WHERE p.document_id = d.id AND p.id BETWEEN d.first_passage_id
               AND d.first_passage_id + d.passages - 1) <> d.passages"""
    for (path,) in database.execute(wrong):
        yield _damaged("passages or vectors are missing", path)


def _documents(database: sqlite3.Connection) -> Iterator[Finding]:
    columns = ", ".join(f"d.{name}" for name in (*_SOURCE, *_CONTENT))
    statement = f"""
        SELECT d.id, d.display, d.source_digest, d.content_digest, t.text, v.first_passage_id, v.passages, v.vectors, v.digest, {columns}
        FROM document d JOIN document_text t ON t.document_id = d.id LEFT JOIN vectors v ON v.document_id = d.id"""
    passages = """SELECT start, "end", page, line_start, line_end, headings, text_digest FROM passage WHERE document_id = ? ORDER BY id"""
    for row in database.execute(statement):
        document_id, display, source_digest, content_digest, text, first, count, blob, vectors_digest = row[:9]
        path, *identity, content_hash, hashed_at_ns, is_stale = row[9 : 9 + len(_SOURCE)]
        source = Source(path, FileIdentity(*identity), content_hash, hashed_at_ns)
        if records.source_digest(source, is_stale=bool(is_stale)) != source_digest or display != path.decode("utf-8", "replace"):
            yield _damaged("the record of its file is damaged", path)
        if records.content_digest(row[9 + len(_SOURCE) :], text, database.execute(passages, (document_id,))) != content_digest:
            yield _damaged("its text or passages are damaged", path)
        if blob is not None and records.vectors_digest(first, count, blob) != vectors_digest:
            yield _damaged("its vectors are damaged", path)


def _keywords(database: sqlite3.Connection) -> Iterator[Finding]:
    """The keyword index is derived: a fresh one from the stored passages must hold the same terms at the same places."""
    (definition,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'keywords'").fetchone()
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    fresh.execute(definition)
    passages = """
        SELECT p.id, d.title, p.headings, substr(t.text, p.start + 1, p."end" - p.start)
        FROM passage p JOIN document d ON d.id = p.document_id JOIN document_text t ON t.document_id = d.id"""
    rows = ((i, *records.keyword_row(title, json.loads(headings), body)) for i, title, headings, body in database.execute(passages))
    fresh.executemany("INSERT INTO keywords(rowid, title, headings, body) VALUES (?, ?, ?, ?)", rows)
    if _terms(database) != _terms(fresh):
        yield Finding("the keyword index differs from the passages it is derived from")


def _terms(database: sqlite3.Connection) -> bytes:
    database.execute("CREATE VIRTUAL TABLE temp.keyword_terms USING fts5vocab(main, keywords, instance)")
    digest = hashlib.blake2b()
    for row in database.execute('SELECT term, doc, col, "offset" FROM temp.keyword_terms'):
        digest.update(repr(row).encode())
    return digest.digest()


def _vectors_file(snapshot: Snapshot, folder: Path) -> Iterator[Finding]:
    published = snapshot.published()
    if published is None or not (folder / published.name).exists():
        return
    try:
        verify(folder, published, is_whole=True)
    except VectorsFileError as error:
        yield Finding(f"{error}; {error.hint}")


def _damaged(what: str, path: bytes) -> Finding:
    return Finding(what, path, is_lost=not os.path.lexists(path))
