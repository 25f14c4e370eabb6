"""The macros of BSD's manual pages, mdoc(7), which say what a word is rather than how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchapp.extract.roff.mdoc_words import CALLABLE, MdocLine
from searchapp.extract.roff.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from searchapp.extract.roff.interpreter import Interpreter

MDOC_STRINGS = {
    "Ba": "|",
    "Ne": "≠",
    "Ge": "≥",
    "Le": "≤",
    "Lt": "<",
    "Gt": ">",
    "Pm": "±",
    "If": "∞",
    "Pi": "π",
    "Na": "NaN",
    "Am": "&",
    "q": '"',
    "aa": "´",
    "ga": "`",
    "Lq": "“",
    "Rq": "”",
    "<=": "≤",
    ">=": "≥",
    "!=": "≠",
    "lp": "(",
    "rp": ")",
    "L": "|",
    "lq": "“",
    "rq": "”",
    "Px": "POSIX",
    "Ai": "ANSI",
    "ua": "↑",
    "operating-system": "",
    ".T": "utf8",
}
_PLAIN_DISPLAYS = frozenset(("-literal", "-unfilled"))
_TAGGED = frozenset(("-tag", "-hang", "-inset", "-diag", "-ohang"))
_MARKED = {"-bullet": "•", "-dash": "-", "-hyphen": "-"}
_SYNOPSIS_LINES = frozenset(("Nm", "Fd", "In", "Ft", "Fn", "Fo", "Vt"))
_MAX_DEPTH = 100  # of lists and displays
_RETURNS = (
    "The {} function returns the value 0 if successful; otherwise the value -1 is returned and "
    "the global variable errno is set to indicate the error."
)
_EXITS = "The {} utility exits 0 on success, and >0 if an error occurs."


class MdocMacros(Requests):
    """Writes a page of mdoc macros."""

    def __init__(self) -> None:
        super().__init__()
        self.overridden = frozenset({*_MACROS, *CALLABLE})
        self._name = ""  # .Nm
        self._section = ""
        self._lists: list[list[str | int]] = []  # the kind of each, and how many items it has had
        self._displays: list[bool] = []  # whether lines were joined before
        self._extended = 0  # .Xo that are open
        self._cited: list[tuple[str, str]] | None = None  # between .Rs and .Re
        self._function = 0  # arguments seen since .Fo, from 1
        self._is_spaced = True

    def macro(self, name: str, rest: str, reader: Interpreter) -> None:
        """A macro, or else a request that all packages have."""
        if macro := _MACROS.get(name):
            macro(self, rest, reader)
        elif name in CALLABLE:
            self._words(name, rest, reader)
        elif name.startswith("%") and self._cited is not None:
            self._cited.append((name, self._rendered(rest, reader)))
        elif self.shared(name):
            super().macro(name, rest, reader)

    # ---- words -----------------------------------------------------------------------------------

    def _tokens(self, rest: str, reader: Interpreter) -> list[tuple[str, bool]]:
        """The words of a line, each with whether it may be a macro."""
        raw = reader.interpolated(rest)
        return [
            (reader.shown(token), is_plain) for token, is_plain in split_tokens(raw) if token != ""
        ]

    def _rendered(self, rest: str, reader: Interpreter) -> str:
        line = MdocLine(self._name)
        line.run(self._tokens(rest, reader))
        return line.text

    def _words(self, name: str, rest: str, reader: Interpreter) -> None:
        if self._section == "SYNOPSIS" and name in _SYNOPSIS_LINES and not self._function:
            self.page.break_line()
        tokens = [(name, True), *self._tokens(rest, reader)]
        if name == "Nm" and not self._name and len(tokens) > 1 and tokens[1][0] not in CALLABLE:
            self._name = tokens[1][0]
        line = MdocLine(
            self._name, is_synopsis=self._section == "SYNOPSIS", arguments=self._function
        )
        line.run(tokens)
        self._function = line.arguments
        self._extended += line.extended
        self._write_line(line)
        if self._section == "SYNOPSIS" and name in ("Fd", "In", "Fn", "Ft", "Vt", "Fc"):
            self.page.break_line()
        if self._extended <= 0 and line.extended < 0:
            self._extended = 0
            self.page.close_tag()

    def _write_line(self, line: MdocLine) -> None:
        if line.text or line.glues:
            self.page.write(
                line.text,
                glued=line.glued or not self._is_spaced,
                glues=line.glues or not self._is_spaced,
            )
        if line.spaced is not None:
            self._is_spaced = line.spaced
            self.page.separate(joins=not line.spaced)

    # ---- structure -------------------------------------------------------------------------------

    def _date(self, rest: str, reader: Interpreter) -> None:
        self.heading.date = " ".join(reader.arguments(rest)).removeprefix("$Mdocdate:").strip("$ ")

    def _document_title(self, rest: str, reader: Interpreter) -> None:
        arguments = [*reader.arguments(rest), "", ""]
        if not self.heading.name:
            self.heading.name, self.heading.section = arguments[:2]

    def _section_heading(self, rest: str, reader: Interpreter) -> None:
        self._lists, self._displays, self._extended = [], [], 0
        self._section = self._rendered(rest, reader)
        self.page.begin_heading(1, self._section)

    def _subsection(self, rest: str, reader: Interpreter) -> None:
        self.page.begin_heading(2, self._rendered(rest, reader))

    def _paragraph(self, _rest: str, _reader: Interpreter) -> None:
        self.page.end_paragraph()

    def _description(self, rest: str, reader: Interpreter) -> None:
        self.page.write(f"- {self._rendered(rest, reader)}")

    def _display(self, rest: str, _reader: Interpreter) -> None:
        self.page.end_paragraph()
        if len(self._displays) < _MAX_DEPTH:
            self._displays.append(self.page.is_filled)
        if _PLAIN_DISPLAYS & set(rest.split()):
            self.page.fill(is_filled=False)

    def _end_display(self, _rest: str, _reader: Interpreter) -> None:
        self.page.fill(is_filled=self._displays.pop() if self._displays else True)
        self.page.end_paragraph()

    def _one_line(self, rest: str, reader: Interpreter) -> None:
        """.D1 and .Dl: a line that stands apart."""
        was_filled = self.page.is_filled
        self.page.fill(is_filled=False)
        self.page.write(self._rendered(rest, reader))
        self.page.fill(is_filled=was_filled)

    def _list(self, rest: str, _reader: Interpreter) -> None:
        kinds = {*_TAGGED, *_MARKED, "-enum", "-column", "-item"}
        kind = next((word for word in rest.split() if word in kinds), "-item")
        self.page.end_paragraph()
        if len(self._lists) < _MAX_DEPTH:
            self._lists.append([kind, 0])

    def _end_list(self, _rest: str, _reader: Interpreter) -> None:
        if self._lists:
            self._lists.pop()
        self.page.end_paragraph()

    def _item(self, rest: str, reader: Interpreter) -> None:
        if not self._lists:
            self._lists.append(["-tag", 0])
        kind, count = self._lists[-1]
        self._lists[-1][1] = int(count) + 1
        if kind in _TAGGED:
            self._tagged_item(rest, reader)
        elif kind == "-column":
            self.page.begin_row()
            self._write_cells(rest, reader)
        elif kind == "-enum":
            self.page.begin_item(f"{self._lists[-1][1]}.")
        elif kind in _MARKED:
            self.page.begin_item(_MARKED[str(kind)])
        else:
            self.page.end_paragraph()

    def _tagged_item(self, rest: str, reader: Interpreter) -> None:
        self.page.begin_item(following="block")
        line = MdocLine(self._name)
        line.run(self._tokens(rest, reader))
        self._extended = max(0, line.extended)
        self._write_line(line)
        if not self._extended:
            self.page.close_tag()

    def _write_cells(self, rest: str, reader: Interpreter) -> None:
        cells = [self._rendered(cell, reader) for cell in rest.split("\t")]
        self.page.write(" | ".join(filter(None, cells)))

    def _begin_references(self, _rest: str, _reader: Interpreter) -> None:
        if self._section == "SEE ALSO":
            self.page.end_paragraph()
        self._cited = []

    def _end_references(self, _rest: str, _reader: Interpreter) -> None:
        if self._cited:
            authors = [text for name, text in self._cited if name == "%A"]
            if len(authors) > 1:
                authors[-2:] = [f"{authors[-2]} and {authors[-1]}"]
            others = [text for name, text in self._cited if name != "%A"]
            self.page.write(", ".join([*authors, *others]) + ".")
        self._cited = None

    def _exits(self, rest: str, reader: Interpreter) -> None:
        self.page.write(_EXITS.format(", ".join(self._named(rest, reader)) or self._name))

    def _returns(self, rest: str, reader: Interpreter) -> None:
        functions = ", ".join(f"{name}()" for name in self._named(rest, reader))
        self.page.write(_RETURNS.format(functions or self._name))

    def _named(self, rest: str, reader: Interpreter) -> list[str]:
        return [word for word in reader.arguments(rest) if not word.startswith("-")]


def split_tokens(rest: str) -> list[tuple[str, bool]]:
    """The words of an mdoc line, each with whether it may be a macro: not in quotes."""
    tokens: list[tuple[str, bool]] = []
    at = 0
    while at < len(rest):
        if rest[at] in " \t":
            at += 1
            continue
        if rest[at] == '"':
            end = rest.find('"', at + 1)
            end = len(rest) if end < 0 else end
            tokens.append((rest[at + 1 : end], False))
            at = end + 1
            continue
        start = at
        while at < len(rest) and rest[at] not in " \t":
            at += 2 if rest[at] == "\\" else 1
        tokens.append((rest[start:at], True))
    return tokens


_MACROS: dict[str, Callable[[MdocMacros, str, Interpreter], None]] = {
    "Dd": MdocMacros._date,
    "Dt": MdocMacros._document_title,
    "Sh": MdocMacros._section_heading,
    "Ss": MdocMacros._subsection,
    **dict.fromkeys(("Pp", "Lp"), MdocMacros._paragraph),
    "Nd": MdocMacros._description,
    "Bd": MdocMacros._display,
    "Ed": MdocMacros._end_display,
    **dict.fromkeys(("D1", "Dl"), MdocMacros._one_line),
    "Bl": MdocMacros._list,
    "El": MdocMacros._end_list,
    "It": MdocMacros._item,
    "Rs": MdocMacros._begin_references,
    "Re": MdocMacros._end_references,
    "Ex": MdocMacros._exits,
    "Rv": MdocMacros._returns,
    **dict.fromkeys(("Os", "Bk", "Ek", "Tg", "Bf", "Ef", "Db", "Hf"), Requests._nothing),
}
