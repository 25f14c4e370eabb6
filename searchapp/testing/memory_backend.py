"""A Backend of dictionaries and NumPy, with the promises of the one in a folder but durability,
check and backup. Knows nothing of files or databases.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from searchapp.errors import CorpusLocked
from searchapp.linalg import are_unit
from searchapp.search.stemming import languages_to_stem
from searchapp.testing.memory_reader import MemoryReader
from searchapp.testing.memory_state import MemoryDocument, MemoryState, entries_within, outside
from searchapp.types.digests import text_digest
from searchapp.types.documents import (
    Document,
    KnownFile,
    Label,
    Passage,
    PendingDocument,
    Root,
    Source,
    Unindexed,
    is_within,
)
from searchapp.types.languages import language_in
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types.vectors import Vector, Vectors


class MemoryBackend:
    """A Backend of dictionaries and NumPy, with the same promises as the local one but
    durability.
    """

    _named: ClassVar[dict[str, MemoryBackend]] = {}

    def __init__(self) -> None:
        self.state = MemoryState()
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
    """The writer of a MemoryBackend; implements `protocols.Writer`."""

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
                    self._state, roots=outside(self._state.roots, root.path) | {root.path: root}
                )
            )

    def forget_roots(self, within: bytes) -> None:
        """Forget a root and all roots below it."""
        kept = outside(self._state.roots, within)
        if len(kept) < len(self._state.roots):
            self._change(replace(self._state, roots=kept))

    def exclusions(self) -> list[bytes]:
        """The files and folders that were removed for good, by path."""
        return sorted(self._state.exclusions)

    def set_exclusions(self, paths: Iterable[bytes]) -> None:
        """Have ingests leave out these files and folders, in place of those before."""
        after = frozenset(paths)
        if after != self._state.exclusions:
            self._change(replace(self._state, exclusions=after))

    def set_setting(self, name: str, value: str | None) -> None:
        """Have the corpus do something otherwise than by default; None: as by default again."""
        if self._state.settings.get(name) == value:
            return
        others = {key: setting for key, setting in self._state.settings.items() if key != name}
        self._change(
            replace(self._state, settings=others if value is None else others | {name: value})
        )

    def known_files(self, within: Iterable[bytes] | None = None) -> dict[bytes, KnownFile]:
        """The sources of the documents, of those at or below the given paths where some are given,
        by path.
        """
        files = (
            KnownFile(one.id, one.source, one.document.type, one.rows is None, one.is_stale)
            for one in self._state.documents.values()
        )
        return entries_within({known.source.path: known for known in files}, within)

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
        return self._state.vectors_by_digest(digests)

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
        others = {i: one for i, one in state.documents.items() if one.source.path != source.path}
        former = (one for one in state.documents.values() if one.source.path == source.path)
        said = tuple(label for one in former for label in one.labels if label.origin == "hand")
        new = MemoryDocument(
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
                documents=others | {new.id: new},
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
        pending: list[PendingDocument] = []
        left = characters
        for document_id, one in sorted(self._state.documents.items()):
            if one.rows is not None or document_id <= after:
                continue
            if left is not None:
                left -= len(one.document.text)
                if pending and left < 0:
                    break
            pending.append(
                PendingDocument(
                    document_id,
                    one.texts,
                    tuple(text_digest(fingerprint, text) for text in one.texts),
                )
            )
        return pending

    def has_pending(self) -> bool:
        """Whether any document still needs vectors."""
        return any(one.rows is None for one in self._state.documents.values())

    def pending_characters(self) -> int:
        """The length of all documents that still need vectors."""
        pending = (one for one in self._state.documents.values() if one.rows is None)
        return sum(len(one.document.text) for one in pending)

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
        return entries_within(self._state.unindexed, within)

    def set_unindexed(self, scopes: Iterable[bytes], files: Iterable[Unindexed]) -> None:
        """Record what is not indexed below the given paths, in place of what was recorded there."""
        rows = {file.path: file for file in files}
        for scope in scopes:
            kept = outside(self._state.unindexed, scope)
            after = kept | {path: file for path, file in rows.items() if is_within(path, scope)}
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
        said = Counter(language_in(one.document.metadata) for one in self._state.documents.values())
        languages = languages_to_stem(said, self._state.stemmed_languages)
        if languages != self._state.stemmed_languages:
            self._change(replace(self._state, stemmed_languages=languages))
        self.commit()
        self._state = self._backend.state = replace(self._state, ingested_at_ns=time.time_ns())
        return self._state.generation

    def close(self) -> None:
        """Drop what was not committed and let another writer in."""
        self._state, self._is_changed = self._backend.state, False
        self._backend.is_locked = False

    def _stored(self, document_id: int) -> MemoryDocument:
        if document_id not in self._state.documents:
            raise ValueError(f"there is no document {document_id}")
        return self._state.documents[document_id]

    def _put(self, one: MemoryDocument) -> None:
        self._change(replace(self._state, documents={**self._state.documents, one.id: one}))

    def _change(self, state: MemoryState) -> None:
        self._state = state
        self._is_changed = True


def _rounded(vectors: Vectors, passages: int, dim: int) -> NDArray[np.float64]:
    """The rows as a backend stores them, (n, dim). Raises ValueError for rows of another shape, not
    finite or not unit.
    """
    if vectors.shape != (passages, dim):
        raise ValueError(f"vectors must be of shape {(passages, dim)}, not {vectors.shape}")
    if not are_unit(vectors):
        raise ValueError("vectors must be finite and of unit length")
    return vectors.astype(np.float16).astype(np.float64)
