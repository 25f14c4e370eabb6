"""Where the shapes of OpenDocument stand on their page, and what they are placeholders for."""

from __future__ import annotations

import re
from typing import Any

from searchapp.extract.office.odf_styles import attribute
from searchapp.extract.office.odf_text import SHAPES
from searchapp.extract.office.ooxml import name_of

_MM = {"mm": 1.0, "cm": 10.0, "in": 25.4, "pt": 25.4 / 72, "pc": 25.4 / 6, "px": 25.4 / 96}
_LENGTH = re.compile(r"(-?\d{1,9}(?:\.\d{1,12})?)(mm|cm|in|pt|pc|px)")
_TRANSLATION = re.compile(rf"translate\s*\(\s*{_LENGTH.pattern}[\s,]+{_LENGTH.pattern}\s*\)")


def role_of(shape: Any) -> str:
    """What the shape is a placeholder for, "" where it is free."""
    return attribute(shape, "presentation:class")


def corner(shape: Any) -> tuple[float, float]:
    """Top and left in mm; those of a group are its uppermost shape's, (0, 0) stands for none."""
    if name_of(shape) in {"g", "a"}:
        return min(
            map(
                _own_corner,
                (inner for inner in shape.iter("*") if name_of(inner) in SHAPES - {"g"}),
            ),
            default=(0.0, 0.0),
        )
    return _own_corner(shape)


def _own_corner(shape: Any) -> tuple[float, float]:
    if match := _TRANSLATION.search(attribute(shape, "draw:transform")):
        return _mm(match[3] + match[4]), _mm(match[1] + match[2])
    top, left = (
        attribute(shape, f"svg:{axis}") or attribute(shape, f"svg:{axis}1") for axis in "yx"
    )
    return _mm(top), _mm(left)


def _mm(length: str) -> float:
    match = _LENGTH.fullmatch(length)
    return float(match[1]) * _MM[match[2]] if match else 0.0
