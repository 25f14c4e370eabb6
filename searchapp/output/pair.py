"""How a pair of texts looks that is explained: tables and heat maps for people, values for JSON.
Pure, as `answers` is.

On a terminal the strongest words stand alone and the others together, so that all fits and still
adds up; in a pipe every word has its line. A sign is told without colour: by a minus, and by bars
that begin on the left of the axis and are of another make.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from searchapp.analysis.pair_attribution import HABITS, Row, habits_of, rows_of, strength_of
from searchapp.humanize import one_line, pluralize
from searchapp.output.terminal import (
    BOLD,
    DIM,
    PLAIN,
    TerminalStyle,
    display_width,
    joined,
    padded,
    truncate,
    wrapped,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.analysis.pair_attribution import Nearest, Pair, Reading
    from searchapp.encoders.catalog import ModelInfo

_NARROWEST, _WIDEST = 40, 120  # columns of a line
_WORD, _COLUMN, _BAR = (
    16,
    7,
    24,
)  # columns of a word in a row, of one above a column, and of a bar, at most
_MOST_WORDS = 20  # of a text that stand alone
_MOST_LINES = 4  # of a text that are shown
_TENTHS_BELOW = 0.004  # the largest of a matrix, from which on thousandths tell enough
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_BLUE, _ORANGE = "38;5;39", "38;5;208"

# Black on blues and on oranges, which every kind of colour vision tells apart, ever more vivid in
# steps of a sixth; none below the first.
_ADDS = ("", *(f"38;5;16;48;5;{color}" for color in (195, 153, 117, 75, 39)))
_TAKES = ("", *(f"38;5;16;48;5;{color}" for color in (230, 223, 216, 209, 208)))
_TOGETHER = "\u00a0"  # no line breaks at it
_SIGNS = {"first": "[", "last": "]", "itself": "=", "previous": "<", "next": ">", "rest": "·"}


# ---- for programs --------------------------------------------------------------------------------


def pair_json(
    pair: Pair, by: ModelInfo, *, layer: int | None = None, head: int | None = None
) -> dict[str, object]:
    """All that is known of a pair, for programs; matrices are lists of rows, a's units down and b's
    across.

    The attention is a matrix for every head of every layer, or of the chosen ones, counted from 1,
    as `layers` and `heads` tell.
    """
    chosen = [
        [number] if number else list(range(1, most + 1))
        for number, most in zip((layer, head), pair.a.attention.shape, strict=False)
    ]
    shares_a, shares_b = pair.shares or (None, None)
    return {
        "model": by.model,
        "pooling": by.pooling,
        "cosine": _rounded(pair.cosine),
        "layers": chosen[0],
        "heads": chosen[1],
        "a": _reading_json(pair.a, shares_a, chosen),
        "b": _reading_json(pair.b, shares_b, chosen),
        "products": None if pair.products is None else _listed(pair.products, 8),
        "similarities": _listed(pair.similarities, 6),
    }


def _reading_json(
    reading: Reading, shares: NDArray[np.float64] | None, chosen: Sequence[Sequence[int]]
) -> dict[str, object]:
    layers, heads = (np.array(numbers) - 1 for numbers in chosen)
    return {
        "text": reading.text,
        "left_out": reading.left_out,
        "units": [
            {
                "label": unit.label,
                "start": unit.start,
                "end": unit.end,
                "is_word": unit.is_word,
                "tokens": list(unit.tokens),
                "share": None if shares is None else _rounded(shares[at], 8),
                "nearest": nearest
                and {
                    "unit": nearest.unit,
                    "cosine": _rounded(nearest.cosine),
                    "is_mutual": nearest.is_mutual,
                },
            }
            for at, (unit, nearest) in enumerate(zip(reading.units, reading.nearest, strict=True))
        ],
        "attention": _listed(reading.attention[np.ix_(layers, heads)], 5),
        "habits": [
            [dict(zip(HABITS, _listed(head, 5), strict=True)) for head in layer]
            for layer in habits_of(reading)
        ],
    }


# ---- for people ----------------------------------------------------------------------------------


def pair_text(
    pair: Pair,
    by: ModelInfo,
    style: TerminalStyle = PLAIN,
    *,
    layer: int | None = None,
    head: int | None = None,
) -> str:
    """The pair on a terminal of 40 columns or more, or in fields between tabs where there is no
    width.

    With a layer, counted from 1, what attends to what there too: by one head, pluralize from 1, or by
    all on average.
    """
    if style.width is None:
        return joined(_plain_lines(pair, layer, head))
    width = min(max(style.width, _NARROWEST), _WIDEST)
    sections = [
        _title(pair, by, width, style),
        *_word_sections(pair, width, style),
        _matrix_section(pair, width, style),
    ]
    sections += [_habits_section(pair, width, style)]
    if layer is not None:
        sections += [
            _attention_section(reading, name, width, style, (layer, head))
            for name, reading in _named(pair)
        ]
    return "\n".join(map(joined, sections))


def pair_notes(pair: Pair, by: ModelInfo) -> list[str]:
    """What an explanation had to leave out, a sentence each."""
    notes = [
        f"text {name} is too long to be explained whole: {pluralize(reading.left_out, 'character')} "
        "at its end are left out"
        for name, reading in _named(pair)
        if reading.left_out
    ]
    if pair.products is None:
        pooled = {"cls": "by its first token alone", "max": "by the largest of each number"}.get(
            by.pooling, f"by {by.pooling}"
        )
        notes.append(
            f"the model {by.model} pools {pooled}, so no word has an exact share of the cosine: "
            "that takes pooling by mean"
        )
    return notes


def _named(pair: Pair) -> tuple[tuple[str, Reading], ...]:
    return ("A", pair.a), ("B", pair.b)


def _told(text: str, width: int, style: TerminalStyle) -> list[str]:
    """A sentence in passing, on as many lines as it takes."""
    return [style.paint(text[start:end], DIM) for start, end in wrapped(text, width)]


def _title(pair: Pair, by: ModelInfo, width: int, style: TerminalStyle) -> list[str]:
    lines = [
        style.paint(f"cosine {pair.cosine:.3f}", BOLD),
        *_told(f"{one_line(by.model)}, {by.pooling} pooling", width, style),
    ]
    for name, reading in _named(pair):
        text = one_line(reading.text)
        shown = [text[start:end] for start, end in wrapped(text, width - 3)]
        lines += [
            f"{style.paint(name, BOLD) if not at else ' '}  {line}"
            for at, line in enumerate(shown[:_MOST_LINES])
        ]
        more = len(shown) - _MOST_LINES
        lines += [style.paint(f"   … and {pluralize(more, 'line')} more", DIM)] if more > 0 else []
    return lines


# ---- what each word adds, and its nearest --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """A word of a text, or several units together, with what they add and the nearest word."""

    label: str
    is_word: bool
    value: float  # 0 where there are no shares
    nearest: Nearest | None
    nearest_label: str


def _word_sections(pair: Pair, width: int, style: TerminalStyle) -> Iterator[list[str]]:
    """For each text its words: what they add, as bars of one scale in both, and the nearest word of
    the other text.
    """
    most = min(
        _WORD, (width - 22) // 2
    )  # so that two words, a bar of four columns, figures and signs fit
    texts = zip((pair.a, pair.b), (pair.b, pair.a), pair.shares or (None, None), strict=True)
    tables = [list(_word_rows(reading, other, shares, most)) for reading, other, shares in texts]
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
    reading: Reading, other: Reading, shares: NDArray[np.float64] | None, most: int
) -> Iterator[_Line]:
    for row in rows_of(reading, strength_of(reading, shares), _MOST_WORDS):
        is_word = row.kind == "word"
        nearest = reading.nearest[row.units[0]] if is_word else None
        near = "" if nearest is None else truncate(one_line(other.units[nearest.unit].label), most)
        value = 0.0 if shares is None else float(shares[list(row.units)].sum())
        yield _Line(_row_label(reading, row, most), is_word, value, nearest, near)


def _word_lines(
    names: tuple[str, str],
    rows: Sequence[_Line],
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


def _matrix_section(pair: Pair, width: int, style: TerminalStyle) -> list[str]:
    """The heat map of what each word of A adds together with each of B, or of how near the two are,
    where shares do not exist.
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
    down = rows_of(pair.a, sizes[0], _MOST_WORDS)
    across = rows_of(pair.b, sizes[1], _most_across(width - _left(pair.a, down, width) - 7))
    if pair.products is None:  # nearness does not add up
        down, across = ([row for row in rows if row.kind == "word"] for rows in (down, across))
    signs = "; blue is more than 0, orange is less" if style.color else ""
    grid = _Grid(pair.a, pair.b, down, across, matrix * scale)
    return [
        *_told(f"{said}{signs}", width, style),
        *grid.lines(width, style, has_sums=pair.products is not None),
    ]


def _left(reading: Reading, rows: Sequence[Row], width: int) -> int:
    """How many columns the words take at the left of a heat map."""
    return max(display_width(_row_label(reading, row, min(_WORD, width // 5))) for row in rows)


def _most_across(columns: int) -> int:
    """How many words stand alone as columns, beside two that hold what is left."""
    return max(1, min(_MOST_WORDS, columns // (_COLUMN + 1) - 2))


@dataclass(frozen=True, slots=True)
class _Grid:
    """A heat map: a number in each cell, painted by its part of the largest single word's."""

    of_rows: Reading
    of_columns: Reading
    down: list[Row]
    across: list[Row]
    matrix: NDArray[np.float64]

    def lines(self, width: int, style: TerminalStyle, *, has_sums: bool = False) -> list[str]:
        cells = np.array(
            [[self.matrix[np.ix_(a.units, b.units)].sum() for b in self.across] for a in self.down]
        )  # (rows, columns)
        singles = np.outer(
            [row.kind == "word" for row in self.down], [row.kind == "word" for row in self.across]
        )
        parts = np.where(singles, cells, 0) / (np.abs(cells[singles]).max(initial=0) or 1.0)
        heads = [_row_label(self.of_columns, row, _COLUMN) for row in self.across]
        left, wide = _left(self.of_rows, self.down, width), max([4, *map(display_width, heads)])
        found = [
            style.paint(
                " " * left
                + "".join(f" {_padded_left(head, wide)}" for head in heads)
                + "    sum" * has_sums,
                DIM,
            )
        ]
        for row, values, shades in zip(self.down, cells, parts, strict=True):
            shown = "".join(
                f" {style.paint(f'{_whole(value):>{wide}}', _style(part))}"
                for value, part in zip(values, shades, strict=True)
            )
            total = style.paint(f" {_whole(values.sum()):>6}", DIM) if has_sums else ""
            found.append(padded(_row_label(self.of_rows, row, left), left) + shown + total)
        if has_sums:
            sums = "".join(f" {_whole(value):>{wide}}" for value in cells.sum(axis=0))
            found.append(style.paint(f"{padded('sum', left)}{sums} {_whole(cells.sum()):>6}", DIM))
        return found


# ---- attention -----------------------------------------------------------------------------------


def _habits_section(pair: Pair, width: int, style: TerminalStyle) -> list[str]:
    """What most of each head's attention goes to, a head a sign, both texts side by side where
    there is room.
    """
    grids = [_habits_grid(name, reading, style) for name, reading in _named(pair)]
    wide = 3 + 3 * pair.a.attention.shape[1]
    lines = _told(
        "where most of a word's attention goes, by layer (down) and head; each text is read by "
        "itself",
        width,
        style,
    )
    if 2 * wide + 2 <= width:
        lines += [f"{a}  {b}" for a, b in zip(*grids, strict=True)]
    else:
        lines += [line for grid in grids for line in grid]
    told = {"previous": "the word before", "next": "the word after", "itself": "itself"}
    told |= {
        kind: one_line(pair.a.units[at].label)
        for kind, at in (("first", 0), ("last", -1))
        if not pair.a.units[at].is_word
    }
    each = [
        f"{_SIGNS[kind]} {name}".replace(" ", _TOGETHER)
        for kind, name in (told | {"rest": "other words"}).items()
    ]
    return [
        *lines,
        *(line.replace(_TOGETHER, " ") for line in _told("   ".join(each), width, style)),
    ]


def _habits_grid(name: str, reading: Reading, style: TerminalStyle) -> list[str]:
    """The lines of a text's grid, of equal width."""
    habits = habits_of(reading)
    lines = [
        style.paint(
            f"{name:<3}" + "".join(f"{number:>2} " for number in range(1, habits.shape[1] + 1)), DIM
        )
    ]
    for number, layer in enumerate(habits, 1):
        signs = [(_SIGNS[HABITS[int(each.argmax())]], float(each.max())) for each in layer]
        lines.append(
            style.paint(f"{number:<3}", DIM)
            + "".join(style.paint(f" {sign} ", _style(part)) for sign, part in signs)
        )
    return lines


def _attention_section(
    reading: Reading, name: str, width: int, style: TerminalStyle, chosen: tuple[int, int | None]
) -> list[str]:
    """What attends to what in one text, in hundredths of a word's attention: those that most goes
    to alone, the others together.
    """
    layer, head = chosen
    matrix = _attention_of(reading, layer, head)
    order = sorted(range(len(reading.units)), key=lambda at: (-matrix[:, at].sum(), at))
    down = [Row("word", (at,)) for at in sorted(order[:_MOST_WORDS])]
    most = _most_across(width - _left(reading, down, width)) + 1
    across = [Row("word", (at,)) for at in sorted(order[:most])]
    across += [Row("others", tuple(sorted(order[most:])))] if order[most:] else []
    which = "all heads on average" if head is None else f"head {head}"
    said = (
        f"{name}, layer {layer}, {which}: how much of the attention of each word, a row, "
        "goes to each, in hundredths"
    )
    return [
        *_told(said, width, style),
        *_Grid(reading, reading, down, across, matrix * 100).lines(width, style),
    ]


def _attention_of(reading: Reading, layer: int, head: int | None) -> NDArray[np.float64]:
    """The attention of one head of a layer, both counted from 1, or of all of its heads on average,
    (u, u).
    """
    heads = reading.attention[layer - 1]
    chosen: NDArray[np.float64] = heads.mean(axis=0) if head is None else heads[head - 1]
    return chosen


# ---- for a pipe ----------------------------------------------------------------------------------


def _plain_lines(pair: Pair, layer: int | None, head: int | None) -> Iterator[str]:
    """Fields between tabs, every unit its line: shares and nearest, the matrix, the habits of
    heads, and attention where asked for.
    """
    yield f"cosine\t{_fixed(pair.cosine)}"
    shares = pair.shares or (None, None)
    for (name, reading), (_, other), share in zip(
        _named(pair), reversed(_named(pair)), shares, strict=True
    ):
        yield from ("", f"{name}\tshare\tnearest\tcosine\tmutual")
        for at, (unit, nearest) in enumerate(zip(reading.units, reading.nearest, strict=True)):
            told = ("", "", "") if nearest is None else _nearest_fields(nearest, other)
            yield "\t".join(
                (one_line(unit.label), "" if share is None else _fixed(share[at]), *told)
            )
    name, matrix = (
        ("A x B", pair.products)
        if pair.products is not None
        else ("similarities", pair.similarities)
    )
    yield from ("", *_plain_matrix(name, matrix, pair.a, pair.b))
    yield from ("", "\t".join(("text", "layer", "head", *HABITS)))
    for name, reading in _named(pair):
        for number, heads in enumerate(habits_of(reading), 1):
            yield from (
                "\t".join((name, str(number), str(at), *map(_fixed, parts)))
                for at, parts in enumerate(heads, 1)
            )
    if layer is not None:
        for name, reading in _named(pair):
            yield from (
                "",
                *_plain_matrix(
                    f"{name} attends", _attention_of(reading, layer, head), reading, reading
                ),
            )


def _nearest_fields(nearest: Nearest, other: Reading) -> tuple[str, str, str]:
    return (
        one_line(other.units[nearest.unit].label),
        _fixed(nearest.cosine),
        "mutual" if nearest.is_mutual else "",
    )


def _plain_matrix(
    name: str, matrix: NDArray[np.float64], down: Reading, across: Reading
) -> Iterator[str]:
    yield "\t".join((name, *(one_line(unit.label) for unit in across.units)))
    for unit, row in zip(down.units, matrix, strict=True):
        yield "\t".join((one_line(unit.label), *map(_fixed, row)))


# ---- parts ---------------------------------------------------------------------------------------


def _row_label(reading: Reading, row: Row, columns: int) -> str:
    """What stands beside a row, or above a column."""
    if row.kind == "others":
        return f"+{len(row.units)} more" if columns > _COLUMN else f"+{len(row.units)}"
    label = one_line("".join(reading.units[at].label for at in row.units))
    return (
        truncate(label, columns)
        if row.kind == "word" or display_width(label) <= columns
        else "special"
    )


def _style(part: float) -> str:
    """The colours of a cell that has such a part of the largest, from -1 to 1."""
    steps = _TAKES if part < 0 else _ADDS
    return steps[min(len(steps) - 1, int(abs(part) * len(steps)))]


def _padded_left(text: str, columns: int) -> str:
    return " " * (columns - display_width(text)) + text


def _short(value: float) -> str:
    """A value between -1 and 1 to three places, without the 0 before the point: ".058", "-.012"."""
    return (
        _signless(f"{value:.3f}").replace("0.", ".", 1) if abs(value) < 0.9995 else f"{value:.2f}"
    )


def _whole(value: float) -> str:
    return _signless(f"{value:.0f}")


def _fixed(value: float) -> str:
    return _signless(f"{value:.6f}")


def _signless(number: str) -> str:
    """A number as written, but nothing is "-0"."""
    return number if number.strip("-0.") else number.removeprefix("-")


def _rounded(value: float, places: int = 6) -> float:
    return round(float(value), places) + 0.0


def _listed(array: NDArray[np.float64], places: int) -> list[object]:
    """An array as nested lists, rounded; nothing is -0."""
    listed: list[object] = (np.round(array, places) + 0.0).tolist()
    return listed
