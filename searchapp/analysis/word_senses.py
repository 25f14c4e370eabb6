"""The senses of a word: the places where it occurs, grouped by what it means there.

A word's contextual vectors are near one another where it means the same. They are put together from
the bottom up, always the two groups whose members are nearest on average (UPGMA), and the number of
groups is the one whose silhouette is widest (Rousseeuw 1987); where even the widest is narrow, the
word has one sense here. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from searchapp.linalg import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types.vectors import Vectors

MOST_SENSES = 8
# silhouette, of 1 at most, from which senses are told apart; random directions have .06 at most
_DISTINCT = 0.1


class Sense(NamedTuple):
    """Places of one meaning, the most typical first, and their cohesion: the mean cosine with their
    common direction.
    """

    places: tuple[int, ...]
    cohesion: float


def senses_of(vectors: Vectors) -> list[Sense]:
    """The senses of a word from its unit vectors at n places, (n, dim), the most frequent first;
    every place is in one sense.
    """
    if not len(vectors):
        return []
    labels = _labels(vectors)
    senses = [_sense(vectors, np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return sorted(senses, key=lambda sense: (-len(sense.places), sense.places))


def _labels(vectors: Vectors) -> NDArray[np.int64]:
    """A group for each place, (n,)."""
    best, labels = _DISTINCT, np.zeros(len(vectors), np.int64)
    if len(vectors) < 3:
        return labels
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    wide = vectors.astype(np.float64)
    distances = np.clip(1 - wide @ wide.T, 0, 2)
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), "average")
    for count in range(2, min(MOST_SENSES, len(vectors) - 1) + 1):
        proposed = np.asarray(fcluster(tree, count, "maxclust"), np.int64)
        width = _silhouette(distances, proposed)
        if width > best:
            best, labels = width, proposed
    return labels


def _silhouette(distances: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The mean silhouette of all places, from -1 to 1: how much nearer a place is to its own group
    than to the next one; 0 for a place alone in its group.
    """
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    if len(groups) < 2:
        return -1.0
    sums = np.stack([distances[:, group].sum(axis=1) for group in groups], axis=1)  # (n, groups)
    sizes = np.array([len(group) for group in groups])
    own = np.searchsorted(np.unique(labels), labels)  # (n,)
    rows = np.arange(len(labels))
    inside = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    outside = sums / sizes
    outside[rows, own] = np.inf
    nearest = outside.min(axis=1)
    widths = np.where(
        sizes[own] > 1, (nearest - inside) / np.maximum(np.maximum(nearest, inside), 1e-12), 0
    )
    return float(widths.mean())


def _sense(vectors: Vectors, places: NDArray[np.int64]) -> Sense:
    rows = vectors[places].astype(np.float64)
    mean = rows.mean(axis=0)
    near = rows @ unit(mean)  # (p,)
    order = np.lexsort((places, -near))
    return Sense(tuple(int(place) for place in places[order]), float(near.mean()))
