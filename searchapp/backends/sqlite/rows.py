"""The values of the tables: what is written for a document, a label or a file, and what a row that
was read means. Knows neither transactions nor files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from searchapp.backends.sqlite import layout
from searchapp.backends.sqlite.schema import (
    Base,
    DocumentTable,
    LabelTable,
    PassageTable,
    TextTable,
    VectorsTable,
)
from searchapp.backends.sqlite.vector_index import (
    to_blob,
)
from searchapp.filesystem.safe_open import NO_BYTES
from searchapp.types.dates import dated_ns
from searchapp.types.documents import (
    MEMBER,
    Document,
    FileIdentity,
    KnownFile,
    Label,
    Source,
    Unindexed,
    embedded_text,
    is_in_any,
)

if TYPE_CHECKING:
    from searchapp.types.vectors import Vectors


MOST_AT_ONCE = 500  # values in one statement
_MOST_FOLDERS = 50  # that one statement compares paths with; of more, each row is looked up

# Asked for every document: built once, as SQLAlchemy takes longer to build them than SQLite to
# answer.
AT_PATH = sa.select(DocumentTable.id).where(DocumentTable.path == sa.bindparam("path"))


KNOWN = sa.select(
    DocumentTable.__table__, VectorsTable.document_id.is_(None).label("is_pending")
).outerjoin(VectorsTable, VectorsTable.document_id == DocumentTable.id)


KNOWN_LIKE = KNOWN.where(DocumentTable.content_hash == sa.bindparam("content_hash"))


# a renamed folder relocates thousands of documents: these are not put together anew for each
TO_RELOCATE = "SELECT * FROM document WHERE id = ? OR path = ?"
_OF_SOURCE = (
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
    "source_digest",
)
RELOCATE = f"UPDATE document SET {', '.join(f'{name} = ?' for name in _OF_SOURCE)} WHERE id = ?"

LABELS_OF = (
    sa.select(LabelTable.__table__)
    .where(LabelTable.document_id == sa.bindparam("id"))
    .order_by(LabelTable.name)
)


TO_ATTACH = (
    sa.select(
        DocumentTable.first_passage_id,
        DocumentTable.passages,
        VectorsTable.document_id.label("has_vectors"),
    )
    .outerjoin(VectorsTable, VectorsTable.document_id == DocumentTable.id)
    .where(DocumentTable.id == sa.bindparam("id"))
)


PENDING = (
    sa.select(DocumentTable.id, sa.func.length(TextTable.text).label("length"))
    .join(TextTable, TextTable.document_id == DocumentTable.id)
    .outerjoin(VectorsTable, VectorsTable.document_id == DocumentTable.id)
    .where(VectorsTable.document_id.is_(None), DocumentTable.id > sa.bindparam("after"))
    .order_by(DocumentTable.id)
)


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A stored passage, and the digest of what is embedded of it."""

    document_id: int
    headings: list[str]
    body: str
    text_digest: bytes

    @property
    def embedded(self) -> str:
        """The text exactly as embedded."""
        return embedded_text(self.headings, self.body)


class GatheredRows:
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
        self.keywords: list[tuple[int | str, ...]] = []
        self.ids: set[int] = set()
        self.paths: set[bytes] = set()
        self.content_hashes: set[bytes] = set()


def blob_of(vectors: Vectors, passages: int, dim: int) -> bytes:
    """A document's vectors as stored. Raises ValueError unless they are a unit row a passage."""
    if vectors.shape != (passages, dim):
        raise ValueError(f"vectors must be of shape {(passages, dim)}, not {vectors.shape}")
    return to_blob(vectors)


def source_values(source: Source, *, dated_ns: int, is_stale: bool) -> dict[str, Any]:
    """The columns of a document that come from its file."""
    values = (
        source.path,
        source.path.decode("utf-8", "replace"),
        source.identity.size,
        source.identity.mtime_ns,
        source.identity.ctime_ns,
        source.identity.inode,
        source.content_hash,
        source.hashed_at_ns,
        dated_ns,
        is_stale,
        layout.source_digest(source, dated_ns=dated_ns, is_stale=int(is_stale)),
    )
    return dict(zip(_OF_SOURCE, values, strict=True))


def document_values(
    source: Source,
    document: Document,
    rows: Sequence[tuple[str | int | bytes | None, ...]],
    at: tuple[int, int],
) -> dict[str, Any]:
    """The row of a document whose passages have these rows; `at` is the id of the first of them and
    the generation.
    """
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
    columns = layout.content_columns(source, document, *at)
    values = source_values(source, dated_ns=dated_ns(source, document.metadata), is_stale=False)
    values |= dict(zip(names, columns, strict=True))
    return values | {
        "content_digest": layout.content_digest(columns, document.text, rows),
        "passages": len(rows),
    }


def label_values(document_id: int, label: Label) -> dict[str, Any]:
    """The row of a label."""
    digest = layout.label_digest(document_id, label.name, label.origin, label.probability)
    return {
        "document_id": document_id,
        "name": label.name,
        "origin": label.origin,
        "probability": label.probability,
        "digest": digest,
    }


def known_file(row: Any) -> KnownFile:
    """What is remembered of a file, from a row of KNOWN."""
    return KnownFile(row.id, source_of(row), row.type, row.is_pending, row.is_stale)


def source_of(row: Any) -> Source:
    """The source in a row of a document."""
    return Source(
        row.path, identity_of(row), row.content_hash, row.hashed_at_ns, row.extractor, row.splitter
    )


def unindexed_values(file: Unindexed) -> dict[str, Any]:
    """The row of a file that is not indexed."""
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


def unindexed_of(row: Any) -> Unindexed:
    """The file in a row of those that are not indexed; many share reasons, readers and no bytes."""
    source = None
    if row.content_hash is not None:
        extractor = sys.intern(row.extractor or "")
        content_hash = NO_BYTES if row.content_hash == NO_BYTES else row.content_hash
        source = Source(row.path, identity_of(row), content_hash, row.hashed_at_ns, extractor)
    return Unindexed(row.path, row.outcome, sys.intern(row.reason), row.files, source)


def identity_of(row: Any) -> FileIdentity:
    """The identity of a file in a row that has one."""
    return FileIdentity(row.size, row.mtime_ns, row.ctime_ns, row.inode)


def rows_within(
    connection: sa.Connection, query: sa.Select[Any], column: Any, folders: Iterable[bytes] | None
) -> Iterator[Any]:
    """The rows of a query that has a column `path`, of which the path is within any of the folders;
    all where none are given.
    """
    places = None if folders is None else set(folders)
    if places is not None and len(places) <= _MOST_FOLDERS:
        conditions = (is_within_sql(column, folder) for folder in places)
        yield from connection.execute(query.where(sa.or_(sa.false(), *conditions)))
        return
    for row in connection.execute(query):
        if places is None or is_in_any(row.path, places):
            yield row


def is_within_sql(column: Any, folder: bytes) -> sa.ColumnElement[bool]:
    """`is_within` of a path column, as SQL."""
    prefixes = (folder.rstrip(b"/") + b"/", folder + MEMBER)
    return sa.or_(
        column == folder,
        *(sa.and_(column >= prefix, column < prefix[:-1] + b"0") for prefix in prefixes),
    )  # "0" follows "/"


def stored_passages(connection: sa.Connection, document_ids: Sequence[int]) -> Iterator[PassageRow]:
    """The passages of documents, by document, in order."""
    columns = (
        PassageTable.document_id,
        PassageTable.headings,
        PassageTable.start,
        PassageTable.end,
        PassageTable.text_digest,
    )
    query = sa.select(*columns).order_by(PassageTable.document_id, PassageTable.id)
    for begin in range(0, len(document_ids), MOST_AT_ONCE):
        some = document_ids[begin : begin + MOST_AT_ONCE]
        texts = connection.execute(
            sa.select(TextTable.document_id, TextTable.text).where(TextTable.document_id.in_(some))
        )
        text_of: dict[int, str] = {row.document_id: row.text for row in texts}
        for row in connection.execute(query.where(PassageTable.document_id.in_(some))).all():
            body = text_of[row.document_id][row.start : row.end]
            yield PassageRow(row.document_id, json.loads(row.headings), body, row.text_digest)
