"""The numbers of lists and headings in OpenDocument, which only their styles' rules tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from searchapp.extract.office.numbering import (
    BULLET,
    LEVELS,
    NO_NUMBER,
    Level,
    ListUse,
    Numbering,
)
from searchapp.extract.office.odf_styles import attribute, number_of
from searchapp.extract.office.odf_text import plain_text
from searchapp.extract.office.ooxml import attribute as any_attribute
from searchapp.extract.office.ooxml import name_of

if TYPE_CHECKING:
    from searchapp.extract.office.odf_styles import OdfStyles

_SHAPED = re.compile(r"%(\d)%")
_PLACE = re.compile(r"%\d")
OUTLINE = "Outline"  # the list style of headings
_FORMS = {  # to their names in WordprocessingML
    "1": "decimal",
    "a": "lowerLetter",
    "A": "upperLetter",
    "i": "lowerRoman",
    "I": "upperRoman",
    "01": "decimalZero",
    "1st": "ordinal",
    "One": "cardinalText",
    "First": "ordinalText",
    "①": "decimalEnclosedCircle",
    "一": "chineseCounting",
    "А": "russianUpper",
    "а": "russianLower",
    "": NO_NUMBER,
}


class OdfNumbers:
    """One way through a document: the number of each item and heading, in order."""

    def __init__(self, styles: OdfStyles, *roots: Any) -> None:
        self._styles = styles
        self._levels: dict[str, dict[int, Level]] = {}
        for root in roots:
            for style in root.iter("{*}list-style", "{*}outline-style"):
                is_outline = name_of(style) == "outline-style"
                name = OUTLINE if is_outline else attribute(style, "style:name")
                self._levels[name] = _levels(style)
        self._counter = Numbering(self._use)
        self._keys: dict[str, str] = {}  # of lists by their ids
        self._last: dict[str, str] = {}  # the key of the list before, by style

    def key_of(self, element: Any) -> str:
        """What counts together with an outermost list: itself, or the list that it goes on."""
        style = attribute(element, "text:style-name")
        identity = any_attribute(element, "id") or f"list {len(self._keys)}"
        continued = self._keys.get(attribute(element, "text:continue-list"))
        if continued is None and attribute(element, "text:continue-numbering") == "true":
            continued = self._last.get(style)
        key = OUTLINE if style == OUTLINE else continued or identity
        self._keys[identity] = self._last[style] = key
        return key

    def item(self, key: str, style: str, level: int, item: Any) -> str:
        """What stands before the next item at a level, counted from 1: its number, "-" for a
        bullet, "" for nothing.
        """
        start = attribute(item, "text:start-value")
        label = self._label(key, style, level, number_of(start) if start else None)
        shown = plain_text(item.find("{*}number"))
        return shown or label or ("-" if self._styles.is_marked(style, level) else "")

    def heading(self, heading: Any, level: int) -> str:
        """The number of the next heading that stands in no list, "" where it has none."""
        shown = plain_text(heading.find("{*}number"))
        if shown or attribute(heading, "text:is-list-header") == "true":
            return shown
        style = self._styles.list_style(heading)
        if style == "":
            return ""
        restart = attribute(heading, "text:restart-numbering") == "true"
        start = attribute(heading, "text:start-value")
        name = style if style in self._levels else OUTLINE
        return self._label(name, name, level, number_of(start) if start else 1 if restart else None)

    def _label(self, key: str, style: str, level: int, start: int | None) -> str:
        return self._counter.label(f"{key}\0{style}", min(level, LEVELS) - 1, start)

    def _use(self, use_id: str) -> ListUse | None:
        key, _, style = use_id.partition("\0")
        levels = self._levels.get(style)
        return None if levels is None else ListUse(key, levels)


def _levels(style: Any) -> dict[int, Level]:
    """The levels of a list style, from 0."""
    levels: dict[int, Level] = {}
    for element in style.iterchildren("*"):
        index = number_of(attribute(element, "text:level")) - 1
        if index < 0 or index >= LEVELS:
            continue
        form = attribute(element, "style:num-format").partition(",")[0].strip()
        if not name_of(element).endswith(("level-style-number", "outline-level-style")):
            levels[index] = Level(form=BULLET)
        else:
            levels[index] = Level(
                number_of(attribute(element, "text:start-value") or "1"),
                _FORMS.get(form, "decimal"),
                _text(element, index, levels) if form else "",
            )
    return levels


def _text(element: Any, index: int, levels: dict[int, Level]) -> str:
    """The form of a whole number: "%1.%2", with what stands before and behind it."""
    shown = min(number_of(attribute(element, "text:display-levels") or "1"), index + 1)
    places = [
        f"%{level + 1}"
        for level in range(index - shown + 1, index + 1)
        if level == index or (level in levels and levels[level].form not in {NO_NUMBER, BULLET})
    ]
    shaped = _SHAPED.sub(r"%\1", any_attribute(element, "num-list-format"))
    if _PLACE.findall(shaped) == places:  # with other signs between the numbers than full stops
        return shaped
    before, behind = (attribute(element, f"style:num-{edge}") for edge in ("prefix", "suffix"))
    return f"{before}{'.'.join(places)}{behind}"
