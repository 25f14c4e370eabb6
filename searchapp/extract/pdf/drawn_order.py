"""Pages whose lines pdfium tears apart or turns about: letters drawn one by one in columns, each a
line of its own, and lines that run downwards, the last one first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

from searchapp.extract.pdf.columns import Box, Segment, boxes_of, is_apart, text_in_columns

_LEAST_LINES = 10  # of a page whose lines are torn apart
_SHORT = 20  # characters of its lines, taken together
_ALONE = 0.3  # of its lines are one letter
_LAST_ALPHABETIC = "\u10ff"  # scripts after it may be written in columns, a sign a line
_SPACE = 0.12  # of a letter's height between words
_MAX_CHARACTERS = 50_000  # of a page that is looked at closely
_DOWNWARDS = 1.5708  # radians, as pdfium counts them
_LINE = re.compile(r"[^\r\n]+")


def with_lines_whole(text_page: Any, text: str) -> str:
    """The text of a page with the letters of its lines together, and its lines from the first to
    the last.
    """
    if "\n" not in text or len(text) > _MAX_CHARACTERS:
        return text
    is_torn = len(text) <= _SHORT * text.count("\n") and _is_torn(text)
    lines = [] if is_torn else list(_LINE.finditer(text))
    looks = (*lines[:1], *lines[len(lines) // 2 :: len(lines) + 1])  # the first and a middle one
    if not is_torn and not any(_is_downwards(text_page, line) for line in looks):
        return text
    if text_page.count_chars() != len(text):
        return text
    return _together(text_page, text) if is_torn else _from_the_first(text_page, text, lines)


def _is_torn(text: str) -> bool:
    lines = [line.strip() for line in text.splitlines()]
    alone = sum(len(line) == 1 and line.isalpha() and line <= _LAST_ALPHABETIC for line in lines)
    return len(lines) >= _LEAST_LINES and alone >= _ALONE * len(lines)


def _together(text_page: Any, text: str) -> str:
    solid = [index for index, letter in enumerate(text) if not letter.isspace()]
    boxes = boxes_of(text_page, solid)
    return text_in_columns(list(_segments([text[index] for index in solid], boxes)))


def _segments(letters: Sequence[str], boxes: Sequence[Box]) -> Iterator[Segment]:
    """The pieces of lines that some letters make, in the order in which they are drawn."""
    breaks = [place for place, pair in enumerate(pairwise(boxes), 1) if is_apart(*pair)]
    for first, end in pairwise([0, *breaks, len(boxes)]):
        pieces = list(letters[first : first + 1])
        for letter, (last, box) in zip(
            letters[first + 1 : end], pairwise(boxes[first:end]), strict=True
        ):
            is_next = box[0] - last[2] > _SPACE * (last[1] - last[3])
            pieces.append(f" {letter}" if is_next else letter)
        left, _, _, base = boxes[first]
        height = boxes[first][1] - base
        yield Segment("".join(pieces), left, boxes[end - 1][2], base, height)


def _is_downwards(text_page: Any, line: re.Match[str]) -> bool:
    import pypdfium2.raw as pdfium

    angle = pdfium.FPDFText_GetCharAngle(text_page.raw, line.start())
    return bool(abs(angle - _DOWNWARDS) < 0.1)


def _from_the_first(text_page: Any, text: str, lines: Sequence[re.Match[str]]) -> str:
    """The text with its lines that run downwards from right to left, as they are read."""
    pieces: list[str] = []
    position = 0
    for is_down, group in groupby(lines, lambda line: _is_downwards(text_page, line)):
        run = list(group)
        lefts = [box[0] for box in boxes_of(text_page, [line.start() for line in run])]
        is_reversed = is_down and all(before < after for before, after in pairwise(lefts))
        for line, told in zip(run, reversed(run) if is_reversed else run, strict=True):
            pieces += [text[position : line.start()], told[0]]
            position = line.end()
    return "".join([*pieces, text[position:]])
