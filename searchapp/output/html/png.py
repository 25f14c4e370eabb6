"""Matrices as small pictures: a pixel a cell, coloured by its opacity. Two hues that every kind of
colour vision tells apart. Pure.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from searchapp.extract.pdf.png import PALETTE, png

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
    chunks = (
        (b"PLTE", b"".join(bytes(colour[:3]) for colour in palette)),
        (b"tRNS", bytes(colour[3] for colour in palette)),
    )
    return png(width, height, rows.tobytes(), colors=PALETTE, level=9, chunks=chunks)
