"""A corpus in memory whose vectors are given by hand, and its map: passages of few numbers, so that
places can be told in the head.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing

import numpy as np

from searchapp.analysis.corpus_map import CorpusMap, map_corpus
from searchapp.testing import MemoryBackend
from searchapp.types.documents import Document, FileIdentity, Label, Passage, Place, Source
from searchapp.types.filters import Filters
from searchapp.types.vectors import EncoderIdentity

Paragraphs = Sequence[
    tuple[str, Sequence[float]]
]  # each with its vector, which is made unit length


class Atlas:
    """Documents with their paragraphs, a passage each under the title; without vectors where those
    are left out.
    """

    def __init__(self, dim: int) -> None:
        self.backend = MemoryBackend()
        self._dim = dim
        with closing(self.backend.writer()) as writer:
            writer.set_encoder(EncoderIdentity("default", "0" * 64, dim, 100))
            writer.commit()

    def put(
        self,
        path: str | bytes,
        paragraphs: Paragraphs,
        *,
        title: str = "",
        kind: str = "md",
        labels: Sequence[Label] = (),
        place: Place = (),
        is_pending: bool = False,
    ) -> None:
        """Store a document."""
        text, passages = "", []
        for paragraph, _ in paragraphs:
            passages.append(
                Passage(len(text), len(text) + len(paragraph), (title,) if title else (), place)
            )
            text += f"{paragraph}\n\n"
        rows = np.array([vector for _, vector in paragraphs], np.float32).reshape(-1, self._dim)
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        source = Source(
            os.fsencode(path), FileIdentity(len(text), 0, 0, 0), b"\0" * 32, 0, f"{kind}/1", "1"
        )
        with closing(self.backend.writer()) as writer:
            number = writer.replace(
                source, Document(text, kind, title), passages, vectors=None if is_pending else unit
            )
            writer.set_labels(number, labels)
            writer.commit()

    def map(self, filters: Filters = Filters(), **options: object) -> CorpusMap:  # noqa: B008 - it is frozen
        """The map of it, by PCA unless the options say otherwise: UMAP takes long to load."""
        with closing(self.backend.reader()) as reader:
            return map_corpus(reader, filters, **{"method": "pca"} | options)  # type: ignore[arg-type]


def atlas_of(paths: Mapping[str, Paragraphs], dim: int = 2) -> Atlas:
    """A corpus of documents at these paths."""
    made = Atlas(dim)
    for path, paragraphs in paths.items():
        made.put(path, paragraphs)
    return made
