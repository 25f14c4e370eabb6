"""The language of roff: definitions, strings, registers and conditions, run within bounds.

It gives what is left, text and macros, to a `Formatter`. No file is opened (`.so` is a request like
any other), and what a page defines can neither recurse without end nor grow beyond a multiple of
the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from searchapp.extract.roff.characters import is_continued, unescaped, without_comment
from searchapp.extract.roff.conditions import Value, condition, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_MAX_FRAMES = 40  # macros within macros
_MAX_STRINGS = 12  # strings within strings
_MAX_LINE = 65_536  # characters that a line may grow to
_MAX_BRANCHES = 50  # conditions on one line
_MAX_IFS = 1000  # .ie whose .el may come
_CONTROL = re.compile(r"[.'][ \t]*([^\s\\]*)[ \t]*(.*)$", re.DOTALL)
_INTERPOLATED = re.compile(
    r"\\(?:\\"
    r"|(?P<kind>[*$])(?:\((?P<two>..)|\[(?P<long>[^\]\s]{0,60})(?:\s[^\]]{0,200})?\]|(?P<one>.))"
    r"|n(?P<step>[-+]?)(?:\((?P<ntwo>..)|\[(?P<nlong>[^\]]{0,60})\]|(?P<none>.))"
    r"|w'(?P<width>[^']{0,300})')"
)
_ARGUMENT = re.compile(r'"((?:[^"]|"")*)"?|((?:[^\s\\]|\\.)(?:[^ \\]|\\.|\\$)*)')
_END = re.compile(r"[.'][ \t]*\.[ \t]*$")
_CLOSING = re.compile(r"(?<!\\)((?:\\\\)*)\\\}")
_SKIPPED = re.compile(r"(?<!\\)(?:\\\\)*\\([{}])")
_STRINGS = {"R": "®", "Tm": "™", "lq": "“", "rq": "”", "S": "", ".T": "utf8", "-": "—"}
_REGISTERS = {".g": 1, ".x": 1, ".y": 23, ".l": 78 * 24, ".H": 24, ".V": 40, ".s": 10, ".u": 1}


class Formatter(Protocol):
    """What an interpreter tells of a page, line by line."""

    line: int
    overridden: frozenset[str]  # macros of the package that a page cannot define anew

    def text(self, text: str, *, glues: bool) -> None:
        """A line of text, its escapes undone; it may be blank."""

    def macro(self, name: str, rest: str, reader: Interpreter) -> None:
        """A request or macro that the language itself does not know, with what follows it."""


@dataclass(slots=True)
class _Frame:
    """Lines that are being read: the page, or a macro's with its arguments."""

    lines: Sequence[tuple[int, str]]
    name: str = ""
    arguments: Sequence[str] = ()
    position: int = 0


@dataclass(slots=True)
class Interpreter:
    """Runs a page's lines; `strings` holds what the macro package defines beforehand."""

    formatter: Formatter
    strings: dict[str, str] = field(default_factory=lambda: dict(_STRINGS))
    registers: dict[str, int] = field(default_factory=lambda: dict(_REGISTERS))
    _macros: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    _aliases: dict[str, str] = field(default_factory=dict)
    _frames: list[_Frame] = field(default_factory=list)
    _ifs: list[bool] = field(default_factory=list)
    _translated: dict[int, str] = field(default_factory=dict)
    _is_escaping: bool = True
    _branches: int = 0  # conditions within conditions, on one line
    _lines_left: int = 0
    _characters_left: int = 0

    def run(self, text: str) -> None:
        """Read a page to its end, or as far as it may go on."""
        lines = list(_logical_lines(text))
        self._lines_left = 20_000 + 10 * len(lines)
        self._characters_left = 200_000 + 10 * len(text)
        self._frames = [_Frame(lines)]
        while (line := self.next_line()) is not None:
            self._process(line)

    def next_line(self) -> str | None:
        """The next line as it stands in the page or in the macro that is run; None at the end."""
        while self._frames:
            frame = self._frames[-1]
            if frame.position < len(frame.lines):
                self._lines_left -= 1
                if self._lines_left < 0 and len(self._frames) > 1:
                    del self._frames[1:]
                    continue
                number_, line = frame.lines[frame.position]
                frame.position += 1
                if len(self._frames) == 1:
                    self.formatter.line = number_
                return line
            self._frames.pop()
        return None

    def shown(self, text: str) -> str:
        """What a piece of a line prints: everything in it put in and undone."""
        if not self._is_escaping:
            return text
        text = unescaped(self.interpolated(text))
        return text.translate(self._translated) if self._translated else text

    def arguments(self, rest: str) -> list[str]:
        """The arguments of a macro, each as it prints."""
        return [self.shown(argument) for argument in self.raw_arguments(rest)]

    def raw_arguments(self, rest: str) -> list[str]:
        """The arguments of a macro, strings put in, other escapes as they are."""
        return split_arguments(self.interpolated(rest))

    def interpolated(self, text: str) -> str:
        """A text with its strings, registers and arguments put in."""
        if "\\" not in text or not self._is_escaping:
            return text
        return self._interpolated(text, 0)

    # ---- one line --------------------------------------------------------------------------------

    def _process(self, line: str) -> None:
        if "\\}" in line:
            line = _CLOSING.sub(r"\1", line)
        match = _CONTROL.match(line) if line[:1] in (".", "'") else None
        if match is None:
            self._text(line)
            return
        name, rest = match[1], match[2]
        if not name:
            return
        name = self._aliases.get(name, name)
        if request := _REQUESTS.get(name):
            request(self, rest)
        elif name in self._macros and name not in self.formatter.overridden:
            self._call(name, rest)
        else:
            self.formatter.macro(name, rest, self)

    def _text(self, line: str) -> None:
        text = self.interpolated(line)
        glues = is_continued(text)
        self.formatter.text(self._printed(text), glues=glues)

    def _printed(self, text: str) -> str:
        text = unescaped(text) if self._is_escaping else text
        return text.translate(self._translated) if self._translated else text

    def _call(self, name: str, rest: str) -> None:
        if len(self._frames) < _MAX_FRAMES and self._lines_left > 0:
            self._frames.append(_Frame(self._macros[name], name, self.raw_arguments(rest)))

    def _interpolated(self, text: str, depth: int) -> str:
        def put(match: re.Match[str]) -> str:
            if match["width"] is not None:
                return str(24 * len(unescaped(match["width"])))
            if match["kind"] is None:
                return self._register(match) if match[0] != "\\\\" else match[0]
            name = match["two"] or match["long"] or match["one"] or ""
            value = self._argument(name) if match["kind"] == "$" else self.strings.get(name, "")
            self._characters_left -= len(value)
            if depth >= _MAX_STRINGS or self._characters_left < 0:
                return ""
            return self._interpolated(value, depth + 1) if "\\" in value else value

        return _INTERPOLATED.sub(put, text)[:_MAX_LINE]

    def _argument(self, name: str) -> str:
        frame = self._frames[-1] if self._frames else _Frame(())
        if name == "0":
            return frame.name
        if name in ("*", "@", "^"):
            quote = '"' if name == "@" else ""
            return " ".join(f"{quote}{argument}{quote}" for argument in frame.arguments)
        index = int(name) if name.isdecimal() and len(name) < 4 else 0
        return frame.arguments[index - 1] if 0 < index <= len(frame.arguments) else ""

    def _register(self, match: re.Match[str]) -> str:
        name = match["ntwo"] or match["nlong"] or match["none"] or ""
        if name == ".$":
            return str(len(self._frames[-1].arguments) if self._frames else 0)
        if match["step"]:
            step = 1 if match["step"] == "+" else -1
            self.registers[name] = self.registers.get(name, 0) + step
        return str(self.registers.get(name, 0))

    # ---- requests of the language ----------------------------------------------------------------

    def lines_until(self, is_end: Callable[[str], bool]) -> Iterator[str]:
        """The lines up to one that ends what they belong to, or to the end of the page."""
        while (line := self.next_line()) is not None and not is_end(line):
            yield line

    def value(self) -> Value:
        """What conditions and numbers ask of the state."""
        return Value(
            interpolated=self.interpolated,
            is_defined=lambda name: name in self._macros or name in self.strings,
            is_register=lambda name: name in self.registers,
        )

    def _if(self, rest: str) -> None:
        holds, rest = condition(rest, self.value())
        self._branch(rest, holds=holds)

    def _if_else(self, rest: str) -> None:
        holds, rest = condition(rest, self.value())
        if len(self._ifs) < _MAX_IFS:
            self._ifs.append(not holds)
        self._branch(rest, holds=holds)

    def _else(self, rest: str) -> None:
        self._branch(rest, holds=self._ifs.pop() if self._ifs else False)

    def _branch(self, rest: str, *, holds: bool) -> None:
        rest = rest.lstrip(" \t")
        if holds:
            rest = rest.removeprefix("\\{").lstrip(" \t") if rest.startswith("\\{") else rest
            if rest and self._branches < _MAX_BRANCHES:
                self._branches += 1
                self._process(rest)
                self._branches -= 1
            return
        depth = _opened(rest)
        while depth > 0 and (line := self.next_line()) is not None:
            depth += _opened(line)

    def _define(self, rest: str, *, appends: bool = False) -> None:
        name, _, end = self.interpolated(rest).partition(" ")
        end = end.strip()
        body: list[tuple[int, str]] = []
        mark = re.compile(rf"[.'][ \t]*{re.escape(end)}(?:\s|$)") if end else _END
        for line in self.lines_until(lambda line: mark.match(line) is not None):
            self._characters_left -= len(line)
            if self._characters_left > 0:
                body.append((0, line.replace("\\\\", "\\")))
        before = self._macros.get(name, []) if appends else []
        self._macros[name] = before + body if len(before) < 10_000 else before
        self._aliases.pop(name, None)

    def _define_string(self, rest: str, *, appends: bool = False) -> None:
        name, _, value = rest.partition(" ")
        name = self.interpolated(name.split("\t")[0])
        value = self.interpolated(value.lstrip(" ").removeprefix('"')).replace("\\\\", "\\")
        if appends:
            value = self.strings.get(name, "") + value
        self._characters_left -= len(value)
        if name and self._characters_left > 0:
            self.strings[name] = value[:_MAX_LINE]

    def _set_register(self, rest: str) -> None:
        name, _, value = self.interpolated(rest).strip().partition(" ")
        value = value.strip()
        if not value or not name:
            return
        amount = number(value.split()[0], self.value())
        before = self.registers.get(name, 0) if value[0] in "+-" else 0
        self.registers[name] = max(-(2**31), min(2**31, before + amount))

    def _ignore(self, rest: str) -> None:
        end = rest.strip()
        mark = re.compile(rf"[.'][ \t]*{re.escape(end)}(?:\s|$)") if end else _END
        for _ in self.lines_until(lambda line: mark.match(line) is not None):
            continue

    def _remove(self, rest: str) -> None:
        for name in self.interpolated(rest).split():
            self._macros.pop(name, None)
            self.strings.pop(name, None)
            self._aliases.pop(name, None)

    def _rename(self, rest: str) -> None:
        old, _, new = self.interpolated(rest).strip().partition(" ")
        if old in self._macros:
            self._macros[new.strip()] = self._macros.pop(old)
        if old in self.strings:
            self.strings[new.strip()] = self.strings.pop(old)

    def _alias(self, rest: str) -> None:
        new, _, old = self.interpolated(rest).strip().partition(" ")
        old = self._aliases.get(old.strip(), old.strip())
        if old in self._macros:
            self._macros[new] = self._macros[old]
        elif old in self.strings:
            self.strings[new] = self.strings[old]
        elif old and new != old and new not in _REQUESTS:
            self._aliases[new] = old

    def _return(self, _rest: str) -> None:
        if len(self._frames) > 1:
            self._frames.pop()

    def _shift(self, rest: str) -> None:
        count = number(rest, self.value()) if rest.strip() else 1
        if self._frames and count > 0:
            self._frames[-1].arguments = self._frames[-1].arguments[count:]

    def _exit(self, _rest: str) -> None:
        self._frames = []

    def _translate(self, rest: str) -> None:
        """Only what changes a character beyond ASCII: `|` and `'` are as they look here."""
        text = unescaped(rest.strip()) if "\\" in rest else ""
        if len(text) % 2 == 0 and len(text) < 100:
            for old, new in zip(text[::2], text[1::2], strict=True):
                if not old.isascii():
                    self._translated[ord(old)] = new

    def _escape(self, _rest: str, *, is_escaping: bool) -> None:
        self._is_escaping = is_escaping


_REQUESTS: dict[str, Callable[[Interpreter, str], None]] = {
    "if": Interpreter._if,
    "while": Interpreter._if,
    "ie": Interpreter._if_else,
    "el": Interpreter._else,
    **dict.fromkeys(("de", "de1", "dei"), Interpreter._define),
    **dict.fromkeys(("am", "am1"), lambda self, rest: self._define(rest, appends=True)),
    **dict.fromkeys(("ds", "ds1"), Interpreter._define_string),
    **dict.fromkeys(("as", "as1"), lambda self, rest: self._define_string(rest, appends=True)),
    "nop": Interpreter._text,
    "nr": Interpreter._set_register,
    "ig": Interpreter._ignore,
    "rm": Interpreter._remove,
    "rn": Interpreter._rename,
    "als": Interpreter._alias,
    "return": Interpreter._return,
    "shift": Interpreter._shift,
    "ex": Interpreter._exit,
    "tr": Interpreter._translate,
    "eo": lambda self, rest: self._escape(rest, is_escaping=False),
    "ec": lambda self, rest: self._escape(rest, is_escaping=True),
}


def split_arguments(rest: str) -> list[str]:
    """The arguments in a line: apart by spaces, with quotes around those that hold spaces."""
    return [
        match[1].replace('""', '"') if match[1] is not None else match[2]
        for match in _ARGUMENT.finditer(rest)
    ]


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, without comments, those that a backslash joins as one."""
    joined: list[str] = []
    first = 1
    for count, line in enumerate(text.splitlines(), 1):
        first = first if joined else count
        kept, joins = without_comment(line)
        if kept is not line:
            if not joins:
                kept = kept.rstrip() if kept[:1] in (".", "'") else kept
                if not kept and not joined:
                    continue
        elif (len(line) - len(line.rstrip("\\"))) % 2:
            kept, joins = line[:-1], True
        joined.append(kept)
        if not joins:
            yield first, "".join(joined)
            joined = []
    if joined:
        yield first, "".join(joined)


def _opened(line: str) -> int:
    """How many more blocks a line opens than it closes."""
    if "\\" not in line:
        return 0
    return sum(1 if brace == "{" else -1 for brace in _SKIPPED.findall(line))
