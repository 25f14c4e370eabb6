"""A page in the making: what macros say of it becomes headings, paragraphs, items, code and rows.

It knows no macro and no escape: `man` and `mdoc` write to it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from searchapp.extract.builder import Part

if TYPE_CHECKING:
    from searchapp.types.documents import BlockKind

_BULLET = re.compile(r"(?:[•·▪‣○*-]|\(?\d{1,3}[.)])\s+\S")
_SPACES = re.compile(r"[ \t]+")
_MAX_SHARED = 40  # pieces of the tags that share a text
_SENTENCE_ENDS = (".", ":", "!", "?", ";")
_MAX_TAG = 100  # characters of a line that may be the tag of what stands below it
_ENDS_LIST = (",", "|", ":", ";")

Tag: TypeAlias = Literal["", "line", "block"]  # what is written now is an item's: its line, or all


class Page:
    """The parts of a page, in order, each with the line of the source where it begins."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.line = 1  # of the source
        self.is_filled = True  # lines are joined to paragraphs
        self.is_tight = False  # no blank lines between paragraphs: .PD 0
        self.open_tag: Tag = ""
        self._text: list[str] = []
        self._tag: list[str] = []
        self._is_glued = True  # what comes next joins the last word
        self._heading = 0  # the level of the heading that is written now
        self._is_line_heading = False
        self._is_row = False
        self._begin = 1

    # ---- text ------------------------------------------------------------------------------------

    def write(self, text: str, *, glued: bool = False, glues: bool = False) -> None:
        """Add a line's text; `glued` joins it to the word before, `glues` to the next."""
        if self._heading and self._is_line_heading and text.strip():
            self._text.append(text)
            if not glues:
                self.end_paragraph()
            return
        if self.open_tag:
            self._write_tag(text, glued=glued, glues=glues)
            return
        if not self._text:
            self._begin = self.line if not self._tag else self._begin
        if not self.is_filled:
            self._text.append(text if glues else text + "\n")
            return
        if self._text and not glued and not self._is_glued:
            self._text.append("\n" if text[:1].isspace() and text.strip() else " ")
        self._text.append(text)
        self._is_glued = glues

    def _write_tag(self, text: str, *, glued: bool, glues: bool) -> None:
        if not text.strip():
            return
        if not self._tag:
            self._begin = self.line
        if self._tag and not glued and not self._is_glued:
            self._tag.append(" ")
        self._tag.append(text.strip())
        self._is_glued = glues
        if self.open_tag == "line" and not glues:
            self.close_tag()

    def separate(self, *, joins: bool) -> None:
        """Put a space after the last word: now, so that what comes next joins it, or then."""
        words = self._tag if self.open_tag else self._text
        if words and self.is_filled and joins:
            words.append(" ")
        self._is_glued = joins

    def break_line(self) -> None:
        """Begin a new line within the paragraph."""
        if self.is_filled and self._text and not self._is_glued and not self.open_tag:
            self._text.append("\n")
            self._is_glued = True

    def blank_line(self) -> None:
        """A blank line ends a paragraph, also of code: so that each has its own line."""
        if self._text and not self.open_tag and (self.is_filled or not self._heading):
            self.end_paragraph()

    # ---- what paragraphs are ---------------------------------------------------------------------

    def end_paragraph(self) -> None:
        """End what is open: a paragraph, an item, a heading, a row or a piece of code."""
        text, tag = "".join(self._text), "".join(self._tag).strip()
        was_row, level = self._is_row, self._heading
        self._text, self._tag = [], []
        self.open_tag = ""
        self._is_glued, self._is_row, self._heading = True, False, 0
        if level:
            self._add("heading", " ".join(text.split()), level=level)
        elif was_row:
            self._add("table", " ".join(text.split()))
        elif not self.is_filled and text.strip():
            if tag:
                self._add("list", tag)
            lines = "\n".join(line.rstrip() for line in text.split("\n"))
            self._add("code", lines.strip("\n"))
        else:
            body = "\n".join(
                _SPACES.sub(" ", line).strip() for line in text.split("\n") if line.strip()
            )
            kind: BlockKind = "list" if tag or _BULLET.match(body) else "prose"
            self._add(kind, f"{tag}  {body}" if tag and body else tag or body)

    def _add(self, kind: BlockKind, text: str, *, level: int = 0) -> None:
        if text.strip():
            self.parts.append(
                Part(
                    kind,
                    text,
                    level=level,
                    place=(("line", self._begin),),
                    is_tight=kind in {"list", "table"},
                )
            )

    def begin_heading(self, level: int, text: str, *, is_line: bool = True) -> None:
        """A heading; without a text here it is the next line, or all up to the next paragraph."""
        self.end_paragraph()
        self.is_filled = True
        self._begin = self.line
        self._heading, self._is_line_heading = level, is_line
        if text.strip():
            self._text.append(text)
            self.end_paragraph()

    def begin_item(self, tag: str = "", *, following: Tag = "") -> None:
        """An item; `following` says where its tag is written where it is not known yet.

        Tags right below each other without a blank line between them share a text.
        """
        is_shared = self.is_tight and 0 < len(self._tag) < _MAX_SHARED and not any(self._text)
        shared = self._tag if is_shared else []
        if shared:
            self._tag = []
        self.end_paragraph()
        self._begin = self.line
        self._tag = shared
        if tag.strip():
            self._add_tag(tag.strip())
        elif following:
            self._separate_tag()
        self.open_tag = following if not tag.strip() else ""
        self._is_glued = True

    def also_tagged(self) -> None:
        """The next line is one more tag of the item."""
        if any(map(str.strip, self._text)) or len(self._tag) >= _MAX_SHARED:
            self.begin_item(following="line")
            return
        self._separate_tag()
        self.open_tag = "line"
        self._is_glued = True

    def indent(self) -> None:
        """What follows stands further in: a short line that it hangs on is the tag of an item."""
        line = "".join(self._text).strip()
        is_tag = len(line) <= _MAX_TAG and "\n" not in line and not line.endswith(_SENTENCE_ENDS)
        if not line or not is_tag or not self.is_filled or self._tag or self._heading:
            self.end_paragraph()
            return
        self._text, self._tag = [], [line]
        self._is_glued = True

    def close_tag(self) -> None:
        """What follows is the item's text."""
        self.open_tag = ""
        self._is_glued = True

    def _add_tag(self, tag: str) -> None:
        self._separate_tag()
        self._tag.append(tag)

    def _separate_tag(self) -> None:
        if self._tag:
            self._tag.append(" " if self._tag[-1].endswith(_ENDS_LIST) else ", ")

    def begin_row(self) -> None:
        """A row of a table, up to the next one."""
        self.end_paragraph()
        self._is_row = True
        self._begin = self.line

    def add_row(self, cells: list[str]) -> None:
        """A whole row of a table."""
        texts = [" ".join(cell.split()) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        self._begin = self.line
        self._add("table", " | ".join(texts))

    def fill(self, *, is_filled: bool) -> None:
        """Join the lines that follow to paragraphs, or keep them as they are."""
        if is_filled != self.is_filled:
            self.end_paragraph()
            self.is_filled = is_filled
