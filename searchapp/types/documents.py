"""From a file to passages, and back from a passage to its file. Frozen values that know nothing of
files, databases or models. Text offsets are code points into `Document.text`; lines and pages count
from 1.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from searchapp.types.vectors import Vectors

BlockKind: TypeAlias = Literal["heading", "prose", "list", "code", "table"]


Outcome: TypeAlias = Literal["indexed", "unchanged", "moved", "removed", "skipped", "failed"]


Span: TypeAlias = tuple[int, int]


# where in its file, coarse before fine: (("sheet", "Costs"), ("row", 12))
Place: TypeAlias = tuple[tuple[str, int | str], ...]


# parts of a place that a passage may span: it has row_start and row_end
RANGED = frozenset({"row", "cell", "time", "line"})


class FileIdentity(NamedTuple):
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


# names in `Document.metadata` of what a reader says of its own work, not the document of itself
READER_METADATA = frozenset({"incomplete", "left_out"})


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
    # author, date (ISO 8601), language...; several values joined by "; "
    metadata: Mapping[str, str] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document came from, and how to tell whether it changed."""

    path: bytes  # absolute
    identity: FileIdentity
    content_hash: bytes  # BLAKE2b-256 of the file's bytes
    hashed_at_ns: int  # when they were read; 0: read them again
    extractor: str = ""  # "md/1": extractor and version
    splitter: str = ""  # "1"


class KnownFile(NamedTuple):
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
    is_passing: bool = False  # for want of time or memory: not stored, as `ingest.retries` says


class Root(NamedTuple):
    """A folder or file that was ingested and is refreshed by `ingest` without a path."""

    path: bytes
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def with_secrets(self) -> bool:
        """Whether its secrets are read, too."""
        return WITH_SECRETS in self.exclude


# a pattern of --exclude that takes secrets in; it matches no path
WITH_SECRETS = "!:(secrets)"


# between a container's path and a member's path within it: mail.zip!/2024/report.pdf
MEMBER = b"!/"


def is_within(path: bytes, folder: bytes) -> bool:
    """Whether a path is the folder itself or anything below it; the members of an archive are below
    it.
    """
    return path == folder or path.startswith((folder.rstrip(b"/") + b"/", folder + MEMBER))


def above(path: bytes) -> Iterator[bytes]:
    """The path itself and all folders and containers that it may be in, innermost first."""
    is_cut = False
    while path:
        yield path
        if is_cut and path.endswith(b"!"):
            yield path[:-1]
        path, is_cut = path.rpartition(b"/")[0], True


def is_in_any(path: bytes, folders: Container[bytes]) -> bool:
    """`is_within` of any of many folders."""
    return any(place in folders for place in above(path)) or b"/" in folders


def containers_of(path: bytes) -> Iterator[bytes]:
    """The paths that may be containers of a path, outermost first; a folder's name may look like
    one's.
    """
    parts = path.split(MEMBER)
    for depth in range(1, len(parts)):
        yield MEMBER.join(parts[:depth])


# who says so; descriptions: nearest to what a label's says
Origin: TypeAlias = Literal["hand", "classifier", "descriptions"]


class Label(NamedTuple):
    """What a document is called by a person, or by a classifier, which says how sure it is."""

    name: str
    origin: Origin = "hand"
    probability: float | None = None  # of a classifier that was trained


class PendingDocument(NamedTuple):
    """A stored document whose vectors are still missing: its id, the exact texts to embed, in
    order, and their digests.
    """

    document_id: int
    texts: tuple[str, ...]
    digests: tuple[bytes, ...]


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

    @property
    def embedded(self) -> str:
        """Exactly what is embedded for the passage; its own text begins at `offset`."""
        return embedded_text(self.passage.headings, self.text)

    @property
    def offset(self) -> int:
        """Where the passage's own text begins in what is embedded for it."""
        return len(embedded_text(self.passage.headings, ""))


class DocumentRow(NamedTuple):
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
    dated_ns: int = 0  # when it is from: its own date, else its file's
    id: int = 0  # in its corpus, where it is never used again


class StoredDocument(NamedTuple):
    """A document with all that a corpus stores of it; without vectors it is pending."""

    source: Source
    document: Document  # without its blocks
    passages: tuple[Passage, ...]
    vectors: Vectors | None  # (n_passages, dim), as stored
    labels: tuple[Label, ...] = ()  # by name
