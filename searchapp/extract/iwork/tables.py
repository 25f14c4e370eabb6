"""The tables of iWork: rows of cells, whose texts stand in lists beside them.

A cell is a record of bytes: its type, flags that say which values it holds, and the values. How a
number is shown is not looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal

from searchapp.extract.iwork.archive import NOTHING, Object
from searchapp.extract.iwork.texts import text_of
from searchapp.extract.spreadsheets.rows import Row

TABLE_MODEL = 6001
_MAX_ROWS = 1_000_000  # Numbers allows as many
_VERSION = 5  # of the records of cells
_DECIMAL, _DOUBLE, _SECONDS, _STRING, _RICH = 1, 2, 4, 8, 16  # flags
_BOOLEAN, _DURATION = 6, 7  # types
_EPOCH = datetime(2001, 1, 1)
_NO_CELL = 0xFFFF
_DIGITS = Context(prec=40)  # 128 bits hold 34


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name and its rows, and whether all of its cells could be read."""

    name: str
    rows: list[Row]
    is_whole: bool


def table_of(model: Object, objects: dict[int, Object]) -> Table:
    """The table of a table model; raises ValueError or IndexError where it is broken."""
    fields = model.message
    store = (fields.messages(4) or [NOTHING])[0]
    strings = _strings(objects, store.references(4))
    strings |= {-key: text for key, text in _rich_texts(objects, store.references(17)).items()}
    rows: list[Row] = []
    is_whole = True
    tiles = (store.messages(3) or [NOTHING])[0]
    for entry in tiles.messages(1):
        tile = objects.get((entry.references(2) or [0])[0])
        first = entry.number(1) * tiles.number(2, 256)
        for info in tile.message.messages(5) if tile else ():
            records = b"".join(info.pieces(6))
            is_whole &= bool(records) or not info.number(2)
            offsets = b"".join(info.pieces(7))
            values = list(_cells(records, offsets, strings, is_wide=bool(info.number(8))))
            is_whole &= all(text is not None for _, text in values)
            cells = tuple((column, text) for column, text in values if text)
            number = first + info.number(1) + 1
            if cells and number <= _MAX_ROWS:
                rows.append(Row(number, cells))
    return Table(fields.text(8), sorted(rows), is_whole)


def _strings(objects: dict[int, Object], references: list[int]) -> dict[int, str]:
    """The texts of a list by their keys."""
    return {
        entry.number(1): entry.text(3)
        for reference in references
        if reference in objects
        for entry in objects[reference].message.messages(3)
    }


def _rich_texts(objects: dict[int, Object], references: list[int]) -> dict[int, str]:
    """The styled texts of a list by their keys: each is a text of its own, at two removes."""
    texts = {}
    for reference in references:
        for entry in objects[reference].message.messages(3) if reference in objects else ():
            for payload in filter(None, map(objects.get, entry.references(9))):
                storages = filter(None, map(objects.get, payload.message.references(1)))
                texts[entry.number(1)] = "\n".join(map(text_of, storages))
    return texts


def _cells(
    records: bytes, offsets: bytes, strings: dict[int, str], *, is_wide: bool
) -> Iterator[tuple[int, str | None]]:
    """The columns of the cells and their texts, None for a broken one."""
    for column, (offset,) in enumerate(struct.iter_unpack("<H", offsets[: len(offsets) & ~1])):
        if offset == _NO_CELL:
            continue
        start = 4 * offset if is_wide else offset
        try:
            is_known = records[start] == _VERSION
            yield column, _value(records[start:], strings) if is_known else None
        except (IndexError, ValueError, struct.error):
            yield column, None


def _value(record: bytes, strings: dict[int, str]) -> str:
    """What a record of a cell says."""
    kind, (flags,) = record[1], struct.unpack_from("<I", record, 8)
    position = 12
    text = ""
    if flags & _DECIMAL:
        text = _decimal(record[position : position + 16])
        position += 16
    if flags & _DOUBLE:
        (number,) = struct.unpack_from("<d", record, position)
        text = _double(number, kind)
        position += 8
    if flags & _SECONDS:
        (seconds,) = struct.unpack_from("<d", record, position)
        text = _moment(seconds)
        position += 8
    if flags & _STRING:
        (key,) = struct.unpack_from("<I", record, position)
        text = strings.get(key, "")
        position += 4
    if flags & _RICH:
        (key,) = struct.unpack_from("<I", record, position)
        text = strings.get(-key, "")
    return " ".join(text.split())


def _decimal(packed: bytes) -> str:
    """A decimal number of 128 bits, as IEEE 754 packs it into binary digits."""
    exponent = ((packed[15] & 127) << 7 | packed[14] >> 1) - 6176
    digits = int.from_bytes(packed[:14], "little") | (packed[14] & 1) << 112
    if abs(exponent) > 400:
        return ""
    number = Decimal(-digits if packed[15] & 128 else digits).scaleb(exponent, _DIGITS)
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _double(number: float, kind: int) -> str:
    if kind == _BOOLEAN:
        return "TRUE" if number else "FALSE"
    if kind == _DURATION:
        return str(timedelta(seconds=number)) if abs(number) < 10**9 else ""
    return f"{number:.15g}"


def _moment(seconds: float) -> str:
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return ""
    return moment.isoformat(sep=" ", timespec="minutes").removesuffix(" 00:00")
