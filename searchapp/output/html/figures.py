"""What the figures of a pair of texts share: a drawing with its size (SVG), and words in it.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from searchapp.humanize import one_line
from searchapp.output.html.elements import tag
from searchapp.output.terminal import truncate

if TYPE_CHECKING:
    from searchapp.analysis.pair_attribution import TextUnit

MOST_COLUMNS = 18  # of a word beside its share or its row
TARGET = 24  # pixels that a finger needs of what it is to meet (WCAG 2.5.8)
LINE = TARGET  # of a row of words
EM = 0.62  # the width of a column as a part of the font's size
NUMBER = 44  # pixels of a number


@dataclass(frozen=True, slots=True)
class Figure:
    """A part of a page: its elements, the room they take, and the least that can be pointed at in
    it, in pixels.
    """

    body: Markup
    width: float
    height: float
    target: float = TARGET

    def svg(self, name: str, label: str) -> Markup:
        """The figure as an element, with a class for its style and what it shows in words. Its
        style knows its width, and by how much it has to grow for fingers.
        """
        grow = max(1.0, TARGET / self.target)
        size = {
            "width": round(self.width),
            "height": round(self.height),
            "viewBox": f"0 0 {self.width:.0f} {self.height:.0f}",
        }
        return tag(
            "svg",
            self.body,
            **size,
            class_=name,
            style=f"--width:{self.width:.0f}px;--grow:{grow:.3f}",
            role="img",
            aria_label=label,
        )


def together(elements: Iterable[Markup]) -> Markup:
    """The elements one after the other."""
    return Markup("").join(elements)


def word(x: float, y: float, content: str, **attributes: object) -> Markup:
    """A text in a drawing."""
    return tag("text", content, x=f"{x:.1f}", y=f"{y:.1f}", **attributes)


def label_of(unit: TextUnit) -> str:
    """A unit as it is written beside its row or above its column."""
    return truncate(one_line(unit.label), MOST_COLUMNS)
