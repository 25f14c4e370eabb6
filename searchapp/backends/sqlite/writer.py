"""The writer: documents with their vectors and labels, and what ends an ingest.

What it is built on: `unit_of_work` for the transaction, `register` for what is remembered beside
documents, `rows` for the values of the tables, `publishing` for the vectors file. Knows nothing of
files' contents, models or ranking.
"""

from __future__ import annotations

import json
import sys
import time
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from searchapp.backends.sqlite import fts, layout, publishing, stemmed_rows
from searchapp.backends.sqlite.register import RegisterWriter
from searchapp.backends.sqlite.rows import (
    AT_PATH,
    KNOWN,
    KNOWN_LIKE,
    LABELS_OF,
    MOST_AT_ONCE,
    PENDING,
    RELOCATE,
    TO_ATTACH,
    TO_RELOCATE,
    blob_of,
    document_values,
    known_file,
    label_values,
    rows_within,
    source_of,
    source_values,
    stored_passages,
)
from searchapp.backends.sqlite.schema import (
    BackgroundTable,
    CorpusTable,
    DocumentTable,
    LabelTable,
    PassageTable,
    PublicationTable,
    TallyTable,
    TextTable,
    TombstoneTable,
    VectorsTable,
)
from searchapp.backends.sqlite.vector_index import (
    APPROXIMATE_FROM,
    from_blob,
    remove_others,
)
from searchapp.errors import (
    CorpusUnwritable,
    SearchappError,
)
from searchapp.lexical import file_name, keyword_row
from searchapp.types.dates import dated_ns
from searchapp.types.digests import text_digest
from searchapp.types.documents import (
    Document,
    KnownFile,
    Label,
    Passage,
    PendingDocument,
    Source,
    embedded_text,
)
from searchapp.types.languages import language_in

if TYPE_CHECKING:
    from searchapp.types.vectors import Vector, Vectors

_MOST_PENDING = 4096  # documents that are handed out at a time


class SqliteWriter(RegisterWriter):
    """The writer of a corpus folder, which it makes where there is none; implements
    `protocols.Writer`.
    """

    _has_other_documents = False  # than when the languages of the keyword index were chosen

    # -- documents

    def known_files(self, within: Iterable[bytes] | None = None) -> dict[bytes, KnownFile]:
        """The sources of the documents, of those at or below the given paths where some are given,
        by path.
        """
        rows = rows_within(self._connection, KNOWN, DocumentTable.path, within)
        return {row.path: known_file(row) for row in rows}

    def known_like(self, content_hash: bytes) -> list[KnownFile]:
        """The sources of the documents that were made of the same bytes."""
        if content_hash in self._gathered.content_hashes:
            self._write()
        return [
            known_file(row)
            for row in self._open.execute(KNOWN_LIKE, {"content_hash": content_hash})
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
        vectors: dict[bytes, Vector] = {}
        for begin in range(0, len(wanted), MOST_AT_ONCE):
            some = query.where(PassageTable.text_digest.in_(wanted[begin : begin + MOST_AT_ONCE]))
            vectors |= {
                digest: from_blob(blob, identity.dim)[0].astype("f4")
                for digest, blob in self._connection.execute(some)
            }
        return vectors

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
        blob = None if vectors is None else blob_of(vectors, len(passages), self._encoder.dim)
        if source.path in self._gathered.paths:
            self._write()
        former = self._open.scalars(AT_PATH, {"path": source.path}).all()
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
            {
                "id": document_id,
                **document_values(source, document, rows, (first, self._generation + 1)),
            }
        )
        gathered.rows[TextTable].append({"document_id": document_id, "text": document.text})
        columns = ("start", "end", "place", "headings", "text_digest")
        gathered.rows[PassageTable] += [
            {"id": first + i, "document_id": document_id, **dict(zip(columns, row, strict=True))}
            for i, row in enumerate(rows)
        ]
        language = language_in(document.metadata)
        gathered.keywords += [
            (first + i, *keyword_row(source.path, document.title, passage.headings, body), language)
            for i, (passage, body) in enumerate(zip(passages, bodies, strict=True))
        ]
        if blob is not None:
            self._gather_vectors(document_id, first, len(passages), blob)
        gathered.rows[LabelTable] += [label_values(document_id, label) for label in said]
        self._is_changed = self._has_other_documents = True
        return document_id

    def attach(self, document_id: int, vectors: Vectors) -> None:
        """Give a pending document its vectors, (n_passages, dim). Raises ValueError where it has
        some or they do not fit.
        """
        if document_id in self._gathered.ids:
            self._write()
        row = self._open.execute(TO_ATTACH, {"id": document_id}).first()
        if row is None:
            raise ValueError(f"there is no document {document_id}")
        if self._encoder is None or row.has_vectors is not None:
            raise ValueError(f"document {document_id} is not pending")
        self._gather_vectors(
            document_id,
            row.first_passage_id,
            row.passages,
            blob_of(vectors, row.passages, self._encoder.dim),
        )
        self._is_changed = True

    def pending(self, *, after: int = 0, characters: int | None = None) -> list[PendingDocument]:
        """The documents of higher ids that still need vectors, in order of id.

        With a number of characters the first of them, and those behind it that fit in as many
        together; an empty list when none is left.
        """
        rows = self._connection.execute(
            PENDING.limit(None if characters is None else _MOST_PENDING), {"after": after}
        ).all()
        ids = [row.id for row in rows]
        if characters is not None:
            ids = ids[
                : max(1, bisect_right(list(accumulate(row.length for row in rows)), characters))
            ]
        passages = {
            document_id: list(some)
            for document_id, some in groupby(
                stored_passages(self._connection, ids), lambda passage: passage.document_id
            )
        }
        return [
            PendingDocument(
                i,
                tuple(passage.embedded for passage in passages[i]),
                tuple(passage.text_digest for passage in passages[i]),
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

    def pending_characters(self) -> int:
        """The length of all documents that still need vectors."""
        if not self.has_pending():
            return 0
        return sum(row.length for row in self._connection.execute(PENDING, {"after": 0}))

    def relocate(self, document_id: int, source: Source) -> None:
        """Record a new path or a refreshed identity for a document whose content is the same; it is
        no longer stale.
        """
        execute = self._connection.exec_driver_sql
        rows = {row.id: row for row in execute(TO_RELOCATE, (document_id, source.path))}
        row: Any = rows.pop(document_id, None)
        if rows:
            raise ValueError("there is another document at that path")
        if row is None:
            raise ValueError(f"there is no document {document_id}")
        when_ns = dated_ns(source, json.loads(row.metadata))
        values = source_values(source, dated_ns=when_ns, is_stale=False)
        if row.passages and file_name(row.path) != file_name(source.path):
            fts.take_out(execute, self._keyword_rows(row, row.path), self._stemmed)
            fts.add(execute, self._keyword_rows(row, source.path), self._stemmed)
        execute(RELOCATE, (*values.values(), document_id))
        self._is_changed = True

    def mark_stale(self, document_id: int) -> None:
        """Record that a document's file could not be read this time."""
        row = self._document(document_id)
        if not row.is_stale:
            values = source_values(source_of(row), dated_ns=row.dated_ns, is_stale=True)
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
                sa.insert(LabelTable), [label_values(document_id, label) for label in after]
            )

    def remove(self, document_ids: Iterable[int]) -> None:
        """Take documents out."""
        for document_id in document_ids:
            row = self._document(document_id)
            first = row.first_passage_id
            rows = self._keyword_rows(row, row.path)
            fts.take_out(self._connection.exec_driver_sql, rows, self._stemmed)
            self._change(
                sa.insert(TombstoneTable).values(
                    first_passage_id=first, passages=row.passages, generation=self._generation + 1
                )
            )
            self._change(sa.delete(DocumentTable).where(DocumentTable.id == document_id))
            self._has_other_documents = True

    # -- commit and publish

    def commit(self) -> int:
        """Make all changes durable at once; returns the generation, one higher where anything
        changed.
        """
        if self._is_changed:
            self._connection.execute(
                sa.update(CorpusTable).values(generation=CorpusTable.generation + 1)
            )
            self.settle()
        return self._generation

    def finish(self) -> int:
        """Commit, record that an ingest came to its end now, and publish the vectors if that is
        due; returns the generation.

        A vectors file that cannot be written is a note: readers take the rows from the database.
        """
        if self._has_other_documents:
            self._is_changed |= stemmed_rows.settle(self._connection)
            self._has_other_documents = False
        self.commit()
        self._connection.execute(sa.update(CorpusTable).values(ingested_at_ns=time.time_ns()))
        self.settle()
        try:
            if (
                not self.publish()
                and self._encoder is not None
                and self._connection.execute(sa.select(BackgroundTable)).first() is None
            ):
                publishing.record_background(self._connection, self._encoder.dim)
                self.settle()
            remove_others(
                self.folder, self._connection.scalar(sa.select(PublicationTable.name)) or ""
            )  # what a killed ingest left
        except CorpusUnwritable as error:
            self._open.rollback()
            self.notes.append(f"{error}; queries search the database instead; {error.hint}")
        self.note_kept_log()
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
        if is_due is None:
            is_due = publishing.is_publication_due(self._connection, self.folder)
        if self._encoder is None or not is_due:
            return False
        name = publishing.publish_vectors(
            self._connection,
            self.folder,
            generation=self._generation,
            dim=self._encoder.dim,
            approximate_from=approximate_from,
        )
        self.settle()
        remove_others(self.folder, name)
        return True

    # -- private

    def _labels(self, document_id: int) -> tuple[Label, ...]:
        rows = self._connection.execute(LABELS_OF, {"id": document_id})
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

    def _keyword_rows(self, row: Any, path: bytes) -> list[tuple[int | str, ...]]:
        """What the keyword index holds of a document at a path, a row a passage."""
        passages = stored_passages(self._connection, [row.id])
        language = language_in(json.loads(row.metadata))
        return [
            (i, *keyword_row(path, row.title, passage.headings, passage.body), language)
            for i, passage in enumerate(passages, row.first_passage_id)
        ]

    def _document(self, document_id: int) -> Any:
        row = self._connection.execute(
            sa.select(DocumentTable.__table__).where(DocumentTable.id == document_id)
        ).first()
        if row is None:
            raise ValueError(f"there is no document {document_id}")
        return row


def migrate(folder: Path) -> None:
    """Bring a corpus to the newest schema, under its lock, after a backup; a corpus without a
    database gets one.

    All or nothing: a migration that fails leaves the corpus as it was. Raises CorpusTooNew for a
    schema of the future.
    """
    with SqliteWriter(folder):
        pass


if __name__ == "__main__":
    try:
        migrate(Path(sys.argv[1]))
    except SearchappError as failure:
        sys.exit(str(failure))
