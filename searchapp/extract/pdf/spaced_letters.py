"""Headings whose letters stand apart ("H A R B O U R   R U L E S"), as words again.

pdfium takes wide gaps between letters for spaces between words; the widest are.
"""

from __future__ import annotations

import re
from itertools import pairwise
from statistics import median
from typing import Any

from searchapp.extract.pdf.columns import boxes_of

_LINE = re.compile(r"^(?:[^\W\d_] ){4,}[^\W\d_][ \t]*(?=\r|\n|\Z)", re.MULTILINE)
_WIDEST = 1.0  # of a letter's height, between letters of a word: columns of a table are wider
_BETWEEN_WORDS = 1.5  # times the usual gap


def with_letters_joined(text_page: Any, text: str) -> str:
    """The text of a page, its lines of letters apart as words."""
    lines = list(_LINE.finditer(text))
    if not lines or text_page.count_chars() != len(text):
        return text
    pieces = []
    position = 0
    for line in lines:
        pieces += [text[position : line.start()], _words(text_page, text, line)]
        position = line.end()
    return "".join([*pieces, text[position:]])


def _words(text_page: Any, text: str, line: re.Match[str]) -> str:
    """The words of a line, as it is where its letters are too far apart for any."""
    letters = [index for index in range(*line.span()) if not text[index].isspace()]
    boxes = boxes_of(text_page, letters)
    gaps = [after[0] - before[2] for before, after in pairwise(boxes)]
    usual = median(gaps)
    if not 0 < usual <= _WIDEST * max(top - bottom for _, top, _, bottom in boxes):
        return line[0]
    breaks = ["", *(" " if gap > _BETWEEN_WORDS * usual else "" for gap in gaps)]
    return "".join(gap + text[index] for gap, index in zip(breaks, letters, strict=True))
