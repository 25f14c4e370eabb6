"""The words of a line of mdoc: macros that mark, quote and join them, many on a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLOSING = frozenset((".", ",", ":", ";", ")", "]", "?", "!"))
_OPENING = frozenset(("(", "["))
_QUOTES = {  # on one line: what stands before and after
    "Op": ("[", "]"),
    "Aq": ("<", ">"),
    "Bq": ("[", "]"),
    "Brq": ("{", "}"),
    "Dq": ("“", "”"),
    "Pq": ("(", ")"),
    "Ql": ("‘", "’"),
    "Qq": ('"', '"'),
    "Sq": ("‘", "’"),
}
_OPENS = {
    "Oo": "[",
    "Ao": "<",
    "Bo": "[",
    "Bro": "{",
    "Do": "“",
    "Po": "(",
    "Qo": '"',
    "So": "‘",
    "Eo": "",
    "Xo": "",
}
_CLOSES = {
    "Oc": "]",
    "Ac": ">",
    "Bc": "]",
    "Brc": "}",
    "Dc": "”",
    "Pc": ")",
    "Qc": '"',
    "Sc": "’",
    "Ec": "",
    "Xc": "",
}
_SYSTEMS = {
    "Bsx": "BSD/OS",
    "Bx": "BSD",
    "Dx": "DragonFly",
    "Fx": "FreeBSD",
    "Nx": "NetBSD",
    "Ox": "OpenBSD",
    "Ux": "UNIX",
    "At": "AT&T UNIX",
}
_STANDARDS = {
    **dict.fromkeys(("ansiC", "ansiC-89"), "ANSI X3.159-1989 (“ANSI C89”)"),
    **dict.fromkeys(("isoC", "isoC-90"), "ISO/IEC 9899:1990 (“ISO C90”)"),
    "isoC-99": "ISO/IEC 9899:1999 (“ISO C99”)",
    "isoC-2011": "ISO/IEC 9899:2011 (“ISO C11”)",
    "iso9945-1-90": "ISO/IEC 9945-1:1990 (“POSIX.1”)",
    **dict.fromkeys(("iso9945-1-96", "p1003.1-96"), "ISO/IEC 9945-1:1996 (“POSIX.1”)"),
    "iso9945-2-93": "ISO/IEC 9945-2:1993 (“POSIX.2”)",
    "ieee754": "IEEE Std 754-1985",
    "iso8601": "ISO 8601",
    "susv2": "Version 2 of the Single UNIX Specification (“SUSv2”)",
    "susv3": "Version 3 of the Single UNIX Specification (“SUSv3”)",
    "svid4": "System V Interface Definition, Fourth Edition (“SVID4”)",
    "xbd5": "X/Open Base Definitions Issue 5 (“XBD5”)",
    "xcu5": "X/Open Commands and Utilities Issue 5 (“XCU5”)",
    "xcurses4.2": "X/Open Curses Issue 4, Version 2 (“XCURSES4.2”)",
    "xns5": "X/Open Networking Services Issue 5 (“XNS5”)",
    "xpg3": "X/Open Portability Guide Issue 3 (“XPG3”)",
    "xpg4": "X/Open Portability Guide Issue 4 (“XPG4”)",
    "xpg4.2": "X/Open Portability Guide Issue 4, Version 2 (“XPG4.2”)",
    "xsh5": "X/Open System Interfaces and Headers Issue 5 (“XSH5”)",
}
_POSIX = re.compile(r"p(1003\.(\d)[a-z]?)(?:-(\d\d)?(\d\d))?$")
_MARKS = str.split(
    "Ad An Ar Cd Cm Dv Em Er Ev Fa Fd Fl Fn Fr Ft Ic In Lb Li Lk Ms Mt Nm No Pa St Sx Sy Tn Va Vt "
    "Xr Fo Bt Ud"
)
CALLABLE = frozenset(
    {*_MARKS, *_QUOTES, *_OPENS, *_CLOSES, *_SYSTEMS, "Ns", "Ap", "Pf", "Sm", "Ta", "Fc", "En"}
)
_DEFAULTS = {"Ar": "file ...", "Pa": "~", "Fl": "-", "Li": "", "Mt": "~"}
_MAX_QUOTES = 100


class MdocLine:
    """The text that a line of macros gives: `text`, joined to what stands before (`glued`) or after
    it (`glues`).
    """

    def __init__(self, name: str, *, is_synopsis: bool = False, arguments: int = 0) -> None:
        self.glued = False
        self.extended = 0  # .Xo less .Xc
        self.spaced: bool | None = None  # what .Sm says
        self.arguments = arguments  # those of .Fo, counted from 1; 0 outside
        self._name = name
        self._is_synopsis = is_synopsis
        self._pieces: list[str] = []
        self._joins = True  # what comes next joins the last piece
        self._macro = ""
        self._seen = 0  # words since the macro
        self._closers: list[str] = []
        self._is_spacing = True

    @property
    def text(self) -> str:
        """What the line prints."""
        return "".join(self._pieces)

    @property
    def glues(self) -> bool:
        """Whether the next line joins its last word."""
        return bool(self._pieces) and self._joins

    def run(self, tokens: Sequence[tuple[str, bool]]) -> None:
        """Add the words; what closes a sentence stands outside of the quotes that end with it."""
        end = len(tokens)
        while end > 1 and tokens[end - 1][0] in _CLOSING:
            end -= 1
        for index in range(end):
            token, may_call = tokens[index]
            if may_call and token in CALLABLE:
                self._end_macro(is_followed=True)
                self._call(token)
            else:
                self._word(token)
        self._end_macro(is_followed=False)
        while self._closers:
            self._close(self._closers.pop())
        for token, _ in tokens[end:]:
            self._add(token, left=True)

    def _add(self, text: str, *, left: bool = False, right: bool = False) -> None:
        """Add a piece, which joins the one before (`left`) or the one after it (`right`)."""
        if not self._pieces and left:
            self.glued = True
        if self._pieces and not left and not self._joins and self._is_spacing:
            self._pieces.append(" ")
        self._pieces.append(text)
        self._joins = right

    def _close(self, closer: str) -> None:
        self._add(closer, left=True)

    # ---- macros ----------------------------------------------------------------------------------

    def _call(self, name: str) -> None:
        self._macro, self._seen = "", 0
        if name in _QUOTES:
            opening, closing = _QUOTES[name]
            self._add(opening, right=True)
            if len(self._closers) < _MAX_QUOTES:
                self._closers.append(closing)
        elif name in _OPENS:
            self.extended += name == "Xo"
            if _OPENS[name]:
                self._add(_OPENS[name], right=True)
        elif name in _CLOSES:
            self._call_close(name)
        elif name == "Ns":
            self.glued = self.glued or not self._pieces
            self._joins = True
        elif name == "Ap":
            self._add("'", left=True, right=True)
        elif name == "Ta":
            self._add("|")
        elif name == "Fc":
            self._add(");" if self._is_synopsis else ")", left=True)
            self.arguments = 0
        else:
            self._macro = name

    def _call_close(self, name: str) -> None:
        while self._closers:
            self._close(self._closers.pop())
        self.extended -= name == "Xc"
        if _CLOSES[name]:
            self._close(_CLOSES[name])

    def _end_macro(self, *, is_followed: bool) -> None:
        """What a macro without a word prints, and what ends one that had some."""
        macro, seen = self._macro, self._seen
        self._macro, self._seen = "", 0
        if macro == "Fn" and seen:
            self._add(");" if self._is_synopsis else ")", left=True)
        elif macro == "In" and seen:
            self._add(">", left=True)
        elif seen or not macro:
            return
        elif macro == "Nm":
            self._add(self._name)
        elif macro in _SYSTEMS:
            self._add(_SYSTEMS[macro])
        elif macro == "Fl":
            self._add("-", right=is_followed)
        elif macro == "Bt":
            self._add("is currently in beta test.")
        elif macro == "Ud":
            self._add("currently under development.")
        elif _DEFAULTS.get(macro):
            self._add(_DEFAULTS[macro])

    def _word(self, token: str) -> None:
        macro = self._macro
        if token in _CLOSING:
            if macro == "Fn" and self._seen:
                self._end_macro(is_followed=True)
            elif macro and not self._seen:
                self._end_macro(is_followed=True)
                self._macro, self._seen = macro, 1
            self._add(token, left=True)
            return
        if token in _OPENING:
            self._add(token, right=True)
            return
        if token == "|":
            if macro in _DEFAULTS and not self._seen:
                self._end_macro(is_followed=True)
                self._macro, self._seen = macro, 0
            self._add(token)
            return
        self._seen += 1
        self._marked(macro, token)

    def _marked(self, macro: str, token: str) -> None:
        """A word as its macro has it."""
        first = self._seen == 1
        if macro == "Fl":
            self._add(f"-{token}")
        elif macro == "Xr" and self._seen == 2:
            self._add(f"({token})", left=True)
        elif macro == "Fn":
            self._add(
                f"{token}(" if first else token if self._seen == 2 else f", {token}",
                left=not first,
                right=first,
            )
        elif macro == "Fo" and first:
            self._add(f"{token}(", right=True)
            self.arguments = 1
        elif macro == "Fa" and self.arguments:
            self._add(token if self.arguments == 1 else f", {token}", left=True)
            self.arguments += 1
        elif macro == "Pf" and first:
            self._add(token, right=True)
            self._macro = ""
        elif macro == "Sm":
            self.spaced = self._is_spacing = token != "off"
            self._macro = ""
            self._joins = not self._is_spacing
            if self._pieces and self._joins:
                self._pieces.append(" ")
        elif macro in ("St", "Lb", "An", "Lk", "In") or macro in _SYSTEMS:
            self._special(macro, token, first=first)
        else:
            self._add(token)

    def _special(self, macro: str, token: str, *, first: bool) -> None:
        if macro == "St":
            self._add(_standard(token.removeprefix("-")))
        elif macro == "Lb":
            self._add(f"library ({token}, -l{token.removeprefix('lib')})")
        elif macro == "An":
            if token not in ("-split", "-nosplit"):
                self._add(token)
        elif macro == "In":
            if first:
                prefix = "#include <" if self._is_synopsis else "<"
                self._add(prefix, right=True)
            self._add(token)
        elif macro == "Lk":
            self._add(token if first else f"({token})")
        elif macro == "At":
            self._add(_unix(token) if first else token)
        elif macro == "Bx":
            self._add(f"{token}BSD" if first else f"-{token}", left=not first)
        else:
            self._add(f"{_SYSTEMS[macro]} {token}" if first else token)


def _standard(name: str) -> str:
    """The title of a standard that .St names; the name itself where it is not known."""
    match = _POSIX.match(name)
    if name in _STANDARDS or match is None:
        return _STANDARDS.get(name, name)
    year = f"-{match[3] or 19}{match[4]}" if match[4] else ""
    return f"IEEE Std {match[1]}{year} (“POSIX.{match[2]}”)"


def _unix(version: str) -> str:
    """The name of a version of AT&T's UNIX: "v7", "III" or "V.2"."""
    if version[:1] == "v":
        return f"Version {version[1:]} AT&T UNIX"
    return f"AT&T UNIX {version}" if version.isdecimal() else f"AT&T System {version} UNIX"
