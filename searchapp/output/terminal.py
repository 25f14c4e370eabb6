"""Text made fit to be shown: harmless, within a width, painted.

Whatever comes from a document or a file name can neither send a code to the terminal, nor reorder a
line, nor add one. Steps that shape a passage keep its offsets, so that highlights stay where they
are. Escape codes are written here directly and widths come from `unicodedata`, because importing
rich would cost a cold query 15 ms or more. Pure.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_from_bytes

if TYPE_CHECKING:
    from searchapp.types.documents import Span

BOLD, DIM, RED, GREEN, CYAN, MARK = "1", "2", "31", "32", "36", "1;33"
NARROWEST, WIDEST = 20, 120  # columns of a text, however narrow or wide the terminal is

# Black on khaki, tan, amber, orange: of like lightness and ever more vivid, so that the order is
# plain on a dark and on a light terminal, and without telling red from green.
_HEAT = ("", *(f"38;5;16;48;5;{color}" for color in (144, 179, 214)), "1;38;5;16;48;5;208")

QUOTES, PLAIN_QUOTES = ("«", "»"), ("_", "_")

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;;[^\x1b]*\x1b\\")  # as they are written here

_UNSAFE_IN_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

# A line may break at blanks, and around every character from the East Asian blocks on.
_WORD = re.compile(r"[!-\u2e7f]+|\S")

# A line break that is only the margin of a prose source: the line before has 50 to 159 characters
# and ends in no blank (as a hard break of Markdown does), the line after begins with a word, so
# that it is no list item, table row or indented code.
_MARGIN_TYPES = frozenset({"txt", "md", "rst", "eml"})
_MARGIN_BREAK = re.compile(r"(?<=[^\n]{49}\S)(?<![^\n]{160})\n(?=[\"'“‘]?[^\W\d_])")


@dataclass(frozen=True, slots=True)
class TerminalStyle:
    """How to show a text. The default is plain, for a pipe: no codes, no wrapping, fields separated
    by tabs.
    """

    width: int | None = None  # columns of the terminal; None for a pipe
    color: bool = False
    links: bool = False  # paths are clickable (OSC 8)
    host: str = ""  # whose files the links lead to, which a terminal elsewhere has to know
    base: bytes | None = None  # an absolute folder; paths below it are shown relative to it
    quotes: tuple[str, str] = QUOTES  # around what is marked where there is no colour

    def paint(self, text: str, style: str) -> str:
        """The text in an ANSI style ("" for none), or as it is where colours are off."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.color and style and text else text

    def path(self, path: bytes, style: str = BOLD, *, line: int | str | None = None) -> str:
        """A path for display, with a line as editors and grep write it, "a.py:20"; the link of an
        archive's member opens the archive.
        """
        shown = self.paint(display_path(path, self.base), style)
        if line is not None:
            shown += self.paint(f":{line}", GREEN)
        if not self.links:
            return shown
        file = quote(self.host) + quote_from_bytes(path.partition(b"!/")[0])
        return f"\x1b]8;;file://{file}\x1b\\{shown}\x1b]8;;\x1b\\"


PLAIN = TerminalStyle()


def style_for(
    *, columns: int, color: bool, links: bool, host: str, base: str, encoding: str
) -> TerminalStyle:
    """The style of a terminal of so many columns and an encoding, which may lack our quotes."""
    try:
        "".join(QUOTES).encode(encoding)
        quotes = QUOTES
    except (UnicodeEncodeError, LookupError):
        quotes = PLAIN_QUOTES
    width, folder = min(columns, WIDEST), os.fsencode(base)
    return TerminalStyle(width, color, links, host, folder, quotes)


# ---- words and lines -----------------------------------------------------------------------------


def joined(lines: Iterable[str]) -> str:
    """The lines as a text."""
    return "".join(f"{line}\n" for line in lines)


def filled(
    parts: Iterable[str], columns: int | None, *, gap: str = " ", margin: str = ""
) -> list[str]:
    """The parts on as few lines of so many columns as they fit on, none broken, the margin before
    all lines but the first; None: on one line. Escape codes take no columns.
    """
    lines: list[str] = []
    used = 0
    for part in parts:
        width = display_width(_ESCAPES.sub("", part))
        if lines and (columns is None or used + len(gap) + width <= columns):
            lines[-1] += gap + part
            used += len(gap) + width
        else:
            lines.append(margin + part if lines else part)
            used = width + (len(margin) if len(lines) > 1 else 0)
    return lines


def broken(text: str, columns: int | None) -> str:
    """The text with its lines broken at words, to so many columns; None: as it is."""
    if columns is None:
        return text
    lines = (filled(line.split(" "), columns) for line in text.split("\n"))
    return "\n".join(chain.from_iterable(lines))


def table(facts: Iterable[tuple[str, str]], style: TerminalStyle) -> list[str]:
    """A line for each fact, the values in one column, broken at words where they are wider than the
    terminal; facts without a value are left out.
    """
    shown = [(name, value) for name, value in facts if value]
    width = max((display_width(name) for name, _ in shown), default=0)
    lines: list[str] = []
    for name, value in shown:
        words = [value] if "\x1b" in value else value.split(" ")  # a link is not broken
        words[0] = f"{style.paint(name, DIM)}{' ' * (width - display_width(name))}  {words[0]}"
        lines += filled(words, style.width, margin=" " * (width + 2))
    return lines


def truncate(text: str, columns: int) -> str:
    """The text, cut with an ellipsis where it is wider than `columns`."""
    return (
        text
        if display_width(text) <= columns
        else f"{text[: _fitting(text, columns - 1)].rstrip()}…"
    )


def padded(text: str, columns: int) -> str:
    """The text in exactly so many columns: cut as `truncate` does, or with spaces after it."""
    shown = truncate(text, columns)
    return shown + " " * (columns - display_width(shown))


def display_path(path: bytes, base: bytes | None = None) -> str:
    r"""A path on one line of printable text, relative to `base` where it is below it; other bytes
    and controls become `\xNN`.
    """
    return _name(os.fsdecode(path if base is None else path.removeprefix(base.rstrip(b"/") + b"/")))


def display_width(text: str) -> int:
    """How many columns a text takes: two for wide East Asian characters and emoji, none for
    combining ones.
    """
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


# ---- a passage within a width --------------------------------------------------------------------


def flowing(text: str, type_: str) -> str:
    """The text with the line breaks of prose paragraphs turned into spaces; offsets stay."""
    return _MARGIN_BREAK.sub(" ", text) if type_ in _MARGIN_TYPES else text


def lines_of(text: str) -> Iterator[Span]:
    """Its lines, without trailing blanks."""
    start = 0
    for line in text.split("\n"):
        yield start, start + len(line.rstrip())
        start += len(line) + 1


def wrapped(text: str, columns: int) -> list[Span]:
    """Its lines, broken where they are wider than `columns`; indentation stays on the
    first part.
    """
    lines: list[Span] = []
    for start, end in lines_of(text):
        begin = stop = start
        used = 0
        for left, right in _words(text, start, end, columns):
            used += display_width(text[stop:right])
            if used > columns:
                if stop > begin:
                    lines.append((begin, stop))
                begin, used = left, display_width(text[left:right])
            stop = right
        lines.append((begin, stop))
    return lines


def window(lines: Sequence[Span], highlight: Span, limit: int) -> int:
    """The first of `limit` lines to show: the first line if the highlight is in view then, else one
    that puts the highlight in the middle.
    """
    touched = [
        at for at, (start, end) in enumerate(lines) if start < highlight[1] and end > highlight[0]
    ]
    if not touched or touched[-1] < limit:
        return 0
    spare = max(0, limit - len(touched))
    return min(touched[0] - spare // 2, len(lines) - limit)


def marked(text: str, line: Span, marks: Iterable[Span], style: TerminalStyle) -> str:
    """One line, with the marks that lie in it painted."""
    return _painted(text, line, ((start, end, MARK) for start, end in marks), style)


def heated(
    text: str, line: Span, highlights: Iterable[tuple[int, int, float]], style: TerminalStyle
) -> str:
    """One line as a heat map: a colour behind each highlight for its weight, in four steps from a
    fifth on; none below.
    """
    return _painted(
        text,
        line,
        ((start, end, _heat(weight)) for start, end, weight in sorted(highlights)),
        style,
    )


# ---- private -------------------------------------------------------------------------------------


def _painted(
    text: str, line: Span, styled: Iterable[tuple[int, int, str]], style: TerminalStyle
) -> str:
    parts, at = [], line[0]
    for start, end, code in styled:
        start, end = max(start, at), min(end, line[1])
        if start < end:
            parts += [text[at:start], style.paint(text[start:end], code)]
            at = end
    return "".join((*parts, text[at : line[1]]))


def _heat(weight: float) -> str:
    return _HEAT[max(0, min(int(weight * len(_HEAT)), len(_HEAT) - 1))]


def _words(text: str, start: int, end: int, columns: int) -> Iterator[Span]:
    """The unbreakable parts of a line; a word wider than `columns` is cut."""
    for word in _WORD.finditer(text, start, end):
        left, right = word.span()
        while display_width(text[left:right]) > columns:
            cut = left + _fitting(text[left:right], columns)
            yield left, cut
            left = cut
        yield left, right


def _fitting(text: str, columns: int) -> int:
    """How many of its first characters take at most `columns`."""
    used = 0
    for at, character in enumerate(text):
        used += _columns(character)
        if used > columns:
            return at
    return len(text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _name(text: str) -> str:
    return _UNSAFE_IN_NAME.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no text, as `os.fsdecode` keeps it
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
