"""The stream of an old Word document to its parts.

The text is one run of characters in pieces (the piece table); marks in it end paragraphs and cells.
What a paragraph is (its style, whether it ends a row) and which characters are hidden or deleted
stand in pages of 512 bytes, by offset in the file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part
from searchapp.extract.office.doc_codepages import OldLetters
from searchapp.extract.office.doc_lists import lists_of
from searchapp.extract.office.doc_records import (
    LIST_ID,
    LIST_LEVEL,
    DocStyle,
    number,
    properties_of,
    styles_of,
)
from searchapp.extract.office.numbering import Numbering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from searchapp.extract.office.numbering import ListUse

_T = TypeVar("_T")

_WORD_6, _WORD_97 = 0x65, 0xC1  # the first nFib of each
_ENCRYPTED, _TABLE_1 = 0x0100, 0x0200
# where the first block of the stream names the place and length of its tables
_PIECES, _OLD_PIECES = (0x1A2, 0x160)
_CHARACTERS, _PARAGRAPHS, _STYLES, _LISTS, _LIST_USES = 0xFA, 0x102, 0xA2, 0x2E2, 0x2EA
# of the body, footnotes, headers, macros, comments, endnotes, text boxes, those in headers
_LENGTHS, _OLD_LENGTHS = (0x4C, 0x34)
_COMMENTS = 4  # the number of their story
_COMMENT_REFERENCES, _COMMENT_TEXTS, _COMMENT_OWNERS = 0xBA, 0xC2, 0x1BA
_REFERENCE_BYTES = 30
_PAGE = 512
_DELETED, _HIDDEN = 0x0800, 0x083C
_OUTLINE, _IN_TABLE, _ENDS_ROW, _HUGE = 0x2640, 0x2416, 0x2417, 0x6646
_ENDS_INNER_CELL, _ENDS_INNER_ROW = 0x244B, 0x244C
_WRITTEN = str.maketrans(
    {
        "\x0b": "\n",
        "\x0e": "\n",
        "\x1e": "-",
        "\t": "\t",
        **dict.fromkeys(map(chr, [*range(9), *range(15, 30), 31])),
    }
)
_FIELD_MARKS = re.compile("[\x13\x14\x15]")
_ENDS = re.compile("[\r\x07\x0c]")


def word_parts(
    stream: bytes, tables: Sequence[bytes]
) -> tuple[list[Part], list[Part], list[Part], str]:
    """The parts of the text, of notes, comments and text boxes, of headers and footers, and the
    title, else "".

    `tables` are the two streams of tables, of which the first block of `stream` names one.
    """
    if len(stream) < (_PIECES if number(stream, 2, 2) >= _WORD_97 else _OLD_PIECES) + 8:
        raise FileFailed("not a readable Word document: it has no text part")
    version, flags = number(stream, 2, 2), number(stream, 0x0A, 2)
    if flags & _ENCRYPTED:
        raise FileFailed("encrypted: needs a password")
    if version < _WORD_6:
        raise FileFailed("not a readable Word document: older than Word 6")
    text = (
        _DocText(stream, tables[1 if flags & _TABLE_1 else 0])
        if version >= _WORD_97
        else _OldText(stream, stream)
    )
    main, notes, headers, _, comments, endnotes, boxes, header_boxes = map(list, text.stories())
    return main, [*notes, *endnotes, *comments, *boxes], [*headers, *header_boxes], text.title


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """What the file says of a paragraph."""

    level: int = 0  # of a heading, from 1
    is_title: bool = False
    list_id: int = 0  # from 1; 0: in no list
    list_level: int = 0
    is_in_table: bool = False
    ends_row: bool = False
    ends_inner_cell: bool = False
    ends_inner_row: bool = False


class _DocText:
    """The characters of a document of Word 97 or later, one for each of its positions, with what
    the file says of them.
    """

    def __init__(self, stream: bytes, table: bytes) -> None:
        self.title = ""
        self._stream, self._table = stream, table
        self._styles = styles_of(self._section(_STYLES))
        self._numbering = Numbering(self._lists().get)
        self._paragraphs = sorted(
            self._runs(_PARAGRAPHS, 13, self._paragraph_of), key=lambda run: run[0]
        )
        self._paragraph_starts = [start for start, _, _ in self._paragraphs]
        # position, offset in the stream, bytes a character
        self._pieces: list[tuple[int, int, int]] = []
        self._characters = _without_fields("".join(self._gathered()))

    def stories(self) -> Iterator[Iterator[Part]]:
        """The parts of the body, footnotes, headers, macros, comments, endnotes, text boxes and
        those in headers.
        """
        start = 0
        for index, length in enumerate(self._lengths()):
            end = min(start + length, len(self._characters))
            yield self._comments(start, end) if index == _COMMENTS else self._story(start, end)
            start += length

    def _comments(self, start: int, end: int) -> Iterator[Part]:
        """The parts of all comments, of which each begins with its author."""
        texts, references = self._section(_COMMENT_TEXTS), self._section(_COMMENT_REFERENCES)
        owners = list(_names(self._section(_COMMENT_OWNERS)))
        count = max(0, (len(references) - 4) // (4 + _REFERENCE_BYTES))
        done = start
        for index in range(min(count, len(texts) // 4 - 1) if owners else 0):
            until = min(start + number(texts, 4 * index + 4, 4), end)
            owner = number(references, 4 * (count + 1) + _REFERENCE_BYTES * index + 20, 2)
            author = owners[owner] if owner < len(owners) else ""
            for part in self._story(done, until) if until > done else ():
                yield replace(part, text=f"{author}: {part.text}") if author else part
                author = ""
            done = max(done, until)
        yield from self._story(done, end)

    def _lengths(self) -> list[int]:
        return [number(self._stream, _LENGTHS + 4 * index, 4) for index in range(8)]

    def _lists(self) -> dict[str, ListUse]:
        places = [number(self._stream, at, 4) for at in (_LISTS, _LISTS + 4)]
        places += [number(self._stream, at, 4) for at in (_LIST_USES, _LIST_USES + 4)]
        return lists_of(self._table, *places)

    def _section(self, at: int) -> bytes:
        start, length = number(self._stream, at, 4), number(self._stream, at + 4, 4)
        return self._table[start : start + length]

    def _gathered(self) -> Iterator[str]:
        """The text of each piece; deleted and hidden characters are NULs, so that
        positions hold.
        """
        left_out = sorted(
            (start, end)
            for start, end, is_out in self._runs(_CHARACTERS, 1, self._is_left_out)
            if is_out
        )
        starts = [start for start, _ in left_out]
        position, budget = 0, len(self._stream)
        for length, offset, width in self._piece_table():
            data = self._stream[offset : offset + min(length * width, budget)]
            budget -= len(data)  # pieces do not overlap in a sound file
            text = (
                "".join(map(chr, memoryview(data[: len(data) & ~1]).cast("H")))
                if width == 2
                else self._narrow(data, offset)
            )
            self._pieces.append((position, offset, width))
            position += len(text)
            first = max(0, bisect_right(starts, offset) - 1)
            yield from _blanked(
                text, offset, width, left_out[first : bisect_right(starts, offset + len(data))]
            )

    def _piece_table(self) -> Iterator[tuple[int, int, int]]:
        """Each piece's characters, offset and bytes a character."""
        for length, place in _pieces(self._section(_PIECES)):
            is_narrow = place & 0x40000000
            yield length, (place & 0x3FFFFFFF) // (2 if is_narrow else 1), 1 if is_narrow else 2

    def _narrow(self, data: bytes, offset: int) -> str:  # noqa: ARG002 - of use before Word 97
        return data.decode("cp1252", "replace")

    def _runs(
        self, at: int, entry_bytes: int, meaning: Callable[[bytes, int], _T]
    ) -> Iterator[tuple[int, int, _T]]:
        """What the pages of a table say of each run of the stream: start, end, meaning."""
        table = self._section(at)
        count = (len(table) - 4) // 8
        for index in range(count):
            place = _PAGE * (number(table, 4 * (count + 1) + 4 * index, 4) & 0x3FFFFF)
            page = self._stream[place : place + _PAGE]
            if len(page) < _PAGE:
                continue
            runs = min(page[-1], (_PAGE - 5) // (4 + entry_bytes))
            for run in range(runs):
                entry = page[4 * (runs + 1) + entry_bytes * run]
                yield (
                    number(page, 4 * run, 4),
                    number(page, 4 * run + 4, 4),
                    meaning(page, 2 * entry),
                )

    def _is_left_out(self, page: bytes, at: int) -> bool:
        properties = dict(properties_of(page[at + 1 : at + 1 + page[at]])) if at else {}
        return any(
            properties.get(number, b"\0")[:1] in {b"\1", b"\x81"} for number in (_DELETED, _HIDDEN)
        )

    def _paragraph_of(self, page: bytes, at: int) -> _Paragraph:
        if not at:
            return _Paragraph()
        size = page[at]
        data = page[at + 1 : at + 2 * size] if size else page[at + 2 : at + 2 + 2 * page[at + 1]]
        style = self._styles.get(number(data, 0, 2), DocStyle())
        own = dict(properties_of(data[2:]))
        level = style.level
        if _OUTLINE in own and not style.is_title:
            level = own[_OUTLINE][0] + 1 if own[_OUTLINE][0] < 9 else 0
        in_list = LIST_ID in own
        flags = [
            bool(any(own.get(kind, b"")))
            for kind in (_IN_TABLE, _ENDS_ROW, _ENDS_INNER_CELL, _ENDS_INNER_ROW)
        ]
        flags[1] = flags[1] or _HUGE in own
        return _Paragraph(
            level,
            style.is_title,
            number(own[LIST_ID], 0, 2) if in_list else style.list_id,
            own[LIST_LEVEL][0] if LIST_LEVEL in own else 0 if in_list else style.list_level,
            *flags,
        )

    def _paragraph_at(self, position: int) -> _Paragraph:
        piece, offset, width = self._pieces[bisect_right(self._pieces, (position, 2**32, 0)) - 1]
        place = offset + (position - piece) * width
        index = bisect_right(self._paragraph_starts, place) - 1
        return (
            self._paragraphs[index][2]
            if index >= 0 and place < self._paragraphs[index][1]
            else _Paragraph()
        )

    def _story(self, start: int, end: int) -> Iterator[Part]:
        row = _Row()
        for mark in _ENDS.finditer(self._characters, start, end):
            text, start = _written(self._characters[start : mark.start()]), mark.end()
            paragraph = self._paragraph_at(mark.start())
            if paragraph.list_id:
                label = self._numbering.label(str(paragraph.list_id), paragraph.list_level)
                text = self._labelled(text, label, paragraph)
            if mark[0] == "\x07":
                yield from row.end(text, paragraph)
            elif paragraph.is_in_table:
                row.add(text, paragraph)
            else:
                yield from row.parts()
                yield from self._parts(text, paragraph)
        yield from row.parts()
        yield from self._parts(_written(self._characters[start:end]), _Paragraph())

    def _labelled(self, text: str, label: str, paragraph: _Paragraph) -> str:
        """The text behind its number, or the dash of an item; those of cells have no dash."""
        is_item = not (paragraph.level or paragraph.is_in_table)
        label = label or ("-" if is_item else "")
        return f"{label} {text}" if label and text else text

    def _parts(self, text: str, paragraph: _Paragraph) -> Iterator[Part]:
        if paragraph.level and text:
            text = " ".join(text.split())
            self.title = self.title or (text if paragraph.is_title else "")
            yield Part("heading", text, paragraph.level)
        elif text:
            yield Part("list", text, is_tight=True) if paragraph.list_id else Part("prose", text)


class _OldText(_DocText):
    """The same for Word 6 and 95, in which nothing is known of paragraphs."""

    def _comments(self, start: int, end: int) -> Iterator[Part]:
        return self._story(start, end)

    def _lengths(self) -> list[int]:
        return [number(self._stream, _OLD_LENGTHS + 4 * index, 4) for index in range(8)]

    def _runs(
        self,
        at: int,  # noqa: ARG002
        entry_bytes: int,  # noqa: ARG002
        meaning: Callable[[bytes, int], _T],  # noqa: ARG002
    ) -> Iterator[tuple[int, int, _T]]:
        return iter(())

    def _lists(self) -> dict[str, ListUse]:
        return {}

    def _piece_table(self) -> Iterator[tuple[int, int, int]]:
        pieces = list(_pieces(self._section(_OLD_PIECES)))
        pieces = pieces or [(sum(self._lengths()), number(self._stream, 0x18, 4))]
        width = self._letters.width
        return ((length, place, width) for length, place in pieces)

    def _narrow(self, data: bytes, offset: int) -> str:
        return self._letters.decoded(data, offset)

    @cached_property
    def _letters(self) -> OldLetters:
        start, end = number(self._stream, 0x18, 4), number(self._stream, 0x1C, 4)
        return OldLetters(self._stream, self._stream[start:end])


class _Row:
    """A row of a table under way."""

    def __init__(self) -> None:
        self._cells: list[str] = []
        self._cell: list[str] = []
        self._inner: list[str] = []  # cells of a row within the cell

    def add(self, text: str, paragraph: _Paragraph) -> None:
        """Take a paragraph of a cell."""
        if paragraph.ends_inner_row:
            self._cell.append(" | ".join(filter(None, self._inner)) + ";")
            self._inner.clear()
        elif paragraph.ends_inner_cell:
            self._inner.append(text)
        else:
            self._cell.append(text)

    def end(self, text: str, paragraph: _Paragraph) -> Iterator[Part]:
        """End a cell, or the row where the mark is the row's own: it ends no text and comes right
        after a cell's.
        """
        if paragraph.ends_row or (
            not paragraph.is_in_table and not text and not self._cell and self._cells
        ):
            yield from self.parts()
            return
        self._cells.append(" ".join(" ".join([*self._cell, text]).split()).rstrip(";"))
        self._cell.clear()

    def parts(self) -> Iterator[Part]:
        """The row, where there is one."""
        cells = [*self._cells, *filter(None, self._cell)]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield Part("table", " | ".join(cells), is_tight=True)
        self._cells, self._cell = [], []


def _names(section: bytes) -> Iterator[str]:
    """Names, each behind the number of its characters."""
    at = 0
    while at + 2 <= len(section):
        length = number(section, at, 2)
        yield section[at + 2 : at + 2 + 2 * length].decode("utf-16-le", "replace")
        at += 2 + 2 * length


def _pieces(section: bytes) -> Iterator[tuple[int, int]]:
    """Each piece's characters, and its place with the bit that says how wide they are."""
    at = 0
    while at < len(section) and section[at] == 1:
        at += 3 + number(section, at + 1, 2)
    if at >= len(section) or section[at] != 2:
        return
    table = section[at + 5 : at + 5 + number(section, at + 1, 4)]
    count = (len(table) - 4) // 12
    for index in range(count):
        start, end = number(table, 4 * index, 4), number(table, 4 * index + 4, 4)
        if end > start:
            yield end - start, number(table, 4 * (count + 1) + 8 * index + 2, 4)


def _blanked(
    text: str, offset: int, width: int, left_out: Sequence[tuple[int, int]]
) -> Iterator[str]:
    """The text with NULs in place of what lies in the ranges of the stream; ends of paragraphs and
    cells stay.
    """
    done = 0
    for start, end in left_out:
        first = min(max(done, (start - offset) // width), len(text))
        last = min(max(first, (end - offset) // width), len(text))
        yield text[done:first]
        yield re.sub(r"[^\r\x07\x0c]", "\0", text[first:last])
        done = last
    yield text[done:]


def _without_fields(text: str) -> str:
    """The text with NULs in place of the codes of fields; their results stay. A field never ends
    where its end is missing.
    """
    pieces, results, done = [], [True], 0
    for mark in _FIELD_MARKS.finditer(text):
        piece = text[done : mark.start()]
        pieces.append(piece if all(results) else "\0" * len(piece))
        pieces.append("\0")
        done = mark.end()
        if mark[0] == "\x13":
            results.append(False)
        elif len(results) > 1:
            results.pop()
            if mark[0] == "\x14":
                results.append(True)
    return "".join((*pieces, text[done:]))


def _written(text: str) -> str:
    """Text as it is read: without the marks of pictures and notes, surrogates put together."""
    text = text.translate(_WRITTEN)
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "\n".join(line.strip() for line in text.split("\n")).strip()
