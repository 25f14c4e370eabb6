"""Comments on the cells of an old workbook (xls), texts of its boxes and charts, [MS-XLS]."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from searchapp.extract.spreadsheets.workbook import column_letters, note

_OBJECT, _TEXT, _CONTINUE, _NOTE = 0x005D, 0x01B6, 0x003C, 0x001C
_CHART_TEXT = 0x100D  # a title, or the name of a series
_COMMON = 0x15  # the first part of an object
_LONGEST = 100_000  # characters


class XlsRemarks(NamedTuple):
    """Comments by row, counted from 1, and the texts of boxes."""

    notes: dict[int, list[str]]
    texts: list[str]


class NoteTaker:
    """Takes the records of a sheet one by one, and knows what they say in the end."""

    def __init__(self, stream: bytes) -> None:
        self._stream = stream
        self._object = -1  # the one under way
        self._length = 0  # characters of its text that are still to come
        self._texts: dict[int, str] = {}
        self._titles: dict[str, None] = {}
        self._places: list[tuple[int, int, int]] = []  # row, column and object

    def take(self, kind: int, at: int, size: int) -> None:
        """Look at a record."""
        taker: Callable[[int, int], None] | None = {
            _OBJECT: self._take_object,
            _TEXT: self._take_text,
            _CONTINUE: self._continue,
            _NOTE: self._take_note,
            _CHART_TEXT: self._take_chart_text,
        }.get(kind)
        if taker is not None:
            taker(at, size)

    def remarks(self) -> XlsRemarks:
        """What the records have said."""
        notes: dict[int, list[str]] = {}
        texts = dict(self._texts)
        for row, column, number in self._places:
            if text := texts.pop(number, "").strip():
                cell = f"{column_letters(column + 1)}{row + 1}"
                notes.setdefault(row + 1, []).append(note(cell, text))
        said = [*map(str.strip, texts.values()), "\n".join(self._titles)]
        return XlsRemarks(notes, [text for text in said if text])

    def _take_object(self, at: int, size: int) -> None:
        is_known = size >= 8 and self._number(at) == _COMMON
        self._object = self._number(at + 6) if is_known else -1
        self._length = 0

    def _take_text(self, at: int, size: int) -> None:
        self._length = min(self._number(at + 10), _LONGEST) if size >= 18 else 0

    def _continue(self, at: int, size: int) -> None:
        """Text after the record of a text, with a byte that says how wide its characters are."""
        if not self._length or self._object < 0 or not size:
            return
        is_wide = self._stream[at] & 1
        data = self._stream[at + 1 : at + size]
        text = data.decode("utf-16-le", "replace") if is_wide else data.decode("latin-1")
        text = text[: self._length]
        self._length -= len(text)
        self._texts[self._object] = self._texts.get(self._object, "") + text

    def _take_note(self, at: int, size: int) -> None:
        if size >= 8:
            self._places.append((self._number(at), self._number(at + 2), self._number(at + 6)))

    def _take_chart_text(self, at: int, size: int) -> None:
        if size < 4:
            return
        length, is_wide = self._stream[at + 2], self._stream[at + 3] & 1
        data = self._stream[at + 4 : at + size]
        text = data.decode("utf-16-le", "replace") if is_wide else data.decode("latin-1")
        if title := text[:length].strip():
            self._titles.setdefault(title)

    def _number(self, at: int) -> int:
        return int.from_bytes(self._stream[at : at + 2], "little")
