"""Lines and paragraphs of a source text as spans, for the readers that keep the source as it is."""

from __future__ import annotations

import re
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from searchapp.types.documents import Span

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")


def line_spans(text: str) -> list[Span]:
    """The lines of a text without their ends, which are \\n, \\r\\n or \\r; a final line end opens
    no further line.
    """
    if "\r" in text:
        spans = [match.span(1) for match in _LINE.finditer(text)]
    else:
        starts = accumulate(map(len, text.split("\n")), lambda end, size: end + size + 1, initial=0)
        spans = [(start, end - 1) for start, end in pairwise(starts)]
    if len(spans) > 1 and spans[-1][0] == spans[-1][1]:
        spans.pop()
    return spans


def paragraphs(
    text: str, lines: Sequence[Span], first: int, last: int
) -> Iterator[tuple[int, int]]:
    """Runs of non-blank lines among `lines[first:last]`, as (first, last) line indices, the last
    one exclusive.
    """
    start = None
    for index in range(first, last):
        begin, end = lines[index]
        is_blank = begin == end or text[begin:end].isspace()
        if is_blank and start is not None:
            yield start, index
            start = None
        elif not is_blank and start is None:
            start = index
    if start is not None:
        yield start, last


def span_of(text: str, lines: Sequence[Span], first: int, last: int) -> Span:
    """From the start of one line to the end of the last line before `last` that is not blank;
    indentation stays.
    """
    while last > first + 1 and not text[slice(*lines[last - 1])].strip():
        last -= 1
    start, end = lines[first][0], lines[last - 1][1]
    return start, start + len(text[start:end].rstrip())
