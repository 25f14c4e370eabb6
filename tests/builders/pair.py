"""Pairs of texts whose states and attention are given, so that shares can be computed in the head."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from searchapp.analysis.pair_attribution import (
    PairAttribution,
    compare,
)
from searchapp.types.vectors import ForwardPass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from searchapp.types.documents import Span


def inside(
    text: str,
    states: Sequence[Sequence[float]],
    *,
    attention: Sequence[Sequence[float]] | None = None,
) -> ForwardPass:
    """A text of words with blanks between them, a token each, between two special tokens; `states`
    has a row for every token.
    """
    spans: list[Span] = [
        (0, 0),
        *((match.start(), match.end()) for match in re.finditer(r"\S+", text)),
        (0, 0),
    ]
    tokens = ("[CLS]", *text.split(), "[SEP]")
    between = (
        np.full((len(spans), len(spans)), 1 / len(spans))
        if attention is None
        else np.array(attention)
    )
    return ForwardPass(
        tokens, tuple(spans), np.array([states], np.float32), between[None, None].astype(np.float32)
    )


def pair_of(*texts: tuple[str, Sequence[Sequence[float]]]) -> PairAttribution:
    insides = [inside(*each) for each in texts]
    return compare(
        [text for text, _ in texts],
        insides,
        [each.hidden_states[-1].mean(axis=0) for each in insides],
    )


def random_pair(
    a: str, b: str, *, dim: int = 12, heads: int = 2, layers: int = 3
) -> PairAttribution:
    """A pair of random states and attentions, equal each time."""
    random = np.random.default_rng(5)
    insides = []
    for text in (a, b):
        made = inside(text, random.normal(size=(len(text.split()) + 2, dim)).tolist())
        weights = random.dirichlet(
            np.full(len(made.tokens), 0.3), size=(layers, heads, len(made.tokens))
        )
        insides.append(made._replace(attentions=weights.astype(np.float32)))
    return compare([a, b], insides, [each.hidden_states[-1].mean(axis=0) for each in insides])


SMALL = (
    ("oil pump", [[0, 0], [3, 0], [0, 1], [0, 0]]),
    ("big pump", [[0, 0], [1, 0], [0, 2], [0, 0]]),
)  # sums: (3, 1) and (1, 2)
