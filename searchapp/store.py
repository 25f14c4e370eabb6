"""The writer: the unit of work on the tables of `schema`, migrations at its opening, publishing the vectors at its end.

One process writes a corpus at a time, under its `Lock`. Changes gather in one transaction until `commit`, which makes them durable
together (WAL, synchronous=FULL) and raises the generation by one; a process that dies before it leaves the corpus as the last
commit left it. Knows nothing of files' contents, models or ranking.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from searchapp import records
from searchapp.confidence import measure
from searchapp.errors import CorpusTooNew, CorpusUnwritable, SearchappError
from searchapp.lock import Lock
from searchapp.schema import (
    ROOM,
    StoredBackground,
    StoredCorpus,
    StoredDocument,
    StoredEncoding,
    StoredPassage,
    StoredPublication,
    StoredRoot,
    StoredSetting,
    StoredText,
    StoredUnindexed,
    StoredVectors,
    Tombstone,
    connect,
    seal,
    translated,
    upgrade,
)
from searchapp.types import (
    MEMBER,
    Document,
    EncoderIdentity,
    FileIdentity,
    KnownFile,
    Passage,
    PendingDocument,
    Root,
    Source,
    Unindexed,
    embedded_text,
    is_within,
)
from searchapp.vectors import PublishedFile, VectorsFileError, from_blob, publish, remove_others, to_blob, verify

if TYPE_CHECKING:
    from searchapp.types import Vector, Vectors
    from searchapp.vectors import HalfVectors

_REPUBLISH_PASSAGES = 256  # a new vectors file is due when more than this, and more than a tenth, has changed
_REPUBLISH_FRACTION = 0.1


class Store:
    """The writer of a corpus folder, which it makes where there is none; implements `types.Writer`."""

    def __init__(self, folder: Path, lock: Lock | None = None) -> None:
        """Open the database, migrated, under the folder's lock, which is taken unless it is given; it goes with the writer.

        Raises CorpusLocked, CorpusTooNew or CorpusUnwritable.
        """
        self._folder = folder
        self.notes: list[str] = []
        with contextlib.ExitStack() as undo:
            self._lock = lock or Lock(folder)
            undo.callback(self._lock.release)
            self._engine = connect(folder)
            undo.callback(self._engine.dispose)
            try:
                self._migrate()
            except (sqlite3.Error, OSError) as error:
                raise translated(error, folder) from error
            self._connection = self._engine.connect()
            undo.callback(self._connection.close)
            self._start_unit()
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop what was not committed and give the lock back."""
        try:
            self._connection.close()
            self._engine.dispose()
        finally:
            self._lock.release()

    # -- encoder, roots, account

    def encoder(self) -> EncoderIdentity | None:
        """The encoder that made the corpus, None before the first."""
        row = self._connection.execute(sa.select(StoredEncoding)).first()
        return row and EncoderIdentity(row.model, row.fingerprint, row.dim, row.max_tokens)

    def set_encoder(self, identity: EncoderIdentity) -> None:
        """Record the encoder of a corpus that has none. Raises ValueError where there is one."""
        if self.encoder() is not None:
            raise ValueError("the corpus has an encoder already")
        values = {"id": 1, "model": identity.model, "fingerprint": identity.fingerprint, "dim": identity.dim}
        self._change(sa.insert(StoredEncoding).values(values | {"max_tokens": identity.max_tokens}))

    def roots(self) -> list[Root]:
        """The remembered roots, by path."""
        rows = self._connection.execute(sa.select(StoredRoot).order_by(StoredRoot.path))
        return [Root(row.path, tuple(json.loads(row.include)), tuple(json.loads(row.exclude))) for row in rows]

    def set_root(self, root: Root) -> None:
        """Remember a root, in place of itself and of all roots below it."""
        if root in self.roots():
            return
        self._change(sa.delete(StoredRoot).where(_is_within(StoredRoot.path, root.path)))
        self._change(sa.insert(StoredRoot).values(path=root.path, include=json.dumps(root.include), exclude=json.dumps(root.exclude)))

    def forget_roots(self, within: bytes) -> None:
        """Forget a root and all roots below it."""
        if self._connection.execute(sa.delete(StoredRoot).where(_is_within(StoredRoot.path, within))).rowcount:
            self._is_changed = True

    def set_unindexed(self, scopes: Iterable[bytes], files: Iterable[Unindexed]) -> None:
        """Record what is not indexed below the given paths, in place of what was recorded there."""
        rows = {file.path: _unindexed_values(file) for file in files}
        for scope in scopes:
            below = sa.select(StoredUnindexed.__table__).where(_is_within(StoredUnindexed.path, scope))
            before = {row.path: row._asdict() for row in self._connection.execute(below)}
            after = {path: row for path, row in rows.items() if is_within(path, scope)}
            if before != after:
                self._change(sa.delete(StoredUnindexed).where(_is_within(StoredUnindexed.path, scope)))
                self._change(insert(StoredUnindexed).on_conflict_do_nothing(), list(after.values()))

    def unindexed(self) -> dict[bytes, Unindexed]:
        """What is recorded as not indexed, by path."""
        return {row.path: _unindexed(row) for row in self._connection.execute(sa.select(StoredUnindexed.__table__))}

    def set_setting(self, name: str, value: str | None) -> None:
        """Have the corpus do something otherwise than by default; None: as by default again."""
        stored = self._connection.scalar(sa.select(StoredSetting.value).where(StoredSetting.name == name))
        if stored == value:
            return
        self._change(sa.delete(StoredSetting).where(StoredSetting.name == name))
        if value is not None:
            self._change(sa.insert(StoredSetting).values(name=name, value=value))

    # -- documents

    def known_files(self) -> dict[bytes, KnownFile]:
        """Every document's source, by path."""
        pending = StoredVectors.document_id.is_(None).label("is_pending")
        query = sa.select(StoredDocument.__table__, pending).outerjoin(StoredVectors, StoredVectors.document_id == StoredDocument.id)
        rows = self._connection.execute(query)
        return {row.path: KnownFile(row.id, _source(row), row.type, row.is_pending, row.is_stale) for row in rows}

    def digests(self, digests: Iterable[bytes]) -> dict[bytes, Vector]:
        """The stored vectors of texts embedded before, by the digest of the text exactly as embedded."""
        identity = self.encoder()
        wanted = list(dict.fromkeys(digests))
        if identity is None or not wanted:
            return {}
        width = identity.dim * 2
        ordinal = StoredPassage.id - StoredVectors.first_passage_id
        found: dict[bytes, Vector] = {}
        for begin in range(0, len(wanted), 500):
            query = (
                sa.select(StoredPassage.text_digest, sa.func.substr(StoredVectors.vectors, ordinal * width + 1, width))
                .join(StoredVectors, StoredVectors.document_id == StoredPassage.document_id)
                .where(StoredPassage.text_digest.in_(wanted[begin : begin + 500]))
            )
            for digest, blob in self._connection.execute(query):
                found[digest] = from_blob(blob, identity.dim)[0].astype("f4")
        return found

    def replace(self, source: Source, document: Document, passages: Sequence[Passage], *, vectors: Vectors | None = None) -> int:
        """Store a document in place of the one at its path; without vectors it is pending. Returns its id."""
        identity = self.encoder()
        if identity is None or not passages:
            raise ValueError("a document needs an encoder and at least one passage")
        blob = None if vectors is None else _blob(vectors, len(passages), identity.dim)
        self.remove(self._connection.scalars(sa.select(StoredDocument.id).where(StoredDocument.path == source.path)).all())
        bodies = [document.text[passage.start : passage.end] for passage in passages]
        rows = [
            records.passage_columns(passage, records.text_digest(identity.fingerprint, embedded_text(passage.headings, body)))
            for passage, body in zip(passages, bodies, strict=True)
        ]
        first = self._next_passage_id
        self._next_passage_id += len(passages)
        document_id = self._insert_document(source, document, rows, first)
        columns = ("start", "end", "place", "headings", "text_digest")
        self._change(
            sa.insert(StoredPassage),
            [{"id": first + i, "document_id": document_id, **dict(zip(columns, row, strict=True))} for i, row in enumerate(rows)],
        )
        keyword_rows = (records.keyword_row(document.title, p.headings, body) for p, body in zip(passages, bodies, strict=True))
        self._keywords("INSERT INTO keywords(rowid, title, headings, body) VALUES (?, ?, ?, ?)", first, keyword_rows)
        if blob is not None:
            self._insert_vectors(document_id, first, len(passages), blob)
        return document_id

    def attach(self, document_id: int, vectors: Vectors) -> None:
        """Give a pending document its vectors, (n_passages, dim). Raises ValueError where it has some or they do not fit."""
        identity = self.encoder()
        row = self._document(document_id)
        has_vectors = self._connection.scalar(sa.select(StoredVectors.document_id).where(StoredVectors.document_id == document_id))
        if identity is None or has_vectors is not None:
            raise ValueError(f"document {document_id} is not pending")
        self._insert_vectors(document_id, row.first_passage_id, row.passages, _blob(vectors, row.passages, identity.dim))

    def pending(self) -> Iterator[PendingDocument]:
        """The documents that still need vectors, in order of id."""
        query = (
            sa.select(StoredDocument.id)
            .outerjoin(StoredVectors, StoredVectors.document_id == StoredDocument.id)
            .where(StoredVectors.document_id.is_(None))
            .order_by(StoredDocument.id)
        )
        for document_id in self._connection.scalars(query).all():
            texts = tuple(embedded_text(headings, body) for _, headings, body in self._passages(document_id))
            yield PendingDocument(document_id, texts)

    def relocate(self, document_id: int, source: Source) -> None:
        """Record a new path or a refreshed identity for a document whose content is the same; it is no longer stale."""
        holder = self._connection.scalar(sa.select(StoredDocument.id).where(StoredDocument.path == source.path))
        if holder not in (None, document_id):
            raise ValueError("there is another document at that path")
        metadata = json.loads(self._document(document_id).metadata)
        values = _source_values(source, dated_ns=records.dated_ns(source, metadata), is_stale=False)
        self._change(sa.update(StoredDocument).where(StoredDocument.id == document_id).values(values))

    def mark_stale(self, document_id: int) -> None:
        """Record that a document's file could not be read this time."""
        row = self._document(document_id)
        if not row.is_stale:
            values = _source_values(_source(row), dated_ns=row.dated_ns, is_stale=True)
            self._change(sa.update(StoredDocument).where(StoredDocument.id == document_id).values(values))

    def remove(self, document_ids: Iterable[int]) -> None:
        """Take documents out."""
        for document_id in document_ids:
            row = self._document(document_id)
            first = row.first_passage_id
            keyword_rows = [records.keyword_row(row.title, headings, body) for _, headings, body in self._passages(document_id)]
            self._keywords(
                "INSERT INTO keywords(keywords, rowid, title, headings, body) VALUES ('delete', ?, ?, ?, ?)", first, keyword_rows
            )
            self._change(sa.insert(Tombstone).values(first_passage_id=first, passages=row.passages, generation=self._generation + 1))
            self._change(sa.delete(StoredDocument).where(StoredDocument.id == document_id))

    # -- commit and publish

    def commit(self) -> int:
        """Make all changes durable at once; returns the generation, one higher where anything changed."""
        if self._is_changed:
            self._connection.execute(sa.update(StoredCorpus).values(generation=StoredCorpus.generation + 1))
            self._commit()
        return self._generation

    def finish(self) -> int:
        """Commit, record that an ingest came to its end now, and publish the vectors if that is due; returns the generation.

        A vectors file that cannot be written is a note: readers take the rows from the database.
        """
        self.commit()
        self._connection.execute(sa.update(StoredCorpus).values(ingested_at_ns=time.time_ns()))
        self._commit()
        try:
            if not self.publish() and self._connection.execute(sa.select(StoredBackground)).first() is None:
                self._record_background()
                self._commit()
        except CorpusUnwritable as error:
            self.notes.append(f"{error}; queries search the database instead; {error.hint}")
        return self._generation

    def publish(self, *, is_due: bool | None = None) -> bool:
        """Write a new vectors file if one is due, or as told, and record it; returns whether it did.

        The file is derived: recording it changes no answer and no generation. Raises ValueError before a commit is made.
        """
        if self._is_changed:
            raise ValueError("commit before publishing")
        identity = self.encoder()
        if identity is None or not (self._is_publication_due() if is_due is None else is_due):
            return False
        try:
            published = publish(self._folder, self._generation, identity.dim, self._blocks(identity.dim))
        except OSError as error:
            raise CorpusUnwritable(f"cannot write the vectors file: {error.strerror}", hint=ROOM) from error
        identity_values = {name: getattr(published.identity, name) for name in ("size", "mtime_ns", "ctime_ns", "inode")}
        self._connection.execute(sa.delete(StoredPublication))
        self._connection.execute(
            sa.insert(StoredPublication).values(
                id=1,
                name=published.name,
                generation=published.generation,
                digest=published.digest,
                passages=published.passages,
                **identity_values,
            )
        )
        self._connection.execute(sa.delete(Tombstone).where(Tombstone.generation <= published.generation))
        self._record_background()
        self._commit()
        remove_others(self._folder, published.name)
        return True

    # -- private

    def _record_background(self) -> None:
        """Measure what the corpus is like as a whole, and record it in place of what was recorded."""
        identity = self.encoder()
        if identity is None:
            return
        passages = self._connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(StoredVectors.passages), 0))) or 0
        self._connection.execute(sa.delete(StoredBackground))
        if background := measure(partial(self._blocks, identity.dim), passages, identity.dim):
            row = sa.insert(StoredBackground).values(id=1, scale=background.scale, mean=background.mean.astype("<f4").tobytes())
            self._connection.execute(row)

    def _blocks(self, dim: int) -> Iterator[tuple[int, HalfVectors]]:
        """Every document's first passage id and vectors, by id."""
        query = sa.select(StoredVectors.first_passage_id, StoredVectors.vectors).order_by(StoredVectors.first_passage_id)
        for first, blob in self._connection.execute(query.execution_options(yield_per=256)):
            yield first, from_blob(blob, dim)

    def _migrate(self) -> None:
        with self._engine.connect() as connection:
            has_version = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").first()
            revision: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() if has_version else None
        if revision == records.REVISIONS[-1]:
            return
        if revision is not None:
            if revision not in records.REVISIONS:
                raise CorpusTooNew(f"this corpus was written by a newer searchapp (schema {revision})", hint="upgrade searchapp")
            self._back_up(revision)
        upgrade(self._engine)

    def _back_up(self, revision: str) -> None:
        target = self._folder / f"{records.DATABASE}.backup-{revision}"
        target.unlink(missing_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with contextlib.closing(self._engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM INTO ?", (str(target),))

    def _commit(self) -> None:
        seal(self._connection)
        self._connection.commit()
        self._start_unit()

    def _start_unit(self) -> None:
        self._is_changed = False
        corpus = self._connection.execute(sa.select(StoredCorpus)).one()
        self._generation: int = corpus.generation
        highest = self._connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'passage'").scalar()
        self._next_passage_id: int = (highest or 0) + 1

    def _change(self, statement: sa.Executable, rows: list[dict[str, Any]] | None = None) -> None:
        if rows is None or rows:
            self._connection.execute(statement, rows)
            self._is_changed = True

    def _keywords(self, statement: str, first: int, rows: Iterable[tuple[str, str, str]]) -> None:
        self._connection.exec_driver_sql(statement, [(first + i, *row) for i, row in enumerate(rows)])
        self._is_changed = True

    def _insert_document(self, source: Source, document: Document, rows: Sequence[tuple[str | int | bytes | None, ...]], first: int) -> int:
        names = ("type", "title", "metadata", "extractor", "splitter", "has_lines", "first_passage_id", "generation")
        columns = records.content_columns(source, document, first, self._generation + 1)
        values = _source_values(source, dated_ns=records.dated_ns(source, document.metadata), is_stale=False)
        values |= dict(zip(names, columns, strict=True))
        values |= {"content_digest": records.content_digest(columns, document.text, rows), "passages": len(rows)}
        table: Any = StoredDocument.__table__
        document_id: int = self._connection.scalar(sa.insert(table).values(values).returning(table.c.id))
        self._is_changed = True
        self._change(sa.insert(StoredText).values(document_id=document_id, text=document.text))
        return document_id

    def _insert_vectors(self, document_id: int, first: int, count: int, blob: bytes) -> None:
        values = {"document_id": document_id, "first_passage_id": first, "passages": count, "generation": self._generation + 1}
        digest = records.vectors_digest(first, count, self._generation + 1, blob)
        self._change(sa.insert(StoredVectors).values(values | {"digest": digest, "vectors": blob}))

    def _document(self, document_id: int) -> Any:
        row = self._connection.execute(sa.select(StoredDocument.__table__).where(StoredDocument.id == document_id)).first()
        if row is None:
            raise ValueError(f"there is no document {document_id}")
        return row

    def _passages(self, document_id: int) -> Iterator[tuple[int, list[str], str]]:
        text = self._connection.scalar(sa.select(StoredText.text).where(StoredText.document_id == document_id)) or ""
        query = sa.select(StoredPassage.id, StoredPassage.headings, StoredPassage.start, StoredPassage.end)
        for row in self._connection.execute(query.where(StoredPassage.document_id == document_id).order_by(StoredPassage.id)):
            yield row.id, json.loads(row.headings), text[row.start : row.end]

    def _is_publication_due(self) -> bool:
        row = self._connection.execute(sa.select(StoredPublication)).first()
        if row is None:
            return True
        published = PublishedFile(row.name, row.generation, row.digest, _identity(row), row.passages)
        try:
            verify(self._folder, published)
        except VectorsFileError:
            return True
        if FileIdentity.of((self._folder / row.name).stat()) != published.identity:
            return True  # the same bytes in another place: record it anew, so that readers need not hash it every time
        newer = sa.select(sa.func.coalesce(sa.func.sum(StoredVectors.passages), 0)).where(StoredVectors.generation > row.generation)
        gone = sa.select(sa.func.coalesce(sa.func.sum(Tombstone.passages), 0)).where(Tombstone.generation > row.generation)
        changed = (self._connection.scalar(newer) or 0) + (self._connection.scalar(gone) or 0)
        return bool(changed > max(_REPUBLISH_PASSAGES, _REPUBLISH_FRACTION * row.passages))


def migrate(folder: Path) -> None:
    """Bring a corpus to the newest schema, under its lock, after a backup; a corpus without a database gets one.

    All or nothing: a migration that fails leaves the corpus as it was. Raises CorpusTooNew for a schema of the future.
    """
    with Store(folder):
        pass


def _blob(vectors: Vectors, passages: int, dim: int) -> bytes:
    if vectors.shape != (passages, dim):
        raise ValueError(f"vectors must be of shape {(passages, dim)}, not {vectors.shape}")
    return to_blob(vectors)


def _source_values(source: Source, *, dated_ns: int, is_stale: bool) -> dict[str, Any]:
    return {
        "path": source.path,
        "display": source.path.decode("utf-8", "replace"),
        "size": source.identity.size,
        "mtime_ns": source.identity.mtime_ns,
        "ctime_ns": source.identity.ctime_ns,
        "inode": source.identity.inode,
        "content_hash": source.content_hash,
        "hashed_at_ns": source.hashed_at_ns,
        "dated_ns": dated_ns,
        "is_stale": is_stale,
        "source_digest": records.source_digest(source, dated_ns=dated_ns, is_stale=int(is_stale)),
    }


def _source(row: Any) -> Source:
    return Source(row.path, _identity(row), row.content_hash, row.hashed_at_ns, row.extractor, row.splitter)


def _unindexed_values(file: Unindexed) -> dict[str, Any]:
    values: dict[str, Any] = {"path": file.path, "outcome": file.outcome, "reason": file.reason, "files": file.files}
    source, identity = file.source, file.source and file.source.identity
    values |= {name: getattr(identity, name, None) for name in ("size", "mtime_ns", "ctime_ns", "inode")}
    return values | {name: getattr(source, name, None) for name in ("content_hash", "hashed_at_ns", "extractor")}


def _unindexed(row: Any) -> Unindexed:
    source = None if row.content_hash is None else Source(row.path, _identity(row), row.content_hash, row.hashed_at_ns, row.extractor)
    return Unindexed(row.path, row.outcome, row.reason, row.files, source)


def _identity(row: Any) -> FileIdentity:
    return FileIdentity(row.size, row.mtime_ns, row.ctime_ns, row.inode)


def _is_within(column: Any, folder: bytes) -> sa.ColumnElement[bool]:
    """`is_within` of a path column, as SQL."""
    prefixes = (folder.rstrip(b"/") + b"/", folder + MEMBER)
    return sa.or_(column == folder, *(sa.and_(column >= prefix, column < prefix[:-1] + b"0") for prefix in prefixes))  # "0" follows "/"


if __name__ == "__main__":
    try:
        migrate(Path(sys.argv[1]))
    except SearchappError as failure:
        sys.exit(str(failure))
