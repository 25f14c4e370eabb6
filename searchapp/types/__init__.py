"""The values that travel through searchapp, and the two seams: Encoder and Backend.

Everything here is frozen and knows nothing of files, databases or models. Text offsets are code
points into `Document.text`; lines and pages count from 1; vectors are float32, C-contiguous rows of
unit length.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector: TypeAlias = NDArray[np.float32]  # (dim,), unit length
    Vectors: TypeAlias = NDArray[np.float32]  # (n, dim), rows of unit length
    Ids: TypeAlias = NDArray[np.int64]  # (n,), passage ids
    Scores: TypeAlias = NDArray[np.float32]  # (n,), cosine, bigger is better

Device: TypeAlias = Literal[
    "auto", "cpu", "cuda"
]  # where passages are embedded; auto: a GPU where there is one
BlockKind: TypeAlias = Literal["heading", "prose", "list", "code", "table"]
Outcome: TypeAlias = Literal["indexed", "unchanged", "moved", "removed", "skipped", "failed"]
Span: TypeAlias = tuple[int, int]
Place: TypeAlias = tuple[
    tuple[str, int | str], ...
]  # where in its file, coarse before fine: (("sheet", "Costs"), ("row", 12))

RANGED = frozenset(
    {"row", "cell", "time", "line"}
)  # parts of a place that a passage may span: it has row_start and row_end


# ---- from a file to passages ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What `stat` says of a file; equal identities mean that it need not be read again."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileIdentity:
        """The identity in a `stat` result, each number cut at the 63 bits that a database holds."""
        numbers = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        return cls(*(min(number, 2**63 - 1) for number in numbers))


@dataclass(frozen=True, slots=True)
class Block:
    """One structural unit of a document: `text[start:end]`; blocks are in order and do not overlap.

    `headings` is the path of headings above it, outermost first, without the document's title. A
    block of kind "heading" carries the path above itself; its own text is not in it. `place` says
    where in its file the block stands, as far as the format has places: a page, a slide, a sheet
    and a row, a cell, a time. Only what is in RANGED may differ within a passage.
    """

    start: int
    end: int
    kind: BlockKind
    headings: tuple[str, ...] = ()
    place: Place = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One source reduced to text, with its structure.

    `title` comes from the content, never from the file's name, and is "" where the content has
    none. `has_lines` says that the lines of `text` are the lines of the source, so that a line
    number means something to its owner.
    """

    text: str
    # "txt", "md", "html", "pdf", "docx", "eml", "py"...: the format's usual ending, lower case
    type: str
    title: str = ""
    blocks: tuple[Block, ...] = ()
    has_lines: bool = True
    metadata: Mapping[str, str] = field(
        default_factory=dict
    )  # author, date (ISO 8601), language...; several values joined by "; "


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of a document, `text[start:end]`, that fits the encoder together with its heading
    path (title first).

    `place` is that of its blocks, with the first and last of each part that it spans: (("sheet",
    "Costs"), ("row_start", 12), ("row_end", 15)); line_start and line_end where the document has
    lines.
    """

    start: int
    end: int
    headings: tuple[str, ...] = ()
    place: Place = ()


def embedded_text(headings: Sequence[str], body: str) -> str:
    """Exactly what is embedded for a passage: its heading path, title first, a line each, then the
    passage.
    """
    return "\n".join((*headings, body))


# ---- seam 1: Encoder -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """Which encoder made a corpus. Equal fingerprints mean equal vectors."""

    model: str  # "default", a folder or a hub name: how to find it again
    fingerprint: (
        str  # SHA-256, hex, over weights, tokenizer, config, pooling, normalisation, limit, prompts
    )
    dim: int
    max_tokens: int  # content tokens, special tokens not counted


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The last hidden states of one text, special tokens included; their mean, normalised, is the
    text's vector.
    """

    offsets: tuple[Span, ...]  # (t,) code points into the text; (0, 0) for special tokens
    states: Vectors  # (t, dim), not of unit length


@dataclass(frozen=True, slots=True, eq=False)
class Inside:
    """All that a model makes of one text, special tokens included: t tokens through its layers."""

    tokens: tuple[str, ...]  # (t,) as the vocabulary has them
    offsets: tuple[Span, ...]  # (t,) code points into the text; (0, 0) for special tokens
    hidden_states: NDArray[np.float32]  # (layers + 1, t, width); 0: what the first layer is given
    attentions: NDArray[
        np.float32
    ]  # (layers, heads, t, t): how much each token, a row, takes from each; rows add up to 1


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


# ---- seam 2: Backend -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document came from, and how to tell whether it changed."""

    path: bytes  # absolute
    identity: FileIdentity
    content_hash: bytes  # BLAKE2b-256 of the file's bytes
    hashed_at_ns: int  # when they were read; 0: read them again
    extractor: str = ""  # "md/1": extractor and version
    splitter: str = ""  # "1"


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What the corpus remembers of a document's source, so that an unchanged file costs a stat."""

    document_id: int
    source: Source
    type: str
    is_pending: bool
    is_stale: bool  # the file could not be read since; its last good version is kept


@dataclass(frozen=True, slots=True)
class Unindexed:
    """A file seen by the last ingest that is no document, and why; an ignored folder counts all its
    files.

    It was left out, or it only holds documents, as an archive does: then its outcome is "indexed".
    `source` is there where it was read, so that it need not be read again before it or its
    extractor changes.
    """

    path: bytes
    outcome: Outcome  # "skipped", "failed" or "indexed"
    reason: str
    files: int = 1
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Root:
    """A folder or file that was ingested and is refreshed by `ingest` without a path."""

    path: bytes
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


MEMBER = (
    b"!/"  # between a container's path and a member's path within it: mail.zip!/2024/report.pdf
)


def is_within(path: bytes, folder: bytes) -> bool:
    """Whether a path is the folder itself or anything below it; the members of an archive are below
    it.
    """
    return path == folder or path.startswith((folder.rstrip(b"/") + b"/", folder + MEMBER))


def above(path: bytes) -> Iterator[bytes]:
    """The path itself and all folders and containers that it may be in, innermost first."""
    while path:
        yield path
        if path.endswith(b"!"):
            yield path[:-1]
        path = path.rpartition(b"/")[0]


def containers_of(path: bytes) -> Iterator[bytes]:
    """The paths that may be containers of a path, outermost first; a folder's name may look like
    one's.
    """
    parts = path.split(MEMBER)
    for depth in range(1, len(parts)):
        yield MEMBER.join(parts[:depth])


Origin: TypeAlias = Literal[
    "hand", "classifier", "descriptions"
]  # who says so; descriptions: nearest to what a label's says


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """What a document is called by a person, or by a classifier, which says how sure it is."""

    name: str
    origin: Origin = "hand"
    probability: float | None = None  # of a classifier that was trained


@dataclass(frozen=True, slots=True)
class PendingDocument:
    """A stored document whose vectors are still missing: its id, the exact texts to embed, in
    order, and their digests.
    """

    document_id: int
    texts: tuple[str, ...]
    digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or a phrase of several in a row, in any part of a passage or in its document's title
    alone.
    """

    words: tuple[str, ...]
    is_title: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents may answer, and which of their passages; empty filters let all pass."""

    within: tuple[str, ...] = ()  # any of them; what is no path in the corpus is a glob
    outside: tuple[str, ...] = ()  # none of them
    types: tuple[str, ...] = ()  # any of them
    where: tuple[
        tuple[str, str], ...
    ] = ()  # all of them: metadata's name and its value, as `records.is_value` compares it
    since_ns: int | None = None  # document's own date, else the file's mtime; inclusive, unix ns
    before_ns: int | None = None  # exclusive
    labels: tuple[str, ...] = ()  # any of them
    holding: tuple[Term, ...] = ()  # all of them, of a passage
    lacking: tuple[Term, ...] = ()  # none of them, of a passage


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


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """What a corpus is like as a whole: what a cosine in it has to be read against."""

    scale: float  # the median cosine of a passage to the nearest one of another document
    mean: Vector  # (dim,), of the passages' vectors, not of unit length


class Address(NamedTuple):
    """Where a passage stands; addresses are ordered as ties are broken, by path bytes,
    then start.
    """

    path: bytes
    start: int
    document_id: int
    passages: int  # how many the document has


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage as the backend stores it, ready to be shown."""

    passage_id: int
    document_id: int
    path: bytes
    title: str
    type: str
    passage: Passage
    text: str  # the passage's text


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

    def repair(self, find_encoder: Callable[[], EncoderIdentity | None]) -> Salvage:
        """Keep what is as it was written, and say what is not; `find_encoder` counts where the
        record of the encoder is damaged.
        """


# ---- answers and reports -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LegScore:
    """What one leg said of a match."""

    score: float
    rank: int  # from 1


@dataclass(frozen=True, slots=True)
class WordShare:
    """What one word of a passage, or one other token, adds to its cosine; start and end within the
    passage.
    """

    start: int
    end: int
    share: float


@dataclass(frozen=True, slots=True)
class CosineShares:
    """A passage's cosine as the sum of what its special tokens, its heading path and each of its
    words add; shares may be negative.
    """

    cosine: float  # recomputed from the token states; the shares add up to it
    special: float
    headings: float
    words: tuple[WordShare, ...]  # in order


@dataclass(frozen=True, slots=True)
class Match:
    """A passage that answers a query."""

    rank: int  # from 1
    score: float
    cosine: float | None  # None where the vectors were not looked at, or the passage has none yet
    legs: Mapping[str, LegScore]
    hit: Hit
    copies: tuple[
        bytes, ...
    ] = ()  # paths of documents that hold nearly the same passage, not shown themselves
    parts: Mapping[str, float] = field(
        default_factory=dict
    )  # what adds up to the score, by what earned it
    confidence: float | None = None
    sentence: Span | None = (
        # within hit.text: the one that earned the match, where that was asked for and there is a
        # choice
        None
    )
    shares: CosineShares | None = (
        None  # what each word adds to the cosine, where that was asked for and can be told
    )
    highlights: tuple[
        tuple[int, int, float], ...
    ] = ()  # start, end within hit.text, weight in (0, 1]


@dataclass(frozen=True, slots=True)
class Answer:
    """The matches of a query and what they rest on."""

    query: str
    mode: str
    legs: tuple[str, ...]
    generation: int
    matches: tuple[Match, ...]
    took_ms: float
    pending: int = 0  # documents without vectors, not searched
    stale: int = (
        0  # documents whose file could not be read since, or made by an older extractor or splitter
    )
    is_approximate: bool = False
    notes: tuple[str, ...] = ()  # what was done otherwise than expected, for people
    stages_s: Mapping[str, float] = field(
        default_factory=dict, compare=False
    )  # where the time went


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file (or, with `files` > 1, of one ignored folder)."""

    path: bytes
    outcome: Outcome
    reason: str = ""
    files: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What an ingest did, file by file."""

    generation: int
    took_s: float
    files: tuple[FileOutcome, ...]
    passages_embedded: int = 0
    passages_reused: int = 0
    was_interrupted: bool = False
    notes: tuple[str, ...] = ()
    stages_s: Mapping[str, float] = field(
        default_factory=dict, compare=False
    )  # where the time went, by stage of the main thread
    encoder_busy_s: float = 0.0  # how long the encoder was at work beside it

    def counts(self) -> dict[str, int]:
        """How many files had each outcome."""
        counts: dict[str, int] = {}
        for entry in self.files:
            counts[entry.outcome] = counts.get(entry.outcome, 0) + entry.files
        return counts


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is; a file is done once its vectors are stored."""

    files_done: int
    files_total: int
    passages: int  # embedded or reused so far
    took_s: float  # since the encoder was ready
    left_s: float  # what the rest takes, infinite while nothing tells

    @property
    def share(self) -> float:
        """The part of the work that is done, from 0 to 1."""
        return self.took_s / (self.took_s + self.left_s) if self.took_s + self.left_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as `list` shows it."""

    path: bytes
    title: str
    type: str
    passages: int
    size: int  # bytes of the file
    modified_ns: int
    is_pending: bool
    is_stale: bool
    labels: tuple[Label, ...] = ()  # by name


@dataclass(frozen=True, slots=True)
class Status:
    """A corpus at a glance."""

    path: str
    generation: int
    documents: int
    passages: int
    pending: int
    stale: int
    outdated: int  # documents made by an older extractor or splitter
    encoder: EncoderIdentity | None
    roots: tuple[Root, ...]
    unindexed: tuple[Unindexed, ...]
    database_bytes: int
    vectors_bytes: int  # of the vectors file, 0 where there is none
    vectors_state: str  # "current", "behind by N passages", "missing", "damaged", "none yet"
    ingested_at_ns: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `check` found wrong."""

    what: str
    path: bytes = b""
    is_lost: bool = False  # true where no source is left to repair from
    is_of_cache: bool = False  # true of the vectors file, which the next ingest makes anew


@dataclass(slots=True)
class Salvage:
    """What became of a damaged corpus, and what is still to be done."""

    backup: str = ""  # the folder that has the database as it was found
    documents: int = 0  # that were kept
    to_embed: int = 0  # of them, because their vectors were damaged
    to_read: list[bytes] = field(
        default_factory=list
    )  # paths of documents that were damaged, and whose files stand
    labels: dict[bytes, list[Label]] = field(
        default_factory=dict
    )  # what those were labelled by hand, by path
    lost: list[bytes] = field(
        default_factory=list
    )  # paths of those whose files are gone; b"" where not even that can be read
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps the program from working as it should, and its cure."""

    what: str
    hint: str = ""


@dataclass(slots=True)
class Diagnosis:
    """What `doctor` has seen: facts with their names, by section, and what is wrong."""

    sections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One mode's figures on one collection. `run` has each question's best documents with their
    scores, best first.
    """

    collection: str
    mode: str
    queries: int
    ndcg_at_10: float
    recall_at_100: float
    mrr_at_10: float
    query_ms: float  # median
    query_ms_p95: float  # 95th percentile
    run: Mapping[str, Sequence[tuple[str, float]]]
    ndcgs: Mapping[str, float]  # nDCG@10 of each question
    weight: float | None = None  # of the keyword leg, where one was asked for

    @property
    def label(self) -> str:
        """What tells it from the others."""
        return label_of(self.mode, self.weight)


def label_of(mode: str, weight: float | None) -> str:
    """A mode, with the keyword leg's weight where one was asked for: "hybrid", "hybrid w=.3"."""
    return mode if weight is None else f"{mode} w={weight:g}".replace("=0.", "=.")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two evaluations of the same questions differ, and how likely chance alone makes such a
    difference.
    """

    a: str  # labels
    b: str
    ndcg_at_10: float  # b's minus a's
    p: float
    queries: int
