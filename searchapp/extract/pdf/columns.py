"""Columns of prose that a page draws row by row, across all of them: each is put together again.

pdfium gives text in the order in which it is drawn. Most pages draw column after column, and tables
row after row, and both stay as they are. A look at some lines tells the pages that are worth more.
"""

from __future__ import annotations

import ctypes
import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, pairwise
from statistics import median
from typing import Any

from searchapp.extract.pdf.hyphens import LINE_END

_LOOKS = 2  # at places of a page, of so many lines each:
_LOOK_LINES = 3
_BY_WORDS = 8  # things that are drawn at once in a line
_MIN_LINES = 3  # of each column
_MIN_LETTERS = 14  # of a line of prose; cells of tables are shorter
_GAP = 0.8  # of a letter's height: narrower gaps are between words
_LONG = 5.0  # times a letter's height: what a column of prose is at least wide
_GUTTER = 0.5  # of a letter's height: what all lines of two columns leave free
_FULL = 0.7  # of its column's width: a line that goes on in the next
_FULL_LINES = 0.6  # of a column's lines but the last
_RUNNING_ROWS = 0.3  # of a page's lines: fewer are no prose
_RUNNING = 0.5  # of the lines that are no column's first
_FEW_CHARACTERS = 150  # of a page in which the order of columns changes little
_MAX_CHARACTERS = 50_000  # of a page that is looked at closely
_HYPHENS = f"-\x02\xad{LINE_END}"
_WORD = re.compile(r"\S+")
_LINE = re.compile(r"[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a line with no wide gap in it; places are in points, from below."""

    text: str
    left: float
    right: float
    base: float
    height: float


Box = tuple[float, float, float, float]  # left, top, right, bottom, in points, from below


def with_columns_apart(text_page: Any, text: str) -> str:
    """The text of a page, column by column where it is prose drawn across columns; the text as it
    is for all other pages.
    """
    lines = list(_LINE.finditer(text)) if len(text) >= _FEW_CHARACTERS else []
    if len(lines) < _MIN_LINES:
        return text
    starts = [text[line.start()] for line in lines]
    if any(map(str.isspace, starts)):
        starts = [line[0].lstrip()[:1] for line in lines]
    capitals = sum(map(str.isupper, starts))
    if len(lines) - capitals < _RUNNING_ROWS * len(lines):
        return text
    if not _may_have_columns(text_page, text, lines):
        return text
    if len(text) > _MAX_CHARACTERS or text_page.count_chars() != len(text):
        return text  # characters beyond the first plane count double
    segments = list(_segments(text_page, text, lines))
    return _text_of(ordered) if (ordered := _in_columns(segments)) else text


def text_in_columns(segments: Sequence[Segment]) -> str:
    """The text of a page's pieces of lines: column by column where it is prose drawn across them,
    else line by line.
    """
    if ordered := _in_columns(segments):
        return _text_of(ordered)
    lines: list[Segment] = []
    for segment in segments:
        last = lines[-1] if lines else None
        if last and last.right <= segment.left and abs(last.base - segment.base) < last.height / 2:
            text = f"{last.text} {segment.text}"
            lines[-1] = replace(last, text=text, right=segment.right)
        else:
            lines.append(segment)
    return _text_of(lines)


def _in_columns(segments: Sequence[Segment]) -> list[Segment]:
    """The pieces column by column; none where that is not another order than theirs."""
    gutters = _gutters(segments)
    ordered, is_changed = _in_order(segments, gutters) if gutters else ([], False)
    return ordered if is_changed else []


# ---- a look --------------------------------------------------------------------------------------


def _may_have_columns(text_page: Any, text: str, lines: Sequence[re.Match[str]]) -> bool:
    """Whether, at one of some places, two lines have a wide gap at the same place, or stand beside
    the one before.
    """
    last = max(1, len(lines) - _LOOK_LINES)
    looks = [
        lines[place : place + _LOOK_LINES]
        for place in sorted({last * number // (_LOOKS + 1) for number in range(1, _LOOKS + 1)})
    ]
    drawn = [
        _rectangles(text_page, some[0].start(), some[-1].end() - some[0].start()) for some in looks
    ]
    if any(map(_have_gap, drawn)):
        return True
    counts = [len(boxes) / len(some) for boxes, some in zip(drawn, looks, strict=True)]
    if 1 < max(counts) < _BY_WORDS:
        return False
    # each line is drawn at once, or by words and letters: a gap may be within
    words: list[Box] = []
    for line in looks[-1][:2]:
        within = _words_of(text_page, text, line)
        if not any(is_apart(*pair) for pair in pairwise(within)):
            return False  # two lines must have one
        words += within
    return _have_gap(words, is_part=True)


def _words_of(text_page: Any, text: str, line: re.Match[str]) -> list[Box]:
    """The places of the words in the middle of a line."""
    words = [word.span() for word in _WORD.finditer(text, *_middle_of(line))]
    firsts = boxes_of(text_page, [first for first, _ in words])
    lasts = boxes_of(text_page, [last - 1 for _, last in words])
    return list(map(_around, firsts, lasts))


def _middle_of(line: re.Match[str]) -> tuple[int, int]:
    """Where in a line the gaps between columns are."""
    quarter = (line.end() - line.start()) // 4
    return line.start() + quarter, line.end() - quarter


def _have_gap(boxes: Sequence[Box], *, is_part: bool = False) -> bool:
    """Whether two lines of what is drawn, or parts of lines, have a wide gap at the same place."""
    if all(_is_below(*pair) for pair in pairwise(boxes)):
        return False
    gaps = [
        (before[2], after[0])
        for before, after in pairwise(_pieces(boxes))
        if before[2] < after[0]
        and abs(after[3] - before[3]) < before[1] - before[3]
        and (is_part or (_is_long(before) and _is_long(after)))
    ]
    return any(
        min(one[1], other[1]) > max(one[0], other[0])
        for index, one in enumerate(gaps)
        for other in gaps[index + 1 : index + 4]
    )


def _is_below(last: Box, box: Box) -> bool:
    """Whether a box is on another line than the one before."""
    return abs(box[3] - last[3]) > max(last[1] - last[3], box[1] - box[3])


def _pieces(boxes: Sequence[Box]) -> list[Box]:
    """The boxes, those without a wide gap between them as one."""
    pieces: list[Box] = []
    for box in boxes:
        if pieces and not is_apart(pieces[-1], box):
            pieces[-1] = _around(pieces[-1], box)
        else:
            pieces.append(box)
    return pieces


def _around(one: Box, other: Box) -> Box:
    """The box around two boxes of a line."""
    return one[0], max(one[1], other[1]), other[2], min(one[3], other[3])


def _is_long(box: Box) -> bool:
    return box[2] - box[0] > _LONG * (box[1] - box[3])


def _rectangles(text_page: Any, start: int, count: int) -> list[Box]:
    """The boxes (left, top, right, bottom) of what is drawn at once among some characters."""
    import pypdfium2.raw as pdfium

    sides = tuple(ctypes.c_double() for _ in range(4))
    places = tuple(map(ctypes.byref, sides))
    boxes = []
    handle = text_page.raw
    for index in range(pdfium.FPDFText_CountRects(handle, start, count)):
        pdfium.FPDFText_GetRect(handle, index, *places)
        left, top, right, bottom = sides
        boxes.append((left.value, top.value, right.value, bottom.value))
    return boxes


# ---- close up ------------------------------------------------------------------------------------


def _segments(text_page: Any, text: str, lines: Sequence[re.Match[str]]) -> Iterator[Segment]:
    """The pieces of the lines, in the order in which they are drawn."""
    for line in lines:
        solid = [index for index in range(*line.span()) if not text[index].isspace()]
        boxes = boxes_of(text_page, solid)
        breaks = [
            place for place, (last, box) in enumerate(pairwise(boxes), 1) if is_apart(last, box)
        ]
        for first, end in pairwise([0, *breaks, len(solid)]):
            if first < end:
                last = boxes[end - 1]
                yield Segment(
                    text[solid[first] : solid[end - 1] + 1],
                    boxes[first][0],
                    last[2],
                    last[3],
                    last[1] - last[3],
                )


def boxes_of(text_page: Any, indices: Iterable[int]) -> list[Box]:
    """The places of characters with what their font leaves free around them."""
    import pypdfium2.raw as pdfium

    box = pdfium.FS_RECTF()
    place = ctypes.byref(box)
    handle = text_page.raw
    boxes = []
    for index in indices:
        pdfium.FPDFText_GetLooseCharBox(handle, index, place)
        boxes.append((box.left, box.top, box.right, box.bottom))
    return boxes


def is_apart(last: Box, box: Box) -> bool:
    """Whether something drawn is not the next of its line."""
    height = max(last[1] - last[3], box[1] - box[3])
    return not -height < box[0] - last[2] <= _GAP * height or abs(box[3] - last[3]) > height / 2


def _gutters(segments: Sequence[Segment]) -> list[float]:
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


def _in_order(segments: Sequence[Segment], gutters: Sequence[float]) -> tuple[list[Segment], bool]:
    """The pieces in reading order, and whether that is another order than theirs."""
    ordered: list[Segment] = []
    is_changed = False
    for is_across, group in groupby(segments, lambda piece: _column(piece, gutters) is None):
        run = list(group)
        columns: list[list[Segment]] = [[] for _ in range(len(gutters) + 1)]
        numbers = [] if is_across else [_column(piece, gutters) or 0 for piece in run]
        for number, segment in zip(numbers, run, strict=False):
            columns[number].append(segment)
        returns = sum(after < before for before, after in pairwise(numbers))
        if returns >= _MIN_LINES - 1 and all(map(_is_prose, filter(None, columns))):
            run = list(chain.from_iterable(columns))
            is_changed = True
        ordered += run
    return ordered, is_changed


def _column(segment: Segment, gutters: Sequence[float]) -> int | None:
    """The number of the column in which a piece stands, None for one across columns."""
    number = bisect(gutters, segment.left)
    return number if number == bisect(gutters, segment.right) else None


def _is_prose(column: Sequence[Segment]) -> bool:
    """Whether lines are those of running text: long, of one width, each going on in the next.
    Scripts without small letters go by the width alone.
    """
    if len(column) < _MIN_LINES or median(len(line.text) for line in column) < _MIN_LETTERS:
        return False
    widths = [line.right - line.left for line in column]
    full = sum(width >= _FULL * max(widths) for width in widths[:-1])
    if full < _FULL_LINES * (len(widths) - 1):
        return False
    starts = [line.text[0] for line in column[1:]]
    cased = [letter for letter in starts if letter.lower() != letter.upper()]
    return not cased or sum(map(str.islower, cased)) >= _RUNNING * len(cased)


def _text_of(segments: Sequence[Segment]) -> str:
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
