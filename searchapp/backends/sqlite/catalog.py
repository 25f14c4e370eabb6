"""The catalogue: one committed generation of a corpus, opened, and what is in it.

It opens the database read-only, never blocks or is blocked by the writer, and imports no
SQLAlchemy. Nearly all that it says of the corpus as a whole comes from one statement at its
opening. Knows nothing of searching.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Self

import numpy as np

from searchapp.backends.sqlite import bodies, language_counts, layout, vector_index
from searchapp.backends.sqlite.bodies import with_bodies
from searchapp.backends.sqlite.connection import (
    Database,
    OldSchema,
    damaged,
    empty_corpus,
    open_read_only,
    translated,
)
from searchapp.backends.sqlite.filter_sql import document_condition
from searchapp.errors import CorpusTooNew
from searchapp.types.documents import (
    Document,
    DocumentRow,
    FileIdentity,
    Hit,
    Label,
    Passage,
    Root,
    Source,
    StoredDocument,
    Unindexed,
)
from searchapp.types.filters import Filters
from searchapp.types.languages import by_code
from searchapp.types.results import Background, Status
from searchapp.types.vectors import EncoderIdentity

# What a reader asks of the corpus as a whole: each a single value, all of them one statement.
_FACTS = {
    "revision": "SELECT max(version_num) FROM alembic_version",
    "uuid": "SELECT uuid FROM corpus",
    "generation": "SELECT max(generation) FROM corpus",
    "embedded": "SELECT coalesce(sum(embedded), 0) FROM corpus",
    "ingested_at_ns": "SELECT ingested_at_ns FROM corpus",
    "encoder": "SELECT json_array(model, fingerprint, dim, max_tokens) FROM encoding",
    "settings": "SELECT json_group_object(name, value) FROM setting",
    "tally": (
        "SELECT json_group_array(json_array(type, extractor, splitter, documents, passages, stale))"
        " FROM tally"
    ),
    "published": (
        "SELECT json_array(name, generation, hex(digest), size, mtime_ns, ctime_ns, inode, "
        "passages) FROM published"
    ),
    "scale": "SELECT scale FROM background",
    "mean": "SELECT mean FROM background",
    "highest_id": "SELECT coalesce(max(id), 0) FROM passage",
    "newest": "SELECT coalesce(max(generation), -1) FROM vectors",
    "has_tombstones": "SELECT EXISTS (SELECT 1 FROM tombstone)",
    "languages": language_counts.SOME,
    "stemmed": "SELECT json_group_array(language) FROM stemmed_language",
}
_OPENING = f"SELECT {', '.join(f'({statement})' for statement in _FACTS.values())}"

HIT_WITH = """
    SELECT p.id, d.id, d.path, d.title, d.type, p.headings, p.place, {body}
    FROM passage p JOIN document d ON d.id = p.document_id
    JOIN document_text t ON t.document_id = d.id
"""
HIT = HIT_WITH.format(body='p.start, p."end", substr(t.text, p.start + 1, p."end" - p.start)')
_SHOWN = f"{HIT_WITH.format(body=bodies.COLUMNS)} WHERE d.id = ? ORDER BY p.id"
_LABELS = (
    "(SELECT json_group_array(json_array(name, origin, probability)) FROM label "
    "WHERE document_id = d.id)"
)
ROWS = f"""
    SELECT d.path, d.title, d.type, d.passages, d.size, d.mtime_ns, v.document_id IS NULL,
           d.is_stale, {_LABELS}, d.dated_ns, d.id
    FROM document d LEFT JOIN vectors v ON v.document_id = d.id
    WHERE {{where}} ORDER BY d.path"""
_STORED = f"""
    SELECT d.id, d.path, d.size, d.mtime_ns, d.ctime_ns, d.inode, d.content_hash, d.hashed_at_ns,
           d.extractor, d.splitter, t.text, d.type, d.title, d.has_lines, d.metadata, v.vectors,
           {_LABELS}
    FROM document d JOIN document_text t ON t.document_id = d.id
    LEFT JOIN vectors v ON v.document_id = d.id
    WHERE {{where}} ORDER BY d.path"""
_STORED_PASSAGES = (
    'SELECT start, "end", headings, place FROM passage WHERE document_id = ? ORDER BY id'
)

BEHIND = (
    "the database is older than the vectors file beside it: it was copied without its "
    "log, and what was written last is missing"
)
BEHIND_HINT = "copy the corpus anew with searchapp backup and restore, or run: searchapp ingest"


class SqliteCatalog:
    """A corpus as its last commit left it; implements `protocols.CatalogReader`. Close it soon: it
    keeps the write-ahead log from shrinking.
    """

    def __init__(self, folder: Path) -> None:
        """Open the newest generation. Raises CorpusMissing, CorpusUnreadable, CorpusDamaged,
        CorpusTooNew or OldSchema.
        """
        self.folder = folder
        self.notes: list[str] = []
        self.is_blank = False  # no ingest came to a first commit
        self._facts: dict[str, Any] = {}
        self._database = self._opened()
        try:
            self._generation = 0 if self.is_blank else self._check_schema()
            if self.is_behind:
                self.notes.append(f"{BEHIND}; {BEHIND_HINT}")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the generation."""
        self._database.connection.close()

    # -- the corpus as a whole

    @property
    def generation(self) -> int:
        """The generation that is read; 0 for a corpus without a commit."""
        return self._generation

    @property
    def corpus_id(self) -> str:
        """What tells this corpus from every other; "" for one without a commit."""
        return self._fact("uuid") or ""

    @property
    def is_behind(self) -> bool:
        """Whether a vectors file of a later generation stands beside the database: it was copied
        without its log, or came from a backup.
        """
        return any(
            vector_index.generation_of(path) > self._generation
            for path in self.folder.glob(layout.VECTORS_FILES)
        )

    @property
    def is_copy(self) -> bool:
        """Whether the folder was copied from elsewhere since its vectors were published, as far as
        that can be told.
        """
        published = self.published
        try:
            return (
                published is not None
                and (self.folder / published.name).stat().st_ino != published.identity.inode
            )
        except OSError:
            return False

    @cached_property
    def encoder(self) -> EncoderIdentity | None:
        """The encoder that made the corpus, None before the first document."""
        row = self._fact("encoder")
        return row and EncoderIdentity(*json.loads(row))

    @property
    def dim(self) -> int:
        """The vectors' width; 0 before the first document."""
        return self.encoder.dim if self.encoder else 0

    @cached_property
    def published(self) -> vector_index.PublishedFile | None:
        """The vectors file as recorded, None before the first."""
        if (row := self._fact("published")) is None:
            return None
        name, generation, digest, *identity, passages = json.loads(row)
        return vector_index.PublishedFile(
            name, generation, bytes.fromhex(digest), FileIdentity(*identity), passages
        )

    def background(self) -> Background | None:
        """What the corpus is like as a whole; None where it is too small to tell, or no ingest has
        ended yet.
        """
        scale, mean = self._fact("scale"), self._fact("mean")
        return None if mean is None else Background(scale, np.frombuffer(mean, dtype="<f4"))

    def settings(self) -> dict[str, str]:
        """What the corpus does otherwise than by default, by name."""
        settings: dict[str, str] = json.loads(self._fact("settings"))
        return settings

    def counts(self) -> tuple[int, int, int, int]:
        """How many documents, passages, pending documents and stale documents there are."""
        return self._counts

    def versions(self) -> list[tuple[str, str, str, int]]:
        """Which extractors and splitters made the documents: type, extractor, splitter, count."""
        return [(kind, extractor, splitter, n) for kind, extractor, splitter, n, *_ in self._tally]

    # -- documents

    def rows(self, filters: Filters) -> Iterator[DocumentRow]:
        """The documents that pass the filters, by path."""
        where, values = document_condition(filters)
        return map(as_row, self._database.each(ROWS.format(where=where), *values))

    def stored(self, filters: Filters) -> Iterator[StoredDocument]:
        """The documents that pass the filters with all that is stored of them, by path, one at a
        time.
        """
        where, values = document_condition(filters)
        for row in self._database.each(_STORED.format(where=where), *values):
            passages = self._database.all(_STORED_PASSAGES, row[0])
            yield _stored(row, passages)

    def document_ids(self, filters: Filters) -> list[int]:
        """The documents that pass the filters, by path."""
        where, values = document_condition(filters)
        return [
            row[0]
            for row in self._database.each(
                f"SELECT d.id FROM document d WHERE {where} ORDER BY d.path", *values
            )
        ]

    def has_document(self, filters: Filters) -> bool:
        """Whether any document passes the filters."""
        where, values = document_condition(filters)
        (is_there,) = self._database.one(
            f"SELECT EXISTS (SELECT 1 FROM document d WHERE {where})", *values
        )
        return bool(is_there)

    def labels(self) -> Iterator[tuple[int, tuple[Label, ...]]]:
        """The documents that have labels, by id, and the labels of each, by name."""
        rows = self._database.each(
            "SELECT document_id, name, origin, probability FROM label ORDER BY document_id, name"
        )
        for document_id, of_document in groupby(rows, itemgetter(0)):
            yield document_id, tuple(Label(*label) for _, *label in of_document)

    def metadata(self) -> Iterator[Mapping[str, str]]:
        """The metadata of each document, by path."""
        for (text,) in self._database.each("SELECT metadata FROM document ORDER BY path"):
            yield json.loads(text)

    def languages(self, *, sampled: bool = False) -> Counter[str]:
        """How many documents say that they are in each language, as "de-AT"; "" for those that say
        nothing. Where `sampled`, of about a hundred documents, spread over all.
        """
        if sampled:
            return Counter(json.loads(self._fact("languages")))
        (counts,) = self._database.one(language_counts.ALL)
        return Counter(json.loads(counts))

    def show(self, document_id: int) -> tuple[dict[str, str], list[Hit]]:
        """A document's metadata and all its passages in order."""
        (metadata,) = self._database.one("SELECT metadata FROM document WHERE id = ?", document_id)
        return json.loads(metadata), [
            as_hit(row) for row in with_bodies(self._database.each(_SHOWN, document_id))
        ]

    def status(self) -> Status:
        """The corpus at a glance; `outdated` is left at 0, as only the extractors know."""
        documents, passages, pending, stale = self.counts()
        published = self.published
        roots = self._database.all("SELECT path, include, exclude FROM root ORDER BY path")
        return Status(
            path=str(self.folder),
            generation=self._generation,
            documents=documents,
            passages=passages,
            pending=pending,
            stale=stale,
            outdated=0,
            encoder=self.encoder,
            languages=by_code(self.languages()),
            roots=tuple(
                Root(path, tuple(json.loads(include)), tuple(json.loads(exclude)))
                for path, include, exclude in roots
            ),
            exclusions=tuple(
                path for (path,) in self._database.all("SELECT path FROM exclusion ORDER BY path")
            ),
            unindexed=tuple(
                Unindexed(*row)
                for row in self._database.all(
                    "SELECT path, outcome, reason, files FROM unindexed WHERE outcome <> 'indexed' "
                    "ORDER BY path"
                )
            ),
            database_bytes=sum(
                _size(self.folder / f"{layout.DATABASE}{ending}") for ending in ("", "-wal", "-shm")
            ),
            vectors_bytes=published.identity.size if published else 0,
            vectors_state=self._vectors_state(published),
            ingested_at_ns=self._fact("ingested_at_ns"),
        )

    @property
    def database(self) -> sqlite3.Connection:
        """The read-only connection, for who works on the whole database."""
        return self._database.connection

    # -- private

    def _opened(self) -> Database:
        """The database within a transaction, with the facts of its opening where they can be read
        at once: not of a blank or damaged corpus, of an old schema, or on read-only media.
        """
        try:
            database = Database(self.folder, open_read_only(self.folder))
            try:
                database.connection.execute("BEGIN")
                facts = database.connection.execute(_OPENING).fetchone()
                self._facts = dict(zip(_FACTS, facts, strict=True))
                return database
            except (sqlite3.Error, UnicodeError):
                database.connection.close()
            return self._opened_with_care()
        except (sqlite3.Error, UnicodeError) as error:
            raise translated(error, self.folder) from error

    def _opened_with_care(self) -> Database:
        database = Database(self.folder, open_read_only(self.folder, cautious=True))
        try:
            database.connection.execute("BEGIN")
            if database.one("SELECT 1 FROM sqlite_master") is None:
                self.is_blank = True
                database.connection.close()
                database = Database(self.folder, empty_corpus())
            return database
        except BaseException:
            database.connection.close()
            raise

    def _fact(self, name: str) -> Any:
        """One of the facts, read on its own where the opening did not; None where there is none."""
        if name not in self._facts:
            row = self._database.one(_FACTS[name])
            self._facts[name] = row and row[0]
        return self._facts[name]

    def _check_schema(self) -> int:
        revision = self._fact("revision")
        if revision not in layout.REVISIONS:
            raise CorpusTooNew(
                f"this corpus was written by a newer searchapp (schema {revision})",
                hint="upgrade searchapp",
            )
        if revision != layout.REVISIONS[-1]:
            raise OldSchema(f"this corpus has schema {revision}", hint="run: searchapp ingest")
        generation = self._fact("generation")
        if not isinstance(generation, int):
            raise damaged(self.folder, "it has no generation")
        return generation

    @cached_property
    def _tally(self) -> list[tuple[str, str, str, int, int, int]]:
        rows: list[list[Any]] = json.loads(self._fact("tally"))
        return sorted(tuple(row) for row in rows)

    @cached_property
    def _counts(self) -> tuple[int, int, int, int]:
        documents = sum(row[3] for row in self._tally)
        passages = sum(row[4] for row in self._tally)
        stale = sum(row[5] for row in self._tally)
        return documents, passages, documents - self._fact("embedded"), stale

    def _vectors_state(self, published: vector_index.PublishedFile | None) -> str:
        if published is None:
            return "none yet"
        try:
            vector_index.verify(self.folder, published)
        except vector_index.VectorsFileError:
            return "damaged" if (self.folder / published.name).exists() else "missing"
        (newer,) = self._database.one(
            "SELECT coalesce(sum(passages), 0) FROM vectors WHERE generation > ?",
            published.generation,
        )
        return f"behind by {newer} passages" if newer else "current"


def _stored(row: Any, passages: Sequence[Any]) -> StoredDocument:
    _, path, *identity, content_hash, hashed_at_ns, extractor, splitter = row[:10]
    text, kind, title, has_lines, metadata, blob, labels = row[10:]
    vectors = None
    if blob is not None:
        dim = len(blob) // 2 // len(passages)
        vectors = vector_index.from_blob(blob, dim).astype(np.float32)
    return StoredDocument(
        Source(path, FileIdentity(*identity), content_hash, hashed_at_ns, extractor, splitter),
        Document(text, kind, title, has_lines=bool(has_lines), metadata=json.loads(metadata)),
        tuple(
            Passage(start, end, tuple(json.loads(headings)), tuple(json.loads(place).items()))
            for start, end, headings, place in passages
        ),
        vectors,
        tuple(sorted(Label(*fields) for fields in json.loads(labels))),
    )


def as_row(row: Any) -> DocumentRow:
    """The document in a row of ROWS."""
    path, title, kind, passages, size, mtime_ns, is_pending, is_stale, labels, dated_ns, i = row
    named = tuple(sorted(Label(*fields) for fields in json.loads(labels)))
    return DocumentRow(
        *(path, title, kind, passages, size, mtime_ns),
        *(bool(is_pending), bool(is_stale), named, dated_ns, i),
    )


def as_hit(row: Any) -> Hit:
    """The passage in a row of HIT."""
    passage_id, document_id, path, title, kind, headings, place, start, end, text = row
    passage = Passage(start, end, tuple(json.loads(headings)), tuple(json.loads(place).items()))
    return Hit(passage_id, document_id, path, title, kind, passage, text)


def _size(path: Path) -> int:
    """A file's size in bytes, 0 where there is none: the log comes and goes with the writers."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
