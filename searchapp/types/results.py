"""What the program says: answers, reports, figures and findings. Frozen values."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from searchapp.humanize import place_text
from searchapp.types.documents import (
    DocumentRow,
    Hit,
    Label,
    Outcome,
    Root,
    Span,
    Unindexed,
)
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from searchapp.types.filters import Term
    from searchapp.types.vectors import Ids, Vector


class Background(NamedTuple):
    """What a corpus is like as a whole: what a cosine in it has to be read against."""

    scale: float  # the median cosine of a passage to the nearest one of another document
    mean: Vector  # (dim,), of the passages' vectors, not of unit length


class Occurrences(NamedTuple):
    """Where terms stand in a corpus, and what may be meant by those that stand nowhere."""

    counts: list[int]  # passages that hold each term
    holders: list[Ids]  # of the first terms, the passages that hold each
    meant: Mapping[Term, tuple[str, int]]  # a word one edit away, and how many passages hold it


class LegScore(NamedTuple):
    """What one leg said of a match."""

    score: float
    rank: int  # from 1


class WordShare(NamedTuple):
    """What one word of a passage, or one other token, adds to its cosine; start and end within the
    passage.
    """

    start: int
    end: int
    share: float


class CosineShares(NamedTuple):
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
    # paths of documents that hold nearly the same passage, not shown themselves
    near_duplicates: tuple[bytes, ...] = ()
    # what adds up to the score, by what earned it
    parts: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None
    # within hit.text: the one that earned the match, where that was asked for and there is a choice
    sentence: Span | None = None
    # what each word adds to the cosine, where that was asked for and can be told
    shares: CosineShares | None = None
    # start, end within hit.text, weight in (0, 1]
    highlights: tuple[tuple[int, int, float], ...] = ()

    @property
    def path(self) -> Path:
        """The file, or archive member ("mail.zip!/2024/report.pdf"), that the passage stands in."""
        return Path(os.fsdecode(self.hit.path))

    @property
    def title(self) -> str:
        """The document's title, "" where it has none."""
        return self.hit.title

    @property
    def text(self) -> str:
        """The passage."""
        return self.hit.text

    @property
    def location(self) -> str:
        """Where in the file the passage stands: "p. 46", "Costs, rows 12-15", "lines 3-9"; "" for
        the whole of it.
        """
        return place_text(self.hit.passage.place)

    @property
    def passage_id(self) -> int:
        """The passage's id in its corpus, which is never used again."""
        return self.hit.passage_id


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
    # documents whose file could not be read since, or made by an older extractor or splitter
    stale: int = 0
    is_approximate: bool = False
    notes: tuple[str, ...] = ()  # what was done otherwise than expected, for people
    corpus_id: str = field(default="", compare=False)  # of the corpus that gave it
    # how the best documents are spread: values and counts by facet, where that was asked for
    facets: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)
    # where the time went
    stages_s: Mapping[str, float] = field(default_factory=dict, compare=False)


class OpenDocument(NamedTuple):
    """A document as it stands in a generation of its corpus, without its text."""

    row: DocumentRow
    metadata: Mapping[str, str]
    generation: int
    content_hash: bytes  # BLAKE2b-256 of the file, or member of one, that it was read from
    corpus_id: str = ""


class PassageContext(NamedTuple):
    """A passage where it stands: between its neighbours, in its document."""

    hit: Hit
    before: tuple[Hit, ...]  # in the order of the text
    after: tuple[Hit, ...]
    document: OpenDocument


class PageBoxes(NamedTuple):
    """A page of a PDF as it is seen, in points, and where on it a passage stands."""

    width: float
    height: float
    # left, top, right, bottom of each part of a line, from the top left corner of the page
    boxes: tuple[tuple[float, float, float, float], ...]
    pages: int  # how many the document has


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file; with `files` > 1 of one ignored folder, with 0 of a root that is
    missing.
    """

    path: bytes
    outcome: Outcome
    reason: str = ""
    files: int = 1
    # of an archive or a mail: no file of its own on the disk
    is_member: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did, file by file."""

    generation: int
    took_s: float
    files: tuple[FileOutcome, ...]
    passages_embedded: int = 0
    passages_reused: int = 0
    was_interrupted: bool = False
    notes: tuple[str, ...] = ()
    # where the time went, by stage of the main thread
    stages_s: Mapping[str, float] = field(default_factory=dict, compare=False)
    encoder_busy_s: float = 0.0  # how long the encoder was at work beside it

    @property
    def has_failures(self) -> bool:
        """Whether anything could not be read, be it a root that is missing."""
        return any(entry.outcome == "failed" for entry in self.files)

    def counts(self, *, members: bool | None = None) -> dict[str, int]:
        """How many files and members had each outcome, of members only or of files only where that
        is asked for.
        """
        counts: dict[str, int] = {}
        for entry in self.files:
            if entry.files and members in (None, entry.is_member):
                counts[entry.outcome] = counts.get(entry.outcome, 0) + entry.files
        return counts


class Seen(NamedTuple):
    """What a look at the disk has met so far."""

    files: int
    folders: int


class Progress(NamedTuple):
    """How far an ingest is; a file is done once its vectors are stored."""

    files_done: int
    files_total: int
    passages: int  # embedded or reused so far
    took_s: float  # since the encoder was ready
    left_s: float  # what the rest takes, infinite while nothing tells
    # files whose text can be searched, though vectors may still be missing; None: as many as done
    files_read: int | None = None
    seen: Seen | None = None  # while the disk is being looked at, and nothing is known of the rest

    @property
    def share(self) -> float:
        """The part of the work that is done, from 0 to 1."""
        return self.took_s / (self.took_s + self.left_s) if self.took_s + self.left_s > 0 else 0.0


class Status(NamedTuple):
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
    exclusions: tuple[bytes, ...]  # files and folders that were removed for good
    unindexed: tuple[Unindexed, ...]
    database_bytes: int
    vectors_bytes: int  # of the vectors file, 0 where there is none
    vectors_state: str  # "current", "behind by N passages", "missing", "damaged", "none yet"
    ingested_at_ns: int | None
    # documents by the code of their language, "" for those in none
    languages: Mapping[str, int] = MappingProxyType({})


class Finding(NamedTuple):
    """One thing that `check` found wrong."""

    what: str
    path: bytes = b""
    is_lost: bool = False  # true where no source is left to repair from
    is_of_cache: bool = False  # true of the vectors file, which the next ingest makes anew


@dataclass(slots=True)
class RepairReport:
    """What became of a damaged corpus, and what is still to be done."""

    backup: str = ""  # the folder that has the database as it was found
    documents: int = 0  # that were kept
    to_embed: int = 0  # of them, because their vectors were damaged
    # paths of documents that were damaged, and whose files stand
    to_read: list[bytes] = field(default_factory=list)
    # what those were labelled by hand, by path
    labels: dict[bytes, list[Label]] = field(default_factory=dict)
    # paths of those whose files are gone; b"" where not even that can be read
    lost: list[bytes] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Problem(NamedTuple):
    """Something that keeps the program from working as it should, and its cure."""

    what: str
    hint: str = ""


@dataclass(slots=True)
class Diagnosis:
    """What `doctor` has seen: facts with their names, by section, and what is wrong."""

    sections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class Evaluation(NamedTuple):
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


class Comparison(NamedTuple):
    """How two evaluations of the same questions differ, and how likely chance alone makes such a
    difference.
    """

    a: str  # labels
    b: str
    ndcg_at_10: float  # b's minus a's
    p: float
    queries: int
