"""The attention of a text (SVG): all heads of all layers as one picture, and one head enlarged,
which is a window on that picture. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from searchapp.output.html.elements import tag
from searchapp.output.html.figures import Figure, together, word
from searchapp.output.html.matrix_figure import MatrixFrame
from searchapp.output.html.png import data_url

if TYPE_CHECKING:
    from markupsafe import Markup

    from searchapp.analysis.pair_attribution import TextSide

# Pixels of the figure of all heads: the room for their numbers, and theirs.
HEADS_LEFT, HEADS_TOP, HEADS_WIDTH = 22, 18, 420


def heads_figure(side: TextSide, name: str) -> Figure:
    """Every head of every layer as a small picture, with the average of each layer's heads at the
    end.
    """
    layers, heads, size = side.attention.shape[:3]
    cell = HEADS_WIDTH / (heads + 1)
    height = cell * layers
    picture = {"width": size * (heads + 1), "height": size * layers}
    image = tag(
        "image",
        id=f"atlas-{name}",
        **picture,
        href=_atlas(side),
        preserveAspectRatio="none",
        class_="pixels",
    )
    place = {"x": HEADS_LEFT, "y": HEADS_TOP, "width": HEADS_WIDTH, "height": f"{height:.1f}"}
    box = {
        "viewBox": f"0 0 {picture['width']} {picture['height']}",
        "preserveAspectRatio": "none",
    }
    gaps = [f"M{HEADS_LEFT + cell * at:.1f} {HEADS_TOP}v{height:.1f}" for at in range(heads + 2)]
    gaps += [f"M{HEADS_LEFT} {HEADS_TOP + cell * at:.1f}h{HEADS_WIDTH}" for at in range(layers + 1)]
    body = [
        tag("svg", image, **place, **box),
        tag("path", d="".join(gaps), class_="gaps"),
        word(0, 12, name.upper(), class_="name"),
        *_numbers(layers, heads, cell),
    ]
    return Figure(together(body), HEADS_LEFT + HEADS_WIDTH + 2, HEADS_TOP + height + 2)


def head_figure(side: TextSide, name: str) -> Figure:
    """One head, enlarged: a window on the picture of all heads, which a page's script moves."""
    size, heads = len(side.units), side.attention.shape[1]
    cell = max(9.0, min(24.0, HEADS_WIDTH / size))
    frame = MatrixFrame(side, side, cell, cell)
    box = {
        "viewBox": f"{heads * size} 0 {size} {size}",
        "preserveAspectRatio": "none",
        "data_size": size,
    }
    window = tag("svg", tag("use", href=f"#atlas-{name}"), **frame.place, **box, class_="window")
    body = together([window, *frame.labels(), frame.border()])
    return Figure(body, frame.right + 60, frame.bottom + 6, cell)


def _numbers(layers: int, heads: int, cell: float) -> list[Markup]:
    """The numbers of the layers on the left, and of the heads above."""
    middles = [cell * (at + 0.5) for at in range(max(layers, heads + 1))]
    left = {"class_": "figure", "text_anchor": "end"}
    above = {"class_": "figure", "text_anchor": "middle"}
    return [
        *(
            word(HEADS_LEFT - 6, HEADS_TOP + middles[at] + 4, str(at + 1), **left)
            for at in range(layers)
        ),
        *(
            word(HEADS_LEFT + middles[at], 12, name, **above)
            for at, name in enumerate([*map(str, range(1, heads + 1)), "all"])
        ),
    ]


def _atlas(side: TextSide) -> str:
    """All heads as one picture, (layers x u, (heads + 1) x u) pixels: layers down, heads across,
    last their average.

    The opacity is the square root of the attention.
    """
    layers, heads, size = side.attention.shape[:3]
    mean = side.attention.mean(axis=1, keepdims=True)
    whole = np.concatenate([side.attention, mean], axis=1)  # (layers, heads + 1, u, u)
    down = np.sqrt(np.clip(whole, 0, 1)).transpose(0, 2, 1, 3)  # (layers, u, heads + 1, u)
    return data_url(down.reshape(layers * size, (heads + 1) * size))
