"""What can be saved of a damaged corpus: a fresh database gets every row that is as it was written,
and takes the old one's place.

One way for all damage, wherever the bytes changed: documents are read one by one and kept where
their digests hold; what is derived (keyword rows, counts, the vectors file) is derived anew. Before
anything is touched, the database is copied aside. Embeds nothing and reads no sources: `corpus`
does that with what is said here.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchapp.backends.sqlite import fts, layout, schema, stemmed_rows
from searchapp.backends.sqlite.database_files import copy_files, open_damaged, take_place_of_damaged
from searchapp.backends.sqlite.integrity import CONTENT, DOCUMENT, LABELS, VECTORS, faults
from searchapp.backends.sqlite.lock import Lock
from searchapp.backends.sqlite.vector_index import remove_others
from searchapp.errors import CorpusDamaged, CorpusMissing, CorpusUnwritable
from searchapp.filesystem import atomic_write, work_files
from searchapp.filesystem.sources import standing_source
from searchapp.lexical import keyword_row
from searchapp.types.dates import dated_ns
from searchapp.types.digests import text_digest
from searchapp.types.documents import FileIdentity, Label, Source, embedded_text
from searchapp.types.languages import language_in
from searchapp.types.results import RepairReport
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    import sqlalchemy as sa

    FindEncoder = Callable[[], EncoderIdentity | None]

# what reading a damaged row can end in
_UNREADABLE = (sqlite3.Error, UnicodeError, TypeError, ValueError, OverflowError)
_IDENTITY = ("size", "mtime_ns", "ctime_ns", "inode")
_IDS = (
    "SELECT id FROM document ORDER BY id",
    "SELECT id FROM document ORDER BY id DESC",
    "SELECT document_id FROM document_text ORDER BY document_id",
    "SELECT document_id FROM document_text ORDER BY document_id DESC",
)
_LABEL_ROWIDS = (
    "SELECT rowid FROM label INDEXED BY label_name ORDER BY name, rowid",
    "SELECT rowid FROM label INDEXED BY label_name ORDER BY name DESC, rowid DESC",
    "SELECT rowid FROM label NOT INDEXED ORDER BY rowid",
    "SELECT rowid FROM label NOT INDEXED ORDER BY rowid DESC",
)
# a copy of them, as it were
_PATHS = "SELECT id, path FROM document INDEXED BY sqlite_autoindex_document_1"
_PASSAGES = (
    'SELECT id, document_id, start, "end", place, headings, text_digest FROM passage '
    "WHERE document_id = ? ORDER BY id"
)
_DOCUMENT_COLUMNS = """document(
    id, path, display, size, mtime_ns, ctime_ns, inode, content_hash, hashed_at_ns, is_stale,
    source_digest, type, title, metadata, dated_ns, extractor, splitter, has_lines, content_digest,
    first_passage_id, passages, generation)"""
_VECTORS_COLUMNS = "vectors(document_id, first_passage_id, passages, generation, digest, vectors)"


def salvage(folder: Path, *, find_encoder: FindEncoder) -> RepairReport:
    """Put a sound database in the place of a damaged one, under the corpus's lock, after a copy of
    it was made.

    `find_encoder` gives the encoder to go by where the record of it is damaged. Documents whose
    vectors were damaged are pending afterwards. Raises CorpusLocked, CorpusUnwritable, and
    CorpusDamaged where nothing can be made of it: the corpus then is as it was.
    """
    lock = Lock(folder)
    try:
        if not (folder / layout.DATABASE).is_file():
            raise CorpusMissing(
                f"there is no corpus at {folder}", hint="make one with: searchapp ingest PATH"
            )
        backup = (
            folder
            / f"{layout.BEFORE_REPAIR}{time.strftime('%Y-%m-%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
        )
        copy_files(folder, backup)
        atomic_write.sync(folder)
        with work_files.work_folder(folder) as work:
            old, fresh = work / "old", work / "fresh"
            copy_files(folder, old)
            fresh.mkdir(mode=0o700)
            with contextlib.closing(_Salvager(old, fresh, find_encoder)) as salvager:
                report = salvager.run()
            take_place_of_damaged(fresh / layout.DATABASE, folder / layout.DATABASE)
        remove_others(folder, "")
        report.backup = str(backup)
        return report
    except (sqlite3.Error, OSError, UnicodeError) as error:
        raise schema.translated(error, folder) from error
    finally:
        lock.release()


@dataclass(frozen=True, slots=True)
class _Record:
    """What is remembered of a document's file."""

    source: Source
    dated_ns: int
    is_stale: int
    is_sound: bool = True  # false: the file is to be read again

    @property
    def digest(self) -> bytes:
        """The digest under which it stands."""
        return layout.source_digest(self.source, dated_ns=self.dated_ns, is_stale=self.is_stale)


class _Salvager:
    """Copies what is sound from a damaged database to a fresh one."""

    def __init__(self, old: Path, fresh: Path, find_encoder: FindEncoder) -> None:
        """Both are folders of ours alone: the old database may be written to, as far as that helps
        to read it.
        """
        self._find_encoder = find_encoder
        self._report = RepairReport()
        self._engine = schema.connect(fresh)
        schema.upgrade(self._engine)
        self._fresh: sa.Connection = self._engine.connect()
        self._old = open_damaged(old / layout.DATABASE, fresh / layout.DATABASE)
        revision = next(
            self._readable("SELECT version_num FROM alembic_version"), (layout.REVISIONS[-1],)
        )[0]
        if revision in layout.REVISIONS[:-1]:
            raise CorpusDamaged(
                f"this corpus has the earlier schema {revision}",
                hint="bring it up to date first: searchapp ingest",
            )
        self._has_account = self._is_account_sound()
        self._paths: dict[int, bytes] = dict(self._readable(_PATHS))
        self._highest = {"document": 0, "passage": 0}
        self._generation = 0
        self._kept: set[int] = set()

    def close(self) -> None:
        """Let go of both databases."""
        self._old.close()
        self._fresh.close()
        self._engine.dispose()

    def run(self) -> RepairReport:
        """Copy all that is sound, durably."""
        ids = sorted(
            {i for statement in _IDS for (i,) in self._readable(statement) if isinstance(i, int)}
            | self._paths.keys()
        )
        identity = self._encoder(ids)
        if identity is not None:
            values = (1, identity.model, identity.fingerprint, identity.dim, identity.max_tokens)
            self._insert("encoding(id, model, fingerprint, dim, max_tokens)", [values])
        for document_id in ids:
            self._take(document_id, identity)
        stemmed_rows.settle(self._fresh)
        self._labels()
        self._account()
        schema.seal(self._fresh)
        self._fresh.commit()
        return self._report

    # -- documents

    def _take(self, document_id: int, identity: EncoderIdentity | None) -> None:
        row, wrong = self._document(document_id)
        if (
            row is None
            or CONTENT in wrong
            or identity is None
            or not self._keep(row, wrong, identity)
        ):
            path = self._paths.get(document_id, row["raw_path"] if row else b"")
            if path and standing_source(path):
                self._report.to_read.append(path)
            else:
                self._report.lost.append(path)

    def _document(self, document_id: int) -> tuple[sqlite3.Row | None, set[str]]:
        """A document's row, and which of its parts are damaged; None where it cannot be read."""
        try:
            row = self._old.execute(f"{DOCUMENT} WHERE d.id = ?", (document_id,)).fetchone()
            return row, set(faults(self._old, row)) if row else set()
        except _UNREADABLE:
            return None, set()

    def _keep(self, row: sqlite3.Row, wrong: set[str], identity: EncoderIdentity) -> bool:
        """Copy a document whose content is sound; returns False where its passages or its place are
        not.
        """
        try:
            passages = [tuple(passage) for passage in self._old.execute(_PASSAGES, (row["id"],))]
            if [passage[0] for passage in passages] != list(
                range(row["first_passage_id"], row["first_passage_id"] + len(passages))
            ):
                return False
            record = self._record(row)
            with self._fresh.begin_nested():
                self._insert(_DOCUMENT_COLUMNS, [_document_values(row, record, len(passages))])
                self._insert("document_text(document_id, text)", [(row["id"], row["text"])])
                self._insert(
                    'passage(id, document_id, start, "end", place, headings, text_digest)', passages
                )
                fts.add(
                    self._fresh.exec_driver_sql,
                    [_keywords(row, record.source.path, passage) for passage in passages],
                    (),
                )
                if has_vectors := self._has_vectors(row, wrong, len(passages), identity.dim):
                    names = ("id", "v_first", "v_passages", "v_generation", "digest", "vectors")
                    self._insert(_VECTORS_COLUMNS, [tuple(row[name] for name in names)])
        except _UNREADABLE:
            return False
        except CorpusUnwritable as error:
            if not isinstance(
                error.__cause__, sqlite3.IntegrityError
            ):  # another document has its place
                raise
            return False
        self._report.documents += 1
        self._kept.add(row["id"])
        if not row["is_pending"] and not has_vectors:
            self._report.to_embed += 1
        if not record.is_sound and standing_source(record.source.path):
            self._report.to_read.append(record.source.path)
        self._highest = {
            "document": row["id"],
            "passage": max(self._highest["passage"], *(passage[0] for passage in passages)),
        }
        self._generation = max(
            self._generation, row["generation"], row["v_generation"] if has_vectors else 0
        )
        return True

    def _record(self, row: sqlite3.Row) -> _Record:
        """The record of a document's file as it was written, if need be with the path in the index;
        else one of a file to read again.
        """
        paths = [path for path in (row["raw_path"], self._paths.get(row["id"])) if path]
        for path in paths:
            record = _Record(
                Source(
                    path,
                    FileIdentity(*(row[name] for name in _IDENTITY)),
                    row["content_hash"],
                    row["hashed_at_ns"],
                ),
                row["dated_ns"],
                row["is_stale"],
            )
            if record.digest == row["source_digest"]:
                return record
        path = next(
            (candidate for candidate in paths if standing_source(candidate)), row["raw_path"]
        )
        mtime_ns = row["mtime_ns"] if isinstance(row["mtime_ns"], int) else 0
        source = Source(path, FileIdentity(0, mtime_ns, 0, 0), b"", 0)
        return _Record(source, dated_ns(source, json.loads(row["metadata"])), 0, is_sound=False)

    def _has_vectors(self, row: sqlite3.Row, wrong: set[str], passages: int, dim: int) -> bool:
        if row["is_pending"] or VECTORS in wrong:
            return False
        return (row["v_first"], row["v_passages"], len(row["vectors"])) == (
            row["first_passage_id"],
            passages,
            passages * dim * 2,
        )

    # -- all else

    def _labels(self) -> None:
        """Copy the labels that are as they were written; what a person has said of documents that
        are to be read again is handed on.
        """
        # one by one, as a damaged one hides its neighbours
        rowids = {i for statement in _LABEL_ROWIDS for (i,) in self._readable(statement)}
        rows = {
            tuple(row) for i in rowids for row in self._readable(f"{LABELS} WHERE rowid = ?", i)
        }
        sound = sorted(row for row in rows if layout.label_digest(*row[:-1]) == row[-1])
        self._insert(
            "label(document_id, name, origin, probability, digest)",
            [row for row in sound if row[0] in self._kept],
        )
        for document_id, name, origin, *_ in sound:
            path = self._paths.get(document_id, b"")
            if document_id not in self._kept and origin == "hand" and path in self._report.to_read:
                self._report.labels.setdefault(path, []).append(Label(name))
        if len(sound) < len(rows):
            self._report.notes.append(
                f"{len(rows) - len(sound)} of the labels were damaged and are gone: see searchapp "
                "list"
            )

    def _encoder(self, ids: Sequence[int]) -> EncoderIdentity | None:
        """The encoder by whose fingerprint the stored texts are digested."""
        rows = list(self._readable("SELECT model, fingerprint, dim, max_tokens FROM encoding"))
        stored = EncoderIdentity(*rows[0]) if rows else None
        if self._has_account:
            return stored
        witness = next(self._digested(ids), None)
        for identity in (self._find_encoder(), stored):
            if identity is not None and (
                witness is None or text_digest(identity.fingerprint, witness[0]) == witness[1]
            ):
                return identity
        if witness is None:
            return None
        message = (
            "the record of the encoder is damaged, and the one at hand did not make this corpus"
        )
        raise CorpusDamaged(message, hint="ingest the folders into a new corpus with --corpus DIR")

    def _digested(self, ids: Sequence[int]) -> Iterator[tuple[str, bytes]]:
        """Texts exactly as embedded, with their digests."""
        for document_id in ids:
            row, wrong = self._document(document_id)
            if row is not None and CONTENT not in wrong:
                for passage in self._readable(f"{_PASSAGES} LIMIT 1", document_id):
                    body = row["text"][passage["start"] : passage["end"]]
                    yield (
                        embedded_text(json.loads(passage["headings"]), body),
                        passage["text_digest"],
                    )

    def _account(self) -> None:
        """Copy what belongs to no document, as far as it can be read and makes sense."""
        tables = {"root": _is_root, "exclusion": _is_exclusion, "setting": _is_setting} | (
            {"unindexed": lambda _: True} if self._has_account else {}
        )
        for table, is_sensible in tables.items():
            self._insert(
                table,
                [
                    tuple(row)
                    for row in self._readable(f"SELECT * FROM {table}")
                    if is_sensible(tuple(row))
                ],
            )
        if not self._has_account:
            self._report.notes.append(
                "the records of roots, removals and settings may be damaged: see searchapp status, "
                "and searchapp config"
            )
        stored = next(
            self._readable("SELECT uuid, created_at_ns, ingested_at_ns, generation FROM corpus"),
            None,
        )
        if stored and self._has_account:
            statement = "UPDATE corpus SET uuid = ?, created_at_ns = ?, ingested_at_ns = ?"
            self._fresh.exec_driver_sql(statement, tuple(stored)[:3])
            self._generation = max(self._generation, stored["generation"])
        self._fresh.exec_driver_sql("UPDATE corpus SET generation = ?", (self._generation + 1,))
        for name, seq in (
            self._readable("SELECT name, seq FROM sqlite_sequence") if self._has_account else ()
        ):
            self._highest[name] = max(seq, self._highest.get(name, 0))
        self._fresh.exec_driver_sql("DELETE FROM sqlite_sequence")
        self._insert("sqlite_sequence", list(self._highest.items()))

    def _is_account_sound(self) -> bool:
        try:
            (stored,) = self._old.execute("SELECT max(digest) FROM corpus").fetchone()
            tables = [self._old.execute(statement).fetchall() for statement in layout.ACCOUNT]
            return bool(
                layout.account_digest([tuple(row) for row in rows] for rows in tables) == stored
            )
        except _UNREADABLE:
            return False

    def _readable(self, statement: str, *values: object) -> Iterator[Any]:
        """The rows of a statement, up to where the database cannot be read."""
        with contextlib.suppress(*_UNREADABLE):
            yield from self._old.execute(statement, values)

    def _insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self._fresh.exec_driver_sql(
                f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", list(rows)
            )


def _document_values(row: sqlite3.Row, record: _Record, passages: int) -> tuple[Any, ...]:
    """A document's row, in the order of _DOCUMENT_COLUMNS."""
    source, identity = record.source, record.source.identity
    return (
        *(row["id"], source.path, source.path.decode("utf-8", "replace")),
        *(
            identity.size,
            identity.mtime_ns,
            identity.ctime_ns,
            identity.inode,
            source.content_hash,
            source.hashed_at_ns,
        ),
        *(record.is_stale, record.digest),
        *(
            row["type"],
            row["title"],
            row["metadata"],
            record.dated_ns,
            row["extractor"],
            row["splitter"],
            row["has_lines"],
        ),
        *(row["content_digest"], row["first_passage_id"], passages, row["generation"]),
    )


def _keywords(row: sqlite3.Row, path: bytes, passage: tuple[Any, ...]) -> tuple[int | str, ...]:
    passage_id, _, start, end, _, headings, _ = passage
    body = row["text"][start:end]
    language = language_in(json.loads(row["metadata"]))
    return (passage_id, *keyword_row(path, row["title"], json.loads(headings), body), language)


def _is_root(row: tuple[Any, ...]) -> bool:
    path, *globs = row
    try:
        return isinstance(path, bytes) and all(isinstance(json.loads(glob), list) for glob in globs)
    except _UNREADABLE:
        return False


def _is_exclusion(row: tuple[Any, ...]) -> bool:
    return isinstance(row[0], bytes) and row[0].startswith(b"/")


def _is_setting(row: tuple[Any, ...]) -> bool:
    return all(isinstance(value, str) and value.isprintable() for value in row)
