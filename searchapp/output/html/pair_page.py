"""A pair of texts whose cosine is explained, as one page for a browser.

The page tells each word and cell when it is pointed at or reached by keys, and enlarges any head;
without its script, the figures stand. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from searchapp.humanize import one_line, safe
from searchapp.output.html.elements import signed
from searchapp.output.html.heads_figure import (
    HEADS_LEFT,
    HEADS_TOP,
    HEADS_WIDTH,
    head_figure,
    heads_figure,
)
from searchapp.output.html.matrix_figure import matrix_figure
from searchapp.output.html.page import render_page
from searchapp.output.html.words_figure import MOST_WORDS, words_figure
from searchapp.output.pair import pair_notes
from searchapp.output.terminal import truncate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.analysis.pair_attribution import (
        NearestWord,
        PairAttribution,
        TextSide,
        TextUnit,
    )
    from searchapp.encoders.model_info import ModelInfo

_BESIDE = 45  # units of a text, up to which the heads of both stand side by side
_FORMULA = (
    "cosine(a, b) = Σ hᵢ · gⱼ / (|Σ h| |Σ g|) over all tokens i of A and j of B, with h "
    "and g their last hidden states."
)


def pair_html(pair: PairAttribution, by: ModelInfo) -> str:
    """The page."""
    texts = " / ".join(truncate(one_line(side.text), 40) for side in (pair.a, pair.b))
    layers, heads = pair.a.attention.shape[:2]
    shares = pair.shares or (None, None)
    return render_page(
        "pair",
        title=f"cosine {signed(pair.cosine, 3)}: {texts}",
        data=_data(pair),
        cosine=signed(pair.cosine, 3),
        model=f"{one_line(by.model)} · {by.pooling} pooling",
        notes=pair_notes(pair, by),
        has_shares=pair.products is not None,
        sides=[
            _side_values("a", pair.a, pair.b, shares[0]),
            _side_values("b", pair.b, pair.a, shares[1]),
        ],
        words=words_figure(pair).svg(
            "links",
            "The words of both texts with their shares, and lines between those nearest to each "
            "other",
        ),
        words_explained=_words_explained(pair),
        matrix=matrix_figure(pair).svg(
            "matrix",
            "Heat map: the words of A down, those of B across; the arrow keys move from cell to "
            "cell",
        ),
        matrix_explained=_matrix_explained(pair),
        is_long=max(len(pair.a.units), len(pair.b.units)) > _BESIDE,
        layers=layers,
        heads_of_layer=heads,
        made_by=_made_by(pair, by),
    )


# ---- what the script knows -----------------------------------------------------------------------


def _data(pair: PairAttribution) -> dict[str, object]:
    """What the script needs to describe what is pointed at."""
    shares = pair.shares or (None, None)
    return {
        "a": _side_data(pair.a, shares[0]),
        "b": _side_data(pair.b, shares[1]),
        "products": None if pair.products is None else np.round(pair.products, 7).tolist(),
        "similarities": np.round(pair.similarities, 4).tolist(),
        "layers": pair.a.attention.shape[0],
        "heads": pair.a.attention.shape[1],
    }


def _side_data(side: TextSide, shares: NDArray[np.float64] | None) -> dict[str, object]:
    return {
        "labels": [one_line(unit.label) for unit in side.units],
        "shares": None if shares is None else np.round(shares, 6).tolist(),
        "nearest": [
            neighbour and [neighbour.unit, round(neighbour.cosine, 4), neighbour.is_mutual]
            for neighbour in side.nearest
        ],
    }


# ---- what the template shows ---------------------------------------------------------------------


def _side_values(
    name: str, side: TextSide, other: TextSide, shares: NDArray[np.float64] | None
) -> dict[str, object]:
    """One text: its words with their shares, its table, and its heads."""
    overview = heads_figure(side, name)
    place = {
        "left": HEADS_LEFT,
        "top": HEADS_TOP,
        "width": HEADS_WIDTH,
        "height": round(overview.height - HEADS_TOP),
    }
    columns = f"grid-template-columns:repeat({side.attention.shape[1] + 1},1fr)"
    text = f"text {name.upper()}"
    return {
        "name": name,
        "parts": list(_parts(side, shares)),
        "rows": [
            _table_row(unit, "" if shares is None else signed(shares[at], 4), nearest, other)
            for at, (unit, nearest) in enumerate(zip(side.units, side.nearest, strict=True))
        ],
        "overview": overview.svg("overview", f"Attention of every layer and head in {text}"),
        "overview_width": f"{overview.width:.0f}",
        "buttons_style": "".join(f"{key}:{value}px;" for key, value in place.items()) + columns,
        "head": head_figure(side, name).svg(
            "head", f"Attention of the chosen head in {text}, from the words down to those across"
        ),
    }


def _parts(side: TextSide, shares: NDArray[np.float64] | None) -> Iterator[dict[str, object]]:
    """The parts of a text: each word with its number and its share of the largest share, and the
    text between words.
    """
    whole, at = safe(side.text), 0
    words = [unit.is_word for unit in side.units]
    values = (
        np.zeros(len(words))
        if shares is None
        else shares / (np.abs(shares[words]).max(initial=0) or 1)
    )
    for number, (unit, value) in enumerate(zip(side.units, values.tolist(), strict=True)):
        if unit.is_word:
            yield {"text": whole[at : unit.start], "unit": None}
            yield {"text": whole[unit.start : unit.end], "unit": number, "share": value}
            at = unit.end
    yield {"text": whole[at:], "unit": None}


def _table_row(
    unit: TextUnit, share: str, nearest: NearestWord | None, other: TextSide
) -> list[str]:
    fields = [one_line(unit.label), share, "", "", ""]
    if nearest is not None:
        fields[2:] = [
            one_line(other.units[nearest.unit].label),
            signed(nearest.cosine, 3),
            "each other's" if nearest.is_mutual else "",
        ]
    return fields


def _words_explained(pair: PairAttribution) -> str:
    """What the figure of the words shows, in words."""
    lines = (
        "Lines join the words that are nearest to each other by their vectors in context; "
        "dotted ones, nearest on one side only."
    )
    if pair.products is None:
        return f"The number is the cosine with the nearest. {lines}"
    is_all = all(
        sum(unit.is_word for unit in side.units) <= MOST_WORDS for side in (pair.a, pair.b)
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


def _matrix_explained(pair: PairAttribution) -> str:
    """What the matrix shows, in words."""
    if pair.products is None:
        return (
            "How near each word of A, a row, is to each of B, a column: cosines of their "
            "vectors in context, in hundredths."
        )
    return (
        "What each word of A, a row, adds to the cosine together with each of B, a column, "
        "in thousandths; rows and columns add up to the shares."
    )


def _made_by(pair: PairAttribution, by: ModelInfo) -> str:
    made = (
        f"Made by searchapp explain, model {one_line(by.model)}, fingerprint {by.fingerprint[:16]}."
    )
    return made if pair.products is None else f"{_FORMULA} {made}"
