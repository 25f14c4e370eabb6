"""Where a text may be cut: at blank lines, line breaks and the ends of sentences. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TypeAlias

from searchapp.types.documents import BlockKind, Span

Cutter: TypeAlias = Callable[[str, int, int], list[int]]

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_BLANK_LINES = re.compile(r"(?>\r\n|\r|\n)[^\S\r\n]*+(?>\r\n|\r|\n)\s*+")
EAST_ASIAN_STOP = re.compile(r"[。！？｡]+[」』”’）]*")


def paragraph_cuts(text: str, start: int, end: int) -> list[int]:
    """The ends of the blank lines in `text[start:end]`."""
    return [blank_lines.end() for blank_lines in _BLANK_LINES.finditer(text, start, end)]


def line_cuts(text: str, start: int, end: int) -> list[int]:
    """The ends of the line breaks in `text[start:end]`."""
    return [line_break.end() for line_break in _LINE_BREAK.finditer(text, start, end)]


def sentences(text: str) -> list[Span]:
    """The sentences of a passage, in order, as spans without outer white space."""
    bounds = [*_sentence_cuts(text, 0, len(text)), *paragraph_cuts(text, 0, len(text)), len(text)]
    spans = []
    for start, end in pairwise(sorted({0, *bounds})):
        body = text[start:end].strip()
        if body:
            begin = text.index(body, start)
            spans.append((begin, begin + len(body)))
    return spans


def _sentence_cuts(text: str, start: int, end: int) -> list[int]:
    from nupunkt import sent_spans

    cuts = {start + span[0] for span in sent_spans(text[start:end])}
    cuts.update(stop.end() for stop in EAST_ASIAN_STOP.finditer(text, start, end))
    return sorted(cuts)


CUTTERS: Mapping[BlockKind, tuple[Cutter, ...]] = {
    "heading": (_sentence_cuts, line_cuts),
    "prose": (_sentence_cuts, line_cuts),
    "list": (paragraph_cuts, line_cuts, _sentence_cuts),
    "code": (paragraph_cuts, line_cuts),
    "table": (paragraph_cuts, line_cuts, _sentence_cuts),
}
