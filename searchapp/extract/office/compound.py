"""Storages of an OLE container as containers of their own, [MS-CFB] version 3, so that an embedded
document can be read like a file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from itertools import pairwise
from typing import TypeAlias, Union

from searchapp.extract.office.ole import SIGNATURE

# a storage's streams and storages by name
Storage: TypeAlias = Mapping[str, Union[bytes, "Storage"]]

_SECTOR, _SMALL_SECTOR, _SMALL = 512, 64, 4096
_FREE, _END, _TABLE, _TABLE_OF_TABLES = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
_IN_HEADER = 109  # sectors of the allocation table
_PER_SECTOR = _SECTOR // 4
_STORAGE, _STREAM, _ROOT = 1, 2, 5


def compound_file(root: Storage) -> bytes:
    """The bytes of a container with these streams and storages."""
    return _Writer().file(root)


class _Writer:
    def __init__(self) -> None:
        self._sectors = bytearray()
        self._table: list[int] = []
        self._small = bytearray()
        self._small_table: list[int] = []
        # name, kind, next sibling, first child, start, size
        self._entries: list[tuple[str, int, int, int, int, int]] = []

    def file(self, root: Storage) -> bytes:
        """The whole file."""
        self._entries.append(("Root Entry", _ROOT, _FREE, _FREE, _END, 0))
        child = self._children(root)
        start, size = self._chain(bytes(self._small)), len(self._small)
        self._entries[0] = ("Root Entry", _ROOT, _FREE, child, start, size)
        small_table = struct.pack(f"<{len(self._small_table)}I", *self._small_table)
        small_start = self._chain(small_table, fill=b"\xff")
        directory = self._chain(b"".join(map(_entry, self._entries)))
        tables, further = self._allocation()
        small_count = -(-len(small_table) // _SECTOR)
        header = struct.pack("<8s16x5H6x", SIGNATURE, 0x3E, 3, 0xFFFE, 9, 6)
        header += struct.pack(
            "<3I4x5I",
            0,
            len(tables),
            directory,
            _SMALL,
            small_start,
            small_count,
            further[0] if further else _END,
            len(further),
        )
        listed = [*tables[:_IN_HEADER], *[_FREE] * (_IN_HEADER - len(tables))]
        return header + struct.pack(f"<{_IN_HEADER}I", *listed) + bytes(self._sectors)

    def _children(self, storage: Storage) -> int:
        """The number of the first entry of a storage's content; each has the next as its right
        sibling.
        """
        names = sorted(storage, key=lambda name: (len(name), name.upper()))
        numbers = [self._add(name, storage[name]) for name in names]
        for number, following in pairwise([*numbers, _FREE]):
            name, kind, _, child, start, size = self._entries[number]
            self._entries[number] = (name, kind, following, child, start, size)
        return numbers[0] if numbers else _FREE

    def _add(self, name: str, content: bytes | Storage) -> int:
        number = len(self._entries)
        self._entries.append((name, _STORAGE, _FREE, _FREE, 0, 0))
        if not isinstance(content, bytes):
            self._entries[number] = (name, _STORAGE, _FREE, self._children(content), 0, 0)
        else:
            start = self._chain(content) if len(content) >= _SMALL else self._small_chain(content)
            self._entries[number] = (name, _STREAM, _FREE, _FREE, start, len(content))
        return number

    def _chain(self, content: bytes, fill: bytes = b"\0") -> int:
        """The first sector of content put at the end."""
        if not content:
            return _END
        start, count = len(self._table), -(-len(content) // _SECTOR)
        self._table += [*range(start + 1, start + count), _END]
        self._sectors += content.ljust(count * _SECTOR, fill)
        return start

    def _small_chain(self, content: bytes) -> int:
        if not content:
            return _END
        start, count = len(self._small_table), -(-len(content) // _SMALL_SECTOR)
        self._small_table += [*range(start + 1, start + count), _END]
        self._small += content.ljust(count * _SMALL_SECTOR, b"\0")
        return start

    def _allocation(self) -> tuple[list[int], list[int]]:
        """The sectors of the allocation table, and of the list of those that the header cannot
        name; the table is written with them.
        """
        used, tables, further = len(self._table), 0, 0
        while tables * _PER_SECTOR < used + tables + further:
            tables += 1
            further = -(-max(0, tables - _IN_HEADER) // (_PER_SECTOR - 1))
        table_sectors = list(range(used, used + tables))
        further_sectors = list(range(used + tables, used + tables + further))
        table = [*self._table, *[_TABLE] * tables, *[_TABLE_OF_TABLES] * further]
        table += [_FREE] * (tables * _PER_SECTOR - len(table))
        self._sectors += struct.pack(f"<{len(table)}I", *table)
        rest = table_sectors[_IN_HEADER:]
        for index in range(further):
            named = rest[index * (_PER_SECTOR - 1) : (index + 1) * (_PER_SECTOR - 1)]
            named += [_FREE] * (_PER_SECTOR - 1 - len(named))
            following = further_sectors[index + 1] if index + 1 < further else _END
            self._sectors += struct.pack(f"<{_PER_SECTOR}I", *named, following)
        return table_sectors, further_sectors


def _entry(entry: tuple[str, int, int, int, int, int]) -> bytes:
    name, kind, following, child, start, size = entry
    encoded = name.encode("utf-16-le", "surrogatepass")[:62]
    head = struct.pack("<64sHBB3I", encoded, len(encoded) + 2, kind, 1, _FREE, following, child)
    return head + struct.pack("<16x4x8x8xIQ", start, size)
