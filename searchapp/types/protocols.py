"""The two seams: `Encoder`, text to vectors, and `Backend`, where text, vectors, filters and keywords
live together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

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
    Unindexed,
)
from searchapp.types.filters import Filters, Term
from searchapp.types.results import Background, Finding, RepairReport, Status
from searchapp.types.vectors import EncoderIdentity, TokenVectors

if TYPE_CHECKING:
    from searchapp.types.vectors import Ids, Scores, Vector, Vectors


class Encoder(Protocol):
    """Text to unit vectors."""

    @property
    def identity(self) -> EncoderIdentity:
        """Which encoder this is."""

    def tokenize(self, texts: Sequence[str]) -> list[list[Span]]:
        """Each text's content tokens as code point spans, in order, never truncated."""

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text, in order, (n, dim); raises ValueError for a text over
        `max_tokens`.
        """

    def encode_query(self, text: str) -> Vector:
        """The unit vector of a question, (dim,); a question over the limit is cut at it."""

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Each text's token states."""


class Writer(Protocol):
    """The one writer of a corpus: changes gather in a unit of work until `commit`."""

    notes: list[str]  # what was done otherwise than expected, for people

    def encoder(self) -> EncoderIdentity | None:
        """The encoder that made the corpus, None before the first."""

    def set_encoder(self, identity: EncoderIdentity) -> None:
        """Record the encoder of a corpus that has none."""

    def roots(self) -> list[Root]:
        """The remembered roots, by path."""

    def set_root(self, root: Root) -> None:
        """Remember a root, in place of itself and of all roots below it."""

    def forget_roots(self, within: bytes) -> None:
        """Forget a root and all roots below it."""

    def set_setting(self, name: str, value: str | None) -> None:
        """Have the corpus do something otherwise than by default; None: as by default again."""

    def known_files(self, within: Iterable[bytes] | None = None) -> dict[bytes, KnownFile]:
        """The sources of the documents, of those at or below the given paths where some are given,
        by path.
        """

    def known_like(self, content_hash: bytes) -> list[KnownFile]:
        """The sources of the documents that were made of the same bytes."""

    def digests(self, digests: Iterable[bytes]) -> dict[bytes, Vector]:
        """The stored vectors of texts embedded before, by the digest of the text exactly as
        embedded.
        """

    def vectors_at(self, path: bytes) -> dict[bytes, Vector]:
        """The vectors of the document at a path, by the same digest; none where it is pending, or
        there is none.
        """

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

    def attach(self, document_id: int, vectors: Vectors) -> None:
        """Give a pending document its vectors, (n_passages, dim)."""

    def pending(self, *, after: int = 0, characters: int | None = None) -> list[PendingDocument]:
        """The documents of higher ids that still need vectors, in order of id.

        With a number of characters the first of them, and those behind it that fit in as many
        together; an empty list when none is left.
        """

    def has_pending(self) -> bool:
        """Whether any document still needs vectors."""

    def relocate(self, document_id: int, source: Source) -> None:
        """Record a new path or a refreshed identity for a document whose content is the same."""

    def mark_stale(self, document_id: int) -> None:
        """Record that a document's file could not be read this time."""

    def set_labels(self, document_id: int, labels: Iterable[Label]) -> None:
        """Give a document these labels, each of another name, in place of all that it has.

        Those by hand stay when the document is replaced, the others go.
        """

    def remove(self, document_ids: Iterable[int]) -> None:
        """Take documents out."""

    def unindexed(self, within: Iterable[bytes] | None = None) -> dict[bytes, Unindexed]:
        """What is recorded as not indexed, at or below the given paths where some are given, by
        path.
        """

    def set_unindexed(self, scopes: Iterable[bytes], files: Iterable[Unindexed]) -> None:
        """Record what is not indexed below the given paths, in place of what was recorded there."""

    def commit(self) -> int:
        """Make all changes durable at once; returns the generation, one higher where anything
        changed.
        """

    def finish(self) -> int:
        """Commit, record that an ingest came to its end now, and bring derived files up to date;
        returns the generation.

        A derived file that cannot be written is a note, not an error: nothing depends on it.
        """

    def economising(self) -> AbstractContextManager[None]:
        """Get by with as little room as can be meanwhile, as the disk is full."""

    def scrub(self) -> list[str]:
        """Leave no byte of what was removed behind; returns the names of the backups that had to go
        for that. Raises CorpusUnwritable.
        """

    def close(self) -> None:
        """Drop what was not committed and let another writer in."""


class Reader(Protocol):
    """One generation of a corpus, searched and read; it never changes while open."""

    notes: list[str]  # what was done otherwise than expected, for people

    @property
    def generation(self) -> int:
        """The generation that is read; 0 for a corpus without a commit."""

    @property
    def encoder(self) -> EncoderIdentity | None:
        """The encoder that made the corpus, None before the first document."""

    @property
    def is_approximate(self) -> bool:
        """Whether a search by cosine may miss passages, unless it is told to be exact: so only in
        very large corpora.
        """

    def cosine_leg(
        self, query: Vector, filters: Filters, depth: int, *, is_exact: bool = False
    ) -> tuple[Ids, Scores]:
        """The best passages by cosine among those that pass the filters: at most `depth`, best
        first, ties by path bytes then start; fewer only when fewer exist. `is_exact` looks at every
        passage, however long that takes.
        """

    def keyword_leg(
        self, terms: Sequence[Term], filters: Filters, depth: int
    ) -> tuple[Ids, Scores]:
        """The best passages by BM25 among those that hold any of the terms and pass the filters,
        pending ones too; a term given twice counts twice. At most `depth`, ordered as the other
        leg's.
        """

    def frequencies(self, terms: Sequence[Term]) -> list[int]:
        """How many passages hold each term."""

    def addresses(self, passage_ids: Ids) -> list[Address]:
        """Where each passage stands, in the order given."""

    def vectors_of(self, passage_ids: Ids) -> Vectors:
        """The stored vectors of the given passages, (n, dim); a row of NaN for a passage without
        one.
        """

    def background(self) -> Background | None:
        """What the corpus is like as a whole; None where it is too small to tell, or no ingest has
        ended yet.
        """

    def hydrate(self, passage_ids: Ids) -> list[Hit]:
        """The passages themselves, in the order given."""

    def settings(self) -> dict[str, str]:
        """What the corpus does otherwise than by default, by name."""

    def counts(self) -> tuple[int, int, int, int]:
        """How many documents, passages, pending documents and stale documents there are."""

    def versions(self) -> list[tuple[str, str, str, int]]:
        """Which extractors and splitters made the documents: type, extractor, splitter, count."""

    def rows(self, filters: Filters) -> Iterator[DocumentRow]:
        """The documents that pass the filters, by path; what filters ask of passages does not
        count.
        """

    def document_ids(self, filters: Filters) -> list[int]:
        """The documents that pass the filters, by path."""

    def labels(self) -> dict[int, tuple[Label, ...]]:
        """The labels of the documents that have any, by document id, each document's by name."""

    def show(self, document_id: int) -> tuple[dict[str, str], list[Hit]]:
        """A document's metadata and all its passages in order."""

    def status(self) -> Status:
        """The corpus at a glance; `outdated` is left at 0, as only the extractors know."""

    def prepare(self) -> None:
        """Open what searching needs, so that it can happen while the encoder is opened."""

    def close(self) -> None:
        """Let go of the generation."""


class Backend(Protocol):
    """Where text, vectors, filters and lexical scoring live together."""

    def writer(self, *, is_for_removal: bool = False) -> Writer:
        """The one writer; raises CorpusLocked while another holds it. One for a removal is to be
        had on a full disk, too.
        """

    def reader(self) -> Reader:
        """The newest committed generation."""

    def check(self, *, is_full: bool) -> list[Finding]:
        """What is wrong with what is stored; empty when nothing is."""

    def repair(self, find_encoder: Callable[[], EncoderIdentity | None]) -> RepairReport:
        """Keep what is as it was written, and say what is not; `find_encoder` counts where the
        record of the encoder is damaged.
        """
