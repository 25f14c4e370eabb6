"""Records that old Word documents share: numbers, lists of properties, and styles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LIST_ID, LIST_LEVEL = 0x460B, 0x260A  # properties of a paragraph

_TITLE = 62  # the number of the style Title; those of headings are 1 to 9
_PARAGRAPH_STYLE = 1
_MAX_BASES = 20
# bytes of a property's value, by the upper bits of its number
_SIZES = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
_TABLE_DEFINITION, _TABS = 0xD608, 0xC615


@dataclass(frozen=True, slots=True)
class DocStyle:
    """What a style says of its paragraphs."""

    level: int = 0  # of a heading, from 1
    is_title: bool = False
    list_id: int = 0  # from 1; 0: in no list
    list_level: int = 0


def number(data: bytes, at: int, size: int) -> int:
    """An unsigned number, 0 where it lies outside the data."""
    return int.from_bytes(data[at : at + size], "little") if at + size <= len(data) else 0


def properties_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The properties in a list of them: number, value."""
    at = 0
    while at + 2 < len(data):
        kind = number(data, at, 2)
        at += 2
        if kind == _TABS and data[at] == 255:
            return
        size = _SIZES.get(kind >> 13, 1 + data[at])
        size = 1 + number(data, at, 2) if kind == _TABLE_DEFINITION else size
        yield kind, data[at : at + size]
        at += size


def styles_of(section: bytes) -> dict[int, DocStyle]:
    """The styles by number, each with what it is based on."""
    base_bytes = number(section, 4, 2)
    # the style's fixed number, the style that it is based on, its own properties
    styles: list[tuple[int, int, dict[int, bytes]]] = []
    at = 2 + number(section, 0, 2)
    while at + 2 <= len(section):
        size = number(section, at, 2)
        style = section[at + 2 : at + 2 + size]
        styles.append(
            (
                number(style, 0, 2) & 0xFFF,
                number(style, 2, 2) >> 4,
                _paragraph_properties(style, base_bytes),
            )
            if size >= 4
            else (0xFFF, 0xFFF, {})
        )
        at += 2 + size + size % 2
    return {index: _style(index, styles) for index in range(len(styles))} or {
        level: DocStyle(level) for level in range(1, 10)
    }


def _paragraph_properties(style: bytes, base_bytes: int) -> dict[int, bytes]:
    """The properties of paragraphs in a style: after its name, behind its own number."""
    if number(style, 2, 2) & 0xF != _PARAGRAPH_STYLE:
        return {}
    at = base_bytes + 4 + 2 * number(style, base_bytes, 2)
    size = number(style, at, 2)
    return dict(properties_of(style[at + 4 : at + 2 + size]))


def _style(index: int, styles: Sequence[tuple[int, int, dict[int, bytes]]]) -> DocStyle:
    level, is_title = 0, False
    list_id, list_level = None, None
    for _ in range(_MAX_BASES):
        if index >= len(styles):
            break
        kind, index, own = styles[index]
        if not level and 1 <= kind <= 9:
            level = kind
        elif not level and kind == _TITLE:
            level, is_title = 1, True
        if list_id is None and LIST_ID in own:
            list_id = number(own[LIST_ID], 0, 2)
        if list_level is None and LIST_LEVEL in own:
            list_level = number(own[LIST_LEVEL], 0, 1)
    return DocStyle(level, is_title, list_id or 0, list_level or 0)
