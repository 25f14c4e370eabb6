"""The reader: one committed generation of a corpus, searched and read through the standard
library's sqlite3.

It imports no SQLAlchemy, opens the database read-only, and never blocks or is blocked by the
writer. Searches the published vectors file plus the newer rows from the database, minus what has
left; a file that is missing or wrong only costs time, and is said in `notes`. Knows nothing of
models, ranking modes or files' contents.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from searchapp.backends.sqlite import layout, vector_index
from searchapp.backends.sqlite.connection import (
    OldSchema,
    damaged,
    empty_corpus,
    open_read_only,
    translated,
)
from searchapp.backends.sqlite.filter_sql import document_condition
from searchapp.backends.sqlite.fts import COUNT, HOLDING, TOP, expression
from searchapp.errors import (
    CorpusTooNew,
)
from searchapp.types.documents import (
    Address,
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
from searchapp.types.results import Background, Status
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.backends.sqlite.vector_index import Bitmap, HalfVectors
    from searchapp.types.filters import Term
    from searchapp.types.vectors import Ids, Scores, Vector, Vectors

_HIT = """
    SELECT p.id, d.id, d.path, d.title, d.type, p.start, p."end", p.headings, p.place,
           substr(t.text, p.start + 1, p."end" - p.start)
    FROM passage p JOIN document d ON d.id = p.document_id JOIN document_text t ON t.document_id = d.id
"""
_STORED = """
    SELECT d.id, d.path, d.size, d.mtime_ns, d.ctime_ns, d.inode, d.content_hash, d.hashed_at_ns, d.extractor,
           d.splitter, t.text, d.type, d.title, d.has_lines, d.metadata, v.vectors,
           (SELECT json_group_array(json_array(name, origin, probability)) FROM label WHERE document_id = d.id)
    FROM document d JOIN document_text t ON t.document_id = d.id LEFT JOIN vectors v ON v.document_id = d.id
    WHERE {where} ORDER BY d.path"""
_STORED_PASSAGES = (
    'SELECT start, "end", headings, place FROM passage WHERE document_id = ? ORDER BY id'
)
_BLOCK_DOCUMENTS = 4096  # whose rows are read at a time
_NOTHING = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))


BEHIND = (
    "the database is older than the vectors file beside it: it was copied without its "
    "log, and what was written last is missing"
)
BEHIND_HINT = "copy the corpus anew with searchapp backup and restore, or run: searchapp ingest"


class SqliteReader:
    """A corpus as its last commit left it; implements `types.Reader`. Close it soon: it keeps the
    write-ahead log from shrinking.
    """

    def __init__(self, folder: Path) -> None:
        """Open the newest generation. Raises CorpusMissing, CorpusUnreadable, CorpusDamaged,
        CorpusTooNew or OldSchema.
        """
        self._folder = folder
        self.notes: list[str] = []
        try:
            self._database = open_read_only(folder)
        except (sqlite3.Error, UnicodeError) as error:
            raise translated(error, folder) from error
        try:
            self._database.execute("BEGIN")
            self.is_blank = (
                self._one("SELECT 1 FROM sqlite_master") is None
            )  # no ingest came to a first commit
            if self.is_blank:
                self._database.close()
                self._database = empty_corpus()
            self._generation = 0 if self.is_blank else self._check_schema()
            if self.is_behind:
                self.notes.append(f"{BEHIND}; {BEHIND_HINT}")
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the generation."""
        self._database.close()

    # -- search

    @property
    def generation(self) -> int:
        """The generation that is read; 0 for a corpus without a commit."""
        return self._generation

    @property
    def is_behind(self) -> bool:
        """Whether a vectors file of a later generation stands beside the database: it was copied
        without its log, or came from a backup.
        """
        return any(
            vector_index.generation_of(path) > self._generation
            for path in self._folder.glob("vectors-*.faiss")
        )

    @property
    def is_copy(self) -> bool:
        """Whether the folder was copied from elsewhere since its vectors were published, as far as
        that can be told.
        """
        published = self.published()
        try:
            return (
                published is not None
                and (self._folder / published.name).stat().st_ino != published.identity.inode
            )
        except OSError:
            return False

    @property
    def is_approximate(self) -> bool:
        """Whether a search by cosine may miss passages, unless it is told to be exact."""
        return self._file is not None and self._file.is_approximate

    def cosine_leg(
        self, query: Vector, filters: Filters, depth: int, *, exact: bool = False
    ) -> tuple[Ids, Scores]:
        """The best passages by cosine among those that pass the filters: at most `depth`, best
        first, ties by path bytes then start.
        """
        if depth < 1 or self.encoder is None:
            return _NOTHING
        allowed = self._allowed(filters)
        if self._gone and allowed is None:
            allowed = ~vector_index.bitmap(self._gone, self._highest_id)
        if exact and self.is_approximate:
            ids, scores = self._scanned(query, depth, allowed)
        else:
            ids, scores = self._found(query, depth, allowed)
        order = self._ordered(ids, scores)[:depth]
        return ids[order], scores[order]

    def _found(self, query: Vector, depth: int, allowed: Bitmap | None) -> tuple[Ids, Scores]:
        """The best passages of the vectors file and of the rows that are not in it."""
        rows, row_ids = self._newer
        ids, scores = vector_index.top(rows, row_ids, query, depth=depth, allowed=allowed)
        if self._file is not None:
            file_ids, file_scores = self._file.search(
                query, depth=depth, allowed=allowed, rows_of=self._rows_of
            )
            ids, scores = np.concatenate((ids, file_ids)), np.concatenate((scores, file_scores))
        return ids, scores

    def _scanned(self, query: Vector, depth: int, allowed: Bitmap | None) -> tuple[Ids, Scores]:
        """The best passages of all stored rows, looked at one by one."""
        ids, scores = _NOTHING
        for rows, row_ids in self._blocks(since=-1):
            found = vector_index.top(rows, row_ids, query, depth=depth, allowed=allowed)
            ids, scores = np.concatenate((ids, found[0])), np.concatenate((scores, found[1]))
            best = np.argsort(-scores, kind="stable")[:depth]
            if len(best) == depth:  # ties at the cut stay
                kept = scores >= scores[best[-1]]
                ids, scores = ids[kept], scores[kept]
        return ids, scores

    def keyword_leg(
        self, terms: Sequence[Term], filters: Filters, depth: int
    ) -> tuple[Ids, Scores]:
        """The best passages by BM25 that hold any of the terms and pass the filters: at most
        `depth`, ordered as the other leg's.
        """
        if depth < 1 or not terms:
            return _NOTHING
        allowed = self._allowed(filters)
        statement = TOP.format(also="" if allowed is None else "AND is_allowed(rowid)")
        if allowed is not None:
            bits = allowed.tobytes()
            self._database.create_function(
                "is_allowed", 1, lambda i: i >> 3 < len(bits) and bits[i >> 3] >> (i & 7) & 1
            )
        wanted = depth + 1
        while True:
            rows = self._all(statement, expression(terms), wanted)
            if len(rows) < wanted or np.float32(rows[-1][1]) < np.float32(rows[depth - 1][1]):
                break
            wanted *= 4  # a tie at the cut: its order is not FTS5's to choose
        ids = np.array([row[0] for row in rows], dtype=np.int64)
        scores = np.array([row[1] for row in rows], dtype=np.float32)
        order = self._ordered(ids, scores)[:depth]
        return ids[order], scores[order]

    def frequencies(self, terms: Sequence[Term]) -> list[int]:
        """How many passages hold each term."""
        return [self._one(COUNT, expression([term]))[0] for term in terms]

    def addresses(self, passage_ids: Ids) -> list[Address]:
        """Where each passage stands, in the order given."""
        statement = (
            "SELECT p.id, d.path, p.start, d.id, d.passages FROM passage p JOIN "
            "document d ON d.id = p.document_id"
        )
        found = {i: Address(*rest) for i, *rest in self._for_ids(statement, "p.id", passage_ids)}
        return [found[i] for i in passage_ids.tolist()]

    def vectors_of(self, passage_ids: Ids) -> Vectors:
        """The stored vectors of the given passages, (n, dim); a row of NaN for a passage without
        one.
        """
        found = np.full((len(passage_ids), self.dim), np.nan, dtype=np.float32)
        rows, row_ids = self._newer
        places = np.minimum(np.searchsorted(row_ids, passage_ids), max(len(row_ids) - 1, 0))
        is_newer = (
            row_ids[places] == passage_ids
            if len(row_ids)
            else np.zeros(len(passage_ids), dtype=bool)
        )
        found[is_newer] = rows[places[is_newer]]
        if self._file is not None:
            in_file = ~is_newer & ~self._are_pending(passage_ids)
            rows_of = self._rows_of if self._file.is_approximate else self._file.rows
            found[in_file] = rows_of(passage_ids[in_file])
        return found

    def hydrate(self, passage_ids: Ids) -> list[Hit]:
        """The passages themselves, in the order given."""
        found = {row[0]: _hit(row) for row in self._for_ids(_HIT, "p.id", passage_ids)}
        return [found[i] for i in passage_ids.tolist()]

    def background(self) -> Background | None:
        """What the corpus is like as a whole; None where it is too small to tell, or no ingest has
        ended yet.
        """
        row = self._one("SELECT scale, mean FROM background")
        return row and Background(row[0], np.frombuffer(row[1], dtype="<f4"))

    # -- what is there

    @cached_property
    def encoder(self) -> EncoderIdentity | None:
        """The encoder that made the corpus, None before the first document."""
        row = self._one("SELECT model, fingerprint, dim, max_tokens FROM encoding")
        return row and EncoderIdentity(*row)

    @property
    def dim(self) -> int:
        """The vectors' width; 0 before the first document."""
        return self.encoder.dim if self.encoder else 0

    def settings(self) -> dict[str, str]:
        """What the corpus does otherwise than by default, by name."""
        return dict(self._all("SELECT name, value FROM setting"))

    def counts(self) -> tuple[int, int, int, int]:
        """How many documents, passages, pending documents and stale documents there are."""
        return self._counts

    def versions(self) -> list[tuple[str, str, str, int]]:
        """Which extractors and splitters made the documents: type, extractor, splitter, count."""
        return self._all("SELECT type, extractor, splitter, documents FROM tally ORDER BY 1, 2, 3")

    def rows(self, filters: Filters) -> Iterator[DocumentRow]:
        """The documents that pass the filters, by path."""
        where, values = document_condition(filters)
        statement = f"""
            SELECT d.path, d.title, d.type, d.passages, d.size, d.mtime_ns, v.document_id IS NULL, d.is_stale,
                   (SELECT json_group_array(json_array(name, origin, probability)) FROM label WHERE document_id = d.id)
            FROM document d LEFT JOIN vectors v ON v.document_id = d.id WHERE {where} ORDER BY d.path"""
        for path, title, kind, passages, size, mtime_ns, is_pending, is_stale, labels in self._each(
            statement, *values
        ):
            named = tuple(sorted(Label(*each) for each in json.loads(labels)))
            yield DocumentRow(
                path, title, kind, passages, size, mtime_ns, bool(is_pending), bool(is_stale), named
            )

    def stored(self, filters: Filters) -> Iterator[StoredDocument]:
        """The documents that pass the filters with all that is stored of them, by path, one at a
        time.
        """
        where, values = document_condition(filters)
        for row in self._each(_STORED.format(where=where), *values):
            passages = self._all(_STORED_PASSAGES, row[0])
            yield _stored(row, passages)

    def document_ids(self, filters: Filters) -> list[int]:
        """The documents that pass the filters, by path."""
        where, values = document_condition(filters)
        return [
            row[0]
            for row in self._each(
                f"SELECT d.id FROM document d WHERE {where} ORDER BY d.path", *values
            )
        ]

    def labels(self) -> dict[int, tuple[Label, ...]]:
        """The labels of the documents that have any, by document id, each document's by name."""
        found: dict[int, tuple[Label, ...]] = {}
        for document_id, *label in self._each(
            "SELECT document_id, name, origin, probability FROM label ORDER BY document_id, name"
        ):
            found[document_id] = (*found.get(document_id, ()), Label(*label))
        return found

    def show(self, document_id: int) -> tuple[dict[str, str], list[Hit]]:
        """A document's metadata and all its passages in order."""
        (metadata,) = self._one("SELECT metadata FROM document WHERE id = ?", document_id)
        return json.loads(metadata), [
            _hit(row) for row in self._all(f"{_HIT} WHERE d.id = ? ORDER BY p.id", document_id)
        ]

    def status(self) -> Status:
        """The corpus at a glance; `outdated` is left at 0, as only the extractors know."""
        documents, passages, pending, stale = self.counts()
        row = self._one("SELECT ingested_at_ns FROM corpus")
        published = self.published()
        roots = self._all("SELECT path, include, exclude FROM root ORDER BY path")
        return Status(
            path=str(self._folder),
            generation=self._generation,
            documents=documents,
            passages=passages,
            pending=pending,
            stale=stale,
            outdated=0,
            encoder=self.encoder,
            roots=tuple(
                Root(path, tuple(json.loads(include)), tuple(json.loads(exclude)))
                for path, include, exclude in roots
            ),
            unindexed=tuple(
                Unindexed(*row)
                for row in self._all(
                    "SELECT path, outcome, reason, files FROM unindexed WHERE outcome <> 'indexed' "
                    "ORDER BY path"
                )
            ),
            database_bytes=sum(
                _size(self._folder / f"{layout.DATABASE}{ending}")
                for ending in ("", "-wal", "-shm")
            ),
            vectors_bytes=published.identity.size if published else 0,
            vectors_state=self._vectors_state(published),
            ingested_at_ns=row[0] if row else None,
        )

    def prepare(self) -> None:
        """Open what searching needs, so that it can happen while the encoder is opened."""
        _ = self._file, self._newer

    def published(self) -> vector_index.PublishedFile | None:
        """The vectors file as recorded, None before the first."""
        row = self._one(
            "SELECT name, generation, digest, size, mtime_ns, ctime_ns, inode, passages FROM "
            "published"
        )
        return row and vector_index.PublishedFile(
            row[0], row[1], row[2], FileIdentity(*row[3:7]), row[7]
        )

    @property
    def database(self) -> sqlite3.Connection:
        """The read-only connection, for `check` alone."""
        return self._database

    # -- private

    def _check_schema(self) -> int:
        (revision,) = self._one("SELECT max(version_num) FROM alembic_version")
        if revision not in layout.REVISIONS:
            raise CorpusTooNew(
                f"this corpus was written by a newer searchapp (schema {revision})",
                hint="upgrade searchapp",
            )
        if revision != layout.REVISIONS[-1]:
            raise OldSchema(f"this corpus has schema {revision}", hint="run: searchapp ingest")
        (generation,) = self._one("SELECT max(generation) FROM corpus")
        if not isinstance(generation, int):
            raise damaged(self._folder, "it has no generation")
        return generation

    def _vectors_state(self, published: vector_index.PublishedFile | None) -> str:
        if published is None:
            return "none yet"
        try:
            vector_index.verify(self._folder, published)
        except vector_index.VectorsFileError:
            return "damaged" if (self._folder / published.name).exists() else "missing"
        (newer,) = self._one(
            "SELECT coalesce(sum(passages), 0) FROM vectors WHERE generation > ?",
            published.generation,
        )
        return f"behind by {newer} passages" if newer else "current"

    @cached_property
    def _file(self) -> vector_index.VectorsFile | None:
        published = self.published()
        if published is None:
            return None
        try:
            return vector_index.open_file(self._folder, published)
        except vector_index.VectorsFileError as error:
            self.notes.append(f"{error}: searching the database instead; {error.hint}")
            return None

    @cached_property
    def _newer(self) -> tuple[HalfVectors, Ids]:
        """The rows that are not in the vectors file, and their ids."""
        published = self.published()
        blocks = list(self._blocks(since=published.generation if published and self._file else -1))
        rows = [np.empty((0, max(self.dim, 1)), dtype=np.float16), *(rows for rows, _ in blocks)]
        return np.concatenate(rows), np.concatenate([_NOTHING[0], *(ids for _, ids in blocks)])

    def _blocks(self, *, since: int) -> Iterator[tuple[HalfVectors, Ids]]:
        """The stored rows of later generations with their ids, some thousands at a time, in order
        of id.
        """
        statement = (
            "SELECT first_passage_id, passages, vectors FROM vectors WHERE generation "
            "> ? ORDER BY first_passage_id"
        )
        stored = self._each(statement, since)
        while some := list(islice(stored, _BLOCK_DOCUMENTS)):
            ids = [np.arange(first, first + count, dtype=np.int64) for first, count, _ in some]
            yield (
                vector_index.from_blob(b"".join(blob for *_, blob in some), max(self.dim, 1)),
                np.concatenate(ids),
            )

    def _rows_of(self, passage_ids: Ids) -> HalfVectors:
        """The stored rows of passages that have one, in the order given."""
        width = self.dim * 2
        statement = f"""
            SELECT p.id, substr(v.vectors, (p.id - v.first_passage_id) * {width} + 1, {width})
            FROM passage p JOIN vectors v ON v.document_id = p.document_id"""
        found = dict(self._for_ids(statement, "p.id", passage_ids))
        return vector_index.from_blob(
            b"".join(found[i] for i in passage_ids.tolist()), max(self.dim, 1)
        )

    @cached_property
    def _counts(self) -> tuple[int, int, int, int]:
        totals = "coalesce(sum(documents), 0), coalesce(sum(passages), 0), coalesce(sum(stale), 0)"
        documents, passages, stale = self._one(f"SELECT {totals} FROM tally")
        (embedded,) = self._one("SELECT coalesce(sum(embedded), 0) FROM corpus")
        return documents, passages, documents - embedded, stale

    @cached_property
    def _gone(self) -> list[tuple[int, int]]:
        """The passages that have left since the vectors file was published, as ranges (first,
        count).
        """
        return self._all("SELECT first_passage_id, passages FROM tombstone")

    @cached_property
    def _highest_id(self) -> int:
        return int(self._one("SELECT coalesce(max(id), 0) FROM passage")[0])

    def _allowed(self, filters: Filters) -> Bitmap | None:
        if filters == Filters():
            return None
        allowed = vector_index.bitmap(self._ranges(filters), self._highest_id)
        for term in filters.holding:
            allowed &= self._holding(term)
        for term in filters.lacking:
            allowed &= ~self._holding(term)
        return allowed

    def _are_pending(self, passage_ids: Ids) -> NDArray[np.bool_]:
        """Which passages have no vector yet, (n,)."""
        if not self.counts()[2]:
            return np.zeros(len(passage_ids), dtype=bool)
        statement = (
            "SELECT p.id FROM passage p LEFT JOIN vectors v ON v.document_id = p.document_id"
        )
        rows = self._for_ids(statement, "v.document_id IS NULL AND p.id", passage_ids)
        return np.isin(passage_ids, [i for (i,) in rows])

    def _holding(self, term: Term) -> Bitmap:
        rows = self._each(HOLDING, expression([term]))
        return vector_index.bitmap(((i, 1) for (i,) in rows), self._highest_id)

    def _ranges(self, filters: Filters) -> list[tuple[int, int]]:
        where, values = document_condition(filters)
        return self._all(
            f"SELECT d.first_passage_id, d.passages FROM document d WHERE {where}", *values
        )

    def _ordered(self, ids: Ids, scores: Scores) -> Ids:
        """Positions by score, best first, ties by path bytes then start."""
        order = np.lexsort((ids, -scores))
        ranked = scores[order]
        tied = np.flatnonzero(
            np.append(ranked[1:] == ranked[:-1], False)
            | np.append(False, ranked[1:] == ranked[:-1])
        )
        if len(tied):
            places = dict(zip(order[tied].tolist(), self.addresses(ids[order[tied]]), strict=True))
            order[tied] = sorted(order[tied].tolist(), key=lambda i: (-scores[i], places[i]))
        return order

    def _for_ids(self, statement: str, column: str, ids: Ids) -> list[Any]:
        return self._all(
            f"{statement} WHERE {column} IN (SELECT value FROM json_each(?))",
            json.dumps(ids.tolist()),
        )

    def _one(self, statement: str, *values: object) -> Any:
        return next(self._each(statement, *values), None)

    def _all(self, statement: str, *values: object) -> list[Any]:
        return list(self._each(statement, *values))

    def _each(self, statement: str, *values: object) -> Iterator[Any]:
        """The rows of a query as they come: the one place where the database is read, and its
        errors are translated.
        """
        try:
            yield from self._database.execute(statement, values)
        except sqlite3.ProgrammingError:
            raise  # a reader that is closed already: the caller's mistake
        except (
            sqlite3.Error,
            UnicodeError,
        ) as error:  # SQLite quotes names in its messages, which damaged are no text
            raise translated(error, self._folder) from error


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
        tuple(sorted(Label(*each) for each in json.loads(labels))),
    )


def _hit(row: Any) -> Hit:
    passage_id, document_id, path, title, kind, start, end, headings, place, text = row
    passage = Passage(start, end, tuple(json.loads(headings)), tuple(json.loads(place).items()))
    return Hit(passage_id, document_id, path, title, kind, passage, text)


def _size(path: Path) -> int:
    """A file's size in bytes, 0 where there is none: the log comes and goes with the writers."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
