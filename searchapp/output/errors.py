"""How an error looks: two lines for people, an object for programs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchapp.humanize import one_line
from searchapp.output.terminal import (
    CYAN,
    NARROWEST,
    PLAIN,
    RED,
    TerminalStyle,
    joined,
    wrapped,
)

if TYPE_CHECKING:
    from searchapp.errors import SearchappError


def error_json(error: SearchappError) -> dict[str, object]:
    """An error for programs."""
    return {"error": {"code": error.code, "message": str(error), "hint": error.hint}}


def error_text(error: SearchappError, style: TerminalStyle = PLAIN) -> str:
    """What went wrong and, on a second line, the cure."""
    lines = _lines("error:", RED, str(error), style)
    return joined(lines + (_lines("hint:", CYAN, error.hint, style) if error.hint else []))


def _lines(name: str, color: str, text: str, style: TerminalStyle) -> list[str]:
    """A name and a text, within the width where there is one."""
    line = f"{name} {one_line(text)}"
    spans = [(0, len(line))] if style.width is None else wrapped(line, max(NARROWEST, style.width))
    first, *others = (line[start:end] for start, end in spans)
    return [style.paint(name, color) + first.removeprefix(name), *others]
