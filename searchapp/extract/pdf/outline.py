"""Where the entries of a PDF's outline stand among the lines of a page.

An entry names a page and a title; the page's own lines say where on it the section begins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


_MAX_COMPARED = 10**6  # entries times lines of a page: more are not looked for among its lines
_NO_LETTER = re.compile(r"[\W_]+")
_CHAPTER_NUMBER = re.compile(
    r"(?:chapter|part|section|appendix|kapitel|teil|chapitre)?(?:\d+|[ivxlc]+|[a-z])?\d*"
)
OutlineEntry = tuple[int, str]
_PlacedEntry = tuple[int, int, int, str]  # first line, the line after the last, level, heading


def placed_entries(
    entries: Sequence[OutlineEntry], lines: Sequence[str]
) -> tuple[list[_PlacedEntry], list[OutlineEntry], list[OutlineEntry]]:
    """Where the entries of the outline stand on a page; then those of its beginning and those of
    its end, among which it does not tell.

    What is not found before the first that is heads the page, with what is below it; the rest heads
    the pages after.
    """
    placed: list[_PlacedEntry] = []
    before: list[OutlineEntry] = []
    after: list[OutlineEntry] = []
    plain = (
        [letters_of(line) for line in lines]
        if 0 < len(entries) * len(lines) <= _MAX_COMPARED
        else []
    )
    for level, heading in entries:
        place = _find(letters_of(heading), plain, placed[-1][1] if placed else 0)
        if place:
            placed.append((*place, level, heading))
        elif not placed and (not before or level > before[-1][0]):
            before.append((level, heading))
        else:
            after.append((level, heading))
    return placed, before, after


def _find(heading: str, plain: Sequence[str], start: int) -> tuple[int, int] | None:
    """The lines, at most three, that are a heading, the number of a chapter aside; all without
    spaces and signs.
    """
    if not heading:
        return None
    for first in range(start, len(plain)):
        if not plain[first]:
            continue
        together = ""
        for last in range(first, min(first + 3, len(plain))):
            together += plain[last]
            if len(together) > len(heading) + 20:
                break
            if _is_same(together, heading):
                return first, last + 1
    return None


def letters_of(text: str) -> str:
    """The letters and digits of a text."""
    return _NO_LETTER.sub("", text.casefold())


def _is_same(line: str, heading: str) -> bool:
    longer, shorter = (line, heading) if len(line) >= len(heading) else (heading, line)
    if not shorter or not longer.endswith(shorter):
        return False
    return longer == shorter or (
        len(shorter) >= 4 and _CHAPTER_NUMBER.fullmatch(longer[: -len(shorter)]) is not None
    )
