"""Rich Text Format: its own tokens read once from left to right, as no library tells headings,
lists, notes and hidden text apart.

A group that the format marks as skippable is skipped unless it is known here; nothing in a file is
executed or followed. Each run of bytes is decoded by the code page of its font, and `\\u` goes
before the bytes that stand in for it.
"""

from __future__ import annotations

import codecs
import re
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part, in_time
from searchapp.extract.office.common import furniture, iso_date, manuscript, real_title
from searchapp.extract.office.drawings import real_descriptions
from searchapp.extract.office.rtf_flow import RtfFlow, item_text
from searchapp.extract.office.rtf_tables import (
    ANSI_FONT,
    CHARACTERS,
    CODE_PAGES,
    EDGES,
    FACTS,
    METADATA,
    NOTES,
    PAGES,
    SKIPPED,
    STARRED,
    SYMBOL_FONT,
    SYMBOLS,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from searchapp.types.documents import BlockKind, Document

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? "
    rb"?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\",
    re.DOTALL,
)
_MAX_LEVEL = 9


def read(data: bytes, document_type: str) -> Document:
    """A text by headings, paragraphs, lists and rows of tables; raises FileFailed for what does not
    begin as RTF does.
    """
    if not data.lstrip(b"\xef\xbb\xbf\0 \t\r\n").startswith(b"{\\rtf"):
        raise FileFailed("not a readable RTF file: it does not begin with {\\rtf")
    walk, cut = _RtfReader(), list[str]()
    with in_time(cut):
        walk.run(data)
    walk.end()
    edges = furniture([part for flow in walk.edges for part in flow.parts])
    metadata = {name: walk.facts.get(key, "") for key, name in METADATA.items()}
    metadata["date"] = walk.date("creatim") or walk.date("revtim")
    metadata["incomplete"] = "; ".join(cut)
    titles = (walk.title, real_title(walk.facts.get("title", "")))
    return manuscript(walk.body.parts, edges, document_type, titles=titles, metadata=metadata)


@dataclass(slots=True)
class _State:
    """What a group takes over from the one around it."""

    flow: RtfFlow
    # text, skip, fonts, styles, signer (of a comment), sp, sn, sv (properties of shapes and
    # their values), info, or the name of a fact
    target: str = "text"
    code_page: str = ""
    fallback: int = 1  # how many characters stand in for a `\\u`
    is_hidden: bool = False
    style: int = 0
    level: int | None = None
    is_in_table: bool = False
    is_list: bool = False
    opens: RtfFlow | None = None  # the flow that ends with this group


@dataclass(slots=True)
class _RtfStyle:
    name: str = ""
    level: int | None = None
    base: int | None = None


class _RtfReader:
    """One way through a file's tokens."""

    def __init__(self) -> None:
        self.body = RtfFlow()
        self.edges: list[RtfFlow] = []
        self.facts: dict[str, str] = {}
        self.title = ""
        self._dates: dict[str, dict[str, int]] = {}
        self._state = _State(self.body)
        self._stack: list[_State] = []
        self._page = "cp1252"
        self._fonts: dict[int, str] = {}
        self._default_font = 0
        self._styles: dict[int, _RtfStyle] = {}
        self._number = 0  # of the font or style being defined
        self._bytes: list[bytes] = []  # not decoded yet
        self._to_skip = 0  # characters that stand in for the last `\u`
        self._is_starred = False
        self._is_first = False  # in its group
        self._author = ""
        self._property = self._described = ""  # of a shape: a name, and what is said of it
        self._doers: dict[str, Callable[[int | None], None]] = {
            "par": self._end_paragraph,
            "sect": self._end_paragraph,
            "page": self._end_paragraph,
            "cell": self._end_cell,
            "row": self._end_row,
            "nestcell": self._end_nested_cell,
            "nestrow": self._end_nested_row,
            "pard": self._reset_paragraph,
            "plain": self._reset_characters,
            "f": self._set_font,
            "s": self._set_style,
            "outlinelevel": self._set_level,
            "u": self._add_unicode,
            "deff": self._set_default_font,
            "ansicpg": self._set_page,
            "fcharset": self._set_charset,
            "sbasedon": self._set_base,
        }

    def run(self, data: bytes) -> None:
        """Read all tokens."""
        position, match_at = 0, _TOKEN.match
        while match := match_at(data, position):
            position = match.end()
            word, number, code, symbol, brace, text = match.groups()
            if text is not None:
                self._add_bytes(text)
            elif code is not None:
                self._add_bytes(bytes.fromhex(code.decode()))
            elif word is not None:
                value = None if number is None else int(number)
                if word == b"bin":
                    position += max(0, value or 0)
                else:
                    self._control(word.decode(), value)
            elif brace is not None:
                self._brace(brace)
            elif symbol is not None:
                self._symbol(symbol)

    def end(self) -> None:
        """Close all that is open."""
        while self._stack:
            self._brace(b"}")
        self._finish(self.body)

    def date(self, name: str) -> str:
        """A date of the document in ISO 8601, "" where it has none."""
        fields = self._dates.get(name, {})
        if not (fields.get("mo") and fields.get("dy")):
            return ""
        day = f"{fields.get('yr', 0):04}-{fields['mo']:02}-{fields['dy']:02}"
        return iso_date(
            day + (f"T{fields['hr']:02}:{fields.get('min', 0):02}" if "hr" in fields else "")
        )

    # ---- tokens

    def _brace(self, brace: bytes) -> None:
        self._flush()
        self._to_skip = 0
        self._is_starred, self._is_first = False, brace == b"{"
        if brace == b"{":
            self._stack.append(self._state)
            self._state = copy(self._state)
            self._state.opens = None
        elif self._stack:
            if self._state.opens is not None:
                self._finish(self._state.opens)
            self._state = self._stack.pop()
            if self._described and self._state.target != "sv":
                said = [Part("prose", text) for text in real_descriptions([self._described])]
                if not any(note.parts == said for note in self._state.flow.notes):
                    self._state.flow.notes.append(RtfFlow(said))  # a picture may be there twice
                self._described = ""

    def _symbol(self, symbol: bytes) -> None:
        self._flush()
        if symbol == b"*":
            self._is_starred = self._is_first  # elsewhere programs put it by mistake
        elif symbol in b"\r\n":
            self._end_paragraph(None)
        elif symbol in SYMBOLS:
            self._add(SYMBOLS[symbol])

    def _control(self, word: str, value: int | None) -> None:
        self._flush()
        if self._to_skip and word != "u":
            self._to_skip -= 1
        is_starred, self._is_starred, self._is_first = self._is_starred, False, False
        if self._state.target == "skip":
            self._state.target = "properties" if word == "picprop" else "skip"
            return
        if (is_starred and word not in STARRED) or word in SKIPPED:
            self._state.target = "skip"
        elif word in self._doers:
            self._doers[word](value)
        elif word in CHARACTERS:
            self._add(CHARACTERS[word])
        elif word in {"v", "deleted"}:
            self._state.is_hidden = value != 0
        elif word in {"intbl", "ls"}:
            self._state.is_in_table |= word == "intbl"
            self._state.is_list |= word == "ls"
        elif word == "uc":
            self._state.fallback = max(0, value or 0)
        elif word in PAGES:
            self._page = PAGES[word]
        else:
            self._destination(word, value)

    def _destination(self, word: str, value: int | None) -> None:
        """Turn to the destination that a group begins with."""
        state = self._state
        if word in {"fonttbl", "stylesheet"}:
            state.target = "fonts" if word == "fonttbl" else "styles"
        elif word == "info":
            state.target = "info"
        elif word in FACTS and state.target == "info":
            state.target = word
            self.facts[word] = ""
        elif word in {"yr", "mo", "dy", "hr", "min"} and state.target in {"creatim", "revtim"}:
            self._dates.setdefault(state.target, {})[word] = value or 0
        elif word in {"sp", "sn", "sv"}:  # a property of a shape or picture
            state.target = word
            if word == "sn":
                self._property = ""
        elif word == "atnauthor":
            state.target, self._author = "signer", ""
        elif word in {"listtext", "pntext"}:
            state.flow.is_list = True
        elif (word in NOTES or word in EDGES) and state.target == "text":
            self._open(edge=word in EDGES, author=self._author if word == "annotation" else "")

    def _open(self, *, edge: bool, author: str) -> None:
        flow = RtfFlow(author=author)
        (self.edges if edge else self._state.flow.notes).append(flow)
        self._state = _State(
            flow, fallback=self._state.fallback, code_page=self._state.code_page, opens=flow
        )

    # ---- text

    def _add_bytes(self, data: bytes) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(data))
            self._to_skip -= skipped
            data = data[skipped:]
        if data and self._state.target != "skip":
            self._bytes.append(data)

    def _flush(self) -> None:
        """Decode the bytes so far; a character of two bytes may be in two tokens."""
        if self._bytes:
            data = b"".join(self._bytes)
            self._bytes.clear()
            page = self._state.code_page or self._fonts.get(self._default_font, "") or self._page
            if page == SYMBOL_FONT and self._state.target == "text":
                return
            is_own = page not in {SYMBOL_FONT, ANSI_FONT}
            self._add(data.decode(page if is_own else self._page, "replace"))

    def _add(self, text: str) -> None:
        target = self._state.target
        if target == "text":
            if not self._state.is_hidden:
                self._state.flow.pieces.append(text)
        elif target == "styles":
            self._styles.setdefault(self._number, _RtfStyle()).name += text.rstrip(";")
        elif target == "signer":
            self._author += text
        elif target == "sn":
            self._property += text
        elif target == "sv" and self._property == "wzDescription":
            self._described += text
        elif target in FACTS:
            self.facts[target] = self.facts.get(target, "") + text

    def _add_unicode(self, value: int | None) -> None:
        code = (value or 0) & 0xFFFF
        self._to_skip = self._state.fallback
        if not 0xF000 <= code <= 0xF0FF:  # letters of symbol fonts
            self._add(chr(code))

    # ---- paragraphs, cells and rows

    def _end_paragraph(self, _: int | None) -> None:
        state, flow = self._state, self._state.flow
        if state.target != "text":
            return
        if state.is_in_table:
            flow.cell.append(flow.paragraph())
            return
        self._end_row(None)

    def _end_cell(self, _: int | None) -> None:
        flow = self._state.flow
        flow.cell.append(flow.paragraph())
        flow.row.append(" ".join(" ".join(flow.cell).split()))
        flow.cell.clear()

    def _end_row(self, _: int | None) -> None:
        """End the row of a table, and the paragraph after it where there is one."""
        flow = self._state.flow
        row, text = flow.row, flow.paragraph()
        while row and not row[-1]:
            row.pop()
        if row:
            flow.parts.append(Part("table", " | ".join(row), is_tight=True))
        flow.row = []
        for stray in (*flow.cell, text):
            if stray:
                flow.parts.append(self._part(stray, listed=flow.is_list or self._state.is_list))
        flow.cell.clear()
        flow.is_list = False
        self._take_notes(flow)

    def _end_nested_cell(self, _: int | None) -> None:
        flow = self._state.flow
        flow.nested.append(" ".join([*flow.cell, flow.paragraph()]).strip())
        flow.cell.clear()

    def _end_nested_row(self, _: int | None) -> None:
        flow = self._state.flow
        flow.cell.append(" | ".join(filter(None, flow.nested)) + ";")
        flow.nested.clear()

    def _part(self, text: str, *, listed: bool) -> Part:
        style = self._styles.get(self._state.style, _RtfStyle())
        is_title = style.name.strip().lower() == "title"
        level = 1 if is_title else self._level()
        if level and "\t" in text:
            text = text.replace("\t", " ")
        if level:
            text = " ".join(text.split())
            self.title = self.title or (text if is_title else "")
            return Part("heading", text, level)
        kind: BlockKind = "list" if listed else "prose"
        return Part(kind, item_text(text) if listed else text, is_tight=listed)

    def _level(self) -> int:
        """The level of the heading that the paragraph is, by itself or by its style; 0 for any
        other.
        """
        level, number = self._state.level, self._state.style
        for _ in range(20):
            style = self._styles.get(number)
            if level is not None or style is None:
                break
            named = re.fullmatch(r"heading ([1-9])", style.name.strip().lower())
            level = int(named[1]) - 1 if style.level is None and named else style.level
            number = -1 if style.base is None else style.base
        return level + 1 if level is not None and 0 <= level < _MAX_LEVEL else 0

    def _take_notes(self, flow: RtfFlow) -> None:
        for note in flow.notes:
            for part in note.parts:
                flow.parts.append(
                    replace(part, text=f"{note.author}: {part.text}") if note.author else part
                )
                note.author = ""
        flow.notes.clear()

    def _finish(self, flow: RtfFlow) -> None:
        if flow.cell or flow.row or "".join(flow.pieces).strip() or flow.notes:
            self._state.flow = flow
            if flow.row:
                self._end_cell(None)
            self._end_row(None)

    # ---- what control words set

    def _reset_paragraph(self, _: int | None) -> None:
        self._state.is_in_table = self._state.is_list = False
        self._state.style, self._state.level = 0, None

    def _reset_characters(self, _: int | None) -> None:
        self._state.is_hidden = False
        self._state.code_page = ""

    def _set_font(self, value: int | None) -> None:
        if self._state.target == "fonts":
            self._number = value or 0
        else:
            self._state.code_page = self._fonts.get(value or 0, "")

    def _set_style(self, value: int | None) -> None:
        self._state.style = value or 0
        if self._state.target == "styles":
            self._number = value or 0
            self._styles[self._number] = _RtfStyle()

    def _set_level(self, value: int | None) -> None:
        if self._state.target == "styles":
            self._styles.setdefault(self._number, _RtfStyle()).level = value or 0
        else:
            self._state.level = value or 0

    def _set_base(self, value: int | None) -> None:
        if self._state.target == "styles":
            self._styles.setdefault(self._number, _RtfStyle()).base = value

    def _set_default_font(self, value: int | None) -> None:
        self._default_font = value or 0

    def _set_page(self, value: int | None) -> None:
        self._page = _known(f"cp{value}") if value != 65001 else "utf-8"

    def _set_charset(self, value: int | None) -> None:
        if self._state.target == "fonts":
            self._fonts[self._number] = CODE_PAGES.get(value or 0, "")


def _known(code_page: str) -> str:
    try:
        codecs.lookup(code_page)
    except LookupError:
        return "cp1252"
    return code_page
