"""What stands before the items of a list of a page: their numbers, which only the list's attributes
tell, or a sign.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from searchapp.extract.office.numbering import number_text

if TYPE_CHECKING:
    from collections.abc import Sequence

UNNUMBERED = "-"
MARK = re.compile(r"(?:-|\w{1,9}\.) ")
_STYLE = re.compile(r"list-style(?:-type)?\s*:([^;]*)")
_FORMS = {
    "1": "decimal",
    "a": "lowerLetter",
    "A": "upperLetter",
    "i": "lowerRoman",
    "I": "upperRoman",
    "decimal": "decimal",
    "lower-alpha": "lowerLetter",
    "lower-latin": "lowerLetter",
    "upper-alpha": "upperLetter",
    "upper-latin": "upperLetter",
    "lower-roman": "lowerRoman",
    "upper-roman": "upperRoman",
    "decimal-leading-zero": "decimalZero",
}
_NO_NUMBERS = frozenset({"none", "disc", "circle", "square"})
_INTEGER = re.compile(r"\s*([+-]?\d{1,9})")


def item_marks(held: Any, items: Sequence[Any]) -> list[str]:
    """What stands before each of a list's items: "7.", "b.", "iv.", or "-"."""
    if held.tag != "ol":
        return [UNNUMBERED] * len(items)
    style = match[1].split() if (match := _STYLE.search(held.get("style") or "")) else []
    if not _NO_NUMBERS.isdisjoint(style):
        return [UNNUMBERED] * len(items)
    forms = [_FORMS[word] for word in (*style, held.get("type")) if word in _FORMS]
    form = forms[0] if forms else "decimal"
    is_falling = held.get("reversed") is not None
    number = _integer(held.get("start"), len(items) if is_falling else 1)
    marks = []
    for item in items:
        number = _integer(item.get("value"), number)
        marks.append(f"{number_text(number, form)}.")
        number += -1 if is_falling else 1
    return marks


def _integer(value: str | None, otherwise: int) -> int:
    match = _INTEGER.match(value or "")
    return int(match[1]) if match else otherwise
