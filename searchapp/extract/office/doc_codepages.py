"""The letters of Word 6 and 95: two bytes a character in the Far East, else a byte in a code page
that the fonts, the letters themselves and the language speak for.

A document says the language in which it was set up, which often is not the one it is written in; a
font of one script names its code page. Texts keep their length, so that positions hold.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.office.doc_records import number
from searchapp.extract.text.encoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

_TWO_BYTES = 0x1000  # a flag of the document
_FONTS, _CHARACTERS = 0xD0, 0xB8  # where the first block names these tables
_PAGE = 512
_FONT, _PLAIN = 93, 83  # properties of characters
# bytes of a property's value in Word 6, where not 1; None: the first byte says how many
_SIZES: dict[int, int | None] = {
    **dict.fromkeys((68, 74, 81, 82, 103, 105, 106, 108), None),
    **dict.fromkeys((69, 72, 80, 93, 96, 97, 99, 101, 107, 109, 110, 111, 112), 2),
    70: 4,
    73: 3,
    83: 0,
    95: 3,
}
_ANSI = "cp1252"
_OF_LANGUAGE = (
    {0x08: "cp1253", 0x1F: "cp1254", 0x0D: "cp1255", 0x01: "cp1256", 0x1E: "cp874"}
    | {0x11: "cp932", 0x12: "cp949", 0x04: "cp936"}
    | dict.fromkeys((0x25, 0x26, 0x27), "cp1257")
    | dict.fromkeys((0x19, 0x22, 0x23, 0x02, 0x2F), "cp1251")
    | dict.fromkeys((0x05, 0x0E, 0x15, 0x1B, 0x18, 0x24), "cp1250")
)
_TRADITIONAL = frozenset({0x0404, 0x0C04, 0x1404})
_OF_FONT = {  # by the character set of a font; 0, 1 and 2 say nothing
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    134: "cp936",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
}
_ON_MAC = {
    _ANSI: "mac_roman",
    "cp1250": "mac_latin2",
    "cp1251": "mac_cyrillic",
    "cp1253": "mac_greek",
    "cp1254": "mac_turkish",
}
_CANDIDATES = (
    *("cp1252", "cp1251", "cp1253", "cp1250", "cp1254", "cp1255", "cp1256", "cp1257", "cp874"),
    *("mac_roman", "mac_cyrillic", "mac_greek", "mac_latin2", "mac_turkish"),
    *("cp932", "cp949", "gb18030", "cp950", "koi8_r", "cp866"),
)
_FOREIGN = re.compile(r"[^\W\d_\x00-\x7f]")
_LATIN = re.compile("[À-ɏ]")
# a sign or a capital within a word
_ODD = re.compile(r"(?<=[^\W\d_])[¡-¿×÷\ufffd](?=[^\W\d_])|(?<=[a-zß-ÿ])[À-ÞŠŽŒŸ]")
_JUDGED_BYTES = 100_000
_FEWEST_LETTERS = 4  # beyond ASCII, by which letters are judged


class OldLetters:
    """The code pages of a document's text, by offset in its stream."""

    def __init__(self, stream: bytes, text: bytes) -> None:
        self.width = 2 if number(stream, 0x0A, 2) & _TWO_BYTES else 1
        self._stream = stream
        self._fonts = list(self._font_pages()) if self.width == 1 else []
        self._page = self._page_of(text[:_JUDGED_BYTES]) if self.width == 1 else _ANSI
        self._runs = sorted(self._font_runs()) if any(self._fonts) else []
        self._starts = [start for start, _, _ in self._runs]

    def decoded(self, data: bytes, offset: int) -> str:
        """The text of bytes that stand at an offset, as long as they are; NULs stand for bytes that
        are no character of their own.
        """
        end = offset + len(data)
        pieces = []
        at = offset
        for start, stop, page in self._runs[max(0, bisect_right(self._starts, offset) - 1) :]:
            if start >= end:
                break
            first, last = max(at, start), min(stop, end)
            if first < last:
                pieces += [(at, first, self._page), (first, last, page)]
                at = last
        pieces.append((at, end, self._page))
        return "".join(
            _same_length(data[first - offset : last - offset], page) for first, last, page in pieces
        )

    def _page_of(self, text: bytes) -> str:
        """The code page of what no font tells: by the letters where they are enough, else by the
        only script that fonts are made for, else by the language.
        """
        language = number(self._stream, 6, 2)
        page = _OF_LANGUAGE.get(language & 0x3FF, _ANSI)
        page = "cp950" if language in _TRADITIONAL else page
        if self._is_from_mac():
            page = _ON_MAC.get(page, page)
        of_fonts = set(filter(None, self._fonts))
        if sum(byte > 0x7F for byte in text) >= _FEWEST_LETTERS:
            of_letters = _page_of_letters(text, page, of_fonts)
            if of_letters:
                return of_letters
        return of_fonts.pop() if page == _ANSI and len(of_fonts) == 1 else page

    def _is_from_mac(self) -> bool:
        return number(self._stream, 0x14, 2) == 0x100 or bool(number(self._stream, 0x13, 1) & 1)

    def _section(self, at: int) -> bytes:
        start, length = number(self._stream, at, 4), number(self._stream, at + 4, 4)
        return self._stream[start : start + length]

    def _font_pages(self) -> Iterator[str]:
        """The code page of each font, "" where it says none."""
        table = self._section(_FONTS)
        at = 2
        while at + 6 <= len(table):
            yield _OF_FONT.get(table[at + 4], "")
            at += 1 + table[at]

    def _font_runs(self) -> Iterator[tuple[int, int, str]]:
        """Where in the stream a font with a code page of its own is used."""
        table = self._section(_CHARACTERS)
        count = (len(table) - 4) // 6
        for index in range(count):
            page_number = number(table, 4 * (count + 1) + 2 * index, 2)
            page = self._stream[page_number * _PAGE : (page_number + 1) * _PAGE]
            if len(page) < _PAGE:
                continue
            runs = min(page[-1], (_PAGE - 5) // 5)
            for run in range(runs):
                font = _font_of(page, 2 * page[4 * (runs + 1) + run])
                name = self._fonts[font] if font is not None and font < len(self._fonts) else ""
                if name:
                    yield number(page, 4 * run, 4), number(page, 4 * run + 4, 4), name


def _font_of(page: bytes, at: int) -> int | None:
    """The font that the properties at an offset of a page name."""
    data = page[at + 1 : at + 1 + page[at]] if at else b""
    at, font = 0, None
    while at < len(data):
        kind = data[at]
        size = _SIZES.get(kind, 1)
        if size is None:
            size = 1 + number(data, at + 1, 1)
        if kind == _FONT:
            font = number(data, at + 1, 2)
        elif kind == _PLAIN:
            font = None
        at += 1 + size
    return font


def _page_of_letters(text: bytes, expected: str, of_fonts: set[str]) -> str:
    """The code page in which the letters make words, "" where they leave that open; of the same
    script as in the expected one only where that one reads odd, or a font speaks for it.
    """
    shown = text.replace(b"\0", b" ")
    try:
        read = decode(shown)
    except FileFailed:
        return ""
    if _decodes_to(shown, expected, read):
        return expected
    fitting = next((page for page in _CANDIDATES if _decodes_to(shown, page, read)), "")
    is_latin = 2 * len(_LATIN.findall(read)) > len(_FOREIGN.findall(read))
    if fitting in of_fonts or not is_latin or _ODD.search(shown.decode(expected, "replace")):
        return fitting
    return ""


def _decodes_to(data: bytes, page: str, text: str) -> bool:
    try:
        return data.decode(page) == text
    except UnicodeDecodeError:
        return False


def _same_length(data: bytes, page: str) -> str:
    text = data.decode(page, "replace")
    if len(text) == len(data):
        return text
    decoder = codecs.getincrementaldecoder(page)("replace")
    return "".join(decoder.decode(bytes([byte])) or "\0" for byte in data).ljust(len(data), "\0")[
        : len(data)
    ]
