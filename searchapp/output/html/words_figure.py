"""The words of two texts face each other (SVG): bars outward for what they add, lines inward to the
nearest word.

What takes away is hollow, or has a minus, too, so that colour is not needed. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from searchapp.analysis.pair_attribution import UnitGroup, group_units, unit_strengths
from searchapp.humanize import one_line
from searchapp.output.html.elements import signed, tag
from searchapp.output.html.figures import EM, LINE, MOST_COLUMNS, NUMBER, Figure, together, word
from searchapp.output.terminal import display_width, truncate

if TYPE_CHECKING:
    import numpy as np
    from markupsafe import Markup
    from numpy.typing import NDArray

    from searchapp.analysis.pair_attribution import PairAttribution, TextSide

MOST_WORDS = 40  # of a text that stand alone beside their shares

_SIZE = 13  # pixels of the font
_BAR, _LINKS = 96, 110  # pixels: the longest bar, the room for lines between two texts


def words_figure(pair: PairAttribution) -> Figure:
    """The words of both texts with their shares, and lines between those that are nearest."""
    a, b = (
        _WordColumn.of(side, shares)
        for side, shares in zip((pair.a, pair.b), pair.shares or (None, None), strict=True)
    )
    most = max([1e-12, *map(abs, (*a.bars, *b.bars))])
    bar = 0 if pair.products is None else _BAR
    left = NUMBER + bar + a.width
    right = left + _LINKS
    sides = (
        _DrawnSide("a", a, NUMBER + bar, left - 8, -1, bar / most),
        _DrawnSide("b", b, right + b.width, right + 8, 1, bar / most),
    )
    return Figure(
        together([_links(pair, (a, b), left, right), *(side.drawn() for side in sides)]),
        right + b.width + bar + NUMBER,
        LINE * (max(len(a.rows), len(b.rows)) + 1) + 4,
    )


@dataclass(frozen=True, slots=True)
class _WordColumn:
    """The words of one text, one below the other."""

    rows: list[UnitGroup]
    labels: list[str]
    values: list[float]  # what each row adds, or how near its nearest is

    @classmethod
    def of(cls, side: TextSide, shares: NDArray[np.float64] | None) -> _WordColumn:
        rows = group_units(side, unit_strengths(side, shares), MOST_WORDS)
        if shares is None:
            rows = [row for row in rows if row.kind == "word"]
            nearest = [side.nearest[row.units[0]] for row in rows]
            values = [0.0 if neighbour is None else neighbour.cosine for neighbour in nearest]
        else:
            values = [float(shares[list(row.units)].sum()) for row in rows]
        return cls(rows, [_row_label(side, row) for row in rows], values)

    @property
    def bars(self) -> list[float]:
        """The values of the rows that have a bar: single words."""
        return [
            value for row, value in zip(self.rows, self.values, strict=True) if row.kind == "word"
        ]

    @property
    def width(self) -> float:
        return max([1, *map(display_width, self.labels)]) * _SIZE * EM + 10

    def y_of(self, unit: int) -> float | None:
        """Where the line of a word ends, None where the word does not stand alone."""
        at = next(
            (at for at, row in enumerate(self.rows) if row.kind == "word" and unit in row.units),
            None,
        )
        return None if at is None else LINE * (at + 1) + 12


@dataclass(frozen=True, slots=True)
class _DrawnSide:
    """The words of one text with their bars, which grow from `bars` to the left for a `way` of -1,
    and to the right for 1.
    """

    name: str
    column: _WordColumn
    bars: float  # x
    words: float  # x
    way: int
    scale: float  # pixels for 1

    def drawn(self) -> Markup:
        head = word(self.words, 13, self.name.upper(), class_="name", text_anchor=self._anchor)
        return together([head, *(self._row(at) for at in range(len(self.column.rows)))])

    @property
    def _anchor(self) -> str | None:
        return "end" if self.way < 0 else None

    def _row(self, at: int) -> Markup:
        row, value, y = self.column.rows[at], self.column.values[at], LINE * (at + 1)
        is_word = row.kind == "word"
        size = abs(value) * self.scale if is_word else 0.0
        label = word(
            self.words,
            y + 16,
            self.column.labels[at],
            class_="word" if is_word else "word dim",
            text_anchor=self._anchor,
        )
        number = word(
            self.bars + self.way * (size + 6),
            y + 16,
            signed(value, 3).replace("0.", ".", 1),
            class_="figure",
            text_anchor=self._anchor,
        )
        parts = [self._target(y), label, *([self._bar(value, size, y)] if size else []), number]
        place = (
            {"class_": "row", "data_side": self.name, "data_unit": row.units[0]} if is_word else {}
        )
        return tag("g", together(parts), **place)

    def _bar(self, value: float, size: float, y: int) -> Markup:
        return tag(
            "rect",
            x=f"{min(self.bars, self.bars + self.way * size):.1f}",
            y=y + 6,
            width=f"{max(size, 0.75):.1f}",
            height=12,
            class_="add" if value >= 0 else "hollow",
        )

    def _target(self, y: int) -> Markup:
        """What of a row can be pointed at: all of its width."""
        left, right = sorted((self.bars + self.way * (_BAR + NUMBER), self.words))
        return tag(
            "rect", x=f"{left:.1f}", y=y, width=f"{right - left:.1f}", height=LINE, class_="hit"
        )


def _links(
    pair: PairAttribution, columns: Sequence[_WordColumn], left: float, right: float
) -> Markup:
    """Lines between words that are nearest: once for those of each other, dotted for the rest."""
    pairs = {
        (at, nearest.unit): nearest
        for at, nearest in enumerate(pair.a.nearest)
        if nearest is not None
    }
    pairs |= {
        (nearest.unit, at): nearest
        for at, nearest in enumerate(pair.b.nearest)
        if nearest is not None
    }
    lines, middle = [], (left + right) / 2
    for (a, b), nearest in pairs.items():
        y_a, y_b = columns[0].y_of(a), columns[1].y_of(b)
        if y_a is None or y_b is None:
            continue
        curve = (
            f"M{left:.1f} {y_a:.1f}C{middle:.1f} {y_a:.1f} {middle:.1f} {y_b:.1f} "
            f"{right:.1f} {y_b:.1f}"
        )
        opacity = max(0.15, nearest.cosine) * (1 if nearest.is_mutual else 0.6)
        style = {
            "class_": "link" if nearest.is_mutual else "link way",
            "stroke_opacity": f"{opacity:.2f}",
        }
        lines.append(tag("path", d=curve, **style, data_a=a, data_b=b))
    return together(lines)


def _row_label(side: TextSide, row: UnitGroup) -> str:
    if row.kind == "others":
        return f"{len(row.units)} other words"
    return truncate(one_line("".join(side.units[at].label for at in row.units)), MOST_COLUMNS)
