"""A matrix of words by words (SVG): what each word of one text adds together with each of the
other, and the frame that any such matrix stands in. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from searchapp.output.html.elements import signed, tag
from searchapp.output.html.figures import EM, LINE, NUMBER, Figure, label_of, together, word
from searchapp.output.html.png import data_url
from searchapp.output.terminal import display_width

if TYPE_CHECKING:
    from markupsafe import Markup
    from numpy.typing import NDArray

    from searchapp.analysis.pair_attribution import PairAttribution, TextSide, TextUnit

_DARK = 0.6  # of the largest in a matrix: from there on its number is light


def matrix_figure(pair: PairAttribution) -> Figure:
    """A cell for each two words, by its part of the largest; with numbers where there is room for
    them.
    """
    values = pair.similarities * 100 if pair.products is None else pair.products * 1000
    frame = MatrixFrame(
        pair.a, pair.b, _cell_size(len(pair.b.units)), min(LINE, _cell_size(len(pair.a.units)))
    )
    words = np.ix_([unit.is_word for unit in pair.a.units], [unit.is_word for unit in pair.b.units])
    parts = values / (float(np.abs(values[words]).max(initial=0)) or 1.0)
    rows, columns = values.shape
    picture = tag(
        "image",
        width=columns,
        height=rows,
        href=data_url(parts),
        preserveAspectRatio="none",
        class_="pixels",
    )
    box = {"viewBox": f"0 0 {columns} {rows}", "preserveAspectRatio": "none"}
    body = [tag("svg", picture, **frame.place, **box), *frame.labels()]
    if frame.cell >= 28 and frame.line >= 16:
        body += [
            frame.number(at, value, light=bool(abs(parts[at]) > _DARK))
            for at, value in np.ndenumerate(values)
        ]
    if pair.products is not None:
        body += frame.sums(values)
    width, height = frame.right + 8 + NUMBER, frame.bottom + 22
    return Figure(together([*body, frame.border()]), width, height, min(frame.cell, frame.line))


@dataclass(frozen=True, slots=True)
class MatrixFrame:
    """Where a matrix stands: rows and columns with their words on the left and, aslant, above."""

    down: TextSide
    across: TextSide
    cell: float  # pixels: the width of a column
    line: float  # and the height of a row

    @property
    def size(self) -> float:
        """Of the font."""
        return min(12.5, self.line * 0.8)

    @property
    def left(self) -> float:
        """Where its columns begin."""
        return _longest(self.down) * self.size * EM + 10

    @property
    def top(self) -> float:
        """Where its rows begin."""
        return _longest(self.across) * min(self.size, self.cell * 0.9) * EM * 0.82 + 14

    @property
    def right(self) -> float:
        """Where its columns end."""
        return self.left + self.cell * len(self.across.units)

    @property
    def bottom(self) -> float:
        """Where its rows end."""
        return self.top + self.line * len(self.down.units)

    @property
    def place(self) -> dict[str, object]:
        """Its attributes x, y, width and height."""
        box = {
            "x": self.left,
            "y": self.top,
            "width": self.right - self.left,
            "height": self.bottom - self.top,
        }
        return {name: f"{value:.1f}" for name, value in box.items()}

    def labels(self) -> Iterator[Markup]:
        """The words of the rows, then of the columns."""
        for at, unit in enumerate(self.down.units):
            y = self.top + self.line * (at + 0.72)
            style = {"class_": _class_of(unit), "style": _sized(self.size)}
            yield word(self.left - 6, y, label_of(unit), **style, text_anchor="end")
        for at, unit in enumerate(self.across.units):
            x, y = self.left + self.cell * (at + 0.5) + self.size * 0.2, self.top - 6
            style = {"class_": _class_of(unit), "style": _sized(min(self.size, self.cell * 0.9))}
            yield word(x, y, label_of(unit), **style, transform=f"rotate(-55 {x:.1f} {y:.1f})")

    def number(self, at: tuple[int, ...], value: float, *, light: bool) -> Markup:
        """The number in a cell."""
        x, y = self.left + self.cell * (at[1] + 0.5), self.top + self.line * (at[0] + 0.7)
        style = {"class_": "cell over" if light else "cell", "text_anchor": "middle"}
        return word(x, y, signed(value, 0), **style)

    def sums(self, values: NDArray[np.float64]) -> Iterator[Markup]:
        """What rows and, where there is room, columns add up to, and all of it."""
        style = _sized(self.size * 0.92)
        beside, below = self.right + 8, self.bottom + 15
        for at, total in enumerate(values.sum(axis=1)):
            y = self.top + self.line * (at + 0.72)
            yield word(beside, y, signed(total, 0), class_="figure", style=style)
        for at, total in enumerate(values.sum(axis=0) if self.cell >= 20 else ()):
            x = self.left + self.cell * (at + 0.5)
            place = {"class_": "figure", "style": style, "text_anchor": "middle"}
            yield word(x, below, signed(total, 0), **place)
        yield word(beside, below, signed(values.sum(), 0), class_="figure strong", style=style)

    def border(self) -> Markup:
        """A line around it, which a page's script watches, and the cell that is pointed at."""
        size = {"data_rows": len(self.down.units), "data_columns": len(self.across.units)}
        cell = {"width": f"{self.cell:.2f}", "height": f"{self.line:.2f}"}
        return together(
            [
                tag("rect", **self.place, class_="frame", **size),
                tag("rect", x=0, y=0, **cell, class_="cursor", visibility="hidden"),
            ]
        )


def _cell_size(count: int) -> float:
    return 34 if count <= 18 else 20 if count <= 36 else 12


def _class_of(unit: TextUnit) -> str:
    return "word" if unit.is_word else "word dim"


def _longest(side: TextSide) -> int:
    return max(display_width(label_of(unit)) for unit in side.units)


def _sized(pixels: float) -> str:
    return f"font-size:{pixels:.1f}px"
