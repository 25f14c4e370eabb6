"""Plain text by paragraphs; lines that are underlined with = or - are headings.

Which text the bytes mean is decided in `encoding`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from searchapp.errors import FileSkipped
from searchapp.extract.lines import line_spans, paragraphs, span_of
from searchapp.extract.text.encoding import decode
from searchapp.types.dates import ISO_DAY
from searchapp.types.documents import Block, Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from searchapp.types.documents import Span

MAX_TITLE = 200  # characters

_BULLET = re.compile(r"[ \t]*(?:[-*•+]|\d{1,3}[.)])[ \t]+\S")
_UNDERLINES = {"=": 1, "-": 2}
_ISO_DATE = re.compile(
    ISO_DAY + r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_DATE_FORMS = {
    **dict.fromkeys(("%Y/%m/%d", "%Y%m%d", "%d.%m.%Y"), "%Y-%m-%d"),
    **dict.fromkeys(
        ("%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y", "%d %B %Y", "%d %b %Y", "%d. %B %Y"),
        "%Y-%m-%d",
    ),
    **dict.fromkeys(("%B %Y", "%b %Y", "%Y-%m"), "%Y-%m"),
}
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")


def read(data: bytes, document_type: str) -> Document:
    """Plain text by paragraphs; its first line is the title where it stands alone, and underlined
    lines are headings.
    """
    text = decode(data)
    if not text.strip():
        raise FileSkipped("empty")
    if document_type not in {"txt", "log"}:
        return Document(text, document_type, blocks=_paragraphs(text, line_spans(text)))
    lines = line_spans(text)
    return Document(text, document_type, title=_title(text, lines), blocks=_structure(text, lines))


def iso_date(text: str) -> str:
    """A date in ISO 8601 as far as the text tells it: the day (with the time where it was ISO
    before), the month or the year; else "".
    """
    text = " ".join(text.split())
    if found := _ISO_DATE.match(text):
        return found[0].replace(" ", "T")
    for form, result in _DATE_FORMS.items():
        try:
            return datetime.strptime(text, form).strftime(result)
        except ValueError:
            continue
    years = set(_YEAR.findall(text))
    return years.pop() if len(years) == 1 else ""


def _title(text: str, lines: Sequence[Span]) -> str:
    """The first line, where it is short, stands alone (underlined or not) and more text follows;
    else "".
    """
    runs = list(paragraphs(text, lines, 0, len(lines)))
    if len(runs) < 2:
        return ""
    first, last = runs[0]
    line = text[slice(*lines[first])].strip()
    stands_alone = last - first == 1 or (
        last - first == 2 and _underline_level(text, lines, first) > 0
    )
    return line if stands_alone and len(line) <= MAX_TITLE and not _BULLET.match(line) else ""


def _structure(text: str, lines: Sequence[Span]) -> tuple[Block, ...]:
    blocks: list[Block] = []
    path: list[tuple[int, str]] = []
    has_title = bool(_title(text, lines))
    for first, last in paragraphs(text, lines, 0, len(lines)):
        level = _underline_level(text, lines, first)
        is_title = has_title and not blocks
        if is_title or level:
            headings = tuple(name for above, name in path if above < level)
            start, end = lines[first]
            blocks.append(Block(start, start + len(text[start:end].rstrip()), "heading", headings))
            if not is_title:
                path = [each for each in path if each[0] < level] + [
                    (level, text[start:end].strip())
                ]
            first += 2 if level else 1
        if first < last:
            blocks.append(_paragraph(text, lines, first, last, tuple(name for _, name in path)))
    return tuple(blocks)


def _underline_level(text: str, lines: Sequence[Span], index: int) -> int:
    """1 or 2 where the line is a heading underlined over its full width with = or -; else 0."""
    if index + 1 >= len(lines):
        return 0
    line, under = text[slice(*lines[index])].rstrip(), text[slice(*lines[index + 1])].rstrip()
    is_underline = len(under) >= 3 and under[0] in _UNDERLINES and under == under[0] * len(under)
    if (
        not is_underline
        or not line.strip()
        or len(line) > MAX_TITLE
        or abs(len(line) - len(under)) > 2
    ):
        return 0
    return 0 if line.strip()[0] in _UNDERLINES else _UNDERLINES[under[0]]


def _paragraph(
    text: str, lines: Sequence[Span], first: int, last: int, headings: tuple[str, ...]
) -> Block:
    start, end = span_of(text, lines, first, last)
    is_list = bool(_BULLET.match(text[start:end])) and (
        last - first == 1 or bool(_BULLET.match(text[slice(*lines[first + 1])]))
    )
    return Block(start, end, "list" if is_list else "prose", headings)


def _paragraphs(text: str, lines: Sequence[Span]) -> tuple[Block, ...]:
    return tuple(
        Block(*span_of(text, lines, first, last), "prose")
        for first, last in paragraphs(text, lines, 0, len(lines))
    )
