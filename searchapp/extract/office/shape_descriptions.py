"""What is said of pictures and shapes in old Office documents, for those who cannot see them:
properties of their drawing records, [MS-ODRAW].
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from searchapp.extract.office.drawings import real_descriptions

_PROPERTIES = re.compile(rb"(?:\x0b\xf0|[\x21\x22]\xf1)", re.DOTALL)  # kinds of their records
_DESCRIPTION = 0x0381
_IS_COMPLEX = 0x8000  # its value is the length of what stands behind all properties
_MOST_PROPERTIES = 300  # of a shape
_LONGEST = 8000  # bytes
_MOST = 10_000  # descriptions


def shape_descriptions(data: bytes, start: int = 0, end: int | None = None) -> Iterator[str]:
    """The descriptions in the records of a stream, in order, each once."""
    known: set[str] = set()
    for match in _PROPERTIES.finditer(data, start, len(data) if end is None else end):
        for text in _described(data, match.start() - 2):
            if text not in known:
                known.add(text)
                yield text
        if len(known) >= _MOST:
            return


def _described(data: bytes, at: int) -> Iterator[str]:
    """The description in a record of properties at an offset; nothing where there is none."""
    if at < 0:
        return
    head, length = _number(data, at, 2), _number(data, at + 4, 4)
    count = head >> 4
    if head & 0xF != 3 or count > _MOST_PROPERTIES or not 6 * count <= length <= len(data) - at - 8:
        return
    first = at + 8
    behind = first + 6 * count
    for index in range(count):
        kind, value = _number(data, first + 6 * index, 2), _number(data, first + 6 * index + 2, 4)
        if not kind & _IS_COMPLEX:
            continue
        if (
            kind & 0x3FFF == _DESCRIPTION
            and value <= _LONGEST
            and behind + value <= at + 8 + length
        ):
            text = data[behind : behind + value].decode("utf-16-le", "replace")
            yield from real_descriptions([text.partition("\0")[0]])
        behind += value


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")
