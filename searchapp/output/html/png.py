"""Matrices as small pictures: a pixel a cell, coloured by its opacity. Two hues that every kind of
colour vision tells apart. Pure.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ADDS, _TAKES = (33, 102, 172), (190, 95, 15)  # red, green, blue


def data_url(parts: NDArray[np.float64]) -> str:
    """Values in [-1, 1], (height, width), as a picture of a pixel each: opacity for their size, a
    hue for their sign.
    """
    least, most = (-127, 127) if (parts < 0).any() else (0, 255)
    places = np.round(np.clip(parts, -1, 1) * most).astype(np.int16) - least  # in the palette
    palette = [
        (*(_ADDS if level >= 0 else _TAKES), round(abs(level) / most * 255))
        for level in range(least, most + 1)
    ]
    picture = base64.b64encode(_png(places.astype(np.uint8), palette)).decode()
    return f"data:image/png;base64,{picture}"


def _png(places: NDArray[np.uint8], palette: Sequence[tuple[int, int, int, int]]) -> bytes:
    """A picture whose pixels, (height, width), are places in a palette of red, green, blue and
    opacity (https://www.w3.org/TR/png-3).
    """
    height, width = places.shape
    # Each row begins with its filter: none.
    rows = np.concatenate([np.zeros((height, 1), np.uint8), places], axis=1)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(bytes(colour[:3]) for colour in palette)),
            _chunk(b"tRNS", bytes(colour[3] for colour in palette)),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum
