"""How an error looks: two lines for people, an object for programs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchapp.humanize import one_line
from searchapp.output.terminal import (
    CYAN,
    PLAIN,
    RED,
    TerminalStyle,
)

if TYPE_CHECKING:
    from searchapp.errors import SearchappError


def error_json(error: SearchappError) -> dict[str, object]:
    """An error for programs."""
    return {"error": {"code": error.code, "message": str(error), "hint": error.hint}}


def error_text(error: SearchappError, style: TerminalStyle = PLAIN) -> str:
    """What went wrong and, on a second line, the cure."""
    hint = f"{style.paint('hint:', CYAN)} {one_line(error.hint)}\n" if error.hint else ""
    return f"{style.paint('error:', RED)} {one_line(str(error))}\n{hint}"
