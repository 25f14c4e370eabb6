"""How a binary workbook (xlsb) shows its numbers, which the library that reads it does not say: its
records, [MS-XLSB], of formats, of the styles of cells, and of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from searchapp.extract.spreadsheets.xls_formats import pattern_of_number

if TYPE_CHECKING:
    from searchapp.extract.spreadsheets.number_formats import Pattern

_ROW, _FORMAT, _STYLE, _SHEET = 0, 44, 47, 156
_CELLS = range(1, 12)  # blank, number, error, truth, text, formula
_NUMBERS = frozenset({2, 5, 9})  # a short one, a long one, the result of a formula
_STYLES_BEGIN, _STYLES_END = 617, 618  # those of cells; there are others


class XlsbFormats:
    """The formats of numbers of a workbook; `part_of` gives the part that a relation leads to."""

    def __init__(self, book: bytes, styles: bytes, part_of: Callable[[str], bytes]) -> None:
        self._part_of = part_of
        self._relations: dict[str, str] = {}  # by a sheet's name
        for kind, body in records(book):
            if kind == _SHEET:
                relation, end = _text(body, 8)
                self._relations[_text(body, end)[0]] = relation
        self._patterns = list(_patterns(styles))

    def of_sheet(self, name: str) -> dict[tuple[int, int], Pattern]:
        """How the numbers of a sheet are shown, by row and column, both from 0; those shown as they
        are not among them.
        """
        if not any(self._patterns) or name not in self._relations:
            return {}
        patterns: dict[tuple[int, int], Pattern] = {}
        row = 0
        for kind, body in records(self._part_of(self._relations[name])):
            if kind == _ROW:
                row = _number(body, 0, 4)
            elif kind in _NUMBERS:
                style = _number(body, 4, 3)
                pattern = self._patterns[style] if style < len(self._patterns) else None
                if pattern is not None:
                    patterns[row, _number(body, 0, 4)] = pattern
        return patterns


def area(sheet: bytes) -> int:
    """How many cells lie between the first and last row, and the first and last column, of a
    sheet.
    """
    rows, columns = set(), set()
    for kind, body in records(sheet):
        if kind == _ROW:
            rows.add(_number(body, 0, 4))
        elif kind in _CELLS:
            columns.add(_number(body, 0, 4))
    return (
        (max(rows) - min(rows) + 1) * (max(columns) - min(columns) + 1) if rows and columns else 0
    )


def records(part: bytes) -> Iterator[tuple[int, memoryview]]:
    """The kind and the content of each record of a part, up to one that is cut off."""
    view, at = memoryview(part), 0
    while at < len(part):
        kind, at = _varint(part, at, 2)
        size, at = _varint(part, at, 4)
        if at + size > len(part):
            return
        yield kind, view[at : at + size]
        at += size


def _patterns(styles: bytes) -> Iterator[Pattern | None]:
    """How each style of cells shows numbers, None where it shows them as they are."""
    codes: dict[int, str] = {}
    is_of_cells = False
    for kind, body in records(styles):
        if kind == _FORMAT:
            codes[_number(body, 0, 2)] = _text(body, 2)[0]
        elif kind in {_STYLES_BEGIN, _STYLES_END}:
            is_of_cells = kind == _STYLES_BEGIN
        elif kind == _STYLE and is_of_cells:
            yield pattern_of_number(_number(body, 2, 2), codes)


def _text(body: memoryview, at: int) -> tuple[str, int]:
    """A text after its length, and where it ends."""
    end = at + 4 + 2 * _number(body, at, 4)
    return bytes(body[at + 4 : end]).decode("utf-16-le", "replace"), end


def _number(body: memoryview, at: int, size: int) -> int:
    return int.from_bytes(body[at : at + size], "little")


def _varint(data: bytes, at: int, longest: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    number = 0
    for shift, byte in enumerate(data[at : at + longest]):
        number |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return number, at + shift + 1
    return number, at + longest
