"""A pair of texts that is explained, as one page for a browser.

It tells each word and cell when it is pointed at or reached by keys, and enlarges any head; without
its script, the figures stand. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from searchapp.humanize import one_line, safe
from searchapp.output.html.page import asset, page, signed, tag, text
from searchapp.output.html.pair_figures import (
    HEADS_LEFT,
    HEADS_TOP,
    HEADS_WIDTH,
    MOST_WORDS,
    head_figure,
    heads_figure,
    matrix_figure,
    words_figure,
)
from searchapp.output.pair import pair_notes
from searchapp.output.terminal import truncate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.analysis.pair_attribution import NearestWord, PairAttribution, TextSide, TextUnit
    from searchapp.encoders.catalog import ModelInfo

_BESIDE = 45  # units of a text, up to which the heads of both stand side by side
_HINT = "Point at a {}, or reach it with the Tab and arrow keys."
_FORMULA = (
    "cosine(a, b) = Σ hᵢ · gⱼ / (|Σ h| |Σ g|) over all tokens i of A and j of B, with h "
    "and g their last hidden states."
)
_ATTENTION = (
    "How much each word, a row, takes from each, a column, from the first layer down; the more "
    "vivid, the more (opacity is the square "
    "root). The last column is the average of the heads. Each text is read by itself: nothing "
    "attends from one to the other. Choose a head "
    "with the pointer or the arrow keys."
)


def pair_html(pair: PairAttribution, by: ModelInfo) -> str:
    """The page."""
    title = (
        f"cosine {signed(pair.cosine, 3)}: {truncate(one_line(pair.a.text), 40)} / "
        f"{truncate(one_line(pair.b.text), 40)}"
    )
    body = tag("main", "\n".join([_header(pair, by), *_sections(pair), _footer(pair, by)]))
    return page(
        title, body, style=asset("pair_page.css"), script=asset("pair_page.js"), data=_data(pair)
    )


# ---- private -------------------------------------------------------------------------------------


def _data(pair: PairAttribution) -> dict[str, object]:
    """What the page tells in words when something is pointed at."""
    shares = pair.shares or (None, None)
    return {
        "a": _reading_data(pair.a, shares[0]),
        "b": _reading_data(pair.b, shares[1]),
        "products": None if pair.products is None else np.round(pair.products, 7).tolist(),
        "similarities": np.round(pair.similarities, 4).tolist(),
        "layers": pair.a.attention.shape[0],
        "heads": pair.a.attention.shape[1],
    }


def _reading_data(reading: TextSide, shares: NDArray[np.float64] | None) -> dict[str, object]:
    return {
        "labels": [one_line(unit.label) for unit in reading.units],
        "shares": None if shares is None else np.round(shares, 6).tolist(),
        "nearest": [
            each and [each.unit, round(each.cosine, 4), each.is_mutual] for each in reading.nearest
        ],
    }


def _header(pair: PairAttribution, by: ModelInfo) -> str:
    """The cosine, what had to be left out, and both texts with their words coloured by their
    shares.
    """
    model = f"{one_line(by.model)} · {by.pooling} pooling"
    parts = [
        tag("h1", f'<span class="dim">cosine</span> {signed(pair.cosine, 3)}'),
        tag("p", text(model), class_="dim"),
    ]
    parts += [tag("p", text(note), class_="note") for note in pair_notes(pair, by)]
    texts = [
        tag(
            "section",
            tag("h2", side.upper(), class_="name") + _heated(reading, side, shares),
            class_="text",
        )
        for side, reading, shares in zip(
            "ab", (pair.a, pair.b), pair.shares or (None, None), strict=True
        )
    ]
    parts.append(tag("div", "".join(texts), class_="texts"))
    if pair.products is not None:
        parts.append(
            tag("p", '<span class="key add">adds</span> <span class="key take">takes away</span>')
        )
    return tag("header", "".join([*parts, _output("told", _HINT.format("word"))]))


def _heated(reading: TextSide, side: str, shares: NDArray[np.float64] | None) -> str:
    """A text with its words coloured, each reachable."""
    whole, at, parts = safe(reading.text), 0, []
    words = [unit.is_word for unit in reading.units]
    values = (
        np.zeros(len(words))
        if shares is None
        else shares / (np.abs(shares[words]).max(initial=0) or 1)
    )
    for number, (unit, value) in enumerate(zip(reading.units, values, strict=True)):
        if unit.is_word:
            word = {
                "class_": "w take" if value < 0 else "w",
                "style": f"--s:{abs(value):.3f}",
                "data_side": side,
                "data_unit": number,
            }
            shown = tag(
                "span", text(whole[unit.start : unit.end]), **word, role="button", tabindex="-1"
            )
            parts.append(text(whole[at : unit.start]) + shown)
            at = unit.end
    return tag("p", "".join([*parts, text(whole[at:])]), class_="words", dir="auto")


def _sections(pair: PairAttribution) -> Iterator[str]:
    words = words_figure(pair).standing(
        "links",
        "The words of both texts with their shares, and lines between those nearest to each other",
    )
    shown = tag("div", words, class_="scroll", tabindex="0") + _tables(pair)
    yield _section(
        "What each word adds, and its nearest in the other text", _words_told(pair), shown
    )
    told = "Heat map: the words of A down, those of B across; the arrow keys move from cell to cell"
    matrix = tag(
        "div",
        matrix_figure(pair).standing("matrix", told),
        class_="scroll",
        id="matrix",
        tabindex="0",
    )
    yield _section(
        "Word by word", _matrix_told(pair), _output("cell-told", _HINT.format("cell")) + matrix
    )
    is_long = max(len(pair.a.units), len(pair.b.units)) > _BESIDE
    heads = tag(
        "div",
        _heads(pair.a, "a") + _heads(pair.b, "b"),
        class_="heads long" if is_long else "heads",
    )
    yield _section("Attention, by layer and head", _ATTENTION, _output("head-told") + heads)


def _words_told(pair: PairAttribution) -> str:
    """What the figure of the words shows, in words."""
    lines = (
        "Lines join the words that are nearest to each other by their vectors in context; "
        "dotted ones, nearest on one side only."
    )
    if pair.products is None:
        return f"The number is the cosine with the nearest. {lines}"
    is_all = all(
        sum(unit.is_word for unit in reading.units) <= MOST_WORDS for reading in (pair.a, pair.b)
    )
    which = (
        ""
        if is_all
        else f" Shown are the {MOST_WORDS} words that add or take away most, and the others "
        "together."
    )
    adds = (
        "The shares of each text, with those of the tokens that are no words, add up to the "
        "cosine; hollow bars take away."
    )
    return f"{adds} {lines}{which}"


def _matrix_told(pair: PairAttribution) -> str:
    """What the matrix shows, in words."""
    if pair.products is None:
        return (
            "How near each word of A, a row, is to each of B, a column: cosines of their "
            "vectors in context, in hundredths."
        )
    sums = "rows and columns add up to the shares"
    return (
        "What each word of A, a row, adds to the cosine together with each of B, a column, "
        f"in thousandths; {sums}."
    )


def _footer(pair: PairAttribution, by: ModelInfo) -> str:
    made = (
        f"Made by searchapp explain, model {one_line(by.model)}, fingerprint {by.fingerprint[:16]}."
    )
    return tag(
        "footer", text(made if pair.products is None else f"{_FORMULA} {made}"), class_="dim"
    )


def _section(title: str, told: str, content: str) -> str:
    return tag("section", tag("h2", text(title)) + tag("p", text(told), class_="dim") + content)


def _output(name: str, hint: str = "") -> str:
    """Where the page tells what is pointed at."""
    return tag("output", text(hint), id=name, class_="told", aria_live="polite")


def _tables(pair: PairAttribution) -> str:
    """All words of both texts as tables, for those who read them so."""
    tables = []
    for name, reading, other, shares in zip(
        "AB", (pair.a, pair.b), (pair.b, pair.a), pair.shares or (None, None), strict=True
    ):
        head = "".join(
            tag("th", field, scope="col") for field in (name, "share", "nearest", "cosine", "")
        )
        rows = [
            _table_row(unit, "" if shares is None else signed(shares[at], 4), nearest, other)
            for at, (unit, nearest) in enumerate(zip(reading.units, reading.nearest, strict=True))
        ]
        tables.append(tag("table", tag("thead", tag("tr", head)) + tag("tbody", "".join(rows))))
    return tag(
        "details",
        tag("summary", "All words as tables") + tag("div", "".join(tables), class_="texts"),
    )


def _table_row(unit: TextUnit, share: str, nearest: NearestWord | None, other: TextSide) -> str:
    fields = [one_line(unit.label), share, "", "", ""]
    if nearest is not None:
        fields[2:] = [
            one_line(other.units[nearest.unit].label),
            signed(nearest.cosine, 3),
            "each other's" if nearest.is_mutual else "",
        ]
    return tag("tr", "".join(tag("td", text(field)) for field in fields))


def _heads(reading: TextSide, side: str) -> str:
    """All heads of a text with a button over each, and below them the chosen one."""
    name, figure = f"text {side.upper()}", heads_figure(reading, side)
    layers, heads = reading.attention.shape[:2]
    place = {
        "left": HEADS_LEFT,
        "top": HEADS_TOP,
        "width": HEADS_WIDTH,
        "height": round(figure.height - HEADS_TOP),
    }
    style = (
        "".join(f"{key}:{value}px;" for key, value in place.items())
        + f"grid-template-columns:repeat({heads + 1},1fr)"
    )
    buttons = "".join(
        _button(layer, head, heads) for layer in range(layers) for head in range(heads + 1)
    )
    over = tag(
        "div",
        buttons,
        class_="buttons",
        style=style,
        role="group",
        aria_label=f"The heads of {name}; the arrow keys move",
    )
    all_heads = figure.standing("overview", f"Attention of every layer and head in {name}")
    shown = tag("div", all_heads + over, class_="over", style=f"width:{figure.width:.0f}px")
    one = head_figure(reading, side).standing(
        "head", f"Attention of the chosen head in {name}, from the words down to those across"
    )
    chosen = tag("div", one, class_="scroll one", tabindex="0", data_side=side)
    return tag("div", tag("div", shown, class_="scroll", tabindex="0") + chosen)


def _button(layer: int, head: int, heads: int) -> str:
    told = f"layer {layer + 1}, " + (
        "all heads on average" if head == heads else f"head {head + 1}"
    )
    return tag(
        "button", type="button", tabindex="-1", data_layer=layer, data_head=head, aria_label=told
    )
