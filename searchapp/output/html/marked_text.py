"""A text cut at what is marked in it, so that markup needs no offsets. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from searchapp.types.documents import Span

HEAT_LEVELS = 5  # classes heat1 to heat5, of which style makes colours
LEAST_HEAT = 0.1  # the weight below which a word has no colour


class MarkedSegment(NamedTuple):
    """A part of a text and the classes of its marks, with blanks between them; "" for none."""

    text: str
    classes: str


def segments(text: str, marks: Iterable[tuple[int, int, str]]) -> list[MarkedSegment]:
    """The text cut at the ends of its marks, each with a class; marks may overlap."""
    cut = [(max(0, start), min(len(text), end), name) for start, end, name in marks]
    inside = [mark for mark in cut if mark[0] < mark[1]]
    cuts = sorted({0, len(text), *(at for a, b, _ in inside for at in (a, b))})
    parts: list[MarkedSegment] = []
    waiting, open_ = sorted(inside), []
    for start, end in pairwise(cuts):
        while waiting and waiting[0][0] <= start:
            open_.append(waiting.pop(0))
        open_ = [mark for mark in open_ if mark[1] > start]
        classes = " ".join(dict.fromkeys(name for _, _, name in open_))
        parts.append(MarkedSegment(text[start:end], classes))
    return parts


def word_marks(spans: Iterable[Span]) -> list[tuple[int, int, str]]:
    """Marks of words that were asked for."""
    return [(start, end, "word") for start, end in spans]


def heat_marks(highlights: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, str]]:
    """Marks by weight, from 0 to 1, in as many steps as there are levels."""
    return [
        (start, end, f"heat{max(1, math.ceil(min(weight, 1) * HEAT_LEVELS))}")
        for start, end, weight in highlights
        if weight >= LEAST_HEAT
    ]
