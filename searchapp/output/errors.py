"""How an error looks: two lines for people, an object for programs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchapp.humanize import one_line
from searchapp.output.terminal import (
    CYAN,
    PLAIN,
    RED,
    TerminalStyle,
    filled,
    joined,
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
    """A name and a text; on a terminal it breaks at words, and a path is never cut."""
    return filled([style.paint(name, color), *one_line(text).split(" ")], style.width)
