"""From scored passages to the matches that are shown. Pure: arrays in, choices out; knows neither SQL nor models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from searchapp.types import Ids, Scores, Span, TokenVectors, Vector

MODES = ("cosine",)


def choose(scores: Scores, documents: Ids | None, *, k: int, per_document: int | None, min_score: float | None) -> list[int]:
    """The positions of the first k passages, best first, that reach the score, with at most `per_document` of a document.

    `scores` is in descending order; `documents` (n,) is needed only with `per_document`.
    """
    taken: Counter[int] = Counter()
    chosen: list[int] = []
    for position, score in enumerate(scores.tolist()):
        if len(chosen) == k or (min_score is not None and score < min_score):
            break
        if per_document is not None and documents is not None:
            document = int(documents[position])
            taken[document] += 1
            if taken[document] > per_document:
                continue
        chosen.append(position)
    return chosen


def best_sentence(sentences: Sequence[Span], tokens: TokenVectors, query: Vector, *, offset: int) -> Span | None:
    """The sentence nearest to the query: its own tokens' states, in the passage's context, averaged and compared by cosine.

    `sentences` are spans of the passage, which begins `offset` code points into the embedded text. None where there is no
    choice to make: fewer than two sentences hold a token.
    """
    starts = np.array([start for start, _ in tokens.offsets])  # (t,)
    has_text = np.array([end > start for start, end in tokens.offsets])  # (t,) false for special tokens
    scored: list[tuple[float, Span]] = []
    for start, end in sentences:
        inside = has_text & (starts >= start + offset) & (starts < end + offset)  # (t,)
        if inside.any():
            mean = tokens.states[inside].mean(axis=0)  # (dim,)
            scored.append((float(mean @ query / max(float(np.linalg.norm(mean)), 1e-12)), (start, end)))
    if len(scored) < 2:
        return None
    return max(scored, key=lambda pair: (pair[0], -pair[1][0]))[1]
