"""Mails for the tests: of the usual form, and Outlook's, in a compound file made here."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Streams = Mapping[tuple[str, ...], bytes]

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_SECTOR, _SMALL_SECTOR, _CUTOFF = 512, 64, 4096
_STORAGE, _STREAM, _ROOT = 1, 2, 5


# ---- mails of the usual form ---------------------------------------------------------------------


def mail(*headers: str, body: str | bytes = "", lines: str = "\n") -> bytes:
    """A mail of header lines and a body; each line of either ends as asked."""
    whole = "\n".join((*headers, "", "")).encode() + (
        body.encode() if isinstance(body, str) else body
    )
    return whole.replace(b"\n", lines.encode())


def multipart(kind: str, *parts: bytes, boundary: str = "edge") -> tuple[str, bytes]:
    """The Content-Type line and the body of a multipart."""
    edge = f"--{boundary}".encode()
    body = b"".join(edge + b"\n" + part + b"\n" for part in parts) + edge + b"--\n"
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"', body


# ---- Outlook's mails -----------------------------------------------------------------------------


def outlook(
    texts: Mapping[int, str | bytes],
    numbers: Mapping[int, int] | None = None,
    *,
    within: Mapping[str, Streams] | None = None,
    wide: bool = True,
    header: int = 32,
) -> dict[tuple[str, ...], bytes]:
    """The streams of a message, recipient or attachment: its text and binary properties, its
    numbers, and storages within it.
    """
    streams: dict[tuple[str, ...], bytes] = {}
    for number, value in texts.items():
        kind = "0102" if isinstance(value, bytes) else "001F" if wide else "001E"
        data = (
            value if isinstance(value, bytes) else value.encode("utf-16-le" if wide else "cp1250")
        )
        streams[(f"__substg1.0_{number:04X}{kind}",)] = data
    table = b"".join(
        struct.pack("<HHIQ", 3 if value < 2**32 else 0x40, number, 6, value)
        for number, value in (numbers or {}).items()
    )
    streams[("__properties_version1.0",)] = bytes(header) + table
    for storage, inner in (within or {}).items():
        streams |= {(storage, *path): data for path, data in inner.items()}
    return streams


# ---- compound files ([MS-CFB], version 3) --------------------------------------------------------


@dataclass(slots=True)
class _Entry:
    """One entry of the directory."""

    name: str
    kind: int
    data: bytes = b""
    start: int = _END
    right: int = _FREE
    child: int = _FREE


def compound(streams: Streams) -> bytes:
    """A compound file with the streams at their paths; storages come by themselves."""
    entries, order = _directory(streams)
    small, small_table = _small_streams(entries)
    entries[0].data = small
    large = [
        entry
        for entry in entries
        if entry.kind == _ROOT or (entry.kind == _STREAM and len(entry.data) >= _CUTOFF)
    ]
    bodies = [b"", small_table, *(entry.data for entry in large)]
    bodies[0] = bytes(128 * len(order))
    counts = [-(-len(body) // _SECTOR) for body in bodies]
    tables = 1
    while tables * 128 < tables + sum(counts):
        tables += 1
    starts, table = [], [_FAT] * tables
    for count in counts:
        starts.append(len(table) if count else _END)
        table += [*range(len(table) + 1, len(table) + count), _END] if count else []
    for entry, start in zip(large, starts[2:], strict=True):
        entry.start = start
    bodies[0] = b"".join(map(_packed, entries))
    table += [_FREE] * (tables * 128 - len(table))
    head = _head(tables, starts[0], starts[1], counts[1])
    return (
        head
        + struct.pack(f"<{len(table)}I", *table)
        + b"".join(_padded(body, _SECTOR) for body in bodies)
    )


def _directory(streams: Streams) -> tuple[list[_Entry], list[tuple[str, ...]]]:
    """The entries and the path of each, the root first; the entries of a storage hang in a row."""
    paths = {path[:depth] for path in streams for depth in range(len(path) + 1)}
    order = sorted(paths, key=lambda path: (len(path), path))
    entries = [
        _Entry(
            path[-1] if path else "Root Entry",
            _STREAM if path in streams else _STORAGE,
            streams.get(path, b""),
        )
        for path in order
    ]
    entries[0].kind = _ROOT
    for index, path in enumerate(order):
        inner = sorted(
            (
                order.index(each)
                for each in order
                if len(each) == len(path) + 1 and each[: len(path)] == path
            ),
            key=lambda at: order[at],
        )
        if inner:
            entries[index].child = inner[0]
        for left, right in pairwise(inner):
            entries[left].right = right
    return entries, order


def _small_streams(entries: Sequence[_Entry]) -> tuple[bytes, bytes]:
    """The stream of all small streams, and its table."""
    whole = b""
    table: list[int] = []
    for entry in entries:
        if entry.kind == _STREAM and 0 < len(entry.data) < _CUTOFF:
            entry.start = len(table)
            count = -(-len(entry.data) // _SMALL_SECTOR)
            table += [*range(len(table) + 1, len(table) + count), _END]
            whole += _padded(entry.data, _SMALL_SECTOR)
    table += [_FREE] * (-len(table) % 128)
    return whole, struct.pack(f"<{len(table)}I", *table)


def _packed(entry: _Entry) -> bytes:
    name = entry.name.encode("utf-16-le")
    size = 0 if entry.kind == _STORAGE else len(entry.data)
    head = name.ljust(64, b"\0") + struct.pack(
        "<HBB3I", len(name) + 2, entry.kind, 1, _FREE, entry.right, entry.child
    )
    return head + bytes(36) + struct.pack("<IQ", entry.start, size)


def _head(tables: int, directory: int, small_table: int, small_count: int) -> bytes:
    head = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
    )
    head += struct.pack("<9I", 0, tables, directory, 0, _CUTOFF, small_table, small_count, _END, 0)
    return head + struct.pack("<109I", *range(tables), *[_FREE] * (109 - tables))


def _padded(data: bytes, size: int) -> bytes:
    return data + bytes(-len(data) % size)
