"""The two seams: `Encoder`, text to vectors, and `Backend`, where text, vectors, filters and
keywords live together.

A backend is cut by what its callers need: ranking takes a SearchReader, lists and reports a
CatalogReader, an ingest a Writer. What only some backends can do is Maintainable. Knows no engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

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
)
from searchapp.types.filters import Filters, Term
from searchapp.types.results import (
    Background,
    Finding,
    Occurrences,
    OpenDocument,
    RepairReport,
    Status,
)
from searchapp.types.vectors import EncoderIdentity, TokenVectors

if TYPE_CHECKING:
    from pathlib import Path

    from searchapp.types.tokens import TokenIds, Tokens
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


@runtime_checkable
class TokenReuser(Protocol):
    """What an encoder can also do where it gives tokens away and takes them back, so that a text is
    tokenised once.
    """

    @property
    def identity(self) -> EncoderIdentity:
        """Which encoder this is."""

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Each text's content tokens with their ids, in order, never truncated."""

    def encode_passages(
        self, texts: Sequence[str], *, tokens: Sequence[TokenIds | None] = ()
    ) -> Vectors:
        """As an Encoder does; `tokens` are the ids of the texts, None for those still to be
        tokenised.
        """


class DocumentWriter(Protocol):
    """What is stored: documents with their vectors and labels, roots, settings, and the files that
    are not indexed.
    """

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

    def exclusions(self) -> list[bytes]:
        """The files and folders that were removed for good, by path."""

    def set_exclusions(self, paths: Iterable[bytes]) -> None:
        """Have ingests leave out these files and folders, in place of those before."""

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

    def pending_characters(self) -> int:
        """The length of all documents that still need vectors."""

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


class WriterLifecycle(Protocol):
    """How a unit of work ends."""

    notes: list[str]  # what was done otherwise than expected, for people

    def commit(self) -> int:
        """Make all changes durable at once; returns the generation, one higher where anything
        changed.
        """

    def finish(self) -> int:
        """Commit, record that an ingest came to its end now, and bring derived files up to date;
        returns the generation.

        A derived file that cannot be written is a note, not an error: nothing depends on it.
        """

    def close(self) -> None:
        """Drop what was not committed and let another writer in."""


@runtime_checkable
class Discardable(Protocol):
    """What a writer can also do where its corpus takes room of its own: undo that it made one."""

    def discard(self) -> None:
        """Close; a corpus that was not there before, and of which nothing was committed, leaves
        nothing behind.
        """


class Writer(DocumentWriter, WriterLifecycle, Protocol):
    """The one writer of a corpus: changes gather in a unit of work until `commit`."""


class OpenGeneration(Protocol):
    """What every reader says of the generation that it reads."""

    notes: list[str]  # what was done otherwise than expected, for people

    @property
    def generation(self) -> int:
        """The generation that is read; 0 for a corpus without a commit."""

    @property
    def corpus_id(self) -> str:
        """What tells this corpus from every other; "" for one without a commit."""

    @property
    def encoder(self) -> EncoderIdentity | None:
        """The encoder that made the corpus, None before the first document."""

    def counts(self) -> tuple[int, int, int, int]:
        """How many documents, passages, pending documents and stale documents there are."""


class SearchReader(OpenGeneration, Protocol):
    """What ranking needs."""

    def rows_of(self, document_ids: Sequence[int]) -> list[DocumentRow]:
        """The documents of these ids that there are, by path."""

    @property
    def is_approximate(self) -> bool:
        """Whether a search by cosine may miss passages, unless it is told to be exact: so only in
        very large corpora.
        """

    def cosine_leg(
        self, query: Vector, filters: Filters, depth: int, *, exact: bool = False
    ) -> tuple[Ids, Scores]:
        """The best passages by cosine among those that pass the filters: at most `depth`, best
        first, ties by path bytes then start; fewer only when fewer exist. `exact` looks at every
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

    def occurrences(
        self,
        terms: Sequence[Term],
        *,
        listed: int,
        repairable: Sequence[Term] = (),
        counts_all: bool = True,
    ) -> Occurrences:
        """How many passages hold each term; which passages hold each of the first `listed`, as many
        as `MOST_LISTED`; and for words among the terms that none holds, which may be meant by them.

        Where not `counts_all`, more than `MOST_LISTED` may count as one more than that, and a word
        that more than `FEW` hold may count as fewer than it is and list none.
        """

    def addresses(self, passage_ids: Ids) -> list[Address]:
        """Where each passage stands, in the order given."""

    def vectors_of(self, passage_ids: Ids) -> Vectors:
        """The stored vectors of the given passages, (n, dim); a row of NaN for a passage without
        one.
        """

    def vectors_by_digest(self, digests: Iterable[bytes]) -> dict[bytes, Vector]:
        """The stored vectors of texts, by the digest of the text exactly as embedded; texts that
        the corpus does not hold, or only in a pending document, have none.
        """

    def background(self) -> Background | None:
        """What the corpus is like as a whole; None where it is too small to tell, or no ingest has
        ended yet.
        """

    def hydrate(self, passage_ids: Ids) -> list[Hit]:
        """The passages themselves, in the order given."""

    def prepare(self, filters: Filters = Filters()) -> None:  # noqa: B008 - frozen
        """Open what searching with these filters needs, so that it can happen while the encoder is
        opened.
        """


class CatalogReader(OpenGeneration, Protocol):
    """What is there: documents, their labels, versions and passages, and the corpus's settings."""

    def settings(self) -> dict[str, str]:
        """What the corpus does otherwise than by default, by name."""

    def versions(self) -> list[tuple[str, str, str, int]]:
        """Which extractors and splitters made the documents: type, extractor, splitter, count."""

    def rows(self, filters: Filters) -> Iterator[DocumentRow]:
        """The documents that pass the filters, by path; what filters ask of passages does not
        count.
        """

    def document_ids(self, filters: Filters) -> list[int]:
        """The documents that pass the filters, by path."""

    def has_document(self, filters: Filters) -> bool:
        """Whether any document passes the filters."""

    def labels(self) -> Iterator[tuple[int, tuple[Label, ...]]]:
        """The documents that have labels, by id, and the labels of each, by name."""

    def metadata(self) -> Iterator[Mapping[str, str]]:
        """The metadata of each document, by path."""

    def languages(self, *, sampled: bool = False) -> Counter[str]:
        """How many documents say that they are in each language, as "de-AT"; "" for those that say
        nothing. Where `sampled`, of about a hundred documents, spread over all.
        """

    def show(self, document_id: int) -> tuple[dict[str, str], list[Hit]]:
        """A document's metadata and all its passages in order."""

    def status(self) -> Status:
        """The corpus at a glance; `outdated` is left at 0, as only the extractors know."""

    def stored(self, filters: Filters) -> Iterator[StoredDocument]:
        """The documents that pass the filters with all that is stored of them, by path, one at a
        time; what filters ask of passages does not count.
        """


class DocumentReader(OpenGeneration, Protocol):
    """One document, or a part of it, by its id."""

    def document(self, document_id: int) -> OpenDocument | None:
        """A document and its metadata; None where there is none of that id."""

    def passages_around(self, passage_id: int, before: int, after: int) -> list[Hit]:
        """A passage between as many others of its document, in order; nothing where there is none
        of that id.
        """

    def text(self, document_id: int, start: int, end: int) -> str | None:
        """The part of a document's text between two offsets; None where there is none of that
        id.
        """

    def rows_after(self, path: bytes, filters: Filters, most: int) -> list[DocumentRow]:
        """At most so many of the documents that pass the filters, by path, from behind a path
        on.
        """

    def highest_ids(self) -> tuple[int, int]:
        """The highest id that a document ever had, and a passage."""


class Reader(SearchReader, CatalogReader, DocumentReader, Protocol):
    """One generation of a corpus, searched and read; it never changes while open."""

    def close(self) -> None:
        """Let go of the generation."""


class Backend(Protocol):
    """Where text, vectors, filters and lexical scoring live together."""

    def writer(self, *, for_removal: bool = False) -> Writer:
        """The one writer; raises CorpusLocked while another holds it. One for a removal makes no
        corpus: it raises CorpusMissing where there is none.
        """

    def reader(self) -> Reader:
        """The newest committed generation."""


@runtime_checkable
class Maintainable(Protocol):
    """What a backend can also do where it keeps the corpus in files of its own.

    Where a backend is none, the corpus refuses with Unsupported.
    """

    def check(self, *, full: bool) -> list[Finding]:
        """What is wrong with what is stored; empty when nothing is."""

    def repair(self, find_encoder: Callable[[], EncoderIdentity | None]) -> RepairReport:
        """Keep what is as it was written, and say what is not; `find_encoder` counts where the
        record of the encoder is damaged.
        """

    def back_up(self, file: Path) -> Mapping[str, Any]:
        """Write the newest generation to one file; returns what it holds. Raises BackupError."""

    def restore(self, file: Path) -> Mapping[str, Any]:
        """Put a backup in the place of a corpus that is not there yet, and check all of it; returns
        what it holds. Raises BackupError or CorpusDamaged.
        """

    def sparing_writer(self) -> AbstractContextManager[Writer]:
        """A writer for a removal that takes as little room as possible, as the disk is full: commit
        after each document.
        """

    def erase(self) -> list[str]:
        """Leave no byte of what was removed behind; returns the names of the backups that had to go
        for that. Raises CorpusUnwritable.
        """
