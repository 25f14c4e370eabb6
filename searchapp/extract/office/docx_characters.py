"""What Word gives by a number: characters of symbol fonts, and choices in form fields."""

from __future__ import annotations

from typing import Any

from searchapp.extract.office.ooxml import attribute, child_of, name_of

_SYMBOLS_FROM = 0xF000


def symbol(element: Any) -> str:
    """A character given by its number; "" for one of a symbol font."""
    try:
        code = int(attribute(element, "char"), 16)
    except ValueError:
        return ""
    return chr(code) if 0x20 <= code < _SYMBOLS_FROM and not 0xD800 <= code < 0xE000 else ""


def choice(mark: Any) -> str:
    """What is chosen in an old form field that begins at a mark: an entry of its list, or whether
    its box is ticked; "" where it has neither.
    """
    choices, box = child_of(mark, "ffData", "ddList"), child_of(mark, "ffData", "checkBox")
    if choices is None:
        return "" if box is None else "☒" if _is_ticked(box) else "☐"
    entries = [attribute(choice, "val") for choice in choices if name_of(choice) == "listEntry"]
    number = child_of(choices, "result")
    number = child_of(choices, "default") if number is None else number
    chosen = "0" if number is None else attribute(number, "val")
    return entries[int(chosen)] if chosen.isdecimal() and int(chosen) < len(entries) else ""


def _is_ticked(box: Any) -> bool:
    ticked = child_of(box, "checked")
    ticked = child_of(box, "default") if ticked is None else ticked
    return ticked is not None and attribute(ticked, "val") not in {"0", "false", "off"}
