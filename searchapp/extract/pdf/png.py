"""Pixels as a PNG (https://www.w3.org/TR/png-3), and whether bytes are such a PNG. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

GREY, RGB, PALETTE = 0, 2, 3  # colour types

_BEGIN = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(
    ">IIBBBBB"
)  # width, height, bits, colour type, compression, filter, interlace
_FORMS = ([8, GREY, 0, 0, 0], [8, RGB, 0, 0, 0])


def png(
    width: int,
    height: int,
    rows: bytes,
    *,
    colors: int,
    level: int,
    chunks: Sequence[tuple[bytes, bytes]] = (),
) -> bytes:
    """A picture of eight bits a sample; each of its rows begins with its filter, 0 for none.

    `colors` is GREY, RGB, or PALETTE, which is given in further `chunks`; `level` is zlib's.
    """
    head = _HEAD.pack(width, height, 8, colors, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows, level)), (b"IEND", b"")]
    return _BEGIN + b"".join(_chunk(*part) for part in parts)


def require_png(data: bytes, *, most: int) -> bytes:
    """The bytes of a picture, if they are what `png` makes of at most so many pixels a side; raises
    ValueError.
    """
    names, contents = zip(*_chunks(data), strict=True)
    if names != (b"IHDR", b"IDAT", b"IEND") or len(contents[0]) != _HEAD.size:
        raise ValueError("a picture of other parts")
    width, height, *form = _HEAD.unpack(contents[0])
    if not (0 < width <= most and 0 < height <= most) or form not in _FORMS:
        raise ValueError("a picture of another form")
    return data


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The parts of a picture; raises ValueError where they are not whole, or there are many."""
    at = len(_BEGIN)
    if not data.startswith(_BEGIN):
        raise ValueError("no picture")
    for _ in range(3):
        size = int.from_bytes(data[at : at + 4], "big")
        name, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        if data[at : at + size + 12] != _chunk(name, content):
            raise ValueError("a broken picture")
        yield name, content
        at += size + 12
    if at != len(data):
        raise ValueError("a picture with more behind it")


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum
