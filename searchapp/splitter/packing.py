"""Stretches of text, cut where they are too long and joined while they fit. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchapp.splitter.text_cuts import Cutter
    from searchapp.types.documents import Span
    from searchapp.types.tokens import TokenizedText


def packed(units: Iterable[Span], tokens: TokenizedText, budget: int) -> Iterator[Span]:
    """Units joined greedily, in order, while they fit the budget together; outer white
    space goes.
    """
    packed: list[Span] = []
    for start, end in units:
        if packed and tokens.count(packed[-1][0], end) <= budget:
            packed[-1] = (packed[-1][0], end)
        else:
            packed.append((start, end))
    for start, end in packed:
        body = tokens.text[start:end]
        if body.strip():
            yield start + len(body) - len(body.lstrip()), start + len(body.rstrip())


def cut_to_fit(
    tokens: TokenizedText, start: int, end: int, budget: int, cutters: Sequence[Cutter]
) -> Iterator[Span]:
    """The slice whole where it fits the budget, else cut by the first cutter, its parts by the
    next, and so on to tokens.
    """
    if tokens.count(start, end) <= budget:
        yield start, end
    elif not cutters:
        yield from _token_runs(tokens, start, end, budget)
    else:
        for part in pairwise((start, *cutters[0](tokens.text, start, end), end)):
            yield from cut_to_fit(tokens, *part, budget, cutters[1:])


def _token_runs(tokens: TokenizedText, start: int, end: int, budget: int) -> Iterator[Span]:
    """The slice cut before tokens, at white space where the second half of a run has some. Tokens
    of one character stay together.
    """
    starts = tokens.starts
    first, last = bisect_left(starts, start), bisect_left(starts, end)
    while last - first > budget:
        cut = first + budget
        cut = next(
            (
                near
                for near in range(cut, first + budget // 2, -1)
                if _follows_space(tokens.text, starts[near])
            ),
            cut,
        )
        if starts[cut] <= start:
            cut = bisect_right(starts, start)
        if cut >= last:
            break
        yield start, starts[cut]
        start = starts[cut]
        first = bisect_left(starts, start)
    yield start, end


def _follows_space(text: str, start: int) -> bool:
    """Whether a token begins a word; some tokenizers count the space before a word as part of its
    token.
    """
    return text[start - 1].isspace() or text[start].isspace()
