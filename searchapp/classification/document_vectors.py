"""The vectors of what is to be labelled, or learned from: documents of the corpus, other files,
texts.

A document of the corpus has the mean of its stored vectors, another file is read and embedded as
`embed --level document` does, and a text is embedded as a sentence: one way of pooling, and the
corpus's own encoder. Knows neither labels nor classifiers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from searchapp.analysis.embed_files import BATCH, FileEmbedder, read_files
from searchapp.search.more_like_this import direction
from searchapp.types.filters import Filters

if TYPE_CHECKING:
    from searchapp.encoders.encoder import Encoder
    from searchapp.types.protocols import Reader
    from searchapp.types.vectors import Vector, Vectors


class DocumentVector(NamedTuple):
    """A document of the corpus, its vector, (dim,), and the labels that a person gave it."""

    document_id: int
    path: bytes
    vector: Vector
    by_hand: tuple[str, ...]


@dataclass
class VectorSource:
    """Where vectors come from: the corpus that is open, if any, and an encoder for the rest, opened
    when it is first needed.
    """

    reader: Reader | None
    open_encoder: Callable[[], Encoder]
    on_progress: Callable[[int, int], None] = lambda _done, _total: None  # texts
    failed: list[tuple[str, str]] = field(default_factory=list)  # paths without a vector, and why
    cut: int = 0  # texts longer than the model takes

    @cached_property
    def encoder(self) -> Encoder:
        """What embeds texts and files."""
        return self.open_encoder()

    @cached_property
    def ids(self) -> dict[str, int]:
        """The documents of the corpus by path."""
        assert self.reader is not None
        rows, document_ids = self.reader.rows(Filters()), self.reader.document_ids(Filters())
        return {
            os.fsdecode(row.path): document_id
            for row, document_id in zip(rows, document_ids, strict=True)
        }

    def document_of(self, item: str, *, as_path: bool) -> int | None:
        """The document of the corpus at a path, or at what may be one: a single word, so that
        sentences are not looked for.
        """
        if self.reader is None or not (as_path or len(item.split()) == 1):
            return None
        return self.ids.get(os.path.abspath(item))  # noqa: PTH100 - a text may be too long for a path

    def vectors(self, items: Sequence[tuple[str, bool]]) -> tuple[list[int], Vectors]:
        """The vectors of texts, and of the documents or files at paths where that is said, (n,
        dim), and which of the items they are of.
        """
        vectors: dict[int, Vector] = {}
        files: dict[int, str] = {}
        texts: dict[int, str] = {}
        for i, (item, is_path) in enumerate(items):
            document_id = self.document_of(item, as_path=is_path)
            stored = (
                None
                if self.reader is None or document_id is None
                else stored_vector(self.reader, document_id)
            )
            if stored is not None:
                vectors[i] = stored
            elif is_path or document_id is not None:
                files[i] = item
            else:
                texts[i] = item
        by_file = self._of_files(list(dict.fromkeys(files.values())))
        vectors |= {i: by_file[path] for i, path in files.items() if path in by_file}
        vectors |= dict(zip(texts, self._of_texts(list(texts.values())), strict=True))
        there = sorted(vectors)
        return there, np.stack([vectors[i] for i in there]) if there else np.empty(
            (0, 0), np.float32
        )

    def _of_files(self, paths: Sequence[str]) -> dict[str, Vector]:
        """The vectors of files; of one that holds documents, the first one's."""
        vectors: dict[str, Vector] = {}
        there = {path for path in paths if os.path.isfile(path)}  # noqa: PTH113 - the name may be no text
        reasons = {
            path: "no text in it"
            if path in there
            else "no such file, and no document of the corpus"
            for path in paths
        }
        if there:
            embedder = FileEmbedder(self.encoder, "document")
            for row in embedder.rows(read_files(sorted(there))):
                vectors.setdefault(
                    row.source if row.source in there else row.source.partition("!/")[0], row.vector
                )
            reasons |= {source.name: source.reason for source in embedder.failed}
        self.failed += [(path, reason) for path, reason in reasons.items() if path not in vectors]
        return vectors

    def _of_texts(self, texts: Sequence[str]) -> list[Vector]:
        vectors: list[Vector] = []
        for start in range(0, len(texts), BATCH):
            some = texts[start : start + BATCH]
            self.cut += sum(map(self.encoder.is_too_long, some))
            vectors += list(self.encoder.encode_sentences(some, truncate=True))
            self.on_progress(len(vectors), len(texts))
        return vectors


def stored_documents(reader: Reader, filters: Filters) -> tuple[list[DocumentVector], int]:
    """The documents that pass the filters, by path, and how many more are pending and so have no
    vectors yet.
    """
    documents = []
    pending = 0
    for document_id, stored in zip(
        reader.document_ids(filters), reader.stored(filters), strict=True
    ):
        if stored.vectors is None:
            pending += 1
            continue
        vector = direction(stored.vectors.mean(axis=0))
        by_hand = tuple(label.name for label in stored.labels if label.origin == "hand")
        documents.append(DocumentVector(document_id, stored.source.path, vector, by_hand))
    return documents, pending


def stored_vector(reader: Reader, document_id: int) -> Vector | None:
    """The direction of the mean of a document's stored vectors, (dim,); None while it
    is pending.
    """
    _, hits = reader.show(document_id)
    rows = reader.vectors_of(np.array([hit.passage_id for hit in hits], np.int64))
    return None if np.isnan(rows).any() else direction(rows.mean(axis=0))
