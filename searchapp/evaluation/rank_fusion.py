"""Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009): what `hybrid` has to beat, as
it knows nothing but ranks. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

_K = 60  # as in the paper


def reciprocal_rank_fusion(*rankings: Sequence[str]) -> list[tuple[str, float]]:
    """The documents of several rankings with their scores, the sum of 1 / (60 + rank) over the
    rankings that have them, best first; ties by name.
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, document in enumerate(ranking, start=1):
            scores[document] = scores.get(document, 0.0) + 1 / (_K + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
