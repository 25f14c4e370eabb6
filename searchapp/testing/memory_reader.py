"""The reader of the backend in memory: it looks at every passage, and is exact."""

from __future__ import annotations

import glob
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from searchapp.backends.background import measure
from searchapp.lexical import keyword_row
from searchapp.testing.memory_keywords import KeywordIndex
from searchapp.testing.memory_state import MemoryDocument, MemoryState
from searchapp.types.dates import dated_ns
from searchapp.types.documents import (
    Address,
    DocumentRow,
    Hit,
    Label,
    StoredDocument,
    is_within,
)
from searchapp.types.filters import MOST_LISTED, Filters, Term, matches_value
from searchapp.types.languages import by_code, language_in
from searchapp.types.places import is_glob
from searchapp.types.results import Background, Occurrences, OpenDocument, Status
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from searchapp.types.vectors import Ids, Scores, Vector, Vectors


class MemoryReader:
    """One generation of a MemoryBackend; implements `protocols.Reader`."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self.notes: list[str] = []

    @property
    def generation(self) -> int:
        """The generation that is read; 0 for a corpus without a commit."""
        return self._state.generation

    @property
    def corpus_id(self) -> str:
        """What tells this corpus from every other; "" for one without a commit."""
        return self._state.corpus_id if self._state.generation else ""

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
        passing = {
            one.first_passage_id + ordinal
            for one in self._passing(filters)
            for ordinal in range(len(one.passages))
        }
        scores = self._keywords.scores(terms)
        return self._best(
            {i: float(np.float32(score)) for i, score in scores.items() if i in passing},
            filters,
            depth,
        )

    def frequencies(self, terms: Sequence[Term]) -> list[int]:
        """How many passages hold each term."""
        return self.occurrences(terms, listed=0).counts

    def occurrences(
        self,
        terms: Sequence[Term],
        *,
        listed: int,
        repairable: Sequence[Term] = (),
        counts_all: bool = True,
    ) -> Occurrences:
        """How many passages hold each term, of the first terms which, and which words may be meant
        by those that none holds.
        """
        holding = [sorted(self._keywords.holding(term)) for term in terms]
        unknown = {term for term, some in zip(terms, holding, strict=True) if not some}
        nearest = {term: self._keywords.nearest(term.words[0]) for term in repairable}
        return Occurrences(
            counts=[
                len(some) if counts_all else min(len(some), MOST_LISTED + 1) for some in holding
            ],
            holders=[np.array(some[:MOST_LISTED], np.int64) for some in holding[:listed]],
            meant={term: word for term, word in nearest.items() if word and term in unknown},
        )

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
        vectors = np.full((len(passage_ids), dim), np.nan, dtype=np.float32)
        for row, (one, ordinal) in enumerate(self._places(passage_ids)):
            if one.rows is not None:
                vectors[row] = one.rows[ordinal]
        return vectors

    def vectors_by_digest(self, digests: Iterable[bytes]) -> dict[bytes, Vector]:
        """The stored vectors of texts, by the digest of the text exactly as embedded."""
        return self._state.vectors_by_digest(digests)

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
            sum(len(vectors) for _, vectors in rows),
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
        return map(_row, self._passing(filters))

    def rows_after(self, path: bytes, filters: Filters, most: int) -> list[DocumentRow]:
        """At most so many of the documents that pass the filters, by path, from behind a path
        on.
        """
        return [row for row in self.rows(filters) if row.path > path][:most]

    def document(self, document_id: int) -> OpenDocument | None:
        """A document and its metadata; None where there is none of that id."""
        one = self._state.documents.get(document_id)
        if one is None:
            return None
        metadata, content_hash = dict(one.document.metadata), one.source.content_hash
        return OpenDocument(_row(one), metadata, self.generation, content_hash, self.corpus_id)

    def rows_of(self, document_ids: Sequence[int]) -> list[DocumentRow]:
        """The documents of these ids that there are, by path."""
        return [row for row in self.rows(Filters()) if row.id in set(document_ids)]

    def passages_around(self, passage_id: int, before: int, after: int) -> list[Hit]:
        """A passage between as many others of its document, in order; nothing where there is none
        of that id.
        """
        for one in self._state.documents.values():
            at, all_of_them = passage_id - one.first_passage_id, len(one.passages)
            if 0 <= at < all_of_them:
                shown = range(max(0, at - before), min(all_of_them, at + after + 1))
                return [one.hit(ordinal) for ordinal in shown]
        return []

    def text(self, document_id: int, start: int, end: int) -> str | None:
        """The part of a document's text between two offsets; None where there is none of that
        id.
        """
        one = self._state.documents.get(document_id)
        return None if one is None else one.document.text[start : max(start, end)]

    def highest_ids(self) -> tuple[int, int]:
        """The highest id that a document ever had, and a passage."""
        return self._state.next_document_id - 1, self._state.next_passage_id - 1

    def document_ids(self, filters: Filters) -> list[int]:
        """The documents that pass the filters, by path."""
        return [one.id for one in self._passing(filters)]

    def has_document(self, filters: Filters) -> bool:
        """Whether any document passes the filters."""
        return bool(self._passing(filters))

    def labels(self) -> Iterator[tuple[int, tuple[Label, ...]]]:
        """The documents that have labels, by id, and the labels of each, by name."""
        for document_id, one in sorted(self._state.documents.items()):
            if one.labels:
                yield document_id, one.labels

    def stored(self, filters: Filters) -> Iterator[StoredDocument]:
        """The documents that pass the filters with all that is stored of them, by path."""
        for one in self._passing(filters):
            vectors = None if one.rows is None else one.rows.astype(np.float32)
            document = replace(one.document, blocks=())
            yield StoredDocument(one.source, document, one.passages, vectors, one.labels)

    def metadata(self) -> Iterator[Mapping[str, str]]:
        """The metadata of each document, by path."""
        for one in self._passing(Filters()):
            yield one.document.metadata

    def languages(self, *, sampled: bool = False) -> Counter[str]:  # noqa: ARG002
        """How many documents say that they are in each language, as "de-AT"; "" for those that say
        nothing; of all documents, whatever the `sample`.
        """
        return Counter(metadata.get("language", "") for metadata in self.metadata())

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
            languages=by_code(self.languages()),
            roots=tuple(root for _, root in sorted(self._state.roots.items())),
            exclusions=tuple(sorted(self._state.exclusions)),
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
            holding = self._keywords.holding(term)
            scores = {i: score for i, score in scores.items() if i in holding}
        for term in filters.lacking:
            holding = self._keywords.holding(term)
            scores = {i: score for i, score in scores.items() if i not in holding}
        ids = np.array(list(scores), dtype=np.int64)
        best = sorted(
            (-score, place, i)
            for (i, score), place in zip(scores.items(), self.addresses(ids), strict=True)
        )[: max(depth, 0)]
        return np.array([row[2] for row in best], dtype=np.int64), np.array(
            [-row[0] for row in best], dtype=np.float32
        )

    @cached_property
    def _keywords(self) -> KeywordIndex:
        """The words of all passages."""
        documents = self._state.documents.values()
        hits = [one.hit(ordinal) for one in documents for ordinal in range(len(one.passages))]
        languages = {one.id: language_in(one.document.metadata) for one in documents}
        stemmed = self._state.stemmed_languages
        return KeywordIndex(
            {
                hit.passage_id: keyword_row(hit.path, hit.title, hit.passage.headings, hit.text)
                for hit in hits
            },
            {
                hit.passage_id: languages[hit.document_id]
                for hit in hits
                if languages[hit.document_id] in stemmed
            },
        )

    def _passing(self, filters: Filters) -> list[MemoryDocument]:
        stored = self._state.documents.values()
        places = [_place(place, [one.source.path for one in stored]) for place in filters.within]
        passing = [one for one in stored if _passes(one, filters, places)]
        return sorted(passing, key=lambda one: one.source.path)

    def _places(self, passage_ids: Ids) -> list[tuple[MemoryDocument, int]]:
        places = {
            one.first_passage_id + ordinal: (one, ordinal)
            for one in self._state.documents.values()
            for ordinal in range(len(one.passages))
        }
        return [places[i] for i in passage_ids.tolist()]


def _row(one: MemoryDocument) -> DocumentRow:
    identity, document = one.source.identity, one.document
    return DocumentRow(
        path=one.source.path,
        title=document.title,
        type=document.type,
        passages=len(one.passages),
        size=identity.size,
        modified_ns=identity.mtime_ns,
        is_pending=one.rows is None,
        is_stale=one.is_stale,
        labels=one.labels,
        dated_ns=dated_ns(one.source, document.metadata),
        id=one.id,
    )


def _passes(
    one: MemoryDocument, filters: Filters, places: Sequence[Callable[[bytes], bool]]
) -> bool:
    day_ns = dated_ns(one.source, one.document.metadata)
    return (
        (not places or any(holds(one.source.path) for holds in places))
        and not any(is_within(one.source.path, _folder(place)) for place in filters.outside)
        and (not filters.types or one.document.type in filters.types)
        and (not filters.labels or any(label.name in filters.labels for label in one.labels))
        and all(_has_value(one, name, value) for name, value in filters.where)
        and (filters.since_ns is None or day_ns >= filters.since_ns)
        and (filters.before_ns is None or day_ns < filters.before_ns)
    )


def _has_value(one: MemoryDocument, name: str, wanted: str) -> bool:
    return any(
        key.lower() == name.lower() and matches_value(value, wanted)
        for key, value in one.document.metadata.items()
    )


def _folder(place: str) -> bytes:
    return place.encode("utf-8", "surrogateescape").rstrip(b"/")


def _place(place: str, paths: Sequence[bytes]) -> Callable[[bytes], bool]:
    """What tells whether a path is at or below a place: below the path of that name; where the
    corpus has none, of that name but for the form of its accents, or of one that ends with it;
    else, if it is a glob, below what matches it, whose `*` also crosses folders.
    """
    shown, is_text = _composed(_folder(place)), "\ufffd" not in _composed(_folder(place))
    start = "" if place.startswith("/") else "*/"
    to_the_letter, pattern = start + glob.escape(shown), (start + shown).replace("[^", "[!")
    is_pattern = bool(start) or is_glob(place)
    tests: tuple[Callable[[bytes], bool], ...] = (
        lambda path: is_within(path, _folder(place)),
        lambda path: is_text and _matches_at_or_below(path, to_the_letter),
        lambda path: is_pattern and _matches_at_or_below(path, pattern),
    )
    return next((test for test in tests if any(map(test, paths))), tests[-1])


def _matches_at_or_below(path: bytes, pattern: str) -> bool:
    """Whether a path, or what it is in, matches a glob."""
    return any(fnmatchcase(_composed(path), pattern + below) for below in ("", "/*", "!/*"))


def _composed(path: bytes) -> str:
    """A path as text, each letter in one with its accents."""
    return unicodedata.normalize("NFC", path.decode("utf-8", "replace"))
