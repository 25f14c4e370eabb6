"""Columns of prose that a page draws row by row, across all of them: each is put together again.

pdfium gives text in the order in which it is drawn. Most pages draw column after column, and tables
row after row, and both stay as they are. A look at some lines tells the pages that are worth more.
"""

from __future__ import annotations

import ctypes
import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, pairwise
from statistics import median
from typing import Any

from searchapp.extract.pdf.hyphens import LINE_END

_LOOKS = 3  # at places of a page, of so many lines each:
_LOOK_LINES = 4
_MIN_LINES = 3  # of each column
_MIN_LETTERS = 14  # of a line of prose; cells of tables are shorter
_GAP = 0.8  # of a letter's height: narrower gaps are between words
_GUTTER = 0.5  # of a letter's height: what all lines of two columns leave free
_FULL = 0.7  # of its column's width: a line that goes on in the next
_FULL_LINES = 0.6  # of a column's lines but the last
_RUNNING = 0.5  # of the lines that are no column's first
_MAX_CHARACTERS = 50_000  # of a page that is looked at closely
_HYPHENS = f"-\x02\xad{LINE_END}"
_LINE = re.compile(r"[^\r\n]+")


@dataclass(frozen=True, slots=True)
class _Segment:
    """A piece of a line with no wide gap in it."""

    text: str
    left: float
    right: float
    base: float
    height: float


_Box = tuple[float, float, float, float]  # left, top, right, bottom, in points, from below


def with_columns_apart(text_page: Any, text: str) -> str:
    """The text of a page, column by column where it is prose drawn across columns; the text as it
    is for all other pages.
    """
    lines = list(_LINE.finditer(text))
    if len(lines) < _MIN_LINES or not _may_have_columns(text_page, lines):
        return text
    if len(text) > _MAX_CHARACTERS or text_page.count_chars() != len(text):
        return text  # characters beyond the first plane count double
    segments = list(_segments(text_page, text, lines))
    gutters = _gutters(segments)
    if not gutters:
        return text
    ordered, is_changed = _in_order(segments, gutters)
    return _text_of(ordered) if is_changed else text


# ---- a look --------------------------------------------------------------------------------------


def _may_have_columns(text_page: Any, lines: Sequence[re.Match[str]]) -> bool:
    """Whether, at one of some places, two lines in a row have a wide gap at the same place, or each
    line stands beside the one before.
    """
    last = max(1, len(lines) - _LOOK_LINES)
    places = {last * number // (_LOOKS + 1) for number in range(1, _LOOKS + 1)}
    return any(_has_gaps(text_page, lines[place : place + _LOOK_LINES]) for place in places)


def _has_gaps(text_page: Any, lines: Sequence[re.Match[str]]) -> bool:
    start, end = lines[0].start(), lines[-1].end()
    gaps = [
        (before[2], after[0])
        for before, after in pairwise(_rectangles(text_page, start, end - start))
        if after[0] - before[2] > _GAP * (before[1] - before[3])
        and abs(after[3] - before[3]) < before[1] - before[3]
    ]
    return any(
        min(one[1], other[1]) - max(one[0], other[0]) > 0
        for index, one in enumerate(gaps)
        for other in gaps[index + 1 : index + 4]
    )


def _rectangles(text_page: Any, start: int, count: int) -> list[_Box]:
    """The boxes (left, top, right, bottom) of what is drawn at once among some characters."""
    import pypdfium2.raw as pdfium

    sides = tuple(ctypes.c_double() for _ in range(4))
    places = tuple(map(ctypes.byref, sides))
    found = []
    for index in range(pdfium.FPDFText_CountRects(text_page, start, count)):
        pdfium.FPDFText_GetRect(text_page, index, *places)
        left, top, right, bottom = sides
        found.append((left.value, top.value, right.value, bottom.value))
    return found


# ---- close up ------------------------------------------------------------------------------------


def _segments(text_page: Any, text: str, lines: Sequence[re.Match[str]]) -> Iterator[_Segment]:
    """The pieces of the lines, in the order in which they are drawn."""
    for line in lines:
        solid = [index for index in range(*line.span()) if not text[index].isspace()]
        boxes = [_box(text_page, index) for index in solid]
        breaks = [
            place for place, (last, box) in enumerate(pairwise(boxes), 1) if _is_apart(last, box)
        ]
        for first, end in pairwise([0, *breaks, len(solid)]):
            if first < end:
                last = boxes[end - 1]
                yield _Segment(
                    text[solid[first] : solid[end - 1] + 1],
                    boxes[first][0],
                    last[2],
                    last[3],
                    last[1] - last[3],
                )


def _box(text_page: Any, index: int) -> _Box:
    """The place of a character with what its font leaves free around it."""
    import pypdfium2.raw as pdfium

    box = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(text_page, index, box)
    return box.left, box.top, box.right, box.bottom


def _is_apart(last: _Box, box: _Box) -> bool:
    """Whether a character is not the next of its line."""
    height = last[1] - last[3]
    return (
        not -height < box[0] - last[2] <= _GAP * height or abs(box[3] - last[3]) > height / 2
    )


def _gutters(segments: Sequence[_Segment]) -> list[float]:
    """Where, from left to right, gaps stand below each other between pieces that are drawn one
    after the other.
    """
    common: list[tuple[float, float, int]] = []  # left, right, of how many gaps
    for one, other in pairwise(segments):
        if other.left <= one.right or abs(other.base - one.base) > one.height:
            continue
        for index, (left, right, count) in enumerate(common):
            narrowed = max(left, one.right), min(right, other.left)
            if narrowed[1] - narrowed[0] >= _GUTTER * one.height:
                common[index] = (*narrowed, count + 1)
                break
        else:
            common.append((one.right, other.left, 1))
    return sorted((left + right) / 2 for left, right, count in common if count >= _MIN_LINES)


def _in_order(
    segments: Sequence[_Segment], gutters: Sequence[float]
) -> tuple[list[_Segment], bool]:
    """The pieces in reading order, and whether that is another order than theirs."""
    ordered: list[_Segment] = []
    is_changed = False
    for is_across, group in groupby(segments, lambda each: _column(each, gutters) is None):
        run = list(group)
        columns: list[list[_Segment]] = [[] for _ in range(len(gutters) + 1)]
        numbers = [] if is_across else [_column(each, gutters) or 0 for each in run]
        for number, segment in zip(numbers, run, strict=False):
            columns[number].append(segment)
        returns = sum(after < before for before, after in pairwise(numbers))
        if returns >= _MIN_LINES - 1 and all(map(_is_prose, filter(None, columns))):
            run = list(chain.from_iterable(columns))
            is_changed = True
        ordered += run
    return ordered, is_changed


def _column(segment: _Segment, gutters: Sequence[float]) -> int | None:
    """The number of the column in which a piece stands, None for one across columns."""
    number = bisect(gutters, segment.left)
    return number if number == bisect(gutters, segment.right) else None


def _is_prose(column: Sequence[_Segment]) -> bool:
    """Whether lines are those of running text: long, of one width, each going on in the next.
    Scripts without small letters go by the width alone.
    """
    if len(column) < _MIN_LINES or median(len(each.text) for each in column) < _MIN_LETTERS:
        return False
    widths = [each.right - each.left for each in column]
    full = sum(width >= _FULL * max(widths) for width in widths[:-1])
    if full < _FULL_LINES * (len(widths) - 1):
        return False
    cased = [each.text[0] for each in column[1:] if each.text[0].islower() or each.text[0].isupper()]
    return not cased or sum(map(str.islower, cased)) >= _RUNNING * len(cased)


def _text_of(segments: Sequence[_Segment]) -> str:
    """The pieces as lines; a word that goes on in the next is marked, as pdfium marks them."""
    parts: list[str] = []
    for number, segment in enumerate(segments, 1):
        text = segment.text
        following = segments[number].text[0] if number < len(segments) else ""
        if text[-1] in _HYPHENS and text[-2:-1].isalpha() and following.islower():
            parts.append(text[:-1] + LINE_END)
        else:
            parts.append((text[:-1] + "-" if text[-1] in _HYPHENS else text) + "\r\n")
    return "".join(parts)
