"""The figures of a pair of texts that is explained, as drawings in a page (SVG).

Both texts' words face each other with their shares; a matrix holds what each two add together; all
heads of all layers stand side by side. What has many cells is a picture of a pixel a cell, coloured
by its opacity. Two hues that every kind of colour vision tells apart; what takes away is hollow, or
has a minus, too. Pure.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from searchapp.analysis.pair_attribution import UnitGroup, group_units, unit_strengths
from searchapp.humanize import one_line
from searchapp.output.html.page import signed, tag, text
from searchapp.output.terminal import display_width, truncate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.analysis.pair_attribution import PairAttribution, TextSide, TextUnit

MOST_WORDS = 40  # of a text that stand alone beside their shares
HEADS_LEFT, HEADS_TOP, HEADS_WIDTH = (
    22,
    18,
    420,
)  # pixels of the figure of all heads: the room for their numbers, and theirs

_LABEL = 18  # columns of a word beside its share or its row
_LINE = 21  # pixels of a row of words
_EM, _SIZE = 0.62, 13  # a column's width as a part of the font's size, which is in pixels
_BAR, _LINKS, _FIGURE = (
    96,
    110,
    44,
)  # pixels: the longest bar, the room for lines between two texts, a number
_DARK = 0.6  # of the largest in a matrix: from there on its number is light
_ADDS, _TAKES = (33, 102, 172), (190, 95, 15)


@dataclass(frozen=True, slots=True)
class Figure:
    """A part of a page: its elements, and the room they take in pixels."""

    body: str
    width: float
    height: float

    def standing(self, name: str, told: str) -> str:
        """The figure as an element, with a name for its style and what it shows in words."""
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
            style=f"min-width:{self.width * 0.8:.0f}px",
            role="img",
            aria_label=told,
        )


# ---- shares and nearest words --------------------------------------------------------------------


def words_figure(pair: PairAttribution) -> Figure:
    """Both texts' words face each other: bars outward for what they add, lines inward to the
    nearest.
    """
    a, b = (
        _Column.of(reading, shares)
        for reading, shares in zip((pair.a, pair.b), pair.shares or (None, None), strict=True)
    )
    most = max([1e-12, *map(abs, (*a.bars, *b.bars))])
    bar = 0 if pair.products is None else _BAR
    left = _FIGURE + bar + a.width
    right = left + _LINKS
    sides = (
        _Side("a", a, _FIGURE + bar, left - 8, -1, bar / most),
        _Side("b", b, right + b.width, right + 8, 1, bar / most),
    )
    body = [_links(pair, (a, b), left, right), *(side.drawn() for side in sides)]
    return Figure(
        "".join(body),
        right + b.width + bar + _FIGURE,
        _LINE * (max(len(a.rows), len(b.rows)) + 1) + 4,
    )


@dataclass(frozen=True, slots=True)
class _Column:
    """The words of one text, one below the other."""

    rows: list[UnitGroup]
    labels: list[str]
    values: list[float]  # what each row adds, or how near its nearest is

    @classmethod
    def of(cls, reading: TextSide, shares: NDArray[np.float64] | None) -> _Column:
        rows = group_units(reading, unit_strengths(reading, shares), MOST_WORDS)
        if shares is None:
            rows = [row for row in rows if row.kind == "word"]
            nearest = [reading.nearest[row.units[0]] for row in rows]
            values = [0.0 if each is None else each.cosine for each in nearest]
        else:
            values = [float(shares[list(row.units)].sum()) for row in rows]
        return cls(rows, [_row_label(reading, row) for row in rows], values)

    @property
    def bars(self) -> list[float]:
        """The values of the rows that have a bar: single words."""
        return [
            value for row, value in zip(self.rows, self.values, strict=True) if row.kind == "word"
        ]

    @property
    def width(self) -> float:
        return max([1, *map(display_width, self.labels)]) * _SIZE * _EM + 10

    def y_of(self, unit: int) -> float | None:
        """Where a word's line ends, None where it does not stand alone."""
        at = next(
            (at for at, row in enumerate(self.rows) if row.kind == "word" and unit in row.units),
            None,
        )
        return None if at is None else _LINE * (at + 1) + 11


@dataclass(frozen=True, slots=True)
class _Side:
    """One text's words with their bars, which grow from `bars` to the left for a `way` of -1, and
    to the right for 1.
    """

    name: str
    column: _Column
    bars: float  # x
    words: float  # x
    way: int
    scale: float  # pixels for 1

    def drawn(self) -> str:
        head = _word(self.words, 13, self.name.upper(), class_="name", text_anchor=self._anchor)
        return head + "".join(self._row(at) for at in range(len(self.column.rows)))

    @property
    def _anchor(self) -> str | None:
        return "end" if self.way < 0 else None

    def _row(self, at: int) -> str:
        row, value, y = self.column.rows[at], self.column.values[at], _LINE * (at + 1)
        is_word = row.kind == "word"
        size = abs(value) * self.scale if is_word else 0.0
        shown = _word(
            self.words,
            y + 15,
            self.column.labels[at],
            class_="word" if is_word else "word dim",
            text_anchor=self._anchor,
        )
        if size:
            box = {
                "x": f"{min(self.bars, self.bars + self.way * size):.1f}",
                "y": y + 5,
                "width": f"{max(size, 0.75):.1f}",
                "height": 12,
            }
            shown += tag("rect", **box, class_="add" if value >= 0 else "hollow")
        shown += _word(
            self.bars + self.way * (size + 6),
            y + 15,
            _short(value),
            class_="figure",
            text_anchor=self._anchor,
        )
        edges = sorted((self.bars + self.way * (_BAR + _FIGURE), self.words))
        hit = tag(
            "rect",
            x=f"{edges[0]:.1f}",
            y=y,
            width=f"{edges[1] - edges[0]:.1f}",
            height=_LINE,
            class_="hit",
        )
        place = (
            {"class_": "row", "data_side": self.name, "data_unit": row.units[0]} if is_word else {}
        )
        return tag("g", hit + shown, **place)


def _links(pair: PairAttribution, columns: Sequence[_Column], left: float, right: float) -> str:
    """Lines between words that are nearest: once for those of each other, dotted for the rest."""
    pairs = {(at, each.unit): each for at, each in enumerate(pair.a.nearest) if each is not None}
    pairs |= {(each.unit, at): each for at, each in enumerate(pair.b.nearest) if each is not None}
    found, middle = [], (left + right) / 2
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
        found.append(tag("path", d=curve, **style, data_a=a, data_b=b))
    return "".join(found)


# ---- word by word --------------------------------------------------------------------------------


def matrix_figure(pair: PairAttribution) -> Figure:
    """A cell for each two words, by its part of the largest; with numbers where there is room for
    them.
    """
    values = pair.similarities * 100 if pair.products is None else pair.products * 1000
    frame = _Frame(
        pair.a, pair.b, _cell_size(len(pair.b.units)), min(_LINE, _cell_size(len(pair.a.units)))
    )
    words = np.ix_([unit.is_word for unit in pair.a.units], [unit.is_word for unit in pair.b.units])
    parts = values / (float(np.abs(values[words]).max(initial=0)) or 1.0)
    rows, columns = values.shape
    picture = tag(
        "image",
        width=columns,
        height=rows,
        href=_picture(parts),
        preserveAspectRatio="none",
        class_="pixels",
    )
    body = [
        tag(
            "svg",
            picture,
            **frame.place,
            viewBox=f"0 0 {columns} {rows}",
            preserveAspectRatio="none",
        ),
        *frame.labels(),
    ]
    if frame.cell >= 28 and frame.line >= 16:
        body += [
            frame.number(at, value, is_light=bool(abs(parts[at]) > _DARK))
            for at, value in np.ndenumerate(values)
        ]
    if pair.products is not None:
        body += frame.sums(values)
    return Figure("".join([*body, frame.border()]), frame.right + 8 + _FIGURE, frame.bottom + 22)


@dataclass(frozen=True, slots=True)
class _Frame:
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
        return _longest(self.down) * self.size * _EM + 10

    @property
    def top(self) -> float:
        return _longest(self.across) * min(self.size, self.cell * 0.9) * _EM * 0.82 + 14

    @property
    def right(self) -> float:
        return self.left + self.cell * len(self.across.units)

    @property
    def bottom(self) -> float:
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

    def labels(self) -> Iterator[str]:
        for at, unit in enumerate(self.down.units):
            y = self.top + self.line * (at + 0.72)
            yield _word(
                self.left - 6,
                y,
                _label(unit),
                class_=_kind(unit),
                style=_sized(self.size),
                text_anchor="end",
            )
        for at, unit in enumerate(self.across.units):
            x, y = self.left + self.cell * (at + 0.5) + self.size * 0.2, self.top - 6
            style = {"class_": _kind(unit), "style": _sized(min(self.size, self.cell * 0.9))}
            yield _word(x, y, _label(unit), **style, transform=f"rotate(-55 {x:.1f} {y:.1f})")

    def number(self, at: tuple[int, ...], value: float, *, is_light: bool) -> str:
        x, y = self.left + self.cell * (at[1] + 0.5), self.top + self.line * (at[0] + 0.7)
        return _word(
            x, y, signed(value, 0), class_="cell over" if is_light else "cell", text_anchor="middle"
        )

    def sums(self, values: NDArray[np.float64]) -> Iterator[str]:
        """What rows and, where there is room, columns add up to, and all of it."""
        style = _sized(self.size * 0.92)
        for at, total in enumerate(values.sum(axis=1)):
            yield _word(
                self.right + 8,
                self.top + self.line * (at + 0.72),
                signed(total, 0),
                class_="figure",
                style=style,
            )
        for at, total in enumerate(values.sum(axis=0) if self.cell >= 20 else ()):
            x = self.left + self.cell * (at + 0.5)
            yield _word(
                x,
                self.bottom + 15,
                signed(total, 0),
                class_="figure",
                style=style,
                text_anchor="middle",
            )
        yield _word(
            self.right + 8,
            self.bottom + 15,
            signed(values.sum(), 0),
            class_="figure strong",
            style=style,
        )

    def border(self) -> str:
        """A line around it, which a page's script watches, and the cell that is pointed at."""
        border = tag(
            "rect",
            **self.place,
            class_="frame",
            data_rows=len(self.down.units),
            data_columns=len(self.across.units),
        )
        return border + tag(
            "rect",
            x=0,
            y=0,
            width=f"{self.cell:.2f}",
            height=f"{self.line:.2f}",
            class_="cursor",
            visibility="hidden",
        )


def _cell_size(count: int) -> float:
    return 34 if count <= 18 else 20 if count <= 36 else 12


# ---- attention -----------------------------------------------------------------------------------


def heads_figure(reading: TextSide, side: str) -> Figure:
    """Every head of every layer as a small picture, with the average of each layer's heads at the
    end.
    """
    layers, heads, size = reading.attention.shape[:3]
    cell = HEADS_WIDTH / (heads + 1)
    height = cell * layers
    picture = {"width": size * (heads + 1), "height": size * layers}
    image = tag(
        "image",
        id=f"atlas-{side}",
        **picture,
        href=_atlas(reading),
        preserveAspectRatio="none",
        class_="pixels",
    )
    place = {"x": HEADS_LEFT, "y": HEADS_TOP, "width": HEADS_WIDTH, "height": f"{height:.1f}"}
    gaps = [f"M{HEADS_LEFT + cell * at:.1f} {HEADS_TOP}v{height:.1f}" for at in range(heads + 2)]
    gaps += [f"M{HEADS_LEFT} {HEADS_TOP + cell * at:.1f}h{HEADS_WIDTH}" for at in range(layers + 1)]
    middles = [cell * (at + 0.5) for at in range(max(layers, heads + 1))]
    names = [*map(str, range(1, heads + 1)), "all"]
    body = [
        tag(
            "svg",
            image,
            **place,
            viewBox=f"0 0 {picture['width']} {picture['height']}",
            preserveAspectRatio="none",
        ),
        tag("path", d="".join(gaps), class_="gaps"),
        _word(0, 12, side.upper(), class_="name"),
        *(
            _word(
                HEADS_LEFT - 6,
                HEADS_TOP + middles[at] + 4,
                str(at + 1),
                class_="figure",
                text_anchor="end",
            )
            for at in range(layers)
        ),
        *(
            _word(HEADS_LEFT + middles[at], 12, name, class_="figure", text_anchor="middle")
            for at, name in enumerate(names)
        ),
    ]
    return Figure("".join(body), HEADS_LEFT + HEADS_WIDTH + 2, HEADS_TOP + height + 2)


def head_figure(reading: TextSide, side: str) -> Figure:
    """One head, enlarged: a window on the picture of all heads, which a page's script moves."""
    size, heads = len(reading.units), reading.attention.shape[1]
    cell = max(9.0, min(24.0, HEADS_WIDTH / size))
    frame = _Frame(reading, reading, cell, cell)
    box = {
        "viewBox": f"{heads * size} 0 {size} {size}",
        "preserveAspectRatio": "none",
        "data_size": size,
    }
    window = tag("svg", tag("use", href=f"#atlas-{side}"), **frame.place, **box, class_="window")
    return Figure(
        "".join([window, *frame.labels(), frame.border()]), frame.right + 60, frame.bottom + 6
    )


def _atlas(reading: TextSide) -> str:
    """All heads as one picture, (layers x u, (heads + 1) x u) pixels: layers down, heads across,
    last their average.

    The opacity is the square root of the attention.
    """
    layers, heads, size = reading.attention.shape[:3]
    whole = np.concatenate(
        [reading.attention, reading.attention.mean(axis=1, keepdims=True)], axis=1
    )  # (layers, heads + 1, u, u)
    return _picture(
        np.sqrt(np.clip(whole, 0, 1))
        .transpose(0, 2, 1, 3)
        .reshape(layers * size, (heads + 1) * size)
    )


# ---- pictures ------------------------------------------------------------------------------------


def _picture(parts: NDArray[np.float64]) -> str:
    """Values in [-1, 1], (height, width), as a picture of a pixel each: opacity for their size, a
    hue for their sign; a data URL.
    """
    least, most = (-127, 127) if (parts < 0).any() else (0, 255)
    places = np.round(np.clip(parts, -1, 1) * most).astype(np.int16) - least  # in the palette
    palette = [
        (*(_ADDS if level >= 0 else _TAKES), round(abs(level) / most * 255))
        for level in range(least, most + 1)
    ]
    return (
        f"data:image/png;base64,{base64.b64encode(_png(places.astype(np.uint8), palette)).decode()}"
    )


def _png(places: NDArray[np.uint8], palette: Sequence[tuple[int, int, int, int]]) -> bytes:
    """A picture whose pixels, (height, width), are places in a palette of red, green, blue and
    opacity (https://www.w3.org/TR/png-3).
    """

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    height, width = places.shape
    rows = np.concatenate(
        [np.zeros((height, 1), np.uint8), places], axis=1
    )  # each begins with its filter: none
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
    colours = chunk(b"PLTE", b"".join(bytes(each[:3]) for each in palette)) + chunk(
        b"tRNS", bytes(each[3] for each in palette)
    )
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + colours
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9))
        + chunk(b"IEND", b"")
    )


# ---- words ---------------------------------------------------------------------------------------


def _word(x: float, y: float, content: str, **attributes: object) -> str:
    return tag("text", text(content), x=f"{x:.1f}", y=f"{y:.1f}", **attributes)


def _kind(unit: TextUnit) -> str:
    return "word" if unit.is_word else "word dim"


def _label(unit: TextUnit) -> str:
    return truncate(one_line(unit.label), _LABEL)


def _longest(reading: TextSide) -> int:
    return max(display_width(_label(unit)) for unit in reading.units)


def _row_label(reading: TextSide, row: UnitGroup) -> str:
    if row.kind == "others":
        return f"{len(row.units)} other words"
    return truncate(one_line("".join(reading.units[at].label for at in row.units)), _LABEL)


def _short(value: float) -> str:
    return signed(value, 3).replace("0.", ".", 1)


def _sized(pixels: float) -> str:
    return f"font-size:{pixels:.1f}px"
