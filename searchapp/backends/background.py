"""A corpus's background: how near its passages lie to passages of other documents, and their mean.

Every backend measures it the same way, at the end of an ingest; `search.confidence` reads cosines
against it. Knows no storage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from searchapp.search.confidence import LEAST_PASSAGES
from searchapp.types.results import Background

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types.vectors import Ids, Vectors

    # documents' first passage ids and vectors, the same each time
    Blocks = Callable[[], Iterable[tuple[int, NDArray[np.float16]]]]


_SAMPLE = 256  # passages whose nearest neighbours are looked for
_BLOCK = 8192  # rows that a sample is compared with at a time
_SCALE = (0.35, 0.80)  # a corpus of strangers, or of near copies, must not carry the scale away


def measure(blocks: Blocks, passages: int, dim: int) -> Background | None:
    """A corpus's background, from its documents' vectors; None where it is too small, or one
    document, to have one.

    A seeded sample of passages, each against all: a pass over the vectors to draw it, another to
    compare. Memory does not grow with the corpus.
    """
    if passages < LEAST_PASSAGES:
        return None
    drawn = np.sort(np.random.default_rng(0).permutation(passages)[:_SAMPLE])
    rows, owners = np.empty((len(drawn), dim), np.float32), np.empty(len(drawn), np.int64)
    for start, documents, vectors in _chunks(blocks):
        inside = (drawn >= start) & (drawn < start + len(vectors))
        rows[inside], owners[inside] = (
            vectors[drawn[inside] - start],
            documents[drawn[inside] - start],
        )
    nearest = np.full(len(drawn), -1.0, np.float32)
    for _, documents, vectors in _chunks(blocks):
        cosines = rows @ vectors.T
        cosines[owners[:, None] == documents[None, :]] = -1
        nearest = np.maximum(nearest, cosines.max(axis=1))
    if (nearest <= -1).all():
        return None
    return Background(
        float(np.clip(np.median(nearest), *_SCALE)), np.ascontiguousarray(rows.mean(axis=0))
    )


def _chunks(blocks: Blocks) -> Iterator[tuple[int, Ids, Vectors]]:
    """All rows in order, some thousands at a time: the position of the first, each one's document,
    and the rows.
    """
    held: list[tuple[int, NDArray[np.float16]]] = []
    start = count = 0
    for first, vectors in blocks():
        held.append((first, vectors))
        count += len(vectors)
        if count >= _BLOCK:
            yield start, *_joined(held)
            start, count, held = start + count, 0, []
    if held:
        yield start, *_joined(held)


def _joined(held: list[tuple[int, NDArray[np.float16]]]) -> tuple[Ids, Vectors]:
    documents = np.repeat(
        np.array([first for first, _ in held], dtype=np.int64),
        [len(vectors) for _, vectors in held],
    )
    return documents, np.concatenate([vectors for _, vectors in held]).astype(np.float32)
