"""Which phrases decide what the best passages by words are, so that the others' are not scored.

To FTS5, scoring a passage costs twenty times what finding it does. But what a phrase can give to a
score is bounded, by how many passages hold it: a passage that holds only common phrases cannot
reach those that hold rare ones (MaxScore, https://doi.org/10.1016/0306-4573(95)00020-H). Whether
that held, the scores tell; the answers are the same to the last bit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

LEAST_PASSAGES = 50_000  # of a corpus; in a smaller one all are scored as fast
_LEAST_SPARED = 0.5  # of all passages that hold a phrase
# The hundredth best passage has about this share of what the rarest phrase can give: on 300 made-up
# questions of two to eight words to 200,000 passages, .45 was too much for 7 of them.
_SHARE = 0.45
# In bm25() of FTS5, k1 + 1: what a phrase gives comes near so many times its weight, however often
# a passage holds it; and the least weight. https://sqlite.org/fts5.html#the_bm25_function
_MOST_TIMES, _LEAST_WEIGHT = 2.2, 1e-6
_ROUNDING = 1 + 1e-9  # of sums in another order
# How many passages hold each phrase. Values: a JSON array of phrases.
_COUNTS = """
    SELECT key, (SELECT count(*) FROM keywords WHERE keywords MATCH value) FROM json_each(?)"""


class RarePhrases(NamedTuple):
    """Phrases that the best passages are expected to hold any of, and what passages without them
    can score at most.
    """

    phrases: list[str]
    others: float


def find(
    ask: Callable[..., Iterable[Sequence[Any]]], phrases: Sequence[str], passages: int
) -> RarePhrases | None:
    """The rare ones of the phrases, in an index of so many passages; None where too few passages
    hold only the others. `ask` runs a statement with its values.
    """
    counts: dict[int, int] = dict(map(tuple, ask(_COUNTS, json.dumps(phrases))))
    held = sorted((key for key in counts if counts[key]), key=lambda key: -counts[key])
    most = [_most(counts[key], passages) for key in held]  # ascending
    common = 0
    while common < len(held) and sum(most[: common + 1]) <= _SHARE * most[-1]:
        common += 1
    spared = sum(counts[key] for key in held[:common])
    if spared < max(1, _LEAST_SPARED * sum(counts.values())):
        return None
    others = sum(most[:common]) * _ROUNDING
    return RarePhrases([phrases[key] for key in held[common:]], others)


def _most(count: int, passages: int) -> float:
    """The most that a phrase gives to a score, which so many of all passages hold."""
    weight = math.log((passages - count + 0.5) / (count + 0.5))
    return _MOST_TIMES * max(weight, _LEAST_WEIGHT)
