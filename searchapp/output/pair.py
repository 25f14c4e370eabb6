"""How the attribution of a pair of texts looks: sections for a terminal, fields for a pipe, values
for JSON. Pure, as `answers` is.

In a pipe every word has its line with its share, and the rest is there where it is asked for; on a
terminal the strongest words stand alone and the others together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from searchapp.analysis.pair_attribution import (
    ATTENTION_PATTERNS,
    attention_patterns,
)
from searchapp.humanize import one_line, pluralize
from searchapp.output.pair_sections import (
    MOST_LINES,
    NARROWEST,
    attention_of,
    attention_section,
    matrix_section,
    named_sides,
    paragraph,
    patterns_section,
    signless,
    word_sections,
)
from searchapp.output.terminal import (
    BOLD,
    DIM,
    PLAIN,
    WIDEST,
    TerminalStyle,
    joined,
    wrapped,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.analysis.pair_attribution import NearestWord, PairAttribution, TextSide
    from searchapp.encoders.model_info import ModelInfo


# ---- for programs --------------------------------------------------------------------------------


def pair_json(
    pair: PairAttribution, by: ModelInfo, *, layer: int | None = None, head: int | None = None
) -> dict[str, object]:
    """All that is known of a pair, for programs. Matrices are lists of rows: the units of a down,
    those of b across.

    The attention is a matrix for every head of every layer, or for the chosen ones alone; `layers`
    and `heads` say which, counted from 1.
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
        "a": _side_json(pair.a, shares_a, chosen),
        "b": _side_json(pair.b, shares_b, chosen),
        "products": None if pair.products is None else _listed(pair.products, 8),
        "similarities": _listed(pair.similarities, 6),
    }


def _side_json(
    side: TextSide, shares: NDArray[np.float64] | None, chosen: Sequence[Sequence[int]]
) -> dict[str, object]:
    layers, heads = (np.array(numbers) - 1 for numbers in chosen)
    return {
        "text": side.text,
        "left_out": side.left_out,
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
            for at, (unit, nearest) in enumerate(zip(side.units, side.nearest, strict=True))
        ],
        "attention": _listed(side.attention[np.ix_(layers, heads)], 5),
        "habits": [
            [dict(zip(ATTENTION_PATTERNS, _listed(head, 5), strict=True)) for head in layer]
            for layer in attention_patterns(side)
        ],
    }


# ---- for people ----------------------------------------------------------------------------------


def pair_text(
    pair: PairAttribution,
    by: ModelInfo,
    style: TerminalStyle = PLAIN,
    *,
    layer: int | None = None,
    head: int | None = None,
    everything: bool = False,
) -> str:
    """The pair on a terminal of 40 columns or more; without a width, in fields separated by tabs:
    what each word adds and its nearest, and `everything` else only where that is asked for.

    With a layer, counted from 1, also what attends to what there: by one head, counted from 1, or
    by all on average.
    """
    if style.width is None:
        return joined(_plain_lines(pair, layer, head, everything=everything))
    width = min(max(style.width, NARROWEST), WIDEST)
    sections = [
        _title(pair, by, width, style),
        *word_sections(pair, width, style),
        matrix_section(pair, width, style),
    ]
    sections += [patterns_section(pair, width, style)]
    if layer is not None:
        sections += [
            attention_section(side, name, width, style, (layer, head))
            for name, side in named_sides(pair)
        ]
    return "\n".join(map(joined, sections))


def pair_notes(pair: PairAttribution, by: ModelInfo) -> list[str]:
    """What the explanation leaves out, a sentence each."""
    notes = [
        f"text {name} is too long to be explained whole: {pluralize(side.left_out, 'character')} "
        "at its end are left out"
        for name, side in named_sides(pair)
        if side.left_out
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


def _title(pair: PairAttribution, by: ModelInfo, width: int, style: TerminalStyle) -> list[str]:
    lines = [
        style.paint(f"cosine {pair.cosine:.3f}", BOLD),
        *paragraph(f"{one_line(by.model)}, {by.pooling} pooling", width, style),
    ]
    for name, side in named_sides(pair):
        text = one_line(side.text)
        shown = [text[start:end] for start, end in wrapped(text, width - 3)]
        lines += [
            f"{style.paint(name, BOLD) if not at else ' '}  {line}"
            for at, line in enumerate(shown[:MOST_LINES])
        ]
        more = len(shown) - MOST_LINES
        lines += [style.paint(f"   … and {pluralize(more, 'line')} more", DIM)] if more > 0 else []
    return lines


# ---- for a pipe ----------------------------------------------------------------------------------


def _plain_lines(
    pair: PairAttribution, layer: int | None, head: int | None, *, everything: bool
) -> Iterator[str]:
    """Fields separated by tabs, a line for each unit: shares and nearest words; with `everything`
    the matrix and the attention patterns of heads; and the attention of the chosen layer.
    """
    yield f"cosine\t{_fixed(pair.cosine)}"
    shares = pair.shares or (None, None)
    for (name, side), (_, other), share in zip(
        named_sides(pair), reversed(named_sides(pair)), shares, strict=True
    ):
        yield from ("", f"{name}\tshare\tnearest\tcosine\tmutual")
        for at, (unit, nearest) in enumerate(zip(side.units, side.nearest, strict=True)):
            fields = ("", "", "") if nearest is None else _nearest_fields(nearest, other)
            yield "\t".join(
                (one_line(unit.label), "" if share is None else _fixed(share[at]), *fields)
            )
    if everything:
        name, matrix = (
            ("A x B", pair.products)
            if pair.products is not None
            else ("similarities", pair.similarities)
        )
        yield from ("", *_plain_matrix(name, matrix, pair.a, pair.b))
        yield from ("", *_plain_patterns(pair))
    if layer is not None:
        for name, side in named_sides(pair):
            yield from (
                "",
                *_plain_matrix(f"{name} attends", attention_of(side, layer, head), side, side),
            )


def _nearest_fields(nearest: NearestWord, other: TextSide) -> tuple[str, str, str]:
    return (
        one_line(other.units[nearest.unit].label),
        _fixed(nearest.cosine),
        "mutual" if nearest.is_mutual else "",
    )


def _plain_patterns(pair: PairAttribution) -> Iterator[str]:
    """A line for each head of each layer, by text."""
    yield "\t".join(("text", "layer", "head", *ATTENTION_PATTERNS))
    for name, side in named_sides(pair):
        for number, heads in enumerate(attention_patterns(side), 1):
            yield from (
                "\t".join((name, str(number), str(at), *map(_fixed, parts)))
                for at, parts in enumerate(heads, 1)
            )


def _plain_matrix(
    name: str, matrix: NDArray[np.float64], down: TextSide, across: TextSide
) -> Iterator[str]:
    yield "\t".join((name, *(one_line(unit.label) for unit in across.units)))
    for unit, row in zip(down.units, matrix, strict=True):
        yield "\t".join((one_line(unit.label), *map(_fixed, row)))


# ---- parts ---------------------------------------------------------------------------------------


def _fixed(value: float) -> str:
    return signless(f"{value:.6f}")


def _rounded(value: float, places: int = 6) -> float:
    return round(float(value), places) + 0.0


def _listed(array: NDArray[np.float64], places: int) -> list[object]:
    """An array as nested lists, rounded; nothing is -0."""
    listed: list[object] = (np.round(array, places) + 0.0).tolist()
    return listed
