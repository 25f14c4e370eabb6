"""Stand-ins for tests, public: an encoder whose vectors can be computed in the head, and a backend
in memory.

Nothing here loads a model or touches the disk; the same text gives the same vector in every process
and on every machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np

from searchapp.backends.background import measure
from searchapp.backends.sqlite import layout
from searchapp.backends.sqlite.fts import FREQUENCIES, HOLDING, TABLE, TOP, expression
from searchapp.errors import CorpusLocked
from searchapp.linalg import are_unit, unit
from searchapp.types.digests import text_digest
from searchapp.types.documents import (
    Address,
    Document,
    DocumentRow,
    Hit,
    KnownFile,
    Label,
    Passage,
    PendingDocument,
    Root,
    Source,
    Span,
    StoredDocument,
    Unindexed,
    embedded_text,
    is_within,
)
from searchapp.types.filters import Filters, Term, matches_value
from searchapp.types.results import Background, Status
from searchapp.types.vectors import EncoderIdentity, TokenVectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types.vectors import Ids, Scores, Vector, Vectors

_Item = TypeVar("_Item")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+")


class HashEncoder:
    """An Encoder that hashes words to axes: texts that share words are near, and cosine is the
    overlap of word counts.

    Each word, casefolded, adds 1 to one of the axes 1 to dim - 1; punctuation is a token but adds
    nothing; a text without words lies on axis 0, orthogonal to all others. Different words may
    share an axis: choose a larger `dim` to make that rare.
    """

    def __init__(self, *, dim: int = 64, max_tokens: int = 256) -> None:
        if dim < 2 or max_tokens < 1:
            raise ValueError("dim is at least 2 and max_tokens at least 1")
        fingerprint = hashlib.sha256(f"hash/1/{dim}/{max_tokens}".encode()).hexdigest()
        self._identity = EncoderIdentity("hash", fingerprint, dim, max_tokens)

    @property
    def identity(self) -> EncoderIdentity:
        """Which encoder this is."""
        return self._identity

    def axis(self, word: str) -> int:
        """The axis of a word, 1 to dim - 1."""
        digest = hashlib.blake2b(
            word.casefold().encode("utf-8", "surrogatepass"), digest_size=8
        ).digest()
        return 1 + int.from_bytes(digest, "big") % (self._identity.dim - 1)

    def tokenize(self, texts: Sequence[str]) -> list[list[Span]]:
        """Each text's words and punctuation marks as code point spans."""
        return [[match.span() for match in _TOKEN.finditer(text)] for text in texts]

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text, in order, (n, dim); raises ValueError for a text over
        `max_tokens`.
        """
        limit = self._identity.max_tokens
        for index, spans in enumerate(self.tokenize(texts)):
            if len(spans) > limit:
                raise ValueError(
                    f"text {index} is {len(spans) - limit} tokens over the limit of {limit}"
                )
        rows = [_unit(one.states) for one in self.token_vectors(texts)]
        return np.stack(rows) if rows else np.empty((0, self._identity.dim), np.float32)

    def encode_query(self, text: str) -> Vector:
        """The unit vector of a question, (dim,); a question over the limit is cut at it."""
        return _unit(self.token_vectors([text])[0].states)

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Each text's token states, cut at the limit: 1 on the axis of a word, all 0 for
        punctuation.

        A text without words ends in a special token on axis 0.
        """
        spans = [one[: self._identity.max_tokens] for one in self.tokenize(texts)]
        return [self._states(text, one) for text, one in zip(texts, spans, strict=True)]

    def _states(self, text: str, spans: list[Span]) -> TokenVectors:
        words = [
            (row, text[start:end])
            for row, (start, end) in enumerate(spans)
            if _WORD.match(text, start)
        ]
        offsets = tuple(spans) if words else (*spans, (0, 0))
        states = np.zeros((len(offsets), self._identity.dim), np.float32)
        for row, word in words:
            states[row, self.axis(word)] = 1
        if not words:
            states[-1, 0] = 1
        return TokenVectors(offsets, states)


def _unit(states: Vectors) -> Vector:
    """The direction of the states' mean, (t, dim) to (dim,)."""
    return np.ascontiguousarray(unit(states.sum(0)), np.float32)


# ---- the Backend in memory -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    """A document as the backend in memory keeps it."""

    id: int
    source: Source
    document: Document
    passages: tuple[Passage, ...]
    first_passage_id: int
    rows: NDArray[np.float64] | None  # (n_passages, dim), rounded to float16; None while pending
    is_stale: bool = False
    labels: tuple[Label, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(
            embedded_text(p.headings, self.document.text[p.start : p.end]) for p in self.passages
        )

    def hit(self, ordinal: int) -> Hit:
        passage, document = self.passages[ordinal], self.document
        text = document.text[passage.start : passage.end]
        return Hit(
            self.first_passage_id + ordinal,
            self.id,
            self.source.path,
            document.title,
            document.type,
            passage,
            text,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """One generation, never changed: a commit puts another in its place, and readers
    keep theirs.
    """

    generation: int = 0
    encoder: EncoderIdentity | None = None
    roots: Mapping[bytes, Root] = field(default_factory=dict)
    documents: Mapping[int, _Stored] = field(default_factory=dict)
    unindexed: Mapping[bytes, Unindexed] = field(default_factory=dict)
    next_document_id: int = 1
    next_passage_id: int = 1
    ingested_at_ns: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


class MemoryBackend:
    """A Backend of dictionaries and NumPy, with the same promises as the local one but
    durability.
    """

    _named: ClassVar[dict[str, MemoryBackend]] = {}

    def __init__(self) -> None:
        self.state = _State()
        self.is_locked = False

    @classmethod
    def named(cls, place: str) -> MemoryBackend:
        """The one of this process at a place, "memory:NAME"."""
        return cls._named.setdefault(place, cls())

    def writer(self, *, for_removal: bool = False) -> MemoryWriter:  # noqa: ARG002 - there is no disk to be full
        """The one writer; raises CorpusLocked while another is open."""
        if self.is_locked:
            raise CorpusLocked(
                f"another ingest is writing this corpus (process {os.getpid()})",
                hint="close the other writer",
            )
        return MemoryWriter(self)

    def reader(self) -> MemoryReader:
        """The newest committed generation."""
        return MemoryReader(self.state)


class MemoryWriter:
    """The writer of a MemoryBackend; implements `types.Writer`."""

    def __init__(self, backend: MemoryBackend) -> None:
        self._backend = backend
        self._state = backend.state
        self._is_changed = False
        self.notes: list[str] = []
        backend.is_locked = True

    def encoder(self) -> EncoderIdentity | None:
        """The encoder that made the corpus, None before the first."""
        return self._state.encoder

    def set_encoder(self, identity: EncoderIdentity) -> None:
        """Record the encoder of a corpus that has none. Raises ValueError where there is one."""
        if self._state.encoder is not None:
            raise ValueError("the corpus has an encoder already")
        self._change(replace(self._state, encoder=identity))

    def roots(self) -> list[Root]:
        """The remembered roots, by path."""
        return [root for _, root in sorted(self._state.roots.items())]

    def set_root(self, root: Root) -> None:
        """Remember a root, in place of itself and of all roots below it."""
        if self._state.roots.get(root.path) != root:
            self._change(
                replace(
                    self._state, roots=_outside(self._state.roots, root.path) | {root.path: root}
                )
            )

    def forget_roots(self, within: bytes) -> None:
        """Forget a root and all roots below it."""
        kept = _outside(self._state.roots, within)
        if len(kept) < len(self._state.roots):
            self._change(replace(self._state, roots=kept))

    def set_setting(self, name: str, value: str | None) -> None:
        """Have the corpus do something otherwise than by default; None: as by default again."""
        if self._state.settings.get(name) == value:
            return
        others = {key: each for key, each in self._state.settings.items() if key != name}
        self._change(
            replace(self._state, settings=others if value is None else others | {name: value})
        )

    def known_files(self, within: Iterable[bytes] | None = None) -> dict[bytes, KnownFile]:
        """The sources of the documents, of those at or below the given paths where some are given,
        by path.
        """
        found = (
            KnownFile(one.id, one.source, one.document.type, one.rows is None, one.is_stale)
            for one in self._state.documents.values()
        )
        return _within({known.source.path: known for known in found}, within)

    def known_like(self, content_hash: bytes) -> list[KnownFile]:
        """The sources of the documents that were made of the same bytes."""
        return [
            known
            for known in self.known_files().values()
            if known.source.content_hash == content_hash
        ]

    def digests(self, digests: Iterable[bytes]) -> dict[bytes, Vector]:
        """The stored vectors of texts embedded before, by the digest of the text exactly as
        embedded.
        """
        wanted = set(digests)
        fingerprint = self._state.encoder.fingerprint if self._state.encoder else ""
        found: dict[bytes, Vector] = {}
        for one in self._state.documents.values():
            for text, row in zip(one.texts, [] if one.rows is None else one.rows, strict=False):
                digest = text_digest(fingerprint, text)
                if digest in wanted:
                    found[digest] = row.astype(np.float32)
        return found

    def vectors_at(self, path: bytes) -> dict[bytes, Vector]:
        """The vectors of the document at a path, by the same digest; none where it is pending, or
        there is none.
        """
        texts = [
            text
            for one in self._state.documents.values()
            if one.source.path == path and one.rows is not None
            for text in one.texts
        ]
        fingerprint = self._state.encoder.fingerprint if self._state.encoder else ""
        return self.digests(text_digest(fingerprint, text) for text in texts)

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
        state = self._state
        if state.encoder is None or not passages:
            raise ValueError("a document needs an encoder and at least one passage")
        rows = None if vectors is None else _rounded(vectors, len(passages), state.encoder.dim)
        kept = {i: one for i, one in state.documents.items() if one.source.path != source.path}
        former = (one for one in state.documents.values() if one.source.path == source.path)
        said = tuple(label for one in former for label in one.labels if label.origin == "hand")
        new = _Stored(
            state.next_document_id,
            source,
            document,
            tuple(passages),
            state.next_passage_id,
            rows,
            labels=said,
        )
        self._change(
            replace(
                self._state,
                documents=kept | {new.id: new},
                next_document_id=new.id + 1,
                next_passage_id=new.first_passage_id + len(passages),
            )
        )
        return new.id

    def attach(self, document_id: int, vectors: Vectors) -> None:
        """Give a pending document its vectors, (n_passages, dim). Raises ValueError where it has
        some or they do not fit.
        """
        one = self._stored(document_id)
        if one.rows is not None or self._state.encoder is None:
            raise ValueError(f"document {document_id} is not pending")
        self._put(replace(one, rows=_rounded(vectors, len(one.passages), self._state.encoder.dim)))

    def pending(self, *, after: int = 0, characters: int | None = None) -> list[PendingDocument]:
        """The documents of higher ids that still need vectors, in order of id; with a number of
        characters, the first of them.
        """
        fingerprint = self._state.encoder.fingerprint if self._state.encoder else ""
        found: list[PendingDocument] = []
        left = characters
        for document_id, one in sorted(self._state.documents.items()):
            if one.rows is not None or document_id <= after:
                continue
            if left is not None:
                left -= len(one.document.text)
                if found and left < 0:
                    break
            found.append(
                PendingDocument(
                    document_id,
                    one.texts,
                    tuple(text_digest(fingerprint, text) for text in one.texts),
                )
            )
        return found

    def has_pending(self) -> bool:
        """Whether any document still needs vectors."""
        return any(one.rows is None for one in self._state.documents.values())

    def relocate(self, document_id: int, source: Source) -> None:
        """Record a new path or a refreshed identity for a document whose content is the same; it is
        no longer stale.
        """
        one = self._stored(document_id)
        if any(
            other.source.path == source.path and other is not one
            for other in self._state.documents.values()
        ):
            raise ValueError("there is another document at that path")
        made_by = one.source
        self._put(
            replace(
                one,
                source=replace(source, extractor=made_by.extractor, splitter=made_by.splitter),
                is_stale=False,
            )
        )

    def mark_stale(self, document_id: int) -> None:
        """Record that a document's file could not be read this time."""
        one = self._stored(document_id)
        if not one.is_stale:
            self._put(replace(one, is_stale=True))

    def set_labels(self, document_id: int, labels: Iterable[Label]) -> None:
        """Give a document these labels in place of all that it has. Those by hand stay when it is
        replaced, the others go.
        """
        one, after = self._stored(document_id), tuple(sorted(labels))
        if one.labels != after:
            self._put(replace(one, labels=after))

    def remove(self, document_ids: Iterable[int]) -> None:
        """Take documents out."""
        for document_id in document_ids:
            gone = self._stored(document_id)
            self._change(
                replace(
                    self._state,
                    documents={i: one for i, one in self._state.documents.items() if i != gone.id},
                )
            )

    def unindexed(self, within: Iterable[bytes] | None = None) -> dict[bytes, Unindexed]:
        """What is recorded as not indexed, at or below the given paths where some are given, by
        path.
        """
        return _within(self._state.unindexed, within)

    def set_unindexed(self, scopes: Iterable[bytes], files: Iterable[Unindexed]) -> None:
        """Record what is not indexed below the given paths, in place of what was recorded there."""
        rows = {file.path: file for file in files}
        for scope in scopes:
            outside = _outside(self._state.unindexed, scope)
            after = outside | {path: file for path, file in rows.items() if is_within(path, scope)}
            if after != self._state.unindexed:
                self._change(replace(self._state, unindexed=after))

    def commit(self) -> int:
        """Make all changes visible at once; returns the generation, one higher where anything
        changed.
        """
        if self._is_changed:
            self._state = self._backend.state = replace(
                self._state, generation=self._state.generation + 1
            )
            self._is_changed = False
        return self._state.generation

    def finish(self) -> int:
        """Commit and record that an ingest came to its end now; returns the generation."""
        self.commit()
        self._state = self._backend.state = replace(self._state, ingested_at_ns=time.time_ns())
        return self._state.generation

    def close(self) -> None:
        """Drop what was not committed and let another writer in."""
        self._state, self._is_changed = self._backend.state, False
        self._backend.is_locked = False

    def _stored(self, document_id: int) -> _Stored:
        if document_id not in self._state.documents:
            raise ValueError(f"there is no document {document_id}")
        return self._state.documents[document_id]

    def _put(self, one: _Stored) -> None:
        self._change(replace(self._state, documents={**self._state.documents, one.id: one}))

    def _change(self, state: _State) -> None:
        self._state = state
        self._is_changed = True


class MemoryReader:
    """One generation of a MemoryBackend; implements `types.Reader`."""

    def __init__(self, state: _State) -> None:
        self._state = state
        self.notes: list[str] = []

    @property
    def generation(self) -> int:
        """The generation that is read; 0 for a corpus without a commit."""
        return self._state.generation

    @property
    def encoder(self) -> EncoderIdentity | None:
        """The encoder that made the corpus, None before the first document."""
        return self._state.encoder

    @property
    def is_approximate(self) -> bool:
        """Never: every passage is looked at."""
        return False

    def cosine_leg(
        self,
        query: Vector,
        filters: Filters,
        depth: int,
        *,
        exact: bool = False,  # noqa: ARG002
    ) -> tuple[Ids, Scores]:
        """The best passages by cosine among those that pass the filters: at most `depth`, best
        first, ties by path bytes then start.
        """
        scores = {
            one.first_passage_id + ordinal: float(np.float32(score))
            for one in self._passing(filters)
            if one.rows is not None
            for ordinal, score in enumerate(one.rows @ query.astype(np.float64))
        }
        return self._best(scores, filters, depth)

    def keyword_leg(
        self, terms: Sequence[Term], filters: Filters, depth: int
    ) -> tuple[Ids, Scores]:
        """The best passages by BM25 that hold any of the terms and pass the filters: at most
        `depth`, ordered as the other leg's.
        """
        if not terms:
            return self._best({}, filters, depth)
        found = dict(self._ask(TOP.format(also=""), expression(terms), -1))
        passing = {
            one.first_passage_id + ordinal
            for one in self._passing(filters)
            for ordinal in range(len(one.passages))
        }
        return self._best(
            {i: float(np.float32(score)) for i, score in found.items() if i in passing},
            filters,
            depth,
        )

    def frequencies(self, terms: Sequence[Term]) -> list[int]:
        """How many passages hold each term."""
        asked = json.dumps([expression([term]) for term in terms])
        return [int(count) for _, count in sorted(self._ask(FREQUENCIES, asked))]

    def addresses(self, passage_ids: Ids) -> list[Address]:
        """Where each passage stands, in the order given."""
        places = self._places(passage_ids)
        return [
            Address(one.source.path, one.passages[ordinal].start, one.id, len(one.passages))
            for one, ordinal in places
        ]

    def vectors_of(self, passage_ids: Ids) -> Vectors:
        """The stored vectors of the given passages, (n, dim); a row of NaN for a passage without
        one.
        """
        dim = self._state.encoder.dim if self._state.encoder else 0
        found = np.full((len(passage_ids), dim), np.nan, dtype=np.float32)
        for row, (one, ordinal) in enumerate(self._places(passage_ids)):
            if one.rows is not None:
                found[row] = one.rows[ordinal]
        return found

    def background(self) -> Background | None:
        """What the corpus is like as a whole; None where it is too small to tell, or no ingest has
        ended yet.
        """
        if self._state.ingested_at_ns is None:
            return None
        complete = [one for one in self._state.documents.values() if one.rows is not None]
        rows = [
            (one.first_passage_id, one.rows.astype(np.float16))
            for one in complete
            if one.rows is not None
        ]
        return measure(
            lambda: rows,
            sum(len(each) for _, each in rows),
            self._state.encoder.dim if self._state.encoder else 0,
        )

    def hydrate(self, passage_ids: Ids) -> list[Hit]:
        """The passages themselves, in the order given."""
        return [one.hit(ordinal) for one, ordinal in self._places(passage_ids)]

    def settings(self) -> dict[str, str]:
        """What the corpus does otherwise than by default, by name."""
        return dict(self._state.settings)

    def counts(self) -> tuple[int, int, int, int]:
        """How many documents, passages, pending documents and stale documents there are."""
        documents = self._state.documents.values()
        passages = sum(len(one.passages) for one in documents)
        return (
            len(documents),
            passages,
            sum(one.rows is None for one in documents),
            sum(one.is_stale for one in documents),
        )

    def versions(self) -> list[tuple[str, str, str, int]]:
        """Which extractors and splitters made the documents: type, extractor, splitter, count."""
        counted = Counter(
            (one.document.type, one.source.extractor, one.source.splitter)
            for one in self._state.documents.values()
        )
        return [(*version, count) for version, count in sorted(counted.items())]

    def rows(self, filters: Filters) -> Iterator[DocumentRow]:
        """The documents that pass the filters, by path."""
        for one in self._passing(filters):
            identity, document = one.source.identity, one.document
            yield DocumentRow(
                path=one.source.path,
                title=document.title,
                type=document.type,
                passages=len(one.passages),
                size=identity.size,
                modified_ns=identity.mtime_ns,
                is_pending=one.rows is None,
                is_stale=one.is_stale,
                labels=one.labels,
            )

    def document_ids(self, filters: Filters) -> list[int]:
        """The documents that pass the filters, by path."""
        return [one.id for one in self._passing(filters)]

    def labels(self) -> dict[int, tuple[Label, ...]]:
        """The labels of the documents that have any, by document id, each document's by name."""
        return {one.id: one.labels for one in self._state.documents.values() if one.labels}

    def stored(self, filters: Filters) -> Iterator[StoredDocument]:
        """The documents that pass the filters with all that is stored of them, by path."""
        for one in self._passing(filters):
            vectors = None if one.rows is None else one.rows.astype(np.float32)
            document = replace(one.document, blocks=())
            yield StoredDocument(one.source, document, one.passages, vectors, one.labels)

    def show(self, document_id: int) -> tuple[dict[str, str], list[Hit]]:
        """A document's metadata and all its passages in order."""
        one = self._state.documents[document_id]
        return dict(one.document.metadata), [
            one.hit(ordinal) for ordinal in range(len(one.passages))
        ]

    def status(self) -> Status:
        """The corpus at a glance; `outdated` is left at 0, as only the extractors know."""
        documents, passages, pending, stale = self.counts()
        return Status(
            path="memory",
            generation=self._state.generation,
            documents=documents,
            passages=passages,
            pending=pending,
            stale=stale,
            outdated=0,
            encoder=self._state.encoder,
            roots=tuple(root for _, root in sorted(self._state.roots.items())),
            unindexed=tuple(
                file
                for _, file in sorted(self._state.unindexed.items())
                if file.outcome != "indexed"
            ),
            database_bytes=0,
            vectors_bytes=0,
            vectors_state="none yet",
            ingested_at_ns=self._state.ingested_at_ns,
        )

    def prepare(self, filters: Filters = Filters()) -> None:  # noqa: B008 - frozen
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to let go of."""

    def _best(
        self, scores: Mapping[int, float], filters: Filters, depth: int
    ) -> tuple[Ids, Scores]:
        """The passages of these scores that hold and lack what the filters say, at most `depth`,
        best first.
        """
        for term in filters.holding:
            holding = self._holding(term)
            scores = {i: score for i, score in scores.items() if i in holding}
        for term in filters.lacking:
            holding = self._holding(term)
            scores = {i: score for i, score in scores.items() if i not in holding}
        ids = np.array(list(scores), dtype=np.int64)
        best = sorted(
            (-score, place, i)
            for (i, score), place in zip(scores.items(), self.addresses(ids), strict=True)
        )[: max(depth, 0)]
        return np.array([row[2] for row in best], dtype=np.int64), np.array(
            [-row[0] for row in best], dtype=np.float32
        )

    def _holding(self, term: Term) -> set[int]:
        return {int(row[1]) for row in self._ask(HOLDING, json.dumps([expression([term])]))}

    def _ask(self, statement: str, *values: object) -> list[tuple[int, float]]:
        """The rows of a question to a keyword index that is made for it alone."""
        connection = sqlite3.connect(":memory:")
        connection.execute(f"CREATE VIRTUAL TABLE keywords USING {TABLE}")
        for one in self._state.documents.values():
            for hit in map(one.hit, range(len(one.passages))):
                row = layout.keyword_row(hit.title, hit.passage.headings, hit.text)
                connection.execute(
                    "INSERT INTO keywords(rowid, title, headings, body) VALUES (?, ?, ?, ?)",
                    (hit.passage_id, *row),
                )
        found = connection.execute(statement, values).fetchall()
        connection.close()
        return found

    def _passing(self, filters: Filters) -> list[_Stored]:
        stored = self._state.documents.values()
        globs = {
            place
            for place in filters.within
            if not any(is_within(one.source.path, _folder(place)) for one in stored)
        }
        passing = [one for one in stored if _passes(one, filters, globs)]
        return sorted(passing, key=lambda one: one.source.path)

    def _places(self, passage_ids: Ids) -> list[tuple[_Stored, int]]:
        places = {
            one.first_passage_id + ordinal: (one, ordinal)
            for one in self._state.documents.values()
            for ordinal in range(len(one.passages))
        }
        return [places[i] for i in passage_ids.tolist()]


def _passes(one: _Stored, filters: Filters, globs: set[str]) -> bool:
    dated_ns = layout.dated_ns(one.source, one.document.metadata)
    return (
        (
            not filters.within
            or any(
                _is_place(one.source.path, place, is_glob=place in globs)
                for place in filters.within
            )
        )
        and not any(_is_place(one.source.path, place, is_glob=False) for place in filters.outside)
        and (not filters.types or one.document.type in filters.types)
        and (not filters.labels or any(label.name in filters.labels for label in one.labels))
        and all(_has_value(one, name, value) for name, value in filters.where)
        and (filters.since_ns is None or dated_ns >= filters.since_ns)
        and (filters.before_ns is None or dated_ns < filters.before_ns)
    )


def _has_value(one: _Stored, name: str, wanted: str) -> bool:
    return any(
        key.lower() == name.lower() and matches_value(value, wanted)
        for key, value in one.document.metadata.items()
    )


def _folder(place: str) -> bytes:
    return place.encode("utf-8", "surrogateescape").rstrip(b"/")


def _is_place(path: bytes, place: str, *, is_glob: bool) -> bool:
    """Whether a path is the place or lies below it, or matches it as a glob, whose `*` also crosses
    folders.
    """
    if not is_glob:
        return is_within(path, _folder(place))
    glob = _folder(place).decode("utf-8", "replace").replace("[^", "[!")
    return fnmatchcase(
        path.decode("utf-8", "replace"), glob if place.startswith("/") else f"*/{glob}"
    )


def _within(entries: Mapping[bytes, _Item], places: Iterable[bytes] | None) -> dict[bytes, _Item]:
    """The entries whose paths are at or below one of the places; all where no places are given."""
    roots = None if places is None else list(places)
    return {
        path: entry
        for path, entry in entries.items()
        if roots is None or any(is_within(path, root) for root in roots)
    }


def _outside(items: Mapping[bytes, _Item], folder: bytes) -> dict[bytes, _Item]:
    return {path: item for path, item in items.items() if not is_within(path, folder)}


def _rounded(vectors: Vectors, passages: int, dim: int) -> NDArray[np.float64]:
    """The rows as a backend stores them, (n, dim). Raises ValueError for rows of another shape, not
    finite or not unit.
    """
    if vectors.shape != (passages, dim):
        raise ValueError(f"vectors must be of shape {(passages, dim)}, not {vectors.shape}")
    if not are_unit(vectors):
        raise ValueError("vectors must be finite and of unit length")
    return vectors.astype(np.float16).astype(np.float64)
