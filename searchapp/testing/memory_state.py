"""What the backend in memory holds: one generation of a corpus, as values that never change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from searchapp.types.digests import text_digest
from searchapp.types.documents import (
    Document,
    Hit,
    Label,
    Passage,
    Root,
    Source,
    Unindexed,
    embedded_text,
    is_within,
)
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from searchapp.types.vectors import Vector

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, eq=False)
class MemoryDocument:
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
        """The texts of its passages exactly as embedded."""
        return tuple(
            embedded_text(p.headings, self.document.text[p.start : p.end]) for p in self.passages
        )

    def hit(self, ordinal: int) -> Hit:
        """One of its passages, ready to be shown."""
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
class MemoryState:
    """One generation, never changed: a commit puts another in its place, and readers
    keep theirs.
    """

    generation: int = 0
    corpus_id: str = field(default_factory=lambda: uuid4().hex)
    encoder: EncoderIdentity | None = None
    roots: Mapping[bytes, Root] = field(default_factory=dict)
    exclusions: frozenset[bytes] = frozenset()
    stemmed_languages: frozenset[str] = frozenset()
    documents: Mapping[int, MemoryDocument] = field(default_factory=dict)
    unindexed: Mapping[bytes, Unindexed] = field(default_factory=dict)
    next_document_id: int = 1
    next_passage_id: int = 1
    ingested_at_ns: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    def vectors_by_digest(self, digests: Iterable[bytes]) -> dict[bytes, Vector]:
        """The stored vectors of texts, by the digest of the text exactly as embedded."""
        wanted = set(digests)
        fingerprint = self.encoder.fingerprint if self.encoder else ""
        return {
            digest: row.astype("f4")
            for one in self.documents.values()
            for text, row in zip(one.texts, [] if one.rows is None else one.rows, strict=False)
            if (digest := text_digest(fingerprint, text)) in wanted
        }


def entries_within(
    entries: Mapping[bytes, _Item], places: Iterable[bytes] | None
) -> dict[bytes, _Item]:
    """The entries whose paths are at or below one of the places; all where no places are given."""
    roots = None if places is None else list(places)
    return {
        path: entry
        for path, entry in entries.items()
        if roots is None or any(is_within(path, root) for root in roots)
    }


def outside(items: Mapping[bytes, _Item], folder: bytes) -> dict[bytes, _Item]:
    """The entries whose paths are neither the folder nor below it."""
    return {path: item for path, item in items.items() if not is_within(path, folder)}
