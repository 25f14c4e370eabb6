"""The lists of an old Word document (Word 97 to 2003): how its paragraphs are numbered."""

from __future__ import annotations

import re

from searchapp.extract.office.doc_records import number
from searchapp.extract.office.numbering import BULLET, LEVELS, NO_NUMBER, Level, ListUse

_LIST_BYTES, _USE_BYTES, _LEVEL_BYTES, _OVERRIDE_BYTES = 28, 16, 28, 8
_MAX_LISTS = 10_000
_LONGEST_TEXT = 200  # characters of a level
NUMBER_FORMS = {  # the number of a form to its name in WordprocessingML
    **dict(
        enumerate(
            str.split(
                "decimal upperRoman lowerRoman upperLetter lowerLetter ordinal cardinalText "
                "ordinalText hex chicago ideographDigital japaneseCounting"
            )
        )
    ),
    18: "decimalEnclosedCircle",
    22: "decimalZero",
    23: BULLET,
    26: "decimalEnclosedFullstop",
    27: "decimalEnclosedParen",
    37: "chineseCounting",
    39: "chineseCountingThousand",
    58: "russianLower",
    59: "russianUpper",
    255: NO_NUMBER,
}


def lists_of(
    table: bytes, lists_at: int, lists_bytes: int, uses_at: int, uses_bytes: int
) -> dict[str, ListUse]:
    """The lists that paragraphs may be in, by number from 1; `table` is the stream that holds
    them.
    """
    levels = _definitions(table, lists_at, lists_bytes)
    uses = table[uses_at : uses_at + uses_bytes]
    count = min(number(uses, 0, 4), len(uses) // _USE_BYTES, _MAX_LISTS)
    at = 4 + count * _USE_BYTES
    lists = {}
    for index in range(count):
        head = 4 + index * _USE_BYTES
        key = number(uses, head, 4)
        own, restarts = dict(levels.get(key, {})), {}
        overrides = number(uses, head + 12, 1)
        at += 4
        for _ in range(min(overrides, LEVELS)):
            start, flags = number(uses, at, 4), number(uses, at + 4, 4)
            at += _OVERRIDE_BYTES
            if flags & 0x20:
                own[flags & 0xF], at = _level(uses, at)
                start = own[flags & 0xF].start
            if flags & 0x10:
                restarts[flags & 0xF] = start
        lists[str(index + 1)] = ListUse(key, own, restarts)
    return lists


def _definitions(table: bytes, at: int, size: int) -> dict[int, dict[int, Level]]:
    """The levels of each list, which stand behind all lists."""
    section = table[at : at + size]
    count = min(number(section, 0, 2), len(section) // _LIST_BYTES, _MAX_LISTS)
    at += 2 + count * _LIST_BYTES
    definitions = {}
    for index in range(count):
        head = 2 + index * _LIST_BYTES
        is_simple = number(section, head + 26, 1) & 1
        levels = {}
        for level in range(1 if is_simple else LEVELS):
            if at + _LEVEL_BYTES > len(table):
                break
            levels[level], at = _level(table, at)
        definitions[number(section, head, 4)] = levels
    return definitions


def _level(data: bytes, at: int) -> tuple[Level, int]:
    """A level of a list, and where it ends."""
    flags = number(data, at + 5, 1)
    text_at = at + _LEVEL_BYTES + number(data, at + 24, 1) + number(data, at + 25, 1)
    length = number(data, text_at, 2)
    text = data[text_at + 2 : text_at + 2 + 2 * min(length, _LONGEST_TEXT)]
    return Level(
        number(data, at, 4),
        NUMBER_FORMS.get(number(data, at + 4, 1), "decimal"),
        re.sub(
            "[\0-\x08]",
            lambda place: f"%{ord(place[0]) + 1}",
            text.decode("utf-16-le", "replace"),
        ),
        bool(flags & 4),
        number(data, at + 26, 1) if flags & 8 else LEVELS,
    ), text_at + 2 + 2 * length
