"""The writer: the unit of work on the tables of `schema`, migrations at its opening, publishing the
vectors at its end.

One process writes a corpus at a time, under its `Lock`. Changes gather in one transaction until
`commit`, which makes them durable together (WAL, synchronous=FULL) and raises the generation by
one; a process that dies before it leaves the corpus as the last commit left it. Knows nothing of
files' contents, models or ranking.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import sys
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from searchapp.backends.sqlite import layout, shadow
from searchapp.backends.sqlite.lock import Lock
from searchapp.backends.sqlite.schema import (
    ROOM,
    BackgroundTable,
    Base,
    CorpusTable,
    DocumentTable,
    EncodingTable,
    LabelTable,
    PassageTable,
    PublicationTable,
    RootTable,
    SettingTable,
    TallyTable,
    TextTable,
    TombstoneTable,
    UnindexedTable,
    VectorsTable,
    connect,
    seal,
    translated,
    upgrade,
)
from searchapp.backends.sqlite.vector_index import (
    APPROXIMATE_FROM,
    PublishedFile,
    VectorsFileError,
    from_blob,
    publish,
    remove_others,
    to_blob,
    verify,
)
from searchapp.errors import (
    CorpusError,
    CorpusLocked,
    CorpusTooNew,
    CorpusUnwritable,
    SearchappError,
)
from searchapp.filesystem import atomic_write
from searchapp.search.confidence import measure
from searchapp.types.digests import text_digest
from searchapp.types.documents import (
    MEMBER,
    Document,
    FileIdentity,
    KnownFile,
    Label,
    Passage,
    PendingDocument,
    Root,
    Source,
    Unindexed,
    embedded_text,
    is_within,
)
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from searchapp.backends.sqlite.vector_index import HalfVectors
    from searchapp.types.vectors import Vector, Vectors

_MOST_PENDING = 4096  # documents that are handed out at a time
_MOST_AT_ONCE = 500  # values in one statement
_REPUBLISH_PASSAGES = (
    256  # a new vectors file is due when more than this, and more than a tenth, has changed
)
_REPUBLISH_FRACTION = 0.1
_NEVER = 1_000_000  # parts of the keyword index, until they are merged all the same


# Asked for every document: built once, as SQLAlchemy takes longer to build them than SQLite to
# answer.
_AT_PATH = sa.select(DocumentTable.id).where(DocumentTable.path == sa.bindparam("path"))
_KNOWN = sa.select(
    DocumentTable.__table__, VectorsTable.document_id.is_(None).label("is_pending")
).outerjoin(VectorsTable, VectorsTable.document_id == DocumentTable.id)
_KNOWN_LIKE = _KNOWN.where(DocumentTable.content_hash == sa.bindparam("content_hash"))
_LABELS = (
    sa.select(LabelTable.__table__)
    .where(LabelTable.document_id == sa.bindparam("id"))
    .order_by(LabelTable.name)
)
_TO_ATTACH = (
    sa.select(
        DocumentTable.first_passage_id,
        DocumentTable.passages,
        VectorsTable.document_id.label("has_vectors"),
    )
    .outerjoin(VectorsTable, VectorsTable.document_id == DocumentTable.id)
    .where(DocumentTable.id == sa.bindparam("id"))
)
_PENDING = (
    sa.select(DocumentTable.id, sa.func.length(TextTable.text).label("length"))
    .join(TextTable, TextTable.document_id == DocumentTable.id)
    .outerjoin(VectorsTable, VectorsTable.document_id == DocumentTable.id)
    .where(VectorsTable.document_id.is_(None), DocumentTable.id > sa.bindparam("after"))
    .order_by(DocumentTable.id)
)


@dataclass(frozen=True, slots=True)
class _Passage:
    """A stored passage, and the digest of what is embedded of it."""

    document_id: int
    headings: list[str]
    body: str
    text_digest: bytes

    @property
    def embedded(self) -> str:
        """The text exactly as embedded."""
        return embedded_text(self.headings, self.body)


class _Gathered:
    """Rows on their way into the database, and whose they are; parents come before what refers to
    them.
    """

    def __init__(self) -> None:
        self.rows: dict[type[Base], list[dict[str, Any]]] = {
            DocumentTable: [],
            TextTable: [],
            PassageTable: [],
            VectorsTable: [],
            LabelTable: [],
        }
        self.keywords: list[tuple[int, str, str, str]] = []
        self.ids: set[int] = set()
        self.paths: set[bytes] = set()
        self.content_hashes: set[bytes] = set()


class SqliteWriter:
    """The writer of a corpus folder, which it makes where there is none; implements
    `types.Writer`.
    """

    def __init__(self, folder: Path, lock: Lock | None = None) -> None:
        """Open the database, migrated, under the folder's lock, which is taken unless it is given;
        it goes with the writer.

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
            except (sqlite3.Error, OSError, UnicodeError) as error:
                raise translated(error, folder) from error
            self._open = self._engine.connect()
            undo.callback(self._open.close)
            self._gathered = _Gathered()
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
        """Drop what was not committed and give the lock back."""
        try:
            self._open.close()
            self._engine.dispose()
            atomic_write.set_aside(self._folder / layout.RESERVE, layout.RESERVE_BYTES)
        finally:
            self._lock.release()

    # -- encoder, roots, account

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

    def roots(self) -> list[Root]:
        """The remembered roots, by path."""
        rows = self._connection.execute(sa.select(RootTable).order_by(RootTable.path))
        return [
            Root(row.path, tuple(json.loads(row.include)), tuple(json.loads(row.exclude)))
            for row in rows
        ]

    def set_root(self, root: Root) -> None:
        """Remember a root, in place of itself and of all roots below it."""
        if root in self.roots():
            return
        self._change(sa.delete(RootTable).where(_is_within(RootTable.path, root.path)))
        self._change(
            sa.insert(RootTable).values(
                path=root.path, include=json.dumps(root.include), exclude=json.dumps(root.exclude)
            )
        )

    def forget_roots(self, within: bytes) -> None:
        """Forget a root and all roots below it."""
        if self._connection.execute(
            sa.delete(RootTable).where(_is_within(RootTable.path, within))
        ).rowcount:
            self._is_changed = True

    def set_unindexed(self, scopes: Iterable[bytes], files: Iterable[Unindexed]) -> None:
        """Record what is not indexed below the given paths, in place of what was recorded there."""
        rows = {file.path: _unindexed_values(file) for file in files}
        for scope in scopes:
            below = sa.select(UnindexedTable.__table__).where(
                _is_within(UnindexedTable.path, scope)
            )
            before = {row.path: row._asdict() for row in self._connection.execute(below)}
            after = {path: row for path, row in rows.items() if is_within(path, scope)}
            if before != after:
                self._change(
                    sa.delete(UnindexedTable).where(_is_within(UnindexedTable.path, scope))
                )
                self._change(insert(UnindexedTable).on_conflict_do_nothing(), list(after.values()))

    def unindexed(self, within: Iterable[bytes] | None = None) -> dict[bytes, Unindexed]:
        """What is recorded as not indexed, at or below the given paths where some are given, by
        path.
        """
        query = sa.select(UnindexedTable.__table__).where(
            _is_any_within(UnindexedTable.path, within)
        )
        return {row.path: _unindexed(row) for row in self._connection.execute(query)}

    def set_setting(self, name: str, value: str | None) -> None:
        """Have the corpus do something otherwise than by default; None: as by default again."""
        stored = self._connection.scalar(
            sa.select(SettingTable.value).where(SettingTable.name == name)
        )
        if stored == value:
            return
        self._change(sa.delete(SettingTable).where(SettingTable.name == name))
        if value is not None:
            self._change(sa.insert(SettingTable).values(name=name, value=value))

    # -- documents

    def known_files(self, within: Iterable[bytes] | None = None) -> dict[bytes, KnownFile]:
        """The sources of the documents, of those at or below the given paths where some are given,
        by path.
        """
        rows = self._connection.execute(_KNOWN.where(_is_any_within(DocumentTable.path, within)))
        return {row.path: _known(row) for row in rows}

    def known_like(self, content_hash: bytes) -> list[KnownFile]:
        """The sources of the documents that were made of the same bytes."""
        if content_hash in self._gathered.content_hashes:
            self._write()
        return [
            _known(row) for row in self._open.execute(_KNOWN_LIKE, {"content_hash": content_hash})
        ]

    def digests(self, digests: Iterable[bytes]) -> dict[bytes, Vector]:
        """The stored vectors of texts embedded before, by the digest of the text exactly as
        embedded.
        """
        identity = self.encoder()
        wanted = list(dict.fromkeys(digests))
        if identity is None or not wanted:
            return {}
        width = identity.dim * 2
        row = sa.func.substr(
            VectorsTable.vectors,
            (PassageTable.id - VectorsTable.first_passage_id) * width + 1,
            width,
        )
        of_vectors = VectorsTable.document_id == PassageTable.document_id
        query = sa.select(PassageTable.text_digest, row).join(VectorsTable, of_vectors)
        found: dict[bytes, Vector] = {}
        for begin in range(0, len(wanted), _MOST_AT_ONCE):
            some = query.where(PassageTable.text_digest.in_(wanted[begin : begin + _MOST_AT_ONCE]))
            found |= {
                digest: from_blob(blob, identity.dim)[0].astype("f4")
                for digest, blob in self._connection.execute(some)
            }
        return found

    def vectors_at(self, path: bytes) -> dict[bytes, Vector]:
        """The vectors of the document at a path, by the same digest; none where it is pending, or
        there is none.
        """
        query = (
            sa.select(VectorsTable.document_id, VectorsTable.vectors)
            .join(DocumentTable)
            .where(DocumentTable.path == path)
        )
        stored = self._connection.execute(query).first()
        if stored is None or self._encoder is None:
            return {}
        digests = (
            sa.select(PassageTable.text_digest)
            .where(PassageTable.document_id == stored.document_id)
            .order_by(PassageTable.id)
        )
        rows = from_blob(stored.vectors, self._encoder.dim).astype("f4")
        return dict(zip(self._connection.scalars(digests), rows, strict=True))

    def replace(
        self,
        source: Source,
        document: Document,
        passages: Sequence[Passage],
        *,
        vectors: Vectors | None = None,
    ) -> int:
        """Store a document in place of the one at its path; without vectors it is pending. Returns
        its id.
        """
        if self._encoder is None or not passages:
            raise ValueError("a document needs an encoder and at least one passage")
        blob = None if vectors is None else _blob(vectors, len(passages), self._encoder.dim)
        if source.path in self._gathered.paths:
            self._write()
        former = self._open.scalars(_AT_PATH, {"path": source.path}).all()
        said = [label for i in former for label in self._labels(i) if label.origin == "hand"]
        self.remove(former)
        bodies = [document.text[passage.start : passage.end] for passage in passages]
        rows = [
            layout.passage_columns(
                passage,
                text_digest(self._encoder.fingerprint, embedded_text(passage.headings, body)),
            )
            for passage, body in zip(passages, bodies, strict=True)
        ]
        document_id, first = self._next_document_id, self._next_passage_id
        self._next_document_id += 1
        self._next_passage_id += len(passages)
        gathered = self._gathered
        gathered.paths.add(source.path)
        gathered.content_hashes.add(source.content_hash)
        gathered.ids.add(document_id)
        gathered.rows[DocumentTable].append(
            {"id": document_id, **self._document_values(source, document, rows, first)}
        )
        gathered.rows[TextTable].append({"document_id": document_id, "text": document.text})
        columns = ("start", "end", "place", "headings", "text_digest")
        gathered.rows[PassageTable] += [
            {"id": first + i, "document_id": document_id, **dict(zip(columns, row, strict=True))}
            for i, row in enumerate(rows)
        ]
        gathered.keywords += [
            (first + i, *layout.keyword_row(document.title, passage.headings, body))
            for i, (passage, body) in enumerate(zip(passages, bodies, strict=True))
        ]
        if blob is not None:
            self._gather_vectors(document_id, first, len(passages), blob)
        gathered.rows[LabelTable] += [_label_values(document_id, label) for label in said]
        self._is_changed = True
        return document_id

    def attach(self, document_id: int, vectors: Vectors) -> None:
        """Give a pending document its vectors, (n_passages, dim). Raises ValueError where it has
        some or they do not fit.
        """
        if document_id in self._gathered.ids:
            self._write()
        row = self._open.execute(_TO_ATTACH, {"id": document_id}).first()
        if row is None:
            raise ValueError(f"there is no document {document_id}")
        if self._encoder is None or row.has_vectors is not None:
            raise ValueError(f"document {document_id} is not pending")
        self._gather_vectors(
            document_id,
            row.first_passage_id,
            row.passages,
            _blob(vectors, row.passages, self._encoder.dim),
        )
        self._is_changed = True

    def pending(self, *, after: int = 0, characters: int | None = None) -> list[PendingDocument]:
        """The documents of higher ids that still need vectors, in order of id.

        With a number of characters the first of them, and those behind it that fit in as many
        together; an empty list when none is left.
        """
        rows = self._connection.execute(
            _PENDING.limit(None if characters is None else _MOST_PENDING), {"after": after}
        ).all()
        ids = [row.id for row in rows]
        if characters is not None:
            ids = ids[
                : max(1, bisect_right(list(accumulate(row.length for row in rows)), characters))
            ]
        passages = {
            document_id: list(some)
            for document_id, some in groupby(self._passages(ids), lambda each: each.document_id)
        }
        return [
            PendingDocument(
                i,
                tuple(each.embedded for each in passages[i]),
                tuple(each.text_digest for each in passages[i]),
            )
            for i in ids
        ]

    def has_pending(self) -> bool:
        """Whether any document still needs vectors."""
        counts = sa.select(
            sa.select(sa.func.coalesce(sa.func.sum(TallyTable.documents), 0)).scalar_subquery()
            > CorpusTable.embedded
        )
        return bool(self._connection.scalar(counts))

    def relocate(self, document_id: int, source: Source) -> None:
        """Record a new path or a refreshed identity for a document whose content is the same; it is
        no longer stale.
        """
        holder = self._connection.scalar(
            sa.select(DocumentTable.id).where(DocumentTable.path == source.path)
        )
        if holder not in (None, document_id):
            raise ValueError("there is another document at that path")
        metadata = json.loads(self._document(document_id).metadata)
        values = _source_values(source, dated_ns=layout.dated_ns(source, metadata), is_stale=False)
        self._change(sa.update(DocumentTable).where(DocumentTable.id == document_id).values(values))

    def mark_stale(self, document_id: int) -> None:
        """Record that a document's file could not be read this time."""
        row = self._document(document_id)
        if not row.is_stale:
            values = _source_values(_source(row), dated_ns=row.dated_ns, is_stale=True)
            self._change(
                sa.update(DocumentTable).where(DocumentTable.id == document_id).values(values)
            )

    def set_labels(self, document_id: int, labels: Iterable[Label]) -> None:
        """Give a document these labels in place of all that it has. Those by hand stay when it is
        replaced, the others go.
        """
        self._document(document_id)
        before, after = self._labels(document_id), tuple(sorted(labels))
        if before != after:
            self._change(sa.delete(LabelTable).where(LabelTable.document_id == document_id))
            self._change(
                sa.insert(LabelTable), [_label_values(document_id, label) for label in after]
            )

    def remove(self, document_ids: Iterable[int]) -> None:
        """Take documents out."""
        for document_id in document_ids:
            row = self._document(document_id)
            first = row.first_passage_id
            passages = enumerate(self._passages([document_id]), first)
            gone = [
                (i, *layout.keyword_row(row.title, passage.headings, passage.body))
                for i, passage in passages
            ]
            self._connection.exec_driver_sql(
                "INSERT INTO keywords(keywords, rowid, title, headings, body) VALUES ('delete', ?, "
                "?, ?, ?)",
                gone,
            )
            self._change(
                sa.insert(TombstoneTable).values(
                    first_passage_id=first, passages=row.passages, generation=self._generation + 1
                )
            )
            self._change(sa.delete(DocumentTable).where(DocumentTable.id == document_id))

    # -- commit and publish

    def commit(self) -> int:
        """Make all changes durable at once; returns the generation, one higher where anything
        changed.
        """
        if self._is_changed:
            self._connection.execute(
                sa.update(CorpusTable).values(generation=CorpusTable.generation + 1)
            )
            self._commit()
        return self._generation

    def finish(self) -> int:
        """Commit, record that an ingest came to its end now, and publish the vectors if that is
        due; returns the generation.

        A vectors file that cannot be written is a note: readers take the rows from the database.
        """
        self.commit()
        self._connection.execute(sa.update(CorpusTable).values(ingested_at_ns=time.time_ns()))
        self._commit()
        try:
            if (
                not self.publish()
                and self._connection.execute(sa.select(BackgroundTable)).first() is None
            ):
                self._record_background()
                self._commit()
            remove_others(
                self._folder, self._connection.scalar(sa.select(PublicationTable.name)) or ""
            )  # what a killed ingest left
        except CorpusUnwritable as error:
            self._open.rollback()
            self.notes.append(f"{error}; queries search the database instead; {error.hint}")
        return self._generation

    def publish(
        self, *, is_due: bool | None = None, approximate_from: int = APPROXIMATE_FROM
    ) -> bool:
        """Write a new vectors file if one is due, or as told, and record it; returns whether it
        did.

        From `approximate_from` passages on, searches of it are approximate.

        The file is derived: recording it changes no answer and no generation. Raises ValueError
        before a commit is made.
        """
        if self._is_changed:
            raise ValueError("commit before publishing")
        identity = self.encoder()
        if identity is None or not (self._is_publication_due() if is_due is None else is_due):
            return False
        try:
            blocks, passages = partial(self._blocks, identity.dim), self._complete()
            published = publish(
                self._folder,
                self._generation,
                identity.dim,
                passages,
                blocks,
                approximate_from=approximate_from,
            )
        except OSError as error:
            raise CorpusUnwritable(
                f"cannot write the vectors file: {error.strerror}", hint=ROOM
            ) from error
        identity_values = {
            name: getattr(published.identity, name)
            for name in ("size", "mtime_ns", "ctime_ns", "inode")
        }
        self._connection.execute(sa.delete(PublicationTable))
        self._connection.execute(
            sa.insert(PublicationTable).values(
                id=1,
                name=published.name,
                generation=published.generation,
                digest=published.digest,
                passages=published.passages,
                **identity_values,
            )
        )
        self._connection.execute(
            sa.delete(TombstoneTable).where(TombstoneTable.generation <= published.generation)
        )
        self._record_background()
        self._commit()
        remove_others(self._folder, published.name)
        return True

    @contextlib.contextmanager
    def economising(self) -> Iterator[None]:
        """Get by with little room: without the vectors file, with a log of one commit at most, and
        no merging of the keyword index.
        """
        remove_others(self._folder, "")
        self._connection.exec_driver_sql("PRAGMA wal_autocheckpoint = 1")
        self._set_merging(automerge=0, crisismerge=_NEVER)
        yield
        self._set_merging(automerge=4, crisismerge=16)  # as by default
        self._commit()

    def _set_merging(self, **options: int) -> None:
        for option in options.items():
            self._connection.exec_driver_sql(
                "INSERT INTO keywords(keywords, rank) VALUES (?, ?)", option
            )

    def scrub(self) -> list[str]:
        """Rewrite every file of the corpus without what was removed from it; returns the names of
        the backups that had to go for that.

        Raises CorpusUnwritable where the disk is full, or where a query that is still running keeps
        the log.
        """
        self._connection.exec_driver_sql(
            "INSERT INTO keywords(keywords) VALUES ('optimize')"
        )  # FTS5 keeps deleted terms until then
        self._commit()
        self.publish(is_due=True)
        self._open.rollback()
        raw: Any = self._open.connection.driver_connection
        try:
            raw.execute("VACUUM")
            is_busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            raise translated(error, self._folder) from error
        finally:
            self._start_unit()
        if is_busy:
            hint = "once no query runs, run: searchapp forget"
            raise CorpusUnwritable(
                "the documents are removed, but a query that is still running keeps their text in "
                "the log",
                hint=hint,
            )
        backups = [
            *self._folder.glob(f"{layout.DATABASE}.backup-*"),
            *self._folder.glob(f"{layout.BEFORE_REPAIR}*"),
        ]
        for backup in backups:
            shutil.rmtree(backup) if backup.is_dir() else backup.unlink()
        return sorted([*(backup.name for backup in backups), *self._scrub_other_encodings()])

    def _scrub_other_encodings(self) -> list[str]:
        """Have no other encoding of the corpus hold what this one does not; returns the names of
        those that had to go for that.
        """
        shadow.sweep(self._folder)
        gone = []
        for folder in shadow.folders(self._folder):
            try:
                with SqliteWriter(folder) as other:
                    other._keep_only(self)
                    other.scrub()
            except CorpusUnwritable:
                raise
            except CorpusLocked as error:
                message = (
                    "the documents are removed, but another encoding of the corpus is "
                    f"being built and may hold their text: {error}"
                )
                raise CorpusUnwritable(
                    message, hint="once that has ended, or was stopped, run: searchapp forget"
                ) from error
            except CorpusError:  # damaged, or of another program: nothing can be taken out of it
                shadow.delete(folder)
                gone.append(folder.name)
        return gone

    def _keep_only(self, current: SqliteWriter) -> None:
        """Take out what another encoding of the same corpus does not hold: documents, in this
        version, roots, and what is not indexed.
        """
        there = {path: known.source.content_hash for path, known in current.known_files().items()}
        known_files = self.known_files()
        self.remove(
            known.document_id
            for path, known in known_files.items()
            if there.get(path) != known.source.content_hash
        )
        for root in set(self.roots()) - set(current.roots()):
            self.forget_roots(root.path)
        unindexed = current.unindexed()
        self.set_unindexed(
            [b"/"], [entry for path, entry in self.unindexed().items() if path in unindexed]
        )
        self.commit()

    # -- private

    def _record_background(self) -> None:
        """Measure what the corpus is like as a whole, and record it in place of what
        was recorded.
        """
        identity = self.encoder()
        if identity is None:
            return
        self._connection.execute(sa.delete(BackgroundTable))
        if background := measure(
            partial(self._blocks, identity.dim), self._complete(), identity.dim
        ):
            row = sa.insert(BackgroundTable).values(
                id=1, scale=background.scale, mean=background.mean.astype("<f4").tobytes()
            )
            self._connection.execute(row)

    def _complete(self) -> int:
        """How many passages have vectors."""
        return (
            self._connection.scalar(
                sa.select(sa.func.coalesce(sa.func.sum(VectorsTable.passages), 0))
            )
            or 0
        )

    def _blocks(self, dim: int) -> Iterator[tuple[int, HalfVectors]]:
        """Every document's first passage id and vectors, by id."""
        query = sa.select(VectorsTable.first_passage_id, VectorsTable.vectors).order_by(
            VectorsTable.first_passage_id
        )
        for first, blob in self._connection.execute(query.execution_options(yield_per=256)):
            yield first, from_blob(blob, dim)

    def _migrate(self) -> None:
        with self._engine.connect() as connection:
            has_version = connection.exec_driver_sql(
                "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
            ).first()
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
        target = self._folder / f"{layout.DATABASE}.backup-{revision}"
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
        corpus = self._connection.execute(sa.select(CorpusTable)).one()
        self._generation: int = corpus.generation
        highest: dict[str, int] = dict(
            self._connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all()
        )
        self._next_document_id: int = highest.get("document", 0) + 1
        self._next_passage_id: int = highest.get("passage", 0) + 1

    def _change(self, statement: sa.Executable, rows: list[dict[str, Any]] | None = None) -> None:
        if rows is None or rows:
            self._connection.execute(statement, rows)
            self._is_changed = True

    def _document_values(
        self,
        source: Source,
        document: Document,
        rows: Sequence[tuple[str | int | bytes | None, ...]],
        first: int,
    ) -> dict[str, Any]:
        names = (
            "type",
            "title",
            "metadata",
            "extractor",
            "splitter",
            "has_lines",
            "first_passage_id",
            "generation",
        )
        columns = layout.content_columns(source, document, first, self._generation + 1)
        values = _source_values(
            source, dated_ns=layout.dated_ns(source, document.metadata), is_stale=False
        )
        values |= dict(zip(names, columns, strict=True))
        return values | {
            "content_digest": layout.content_digest(columns, document.text, rows),
            "passages": len(rows),
        }

    def _labels(self, document_id: int) -> tuple[Label, ...]:
        rows = self._connection.execute(_LABELS, {"id": document_id})
        return tuple(Label(row.name, row.origin, row.probability) for row in rows)

    def _gather_vectors(self, document_id: int, first: int, count: int, blob: bytes) -> None:
        generation = self._generation + 1
        values = {
            "document_id": document_id,
            "first_passage_id": first,
            "passages": count,
            "generation": generation,
        }
        digest = layout.vectors_digest(first, count, generation, blob)
        self._gathered.rows[VectorsTable].append(values | {"digest": digest, "vectors": blob})
        self._gathered.ids.add(document_id)

    @property
    def _connection(self) -> sa.Connection:
        """The connection, once it has all rows that were gathered."""
        self._write()
        return self._open

    def _write(self) -> None:
        """Give the database what was gathered, a statement a table: one a row would take most of an
        ingest's own time.
        """
        gathered, self._gathered = self._gathered, _Gathered()
        for kind, rows in gathered.rows.items():
            table: Any = kind.__table__
            if rows:
                self._open.execute(sa.insert(table), rows)
        if gathered.keywords:
            self._open.exec_driver_sql(
                "INSERT INTO keywords(rowid, title, headings, body) VALUES (?, ?, ?, ?)",
                gathered.keywords,
            )

    def _document(self, document_id: int) -> Any:
        row = self._connection.execute(
            sa.select(DocumentTable.__table__).where(DocumentTable.id == document_id)
        ).first()
        if row is None:
            raise ValueError(f"there is no document {document_id}")
        return row

    def _passages(self, document_ids: Sequence[int]) -> Iterator[_Passage]:
        """The passages of documents, by document, in order."""
        columns = (
            PassageTable.document_id,
            PassageTable.headings,
            PassageTable.start,
            PassageTable.end,
            PassageTable.text_digest,
        )
        query = sa.select(*columns).order_by(PassageTable.document_id, PassageTable.id)
        for begin in range(0, len(document_ids), _MOST_AT_ONCE):
            some = document_ids[begin : begin + _MOST_AT_ONCE]
            texts = self._connection.execute(
                sa.select(TextTable.document_id, TextTable.text).where(
                    TextTable.document_id.in_(some)
                )
            )
            text_of: dict[int, str] = {row.document_id: row.text for row in texts}
            for row in self._connection.execute(
                query.where(PassageTable.document_id.in_(some))
            ).all():
                body = text_of[row.document_id][row.start : row.end]
                yield _Passage(row.document_id, json.loads(row.headings), body, row.text_digest)

    def _is_publication_due(self) -> bool:
        row = self._connection.execute(sa.select(PublicationTable)).first()
        if row is None:
            return True
        published = PublishedFile(
            row.name, row.generation, row.digest, _identity(row), row.passages
        )
        try:
            verify(self._folder, published)
        except VectorsFileError:
            return True
        if FileIdentity.of((self._folder / row.name).stat()) != published.identity:
            # the same bytes in another place: record it anew, so that readers need not hash it
            # every time
            return True
        newer = sa.select(sa.func.coalesce(sa.func.sum(VectorsTable.passages), 0)).where(
            VectorsTable.generation > row.generation
        )
        gone = sa.select(sa.func.coalesce(sa.func.sum(TombstoneTable.passages), 0)).where(
            TombstoneTable.generation > row.generation
        )
        changed = (self._connection.scalar(newer) or 0) + (self._connection.scalar(gone) or 0)
        return bool(changed > max(_REPUBLISH_PASSAGES, _REPUBLISH_FRACTION * row.passages))


def migrate(folder: Path) -> None:
    """Bring a corpus to the newest schema, under its lock, after a backup; a corpus without a
    database gets one.

    All or nothing: a migration that fails leaves the corpus as it was. Raises CorpusTooNew for a
    schema of the future.
    """
    with SqliteWriter(folder):
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
        "source_digest": layout.source_digest(source, dated_ns=dated_ns, is_stale=int(is_stale)),
    }


def _label_values(document_id: int, label: Label) -> dict[str, Any]:
    digest = layout.label_digest(document_id, label.name, label.origin, label.probability)
    return {
        "document_id": document_id,
        "name": label.name,
        "origin": label.origin,
        "probability": label.probability,
        "digest": digest,
    }


def _known(row: Any) -> KnownFile:
    return KnownFile(row.id, _source(row), row.type, row.is_pending, row.is_stale)


def _source(row: Any) -> Source:
    return Source(
        row.path, _identity(row), row.content_hash, row.hashed_at_ns, row.extractor, row.splitter
    )


def _unindexed_values(file: Unindexed) -> dict[str, Any]:
    values: dict[str, Any] = {
        "path": file.path,
        "outcome": file.outcome,
        "reason": file.reason,
        "files": file.files,
    }
    source, identity = file.source, file.source and file.source.identity
    values |= {
        name: getattr(identity, name, None) for name in ("size", "mtime_ns", "ctime_ns", "inode")
    }
    return values | {
        name: getattr(source, name, None) for name in ("content_hash", "hashed_at_ns", "extractor")
    }


def _unindexed(row: Any) -> Unindexed:
    source = (
        None
        if row.content_hash is None
        else Source(row.path, _identity(row), row.content_hash, row.hashed_at_ns, row.extractor)
    )
    return Unindexed(row.path, row.outcome, row.reason, row.files, source)


def _identity(row: Any) -> FileIdentity:
    return FileIdentity(row.size, row.mtime_ns, row.ctime_ns, row.inode)


def _is_any_within(column: Any, folders: Iterable[bytes] | None) -> sa.ColumnElement[bool]:
    return (
        sa.true()
        if folders is None
        else sa.or_(sa.false(), *(_is_within(column, folder) for folder in folders))
    )


def _is_within(column: Any, folder: bytes) -> sa.ColumnElement[bool]:
    """`is_within` of a path column, as SQL."""
    prefixes = (folder.rstrip(b"/") + b"/", folder + MEMBER)
    return sa.or_(
        column == folder,
        *(sa.and_(column >= prefix, column < prefix[:-1] + b"0") for prefix in prefixes),
    )  # "0" follows "/"


if __name__ == "__main__":
    try:
        migrate(Path(sys.argv[1]))
    except SearchappError as failure:
        sys.exit(str(failure))
