"""The sections of a pair of texts on a terminal: bars for what each word adds, heat maps for
what each two add together and for attention.

The strongest words stand alone and the others together, so that all fits and still adds up. A sign
is shown without colour, too: by a minus, and by bars that begin on the left of the axis and are of
another make. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from searchapp.analysis.pair_attribution import (
    ATTENTION_PATTERNS,
    UnitGroup,
    attention_patterns,
    group_units,
    unit_strengths,
)
from searchapp.humanize import one_line
from searchapp.output.terminal import (
    DIM,
    TerminalStyle,
    display_width,
    padded,
    truncate,
    wrapped,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.analysis.pair_attribution import NearestWord, PairAttribution, TextSide


NARROWEST = 40  # columns of a line
_WORD, _COLUMN, _BAR = 16, 7, 24  # columns at most: a word in a row, one above a column, a bar
_MOST_WORDS = 20  # of a text that stand alone
MOST_LINES = 4  # of a text that are shown
_TENTHS_BELOW = 0.004  # the largest of a matrix, from which on thousandths tell enough
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_BLUE, _ORANGE = "38;5;39", "38;5;208"

# Black on blues and on oranges, which every kind of colour vision tells apart, ever more vivid in
# steps of a sixth; none below the first.
_ADDS = ("", *(f"38;5;16;48;5;{color}" for color in (195, 153, 117, 75, 39)))
_TAKES = ("", *(f"38;5;16;48;5;{color}" for color in (230, 223, 216, 209, 208)))

_TOGETHER = "\u00a0"  # no line breaks at it
_SIGNS = {"first": "[", "last": "]", "itself": "=", "previous": "<", "next": ">", "rest": "·"}


def named_sides(pair: PairAttribution) -> tuple[tuple[str, TextSide], ...]:
    """Both texts with the names they are shown by."""
    return ("A", pair.a), ("B", pair.b)


def paragraph(text: str, width: int, style: TerminalStyle) -> list[str]:
    """A dim sentence, on as many lines as it needs."""
    return [style.paint(text[start:end], DIM) for start, end in wrapped(text, width)]


# ---- what each word adds, and its nearest --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _WordRow:
    """A word of a text, or several units together, with what they add and the nearest word."""

    label: str
    is_word: bool
    value: float  # 0 where there are no shares
    nearest: NearestWord | None
    nearest_label: str


def word_sections(pair: PairAttribution, width: int, style: TerminalStyle) -> Iterator[list[str]]:
    """The words of each text: what they add, as bars of one scale in both, and the nearest word of
    the other text.
    """
    # so that two words, a bar of four columns, figures and signs fit
    most = min(_WORD, (width - 22) // 2)
    texts = zip((pair.a, pair.b), (pair.b, pair.a), pair.shares or (None, None), strict=True)
    tables = [list(_word_rows(side, other, shares, most)) for side, other, shares in texts]
    rows = [row for table in tables for row in table]
    left = max(display_width(row.label) for row in rows)
    near = max(4, *(display_width(row.nearest_label) for row in rows))  # below "nearest in B"
    bars = (
        _Bars.of([row.value for row in rows if row.is_word], min(_BAR, width - 18 - left - near))
        if pair.shares
        else None
    )
    for name, other, table in zip("AB", "BA", tables, strict=True):
        yield list(_word_lines((name, other), table, (left, near), bars, style))


def _word_rows(
    side: TextSide, other: TextSide, shares: NDArray[np.float64] | None, most: int
) -> Iterator[_WordRow]:
    for row in group_units(side, unit_strengths(side, shares), _MOST_WORDS):
        is_word = row.kind == "word"
        nearest = side.nearest[row.units[0]] if is_word else None
        near = "" if nearest is None else truncate(one_line(other.units[nearest.unit].label), most)
        value = 0.0 if shares is None else float(shares[list(row.units)].sum())
        yield _WordRow(_row_label(side, row, most), is_word, value, nearest, near)


def _word_lines(
    names: tuple[str, str],
    rows: Sequence[_WordRow],
    columns: tuple[int, int],
    bars: _Bars | None,
    style: TerminalStyle,
) -> Iterator[str]:
    """A row a line below a head, with the sum at the end where there are shares."""
    left, near = columns
    said = "adds to the cosine" if bars and bars.width >= 12 else "adds"
    adds = f"  {padded(said, bars.width + 6)}" if bars else ""
    yield style.paint(f"{padded(names[0], left)}{adds}  nearest in {names[1]}", DIM)
    for row in rows:
        shown = style.paint(padded(row.label, left), "" if row.is_word else DIM)
        bar = (
            f"  {bars.drawn(row.value, style) if row.is_word else ' ' * bars.width} "
            f"{_short(row.value):>5}"
            if bars
            else ""
        )
        nearest = ""
        if row.nearest is not None:
            said = (
                f"{'↔' if row.nearest.is_mutual else '→'} {padded(row.nearest_label, near)} "
                f"{_short(row.nearest.cosine):>5}"
            )
            nearest = "  " + style.paint(said, "" if row.nearest.is_mutual else DIM)
        yield f"{shown}{bar}{nearest}".rstrip()
    if bars:
        yield style.paint(
            f"{padded('sum', left)}  {' ' * bars.width} "
            f"{_short(sum(row.value for row in rows)):>5}",
            DIM,
        )


@dataclass(frozen=True, slots=True)
class _Bars:
    """Bars on one scale around an axis, negative values on its left."""

    left: int  # columns
    right: int
    scale: float  # columns for 1

    @property
    def width(self) -> int:
        return self.left + self.right

    @classmethod
    def of(cls, values: Sequence[float], columns: int) -> _Bars:
        most, least = max([0.0, *values]), -min([0.0, *values])
        left = min(columns, math.ceil(columns * least / max(most + least, 1e-12)))
        scale = min(
            (size / value for size, value in ((left, least), (columns - left, most)) if value > 0),
            default=0.0,
        )
        return cls(left, columns - left, scale)

    def drawn(self, value: float, style: TerminalStyle) -> str:
        if value < 0:
            size = max(1, round(-value * self.scale))
            return " " * (self.left - size) + style.paint("░" * size, _ORANGE) + " " * self.right
        whole, eighths = divmod(round(value * self.scale * 8), 8)
        bar = "█" * whole + _EIGHTHS[eighths].strip()
        return " " * self.left + style.paint(bar, _BLUE) + " " * (self.right - len(bar))


# ---- word by word --------------------------------------------------------------------------------


def matrix_section(pair: PairAttribution, width: int, style: TerminalStyle) -> list[str]:
    """The heat map of what each word of A adds together with each word of B; where there are no
    shares, of their cosines.
    """
    if pair.products is None:
        matrix, sizes, scale = (
            pair.similarities,
            [pair.similarities.max(axis=axis) for axis in (1, 0)],
            100,
        )
        said = "how near each word of A, a row, is to each of B, in hundredths of a cosine"
    else:
        matrix, sizes = pair.products, [np.abs(share) for share in pair.shares or ()]
        scale = 1000 if np.abs(matrix).max() >= _TENTHS_BELOW else 10_000
        said = (
            "what each word of A, a row, adds with each of B, in "
            f"{'thousandths' if scale == 1000 else 'ten-thousandths'}"
        )
    down = group_units(pair.a, sizes[0], _MOST_WORDS)
    across = group_units(pair.b, sizes[1], _most_across(width - _left(pair.a, down, width) - 7))
    if pair.products is None:  # nearness does not add up
        down, across = ([row for row in rows if row.kind == "word"] for rows in (down, across))
    signs = "; blue is more than 0, orange is less" if style.color else ""
    grid = _Grid(pair.a, pair.b, down, across, matrix * scale)
    return [
        *paragraph(f"{said}{signs}", width, style),
        *grid.lines(width, style, with_sums=pair.products is not None),
    ]


def _left(side: TextSide, rows: Sequence[UnitGroup], width: int) -> int:
    """How many columns the words take at the left of a heat map."""
    return max(display_width(_row_label(side, row, min(_WORD, width // 5))) for row in rows)


def _most_across(columns: int) -> int:
    """How many words have a column of their own, beside two columns for the rest."""
    return max(1, min(_MOST_WORDS, columns // (_COLUMN + 1) - 2))


@dataclass(frozen=True, slots=True)
class _Grid:
    """A heat map: a number in each cell, painted by its part of the largest single word's."""

    of_rows: TextSide
    of_columns: TextSide
    down: list[UnitGroup]
    across: list[UnitGroup]
    matrix: NDArray[np.float64]

    def lines(self, width: int, style: TerminalStyle, *, with_sums: bool = False) -> list[str]:
        cells = np.array(
            [[self.matrix[np.ix_(a.units, b.units)].sum() for b in self.across] for a in self.down]
        )  # (rows, columns)
        singles = np.outer(
            [row.kind == "word" for row in self.down], [row.kind == "word" for row in self.across]
        )
        parts = np.where(singles, cells, 0) / (np.abs(cells[singles]).max(initial=0) or 1.0)
        heads = [_row_label(self.of_columns, row, _COLUMN) for row in self.across]
        left, wide = _left(self.of_rows, self.down, width), max([4, *map(display_width, heads)])
        rows = [
            style.paint(
                " " * left
                + "".join(f" {_padded_left(head, wide)}" for head in heads)
                + "    sum" * with_sums,
                DIM,
            )
        ]
        for row, values, shades in zip(self.down, cells, parts, strict=True):
            shown = "".join(
                f" {style.paint(f'{_whole(value):>{wide}}', _heat(part))}"
                for value, part in zip(values, shades, strict=True)
            )
            total = style.paint(f" {_whole(values.sum()):>6}", DIM) if with_sums else ""
            rows.append(padded(_row_label(self.of_rows, row, left), left) + shown + total)
        if with_sums:
            sums = "".join(f" {_whole(value):>{wide}}" for value in cells.sum(axis=0))
            rows.append(style.paint(f"{padded('sum', left)}{sums} {_whole(cells.sum()):>6}", DIM))
        return rows


# ---- attention -----------------------------------------------------------------------------------


def patterns_section(pair: PairAttribution, width: int, style: TerminalStyle) -> list[str]:
    """What gets most of each head's attention, a sign for each head; both texts side by side where
    there is room.
    """
    grids = [_patterns_grid(name, side, style) for name, side in named_sides(pair)]
    wide = 3 + 3 * pair.a.attention.shape[1]
    lines = paragraph(
        "where most of a word's attention goes, by layer (down) and head; each text is read by "
        "itself",
        width,
        style,
    )
    if 2 * wide + 2 <= width:
        lines += [f"{a}  {b}" for a, b in zip(*grids, strict=True)]
    else:
        lines += [line for grid in grids for line in grid]
    meanings = {"previous": "the word before", "next": "the word after", "itself": "itself"}
    meanings |= {
        kind: one_line(pair.a.units[at].label)
        for kind, at in (("first", 0), ("last", -1))
        if not pair.a.units[at].is_word
    }
    legend = [
        f"{_SIGNS[kind]} {name}".replace(" ", _TOGETHER)
        for kind, name in (meanings | {"rest": "other words"}).items()
    ]
    return [
        *lines,
        *(line.replace(_TOGETHER, " ") for line in paragraph("   ".join(legend), width, style)),
    ]


def _patterns_grid(name: str, side: TextSide, style: TerminalStyle) -> list[str]:
    """The lines of a text's grid, of equal width."""
    patterns = attention_patterns(side)
    lines = [
        style.paint(
            f"{name:<3}" + "".join(f"{number:>2} " for number in range(1, patterns.shape[1] + 1)),
            DIM,
        )
    ]
    for number, layer in enumerate(patterns, 1):
        signs = [
            (_SIGNS[ATTENTION_PATTERNS[int(head.argmax())]], float(head.max())) for head in layer
        ]
        lines.append(
            style.paint(f"{number:<3}", DIM)
            + "".join(style.paint(f" {sign} ", _heat(part)) for sign, part in signs)
        )
    return lines


def attention_section(
    side: TextSide, name: str, width: int, style: TerminalStyle, chosen: tuple[int, int | None]
) -> list[str]:
    """What attends to what in one text, in hundredths of a word's attention. The words that get
    most of it have their own column, the others share one.
    """
    layer, head = chosen
    matrix = attention_of(side, layer, head)
    order = sorted(range(len(side.units)), key=lambda at: (-matrix[:, at].sum(), at))
    down = [UnitGroup("word", (at,)) for at in sorted(order[:_MOST_WORDS])]
    most = _most_across(width - _left(side, down, width)) + 1
    across = [UnitGroup("word", (at,)) for at in sorted(order[:most])]
    across += [UnitGroup("others", tuple(sorted(order[most:])))] if order[most:] else []
    which = "all heads on average" if head is None else f"head {head}"
    said = (
        f"{name}, layer {layer}, {which}: how much of the attention of each word, a row, "
        "goes to each, in hundredths"
    )
    return [
        *paragraph(said, width, style),
        *_Grid(side, side, down, across, matrix * 100).lines(width, style),
    ]


def attention_of(side: TextSide, layer: int, head: int | None) -> NDArray[np.float64]:
    """The attention of one head of a layer, both counted from 1, or of all of its heads on
    average, (u, u).
    """
    heads = side.attention[layer - 1]
    chosen: NDArray[np.float64] = heads.mean(axis=0) if head is None else heads[head - 1]
    return chosen


# ---- parts ---------------------------------------------------------------------------------------


def _row_label(side: TextSide, row: UnitGroup, columns: int) -> str:
    """The label beside a row, or above a column."""
    if row.kind == "others":
        return f"+{len(row.units)} more" if columns > _COLUMN else f"+{len(row.units)}"
    label = one_line("".join(side.units[at].label for at in row.units))
    return (
        truncate(label, columns)
        if row.kind == "word" or display_width(label) <= columns
        else "special"
    )


def _heat(part: float) -> str:
    """The colours of a cell whose value is this part of the largest, from -1 to 1."""
    steps = _TAKES if part < 0 else _ADDS
    return steps[min(len(steps) - 1, int(abs(part) * len(steps)))]


def _padded_left(text: str, columns: int) -> str:
    return " " * (columns - display_width(text)) + text


def _short(value: float) -> str:
    """A value between -1 and 1 to three places, without the 0 before the point: ".058", "-.012"."""
    return signless(f"{value:.3f}").replace("0.", ".", 1) if abs(value) < 0.9995 else f"{value:.2f}"


def _whole(value: float) -> str:
    return signless(f"{value:.0f}")


def signless(number: str) -> str:
    """A number as written, but nothing is "-0"."""
    return number if number.strip("-0.") else number.removeprefix("-")
