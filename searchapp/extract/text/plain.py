"""Plain text by paragraphs; lines that are underlined with = or - are headings.

Which text the bytes mean is decided in `encoding`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

from searchapp.errors import FileSkipped
from searchapp.extract.lines import line_spans, paragraphs, span_of
from searchapp.extract.text.encoding import decode
from searchapp.extract.working_time import OutOfTime, finish
from searchapp.types.dates import ISO_DAY
from searchapp.types.documents import Block, Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from searchapp.types.documents import Span

MAX_TITLE = 200  # characters

_BULLET = re.compile(r"[ \t]*(?:[-*•+]|\d{1,3}[.)])[ \t]+\S")
_MARK = re.compile(r"[-*•+][ \t]")
_COLUMNS = re.compile(r"\t|\S {2,}\S|\|")  # between the columns of a table
_UNDERLINES = {"=": 1, "-": 2}
_MOST_OFF = 2  # characters that an underline may be longer or shorter than its line
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
    return read_source(data, document_type, _read)


def read_source(
    data: bytes, document_type: str, structured: Callable[[str, str], Document]
) -> Document:
    """The document that `structured` makes of a text and its type; where the time runs out before
    its structure is known, the whole text by paragraphs, which says so.
    """
    text = decode(data)
    try:
        return structured(text, document_type)
    except OutOfTime as reason:
        finish()
        said = f"read as plain text, without its structure: it {reason}"
        return replace(paragraphs_of(text, document_type), metadata={"incomplete": said})


def paragraphs_of(text: str, document_type: str) -> Document:
    """A text by paragraphs alone; raises FileSkipped for an empty one."""
    if not text.strip():
        raise FileSkipped("empty")
    return Document(text, document_type, blocks=_paragraphs(text, line_spans(text)))


def _read(text: str, document_type: str) -> Document:
    if document_type not in {"txt", "log"} or not text.strip():
        return paragraphs_of(text, document_type)
    lines = line_spans(text)
    runs = list(paragraphs(text, lines, 0, len(lines)))
    title = _title(text, lines, runs)
    blocks = _structure(text, lines, runs, title)
    return Document(text, document_type, title=title, blocks=blocks)


def iso_date(text: str) -> str:
    """A date in ISO 8601 as far as the text tells it: the day (with the time where it was ISO
    before), the month or the year; else "".
    """
    text = " ".join(text.split())
    if match := _ISO_DATE.match(text):
        return match[0].replace(" ", "T")
    for form, result in _DATE_FORMS.items():
        try:
            return datetime.strptime(text, form).strftime(result)
        except ValueError:
            continue
    years = set(_YEAR.findall(text))
    return years.pop() if len(years) == 1 else ""


@dataclass(frozen=True, slots=True)
class _Heading:
    """An underlined line, which may have a line of the same above it."""

    start: int
    name: str
    level: int  # 1 under =, 2 under -
    end_line: int  # the first line behind it

    @property
    def block(self) -> Span:
        return self.start, self.start + len(self.name)


def _title(text: str, lines: Sequence[Span], runs: Sequence[tuple[int, int]]) -> str:
    """The first line, where more text follows and it is a title: short and alone, or underlined
    and the heading of all that follows; else "".
    """
    if not runs:
        return ""
    first, last = runs[0]
    if heading := _heading_at(text, lines, first, last):
        is_title = _is_of_all(text, lines, runs, heading)
        name = heading.name
    else:
        is_title = last - first == 1 and len(runs) > 1
        name = text[slice(*lines[first])].strip()
    return name if is_title and len(name) <= MAX_TITLE and not _BULLET.match(name) else ""


def _is_of_all(
    text: str, lines: Sequence[Span], runs: Sequence[tuple[int, int]], heading: _Heading
) -> bool:
    """Whether a heading at the beginning has the whole text below it: no other is of its level, or
    the next one follows at once. In a list of changes the newest version is not the title of all.
    """
    index, last = heading.end_line, runs[0][1]
    if index == last and len(runs) == 1:
        return False
    following = _heading_at(text, lines, *((index, last) if index < last else runs[1]))
    return following is not None or all(
        other.level > heading.level
        for first, last in runs[1:]
        for other in _headings_at(text, lines, first, last)
    )


def _structure(
    text: str, lines: Sequence[Span], runs: Sequence[tuple[int, int]], title: str
) -> tuple[Block, ...]:
    blocks: list[Block] = []
    path: list[tuple[int, str]] = []
    names: tuple[str, ...] = ()  # of the headings on the path
    for first, last in runs:
        for heading in _headings_at(text, lines, first, last):
            first = heading.end_line
            path = [above for above in path if above[0] < heading.level]
            names = tuple(name for _, name in path)
            blocks.append(Block(*heading.block, "heading", names))
            if not title or len(blocks) > 1:
                path.append((heading.level, heading.name))
                names = (*names, heading.name)
        if title and not blocks:
            start, end = lines[first]
            blocks.append(Block(start, start + len(text[start:end].rstrip()), "heading"))
            first += 1
        if first < last:
            blocks.append(_paragraph(text, lines, first, last, names))
    return tuple(blocks)


def _headings_at(text: str, lines: Sequence[Span], first: int, last: int) -> Iterator[_Heading]:
    """The headings that a run of lines begins with."""
    while heading := _heading_at(text, lines, first, last):
        yield heading
        first = heading.end_line


def _heading_at(text: str, lines: Sequence[Span], first: int, last: int) -> _Heading | None:
    """The heading at the beginning of a run of lines: a line and one of = or - below it, over its
    width; None where there is none, as in a table or above a rule.
    """
    if last - first < 2:
        return None
    rows = [text[slice(*lines[index])].rstrip() for index in range(first, min(first + 3, last))]
    has_overline = len(rows) == 3 and rows[0] == rows[2] and _is_underline(rows[0])
    if has_overline:
        first, rows = first + 1, rows[1:]
    if not _is_underline(rows[1]):
        return None
    name, under = rows[0].strip(), rows[1].strip()
    widths = (_width(name), _width(rows[0]))
    if has_overline:
        fits = widths[0] <= len(under)
    else:
        fits = any(abs(width - len(under)) <= _MOST_OFF for width in widths)
    if not fits or len(name) > MAX_TITLE or not _is_name(name):
        return None
    start = lines[first][0] + len(rows[0]) - len(rows[0].lstrip())
    return _Heading(start, name, _UNDERLINES[under[0]], first + 2)


def _is_underline(line: str) -> bool:
    line = line.strip()
    return len(line) >= 3 and line[0] in _UNDERLINES and line == line[0] * len(line)


def _is_name(line: str) -> bool:
    """Whether a line may be a heading: it has words, and is no item, row of a table or rule."""
    return (
        line[0] not in _UNDERLINES
        and any(map(str.isalnum, line))
        and _COLUMNS.search(line) is None
        and _MARK.match(line) is None
    )


def _width(line: str) -> int:
    """The columns that a line takes: signs of East Asian scripts take two, accents none."""
    if line.isascii():
        return len(line)
    return sum(2 if east_asian_width(sign) in "WF" else not combining(sign) for sign in line)


def _paragraph(
    text: str, lines: Sequence[Span], first: int, last: int, headings: tuple[str, ...]
) -> Block:
    start, end = span_of(text, lines, first, last)
    is_list = bool(_BULLET.match(text, start, end)) and (
        last - first == 1 or bool(_BULLET.match(text, *lines[first + 1]))
    )
    return Block(start, end, "list" if is_list else "prose", headings)


def _paragraphs(text: str, lines: Sequence[Span]) -> tuple[Block, ...]:
    return tuple(
        Block(*span_of(text, lines, first, last), "prose")
        for first, last in paragraphs(text, lines, 0, len(lines))
    )
