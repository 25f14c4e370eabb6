"""The macros of manual pages, man(7), and those of papers: ms, me and mm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchapp.extract.roff.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from searchapp.extract.roff.interpreter import Interpreter


class ManMacros(Requests):
    """Writes a page of man, ms, me or mm macros."""

    def __init__(self, *, is_manual: bool = True) -> None:
        super().__init__()
        self.is_manual = is_manual
        # pages define some of these anew, with the same meaning but in terms of paper
        self.overridden = (
            frozenset(_MACROS) - {"Q", "q", "r", "b", "i"} if is_manual else frozenset()
        )
        self._address = ""

    def macro(self, name: str, rest: str, reader: Interpreter) -> None:
        """A macro, or else a request that all packages have."""
        macro = _MACROS.get(name) or (None if self.is_manual else _OF_PAPERS.get(name))
        if macro is not None:
            macro(self, rest, reader)
        else:
            super().macro(name, rest, reader)

    # ---- structure -------------------------------------------------------------------------------

    def _title(self, rest: str, reader: Interpreter) -> None:
        arguments = [*reader.arguments(rest), "", "", "", ""]
        if not self.heading.name:
            self.heading.name, self.heading.section, self.heading.date = arguments[:3]

    def _section(self, rest: str, reader: Interpreter) -> None:
        self.page.begin_heading(1, self._joined(rest, reader), is_line=self.is_manual)

    def _subsection(self, rest: str, reader: Interpreter) -> None:
        self.page.begin_heading(2, self._joined(rest, reader), is_line=self.is_manual)

    def _paragraph(self, _rest: str, _reader: Interpreter) -> None:
        self.page.end_paragraph()

    def _tagged(self, _rest: str, _reader: Interpreter) -> None:
        self.page.begin_item(following="line")

    def _also_tagged(self, _rest: str, _reader: Interpreter) -> None:
        self.page.also_tagged()

    def _indented(self, rest: str, reader: Interpreter) -> None:
        arguments = reader.arguments(rest)
        if arguments and arguments[0].strip():
            self.page.begin_item(arguments[0])
        else:
            self.page.end_paragraph()

    def _distance(self, rest: str, _reader: Interpreter) -> None:
        self.page.is_tight = rest.strip()[:1] == "0"

    def _inset(self, _rest: str, _reader: Interpreter) -> None:
        self.page.indent()

    def _example(self, _rest: str, _reader: Interpreter) -> None:
        self.page.fill(is_filled=False)

    def _end_example(self, _rest: str, _reader: Interpreter) -> None:
        self.page.fill(is_filled=True)

    # ---- words -----------------------------------------------------------------------------------

    def _joined(self, rest: str, reader: Interpreter) -> str:
        return " ".join(reader.arguments(rest))

    def _write(self, text: str, rest: str, _reader: Interpreter) -> None:
        glues = rest.rstrip().endswith("\\c")
        if text or glues:
            self.text(text, glues=glues)

    def _font(self, rest: str, reader: Interpreter) -> None:
        self._write(self._joined(rest, reader), rest, reader)

    def _fonts(self, rest: str, reader: Interpreter) -> None:
        self._write("".join(reader.arguments(rest)), rest, reader)

    def _quoted(self, rest: str, reader: Interpreter) -> None:
        """.q of me, .QW of others: a quotation, then what follows it."""
        arguments = [*reader.arguments(rest), "", ""]
        if arguments[0]:
            self._write(f"“{arguments[0]}”{arguments[1]}", rest, reader)

    def _link(self, rest: str, reader: Interpreter) -> None:
        self._address = next(iter(reader.arguments(rest)), "")

    def _end_link(self, rest: str, reader: Interpreter) -> None:
        address, self._address = self._address, ""
        after = "".join(reader.arguments(rest))
        if address:
            self._write(f"<{address}>{after}", rest, reader)
        elif after:
            self.page.write(after, glued=True)

    def _synopsis(self, rest: str, reader: Interpreter) -> None:
        if self.page.is_filled:
            self.page.break_line()
        self._font(rest, reader)

    def _option(self, rest: str, reader: Interpreter) -> None:
        self._write(f"[{self._joined(rest, reader)}]", rest, reader)

    # ---- papers ----------------------------------------------------------------------------------

    def _paper_title(self, rest: str, reader: Interpreter) -> None:
        self.page.begin_heading(1, self._joined(rest, reader), is_line=False)

    def _numbered(self, rest: str, reader: Interpreter) -> None:
        depth = next(iter(reader.arguments(rest)), "1")
        self.page.begin_heading(int(depth) if depth in "123456" and depth else 1, "", is_line=False)

    def _me_section(self, rest: str, reader: Interpreter) -> None:
        depth, title, *_ = [*reader.arguments(rest), "", ""]
        self.page.begin_heading(int(depth) if depth.isdecimal() and len(depth) == 1 else 1, title)

    def _bullet(self, _rest: str, _reader: Interpreter) -> None:
        self.page.begin_item("•")

    def _mm_item(self, rest: str, reader: Interpreter) -> None:
        self.page.begin_item(self._joined(rest, reader) or "•")


_MACROS: dict[str, Callable[[ManMacros, str, Interpreter], None]] = {
    "TH": ManMacros._title,
    "SH": ManMacros._section,
    "SS": ManMacros._subsection,
    **dict.fromkeys(("PP", "P", "LP", "HP"), ManMacros._paragraph),
    "TP": ManMacros._tagged,
    "TQ": ManMacros._also_tagged,
    "IP": ManMacros._indented,
    "PD": ManMacros._distance,
    "RS": ManMacros._inset,
    "RE": ManMacros._paragraph,
    "EX": ManMacros._example,
    "EE": ManMacros._end_example,
    **dict.fromkeys(("B", "I", "R", "SM", "SB", "CW"), ManMacros._font),
    **dict.fromkeys(("BI", "BR", "IB", "IR", "RB", "RI"), ManMacros._fonts),
    **dict.fromkeys(("UR", "MT"), ManMacros._link),
    **dict.fromkeys(("UE", "ME"), ManMacros._end_link),
    "SY": ManMacros._synopsis,
    "YS": ManMacros._paragraph,
    "OP": ManMacros._option,
}
_OF_PAPERS: dict[str, Callable[[ManMacros, str, Interpreter], None]] = {
    "TL": ManMacros._paper_title,
    "NH": ManMacros._numbered,
    **dict.fromkeys(("AU", "AI", "AB", "AE", "QP", "XP", "PE", "KS", "KE"), ManMacros._paragraph),
    **dict.fromkeys(("lp", "pp", "np", "FS", "FE", "(q", ")q"), ManMacros._paragraph),
    **dict.fromkeys(("(f", ")f", "LE", "BL", "AL", "DL", "VL", "AS"), ManMacros._paragraph),
    "sh": ManMacros._me_section,
    "H": ManMacros._me_section,
    "uh": ManMacros._section,
    "HU": ManMacros._section,
    "ip": ManMacros._indented,
    "bu": ManMacros._bullet,
    "LI": ManMacros._mm_item,
    **dict.fromkeys(("DS", "(l", "(b", "LD", "ID", "CD"), ManMacros._example),
    **dict.fromkeys(("DE", ")l", ")b"), ManMacros._end_example),
    **dict.fromkeys(("b", "i", "r", "u", "bi", "UL", "BX"), ManMacros._font),
    **dict.fromkeys(("q", "Q"), ManMacros._quoted),
    "tp": ManMacros._paragraph,
}
