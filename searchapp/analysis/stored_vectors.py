"""The vectors that a corpus holds, a row for each passage or document. Nothing is embedded, and no
model is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from searchapp.analysis.embed_files import EmbeddingRow
from searchapp.search.more_like_this import direction

if TYPE_CHECKING:
    from searchapp.types.documents import StoredDocument
    from searchapp.types.filters import Filters
    from searchapp.types.protocols import Reader
    from searchapp.types.vectors import Vectors


def stored_rows(reader: Reader, filters: Filters, granularity: str) -> Iterator[EmbeddingRow]:
    """A row for each passage of the documents that pass the filters, or for each document with the
    mean of its passages; documents without vectors are left out.
    """
    for stored in reader.stored(filters):
        if stored.vectors is None or not len(stored.vectors):
            continue
        if granularity == "document":
            yield _document_row(stored, stored.vectors)
        else:
            yield from _passage_rows(stored, stored.vectors)


def _document_row(stored: StoredDocument, vectors: Vectors) -> EmbeddingRow:
    document, first = stored.document, stored.passages[0]
    text = document.title or document.text[first.start : first.end]
    mean = direction(vectors.mean(axis=0))
    return EmbeddingRow(os.fsdecode(stored.source.path), 0, len(document.text), text, mean)


def _passage_rows(stored: StoredDocument, vectors: Vectors) -> Iterator[EmbeddingRow]:
    path, text = os.fsdecode(stored.source.path), stored.document.text
    for passage, vector in zip(stored.passages, vectors, strict=True):
        body = text[passage.start : passage.end]
        yield EmbeddingRow(path, passage.start, passage.end, body, vector)


def stacked(rows: list[EmbeddingRow], dim: int) -> Vectors:
    """The vectors of rows, (n, dim)."""
    return np.stack([row.vector for row in rows]) if rows else np.empty((0, dim), np.float32)
