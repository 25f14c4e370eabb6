"""Passages that nearly repeat one another: vectors suspect, words decide. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from searchapp.lexical import words_of
from searchapp.search.ranking import ordered

if TYPE_CHECKING:
    from searchapp.search.ranking import Numbers
    from searchapp.types.documents import Address
    from searchapp.types.vectors import Vectors


_SAME_TEXT = 0.9  # of the shingles of two passages that are nearly the same
_SAME_LENGTH = 0.8  # of two texts that may be
_SUSPECT = 0.85  # cosine from which two passages are compared word by word
BOILERPLATE = 5  # documents that hold nearly the same passage: it says little about any of them


def suspects(vectors: Vectors) -> list[tuple[int, int]]:
    """The pairs of positions, the earlier first, whose passages are near enough to be worth
    comparing word by word.
    """
    rows = np.nan_to_num(vectors)
    first, second = np.nonzero(np.triu(rows @ rows.T > _SUSPECT, 1))
    return list(zip(first.tolist(), second.tolist(), strict=True))


def near_duplicates(
    pairs: Sequence[tuple[int, int]], texts: Mapping[int, str]
) -> dict[int, list[int]]:
    """For each position that nearly repeats are behind, those; of a group, only the first leads, so
    pairs come in its order.

    Two passages are nearly the same where nine tenths of their three-word shingles and all of their
    numbers are.
    """
    features = cache(lambda position: _features(texts[position]))
    leaders: dict[int, int] = {}
    groups: dict[int, list[int]] = defaultdict(list)
    for first, second in pairs:
        if first in leaders or second in leaders or not _are_as_long(texts[first], texts[second]):
            continue
        (here, numbers), (there, other_numbers) = features(first), features(second)
        if numbers == other_numbers and len(here & there) >= _SAME_TEXT * len(here | there):
            leaders[second] = first
            groups[first].append(second)
    return dict(groups)


def behind_content(
    positions: Sequence[int], scores: Numbers, addresses: Sequence[Address], boilerplate: set[int]
) -> list[int]:
    """These positions, best first, where boilerplate counts half: its lead over nothing, or over
    the least of all scores, is halved.
    """
    least = min(0.0, float(scores.min()))
    worth = scores.copy()
    halved = list(boilerplate)
    worth[halved] = least + (scores[halved] - least) / 2
    return ordered(positions, worth, addresses)


def _are_as_long(first: str, second: str) -> bool:
    """Whether two texts are about as long as each other: this tells most of those that are not the
    same.
    """
    shorter, longer = sorted((len(first), len(second)))
    return shorter >= _SAME_LENGTH * longer


def _features(text: str) -> tuple[set[tuple[str, ...]], list[str]]:
    """Every three words in a row, or all words of a shorter text; and its numbers, sorted."""
    words = [word.casefold() for word, _ in words_of(text)]
    shingles = {tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))}
    return shingles, sorted(word for word in words if any(map(str.isdigit, word)))
