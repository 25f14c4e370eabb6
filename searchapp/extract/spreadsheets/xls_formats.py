"""How an old workbook (xls) shows its numbers, which the library that reads it does not say: the
records of formats, [MS-XLS], and which of them each cell goes by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchapp.extract.spreadsheets.workbook import BUILT_IN, format_of
from searchapp.extract.spreadsheets.xls_notes import NoteTaker, XlsRemarks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from searchapp.extract.spreadsheets.number_formats import Pattern

_BEGIN, _END = 0x0809, 0x000A
_SHEET, _FORMAT, _OLD_FORMAT, _STYLE = 0x0085, 0x041E, 0x001E, 0x00E0
_NUMBER, _SMALL, _SEVERAL, _FORMULA = 0x0203, 0x027E, 0x00BD, 0x0006
_LATEST = 0x0600  # the version since Excel 97
_MAX_DEPTH = 32  # of charts in sheets


class XlsFormats:
    """The formats of numbers in the stream of a workbook."""

    def __init__(self, stream: bytes) -> None:
        self._stream = stream
        self._is_latest = _number(stream, 4) == _LATEST
        self._codes: dict[int, str] = {}
        self._styles: list[int] = []  # the format of each
        self._sheets: dict[str, int] = {}  # where each begins
        for kind, at, _ in _records(stream, 0):
            if kind == _STYLE:
                self._styles.append(_number(stream, at + 2))
            elif kind in {_FORMAT, _OLD_FORMAT}:
                self._codes[_number(stream, at)] = self._text(at + 2, wide=kind == _FORMAT)
            elif kind == _SHEET:
                start = int.from_bytes(stream[at : at + 4], "little")
                self._sheets[self._text(at + 6, wide=False)] = start
        self._patterns = [pattern_of_number(number, self._codes) for number in self._styles]

    def of_sheet(self, name: str) -> dict[tuple[int, int], Pattern]:
        """How the numbers of a sheet are shown, by row and column, both from 0; those shown as they
        are not among them.
        """
        if not any(self._patterns) or name not in self._sheets:
            return {}
        cells = (
            (row, column, self._patterns[style])
            for row, column, style in self._cells(self._sheets[name])
            if style < len(self._patterns)
        )
        return {(row, column): pattern for row, column, pattern in cells if pattern is not None}

    def remarks(self, name: str) -> XlsRemarks:
        """The comments on a sheet and the texts of its boxes; files of before Excel 97 keep them in
        another form, which is not read.
        """
        taker = NoteTaker(self._stream)
        if self._is_latest and name in self._sheets:
            for kind, at, size in _records(self._stream, self._sheets[name], deepest=2):
                taker.take(kind, at, size)
        return taker.remarks()

    def _text(self, at: int, *, wide: bool) -> str:
        """A text after its length, which takes two bytes where `wide`, and only in late files."""
        stream = self._stream
        size = 2 if wide and self._is_latest else 1
        length, at = int.from_bytes(stream[at : at + size], "little"), at + size
        if not self._is_latest:
            return stream[at : at + length].decode("cp1252", "replace")
        if stream[at : at + 1] == b"\1":
            return stream[at + 1 : at + 1 + 2 * length].decode("utf-16-le", "replace")
        return stream[at + 1 : at + 1 + length].decode("latin-1")

    def _cells(self, start: int) -> Iterator[tuple[int, int, int]]:
        """The row, column and style of each number of a sheet."""
        stream = self._stream
        for kind, at, size in _records(stream, start):
            if kind in {_NUMBER, _SMALL, _FORMULA}:
                yield _number(stream, at), _number(stream, at + 2), _number(stream, at + 4)
            elif kind == _SEVERAL:
                row, first = _number(stream, at), _number(stream, at + 2)
                for index in range((size - 6) // 6):
                    yield row, first + index, _number(stream, at + 4 + 6 * index)


def pattern_of_number(number: int, codes: Mapping[int, str]) -> Pattern | None:
    """How the format of a number shows numbers, by the workbook's own codes or as built in; None
    for one that shows them as they are, and for dates.
    """
    code = codes.get(number)
    if code is None:
        known = BUILT_IN.get(number)
        return None if known is None else known.pattern
    return format_of(code).pattern


def _records(stream: bytes, at: int, deepest: int = 1) -> Iterator[tuple[int, int, int]]:
    """The kind, place and size of the records from a beginning to its end, without those of charts
    in between; with these where `deepest` is 2.
    """
    depth = 0
    while at + 4 <= len(stream):
        kind, size = _number(stream, at), _number(stream, at + 2)
        at += 4
        if kind == _BEGIN:
            depth += 1
        elif kind == _END:
            depth -= 1
        elif depth <= deepest:
            yield kind, at, size
        if not 0 < depth <= _MAX_DEPTH:
            return
        at += size


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")
