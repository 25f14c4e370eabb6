"""The stream of an old Word document to its parts.

The text is one run of characters in pieces (the piece table); marks in it end paragraphs and cells.
What a paragraph is (its style, whether it ends a row) and which characters are hidden or deleted
stand in pages of 512 bytes, by offset in the file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_T = TypeVar("_T")

_WORD_6, _WORD_97 = 0x65, 0xC1  # the first nFib of each
_ENCRYPTED, _TABLE_1 = 0x0100, 0x0200
# where the first block of the stream names the place and length of its tables
_PIECES, _OLD_PIECES = (0x1A2, 0x160)
_CHARACTERS, _PARAGRAPHS, _STYLES = 0xFA, 0x102, 0xA2
# of the body, footnotes, headers, macros, comments, endnotes, text boxes, those in headers
_LENGTHS, _OLD_LENGTHS = (0x4C, 0x34)
_PAGE = 512
_TITLE = 62  # the number of the style Title; those of headings are 1 to 9
_MAX_BASES = 20
# bytes of a property's value, by the upper bits of its number
_SIZES = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
_DELETED, _HIDDEN = 0x0800, 0x083C
_OUTLINE, _LIST, _IN_TABLE, _ENDS_ROW, _HUGE = 0x2640, 0x460B, 0x2416, 0x2417, 0x6646
_ENDS_INNER_CELL, _ENDS_INNER_ROW = 0x244B, 0x244C
_TABLE_DEFINITION, _TABS = 0xD608, 0xC615
_LANGUAGES = {0x08: "cp1253", 0x1F: "cp1254", 0x0D: "cp1255", 0x01: "cp1256"} | dict.fromkeys(
    (0x25, 0x26, 0x27), "cp1257"
)
_LANGUAGES |= dict.fromkeys((0x19, 0x22, 0x23, 0x02), "cp1251") | dict.fromkeys(
    (0x05, 0x0E, 0x15, 0x1B, 0x18, 0x24), "cp1250"
)
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
    if len(stream) < (_PIECES if _number(stream, 2, 2) >= _WORD_97 else _OLD_PIECES) + 8:
        raise FileFailed("not a readable Word document: it has no text part")
    version, flags = _number(stream, 2, 2), _number(stream, 0x0A, 2)
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
    is_list: bool = False
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
        self._styles = _styles(self._section(_STYLES))
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
        for length in self._lengths():
            yield self._story(start, min(start + length, len(self._characters)))
            start += length

    def _lengths(self) -> list[int]:
        return [_number(self._stream, _LENGTHS + 4 * index, 4) for index in range(8)]

    def _section(self, at: int) -> bytes:
        start, length = _number(self._stream, at, 4), _number(self._stream, at + 4, 4)
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
                else self._narrow(data)
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

    def _narrow(self, data: bytes) -> str:
        return data.decode("cp1252", "replace")

    def _runs(
        self, at: int, entry_bytes: int, meaning: Callable[[bytes, int], _T]
    ) -> Iterator[tuple[int, int, _T]]:
        """What the pages of a table say of each run of the stream: start, end, meaning."""
        table = self._section(at)
        count = (len(table) - 4) // 8
        for index in range(count):
            number = _number(table, 4 * (count + 1) + 4 * index, 4) & 0x3FFFFF
            page = self._stream[number * _PAGE : (number + 1) * _PAGE]
            if len(page) < _PAGE:
                continue
            runs = min(page[-1], (_PAGE - 5) // (4 + entry_bytes))
            for run in range(runs):
                entry = page[4 * (runs + 1) + entry_bytes * run]
                yield (
                    _number(page, 4 * run, 4),
                    _number(page, 4 * run + 4, 4),
                    meaning(page, 2 * entry),
                )

    def _is_left_out(self, page: bytes, at: int) -> bool:
        found = dict(_properties(page[at + 1 : at + 1 + page[at]])) if at else {}
        return any(
            found.get(number, b"\0")[:1] in {b"\1", b"\x81"} for number in (_DELETED, _HIDDEN)
        )

    def _paragraph_of(self, page: bytes, at: int) -> _Paragraph:
        if not at:
            return _Paragraph()
        size = page[at]
        data = page[at + 1 : at + 2 * size] if size else page[at + 2 : at + 2 + 2 * page[at + 1]]
        level, is_title = self._styles.get(_number(data, 0, 2), (0, False))
        found = dict(_properties(data[2:]))
        if _OUTLINE in found and not is_title:
            level = found[_OUTLINE][0] + 1 if found[_OUTLINE][0] < 9 else 0
        flags = [
            bool(any(found.get(number, b"")))
            for number in (_LIST, _IN_TABLE, _ENDS_ROW, _ENDS_INNER_CELL, _ENDS_INNER_ROW)
        ]
        flags[2] = flags[2] or _HUGE in found
        return _Paragraph(level, is_title, *flags)

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
            if mark[0] == "\x07":
                yield from row.end(text, paragraph)
            elif paragraph.is_in_table:
                row.add(text, paragraph)
            else:
                yield from row.parts()
                yield from self._parts(text, paragraph)
        yield from row.parts()
        yield from self._parts(_written(self._characters[start:end]), _Paragraph())

    def _parts(self, text: str, paragraph: _Paragraph) -> Iterator[Part]:
        if paragraph.level and text:
            text = " ".join(text.split())
            self.title = self.title or (text if paragraph.is_title else "")
            yield Part("heading", text, paragraph.level)
        elif text:
            yield (
                Part("list", f"- {text}", is_tight=True)
                if paragraph.is_list
                else Part("prose", text)
            )


class _OldText(_DocText):
    """The same for Word 6 and 95: a byte a character in the language's code page, and nothing is
    known of paragraphs.
    """

    def _lengths(self) -> list[int]:
        return [_number(self._stream, _OLD_LENGTHS + 4 * index, 4) for index in range(8)]

    def _runs(
        self,
        at: int,  # noqa: ARG002
        entry_bytes: int,  # noqa: ARG002
        meaning: Callable[[bytes, int], _T],  # noqa: ARG002
    ) -> Iterator[tuple[int, int, _T]]:
        return iter(())

    def _piece_table(self) -> Iterator[tuple[int, int, int]]:
        found = [(length, place, 1) for length, place in _pieces(self._section(_OLD_PIECES))]
        yield from found or [(sum(self._lengths()), _number(self._stream, 0x18, 4), 1)]

    def _narrow(self, data: bytes) -> str:
        return data.decode(_LANGUAGES.get(_number(self._stream, 6, 2) & 0x3FF, "cp1252"), "replace")


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


def _pieces(section: bytes) -> Iterator[tuple[int, int]]:
    """Each piece's characters, and its place with the bit that says how wide they are."""
    at = 0
    while at < len(section) and section[at] == 1:
        at += 3 + _number(section, at + 1, 2)
    if at >= len(section) or section[at] != 2:
        return
    table = section[at + 5 : at + 5 + _number(section, at + 1, 4)]
    count = (len(table) - 4) // 12
    for index in range(count):
        start, end = _number(table, 4 * index, 4), _number(table, 4 * index + 4, 4)
        if end > start:
            yield end - start, _number(table, 4 * (count + 1) + 8 * index + 2, 4)


def _properties(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The properties in a list of them: number, value."""
    at = 0
    while at + 2 < len(data):
        number = _number(data, at, 2)
        at += 2
        if number == _TABS and data[at] == 255:
            return
        size = _SIZES.get(number >> 13, 1 + data[at])
        size = 1 + _number(data, at, 2) if number == _TABLE_DEFINITION else size
        yield number, data[at : at + size]
        at += size


def _styles(section: bytes) -> dict[int, tuple[int, bool]]:
    """For each style, the level of the headings that it makes and whether it makes titles."""
    found: list[tuple[int, int]] = []  # the style's fixed number, the style that it is based on
    at = 2 + _number(section, 0, 2)
    while at + 2 <= len(section):
        size = _number(section, at, 2)
        style = section[at + 2 : at + 2 + size]
        found.append(
            (_number(style, 0, 2) & 0xFFF, _number(style, 2, 2) >> 4)
            if size >= 4
            else (0xFFF, 0xFFF)
        )
        at += 2 + size + size % 2
    return {index: _style(index, found) for index in range(len(found))} or {
        level: (level, False) for level in range(1, 10)
    }


def _style(index: int, styles: Sequence[tuple[int, int]]) -> tuple[int, bool]:
    for _ in range(_MAX_BASES):
        if index >= len(styles):
            break
        number, index = styles[index]
        if 1 <= number <= 9:
            return number, False
        if number == _TITLE:
            return 1, True
    return 0, False


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


def _number(data: bytes, at: int, size: int) -> int:
    """An unsigned number, 0 where it lies outside the data."""
    return int.from_bytes(data[at : at + size], "little") if at + size <= len(data) else 0
