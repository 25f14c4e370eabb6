"""What the styles and lists of a Word document (docx) say of its paragraphs: headings, titles,
lists and their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from searchapp.extract.office.numbering import LEVELS, Level, ListUse
from searchapp.extract.office.ooxml import Package, attribute, child_of, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

OFF = frozenset({"0", "false", "off", "none"})
_ON = frozenset({"1", "true", "on"})
_HEADING_LEVELS = 9  # a paragraph of outline level 9 is body text
_MAX_BASES = 20  # styles upon styles


@dataclass(frozen=True, slots=True)
class DocxStyle:
    """What a paragraph's style, or what it is based on, says of its part in the document; None
    where it says nothing.
    """

    level: int | None = None  # a heading's depth from 1; 0 for body text
    is_title: bool = False
    list_id: str | None = None  # of the list that it is in; one of OFF for none
    list_level: int | None = None  # from 0
    label: str | None = None  # the number in its list, where the file has it (Word 2003)

    @property
    def is_list(self) -> bool:
        """Whether it is in a list."""
        return self.list_id is not None and self.list_id not in OFF


def styles_of(package: Package, main: str) -> dict[str, DocxStyle]:
    """The paragraph styles by id, each with what it is based on; the default style is also ""."""
    root = next((package.side(name) for name in package.related(main, "styles")), None)
    elements = (
        {}
        if root is None
        else {attribute(child, "styleId"): child for child in root if name_of(child) == "style"}
    )
    styles = {style_id: _style_of(element, elements) for style_id, element in elements.items()}
    for style_id, element in elements.items():
        if attribute(element, "type") == "paragraph" and attribute(element, "default") in _ON:
            styles[""] = styles[style_id]
    return styles


def own_style(paragraph_properties: Any) -> DocxStyle:
    """What the properties of a paragraph or of a style say by themselves."""
    children = {name_of(child): child for child in reversed(paragraph_properties)}
    outline = children.get("outlineLvl")
    level = None if outline is None else _number(attribute(outline, "val"))
    if level is not None:
        level = level + 1 if level < _HEADING_LEVELS else 0
    if (in_list := children.get("numPr")) is not None:
        list_id = child_of(in_list, "numId")
        return DocxStyle(
            level,
            list_id=None if list_id is None else attribute(list_id, "val"),
            list_level=_number(_value(in_list, "ilvl")),
        )
    if (in_list := children.get("listPr")) is not None:  # of Word 2003
        label = child_of(in_list, "t")
        return DocxStyle(
            level,
            list_id=_value(in_list, "ilfo") or None,
            list_level=_number(_value(in_list, "ilvl")),
            label=None if label is None else attribute(label, "val"),
        )
    return DocxStyle(level)


class DocxLists:
    """The lists that paragraphs may be in; each is looked up when the first paragraph asks."""

    def __init__(self, package: Package, main: str, styles: Mapping[str, DocxStyle]) -> None:
        self._package, self._main, self._styles = package, main, styles
        self._known: dict[str, ListUse | None] = {}

    def use(self, list_id: str) -> ListUse | None:
        """The list of an id, None where there is none."""
        if list_id not in self._known:
            number = self._numbers.get(list_id)
            self._known[list_id] = None if number is None else self._use(number)
        return self._known[list_id]

    def _use(self, number: Any) -> ListUse | None:
        key = _value(number, "abstractNumId")
        linked = _value(self._abstract.get(key, ()), "numStyleLink")
        if linked:
            style = self._styles.get(linked, DocxStyle())
            named = self._numbers.get(style.list_id or "", ())
            lenders = (
                abstract_id
                for abstract_id, definition in self._abstract.items()
                if _value(definition, "styleLink") == linked
            )
            key = next(lenders, "") or _value(named, "abstractNumId")
        return _use(key, self._abstract[key], number) if key in self._abstract else None

    @cached_property
    def _root(self) -> Any:
        names = self._package.related(self._main, "numbering")
        root = next((self._package.side(name) for name in names), None)
        return () if root is None else root

    @cached_property
    def _abstract(self) -> dict[str, Any]:
        return {
            attribute(definition, "abstractNumId"): definition
            for definition in _named(self._root, "abstractNum")
        }

    @cached_property
    def _numbers(self) -> dict[str, Any]:
        return {attribute(number, "numId"): number for number in _named(self._root, "num")}


def _use(key: str, abstract: Any, number: Any) -> ListUse:
    levels = _levels(abstract)
    restarts = {}
    for override in _named(number, "lvlOverride"):
        level = _number(attribute(override, "ilvl"))
        start = _number(_value(override, "startOverride"))
        if level is not None and start is not None:
            restarts[level] = start
        levels |= _levels(override)
    return ListUse(key, levels, restarts)


def _levels(element: Any) -> dict[int, Level]:
    """The levels of a list that an element defines."""
    levels = {}
    for level in _named(element, "lvl"):
        index = _number(attribute(level, "ilvl"))
        if index is None or index >= LEVELS:
            continue
        forms = [attribute(form, "val") for form in level.iter("{*}numFmt")]
        start, restart = _number(_value(level, "start")), _number(_value(level, "lvlRestart"))
        legal = child_of(level, "isLgl")
        levels[index] = Level(
            1 if start is None else start,
            forms[-1] if forms else "decimal",
            _value(level, "lvlText"),
            legal is not None and attribute(legal, "val") not in OFF,
            LEVELS if restart is None else restart,
            _value(level, "pStyle"),
        )
    return levels


def _style_of(element: Any, elements: Mapping[str, Any]) -> DocxStyle:
    level, list_id, list_level = None, None, None
    is_title = _value(element, "name").lower() == "title"
    for _ in range(_MAX_BASES):
        if element is None:
            break
        properties_element = child_of(element, "pPr")
        own = DocxStyle() if properties_element is None else own_style(properties_element)
        named = _named_level(_value(element, "name"))
        level = level if level is not None else own.level if own.level is not None else named
        list_id = own.list_id if list_id is None else list_id
        list_level = own.list_level if list_level is None else list_level
        element = elements.get(_value(element, "basedOn"))
    return DocxStyle(1 if is_title else level, is_title, list_id, list_level)


def _named_level(name: str) -> int | None:
    """The level of a style with the name of one of Word's own headings, which is the same in every
    language.
    """
    first, _, number = name.lower().partition(" ")
    return int(number) if first == "heading" and number in set("123456789") else None


def _value(element: Any, name: str) -> str:
    child = child_of(element, name)
    return "" if child is None else attribute(child, "val")


def _named(element: Any, name: str) -> list[Any]:
    return [child for child in element if name_of(child) == name]


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 9 else None
