"""The paragraphs of a shape of a slide: with bullets or numbers as lists, all else as prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from searchapp.extract.builder import Part
from searchapp.extract.office.drawings import paragraph_text
from searchapp.extract.office.numbering import number_text
from searchapp.extract.office.ooxml import name_of

_MARKS = frozenset({"buNone", "buChar", "buAutoNum", "buBlip"})
_LEVELS = "012345678"
_FORMS = {
    "arabic": "decimal",
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
    "ea1ChsPeriod": "chineseCounting",
    "circleNum": "decimalEnclosedCircle",
}
_FORM = re.compile("|".join(_FORMS))


def text_parts(body: Any, *, listed: bool) -> Iterator[Part]:
    """Paragraphs, those with bullets or numbers as lists; `listed` says whether the others are."""
    items: list[str] = []
    counts: dict[int, tuple[str, int]] = {}  # by level: the form, and the number before
    for paragraph in body.iterfind("{*}p"):
        text = paragraph_text(paragraph)
        if not text:
            continue
        level = _level(paragraph)
        style = _mark(paragraph, body, level)
        counts = {known: count for known, count in counts.items() if known <= level}
        if style is not None and name_of(style) == "buAutoNum":
            items.append(f"{_number(style, counts, level)} {text}")
            continue
        counts.pop(level, None)
        if listed if style is None else name_of(style) != "buNone":
            items.append(f"- {text}")
            continue
        yield Part("list", "\n".join(items))
        items = []
        yield Part("prose", text)
    yield Part("list", "\n".join(items))


def _level(paragraph: Any) -> int:
    own = paragraph.find("{*}pPr")
    level = own.get("lvl", "0") if own is not None else "0"
    return int(level) if level in set(_LEVELS) else 0


def _mark(paragraph: Any, body: Any, level: int) -> Any:
    """What gives the paragraph a bullet or a number, or takes it: its own format, or that of its
    level in the shape; None where neither says.
    """
    own, shared = paragraph.find("{*}pPr"), body.find(f"{{*}}lstStyle/{{*}}lvl{level + 1}pPr")
    return next(
        (
            child
            for style in (own, shared)
            for child in (style if style is not None else ())
            if name_of(child) in _MARKS
        ),
        None,
    )


def _number(mark: Any, counts: dict[int, tuple[str, int]], level: int) -> str:
    """The next number of its kind at a level: "2.", "(b)", "iv)"."""
    form, start = mark.get("type", "arabicPeriod"), mark.get("startAt", "1")
    first = int(start) if start.isdecimal() and len(start) <= 5 else 1
    key = f"{form} {first}"
    known = counts.get(level)
    number = known[1] + 1 if known is not None and known[0] == key else first
    counts[level] = (key, number)
    match = _FORM.match(form)
    text = number_text(number, _FORMS[match[0]] if match else "decimal")
    if form.endswith("ParenBoth"):
        return f"({text})"
    return text + (")" if form.endswith("ParenR") else "." if form.endswith("Period") else "")
