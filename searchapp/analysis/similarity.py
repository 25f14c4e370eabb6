"""How near texts are to one another: cosines of all with all, and pairs of a corpus above a bound.
Pure, in float64.

Pairs are found block by block, so that memory does not grow with the square of the corpus.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from searchapp.linalg import clipped, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types.vectors import Vectors

BLOCK = 2048  # rows


class SimilarPair(NamedTuple):
    """Two rows, the first the lower, and their cosine."""

    cosine: float
    first: int
    second: int


def cosines(a: Vectors, b: Vectors) -> NDArray[np.float64]:
    """The cosine of each row of a with each of b, (n, m); 0 for a row of zeros."""
    return clipped(unit(np.asarray(a, np.float64)) @ unit(np.asarray(b, np.float64)).T)


def pairs_above(
    vectors: Vectors,
    bound: float,
    *,
    limit: int,
    groups: NDArray[np.int64] | None = None,
    block: int = BLOCK,
) -> tuple[list[SimilarPair], int]:
    """The nearest pairs of rows with a cosine of `bound` or more, nearest first, at most `limit`;
    and how many there are in all.

    With `groups`, (n,), only pairs of different groups. Ties in the order of the rows. `block` rows
    are compared with as many at a time.
    """
    pairs: list[tuple[float, int, int]] = []
    count = 0
    for cosine, first, second in _above(vectors, bound, groups, block):
        count += 1
        entry = (cosine, -first, -second)
        if len(pairs) < limit:
            heapq.heappush(pairs, entry)
        elif limit:
            heapq.heappushpop(pairs, entry)
    return [
        SimilarPair(cosine, -first, -second)
        for cosine, first, second in sorted(pairs, reverse=True)
    ], count


def _above(
    vectors: Vectors, bound: float, groups: NDArray[np.int64] | None, block: int
) -> Iterator[tuple[float, int, int]]:
    for start in range(0, len(vectors), block):
        rows = vectors[start : start + block]
        for other in range(start, len(vectors), block):
            # (b, c) float32: proposes; float64 decides
            rough = rows @ vectors[other : other + block].T
            near = np.argwhere(rough >= bound - 1e-5)
            for i, j in near.tolist():
                first, second = start + i, other + j
                if first >= second or (groups is not None and groups[first] == groups[second]):
                    continue
                exact = vectors[first].astype(np.float64) @ vectors[second].astype(np.float64)
                cosine = float(clipped(exact))
                if cosine >= bound:
                    yield cosine, first, second
