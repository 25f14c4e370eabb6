"""What every package of macros shares: breaks, filling, tables, equations, files named by .so."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from searchapp.extract.roff.conditions import number
from searchapp.extract.roff.equations import equation_text, inline_equations
from searchapp.extract.roff.page import Page
from searchapp.extract.roff.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from searchapp.extract.roff.interpreter import Interpreter

_SOURCED = re.compile(r"(?:\S*/)?([^/\s]+)\.(\d\w*)(?:\.(?:gz|bz2|xz))?$")


@dataclass(slots=True)
class Heading:
    """What a page says of itself: the arguments of .TH, or of .Dt, .Dd and .Os."""

    name: str = ""
    section: str = ""
    date: str = ""
    title: str = ""  # of a paper: .TL
    described: list[str] = field(default_factory=list)  # where .so leads


@dataclass
class Requests:
    """Writes text to a page, and the requests that no package of macros defines."""

    page: Page = field(default_factory=Page)
    heading: Heading = field(default_factory=Heading)
    overridden: frozenset[str] = frozenset()
    delimiters: str = ""  # of equations within a line
    _centred: int = 0

    @property
    def line(self) -> int:
        """The line of the source that is read now."""
        return self.page.line

    @line.setter
    def line(self, line: int) -> None:
        self.page.line = line

    def text(self, text: str, *, glues: bool) -> None:
        """A line of text."""
        if not text.strip() and not glues:
            self.page.blank_line()
            return
        if self.delimiters:
            text = inline_equations(text, self.delimiters)
        if text[:1].isspace():
            self.page.break_line()
        self.page.write(text, glues=glues)
        if self._centred:
            self._centred -= 1
            self.page.break_line()

    def macro(self, name: str, rest: str, reader: Interpreter) -> None:
        """A request; what is unknown is passed over, as roff does."""
        if request := _REQUESTS.get(name):
            request(self, rest, reader)

    def shared(self, name: str) -> bool:
        """Whether a name is a request that every package has."""
        return name in _REQUESTS

    # ---- requests --------------------------------------------------------------------------------

    def _nothing(self, _rest: str, _reader: Interpreter) -> None:
        return

    def _break(self, _rest: str, _reader: Interpreter) -> None:
        self.page.break_line()

    def _space(self, rest: str, _reader: Interpreter) -> None:
        if not rest.strip().startswith("-"):
            self.page.blank_line()

    def _fill(self, _rest: str, _reader: Interpreter) -> None:
        self.page.fill(is_filled=True)

    def _no_fill(self, _rest: str, _reader: Interpreter) -> None:
        self.page.fill(is_filled=False)

    def _centre(self, rest: str, reader: Interpreter) -> None:
        self.page.break_line()
        self._centred = number(rest, reader.value()) if rest.strip() else 1

    def _three_parts(self, rest: str, reader: Interpreter) -> None:
        text = reader.shown(rest.strip())
        parts = text[1:].split(text[:1]) if text else []
        self.page.break_line()
        self.page.write(" ".join(filter(None, map(str.strip, parts))))
        self.page.break_line()

    def _table(self, _rest: str, reader: Interpreter) -> None:
        lines = reader.lines_until(lambda line: re.match(r"[.'][ \t]*TE\b", line) is not None)
        self.page.end_paragraph()
        was_filled, self.page.is_filled = self.page.is_filled, True
        read_table(lines, self.page, lambda text: self._cell(text, reader))
        self.page.is_filled = was_filled

    def _cell(self, text: str, reader: Interpreter) -> str:
        """What a cell prints: of a macro its arguments."""
        lines = []
        for line in text.split("\n"):
            if line[:1] in (".", "'") and (match := re.match(r"[.'][ \t]*(\w+)[ \t]*(.*)", line)):
                if self.shared(match[1]) or match[1] in _SILENT:
                    continue
                joiner = "" if len(match[1]) == 2 and match[1].isupper() else " "
                lines.append(joiner.join(reader.arguments(match[2])))
            else:
                lines.append(reader.shown(line))
        cell = " ".join(lines)
        return inline_equations(cell, self.delimiters) if self.delimiters else cell

    def _equation(self, _rest: str, reader: Interpreter) -> None:
        lines = list(reader.lines_until(lambda line: re.match(r"[.'][ \t]*EN\b", line) is not None))
        kept = []
        for line in lines:
            if match := re.match(r"\s*delim\s+(\S+)", line):
                self.delimiters = "" if match[1] == "off" else match[1][:2]
            else:
                kept.append(line)
        text = equation_text("\n".join(kept))
        if text:
            self.page.write(text)

    def _picture(self, _rest: str, reader: Interpreter) -> None:
        for _ in reader.lines_until(lambda line: _PICTURE_END.match(line) is not None):
            continue

    def _references(self, _rest: str, reader: Interpreter) -> None:
        for _ in reader.lines_until(lambda line: line.startswith((".]", "']"))):
            continue

    def _source(self, rest: str, _reader: Interpreter) -> None:
        """Names the page that a file holds; the file is not read."""
        if match := _SOURCED.match(rest.strip()):
            self.heading.described.append(f"{match[1]}({match[2]})")
            self.page.end_paragraph()
            self.page.write(f"See {match[1]}({match[2]}), in {rest.strip()}.")
            self.page.end_paragraph()


_PICTURE_END = re.compile(r"[.'][ \t]*(?:P[EF]|GE|G2|cend)\b")
_SILENT = frozenset(("PP", "P", "LP", "RS", "RE", "fi", "PD", "TP", "Pp"))
_REQUESTS: dict[str, Callable[[Requests, str, Interpreter], None]] = {
    **dict.fromkeys(("br", "ti", "in", "brp"), Requests._break),
    **dict.fromkeys(("sp", "bp"), Requests._space),
    "fi": Requests._fill,
    "nf": Requests._no_fill,
    "ce": Requests._centre,
    "rj": Requests._centre,
    "tl": Requests._three_parts,
    "TS": Requests._table,
    "EQ": Requests._equation,
    **dict.fromkeys(("PS", "G1", "GS", "cstart"), Requests._picture),
    "[": Requests._references,
    "so": Requests._source,
    **dict.fromkeys(("ft", "ps", "vs", "ne", "ta", "hy", "ll"), Requests._nothing),
}
