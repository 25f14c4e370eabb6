"""How vectors, similarities and senses look: tables for people, values for JSON, CSV. Pure, as
`answers` is.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from searchapp.humanize import one_line, pluralize, safe
from searchapp.output.terminal import (
    BOLD,
    DIM,
    PLAIN,
    TerminalStyle,
    display_width,
    joined,
    padded,
    truncate,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.analysis.concordance import Occurrence
    from searchapp.analysis.embed_files import EmbeddingRow
    from searchapp.analysis.similarity import SimilarPair
    from searchapp.analysis.word_senses import Sense

_TEXT, _NUMBERS = 40, 4  # columns of a row's text, and how many of a vector's numbers are shown
_WIDTH = 150  # of a line where there is no terminal


# ---- rows ----------------------------------------------------------------------------------------


def rows_lines(rows: Iterable[EmbeddingRow], style: TerminalStyle = PLAIN) -> Iterable[str]:
    """A line for each vector: its text, its length, and its first numbers."""
    for row in rows:
        numbers = " ".join(f"{value:8.4f}" for value in row.vector[:_NUMBERS].tolist())
        length = float(np.linalg.norm(row.vector.astype(np.float64)))
        size = style.paint(f"{len(row.vector)} numbers, length {length:.3f}:", DIM)
        yield f"{padded(one_line(row.text), _TEXT)}  {size} {numbers} …\n"


# ---- similarity ----------------------------------------------------------------------------------


def matrix_json(
    rows: Sequence[str], columns: Sequence[str], cosines: NDArray[np.float64]
) -> dict[str, object]:
    """The names of the rows and columns, and their cosines, a list a row."""
    return {
        "rows": list(rows),
        "columns": list(columns),
        "cosines": [[round(value, 6) for value in row] for row in cosines.tolist()],
    }


def matrix_csv(rows: Sequence[str], columns: Sequence[str], cosines: NDArray[np.float64]) -> str:
    """A matrix with its names, as a table that spreadsheets read."""
    return _csv(
        [
            ["", *columns],
            *(
                [name, *(f"{value:.6f}" for value in row)]
                for name, row in zip(rows, cosines.tolist(), strict=True)
            ),
        ]
    )


def matrix_text(
    rows: Sequence[str],
    columns: Sequence[str],
    cosines: NDArray[np.float64],
    style: TerminalStyle = PLAIN,
) -> str:
    """A single cosine, or a matrix whose columns have the numbers of their texts."""
    if cosines.shape == (1, 1):
        return f"{cosines[0, 0]:.4f}\n"
    same = list(rows) == list(columns)
    wide = min(
        max(display_width(one_line(name)) for name in rows),
        max(30, (style.width or 100) - 8 * len(columns) - 6),
    )
    head = " " * (wide + 5) + "".join(f"{number:>8}" for number in range(1, len(columns) + 1))
    lines = [style.paint(head, DIM)]
    for number, (name, row) in enumerate(zip(rows, cosines.tolist(), strict=True), 1):
        lines.append(
            f"{number if same else '':>3}  {padded(one_line(name), wide)}"
            + "".join(f"{value:8.3f}" for value in row)
        )
    if not same:
        lines += ["", *(f"{number:>3}  {one_line(name)}" for number, name in enumerate(columns, 1))]
    return joined(lines)


def pairs_json(
    rows: Sequence[EmbeddingRow], pairs: Sequence[SimilarPair], total: int
) -> dict[str, object]:
    """Pairs of a corpus, nearest first, and how many there are in all."""
    return {
        "pairs": [
            {
                "cosine": round(pair.cosine, 6),
                "a": _row_json(rows[pair.first]),
                "b": _row_json(rows[pair.second]),
            }
            for pair in pairs
        ],
        "total": total,
    }


def pairs_csv(rows: Sequence[EmbeddingRow], pairs: Sequence[SimilarPair]) -> str:
    """Pairs as a table: the cosine, then path, start and text of each side."""
    keys = list(_row_json(rows[0])) if rows else []
    header = ["cosine", *(f"{key}_{side}" for side in "ab" for key in keys)]
    lines = [
        [
            f"{pair.cosine:.6f}",
            *(value for at in (pair.first, pair.second) for value in _row_json(rows[at]).values()),
        ]
        for pair in pairs
    ]
    return _csv([header, *lines])


def pairs_text(
    rows: Sequence[EmbeddingRow], pairs: Sequence[SimilarPair], style: TerminalStyle = PLAIN
) -> str:
    """Pairs, nearest first: the cosine, where each side is, and how it begins."""
    lines = []
    for pair in pairs:
        for figure, row in (
            (f"{pair.cosine:.4f}", rows[pair.first]),
            (" " * 6, rows[pair.second]),
        ):
            path = one_line(os.path.relpath(row.source) if style.width else row.source)
            lines.append(
                f"{style.paint(figure, BOLD)}  {path}  "
                f"{style.paint(truncate(one_line(row.text), 60), DIM)}"
            )
        lines.append("")
    return joined(lines)


def _row_json(row: EmbeddingRow) -> dict[str, object]:
    return {"path": row.source, "start": row.start, "text": row.text}


def _csv(rows: Iterable[Sequence[object]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


# ---- senses --------------------------------------------------------------------------------------


def senses_json(
    word: str, places: Sequence[Occurrence], senses: Sequence[Sense], passages: int
) -> dict[str, object]:
    """The senses of a word with all their places, the most typical first."""
    return {
        "word": word,
        "places": len(places),
        "passages": passages,
        "senses": [
            {
                "places": len(sense.places),
                "likeness": round(sense.cohesion, 4),
                "examples": [_place_json(places[i]) for i in sense.places],
            }
            for sense in senses
        ],
    }


def senses_text(
    word: str, places: Sequence[Occurrence], senses: Sequence[Sense], style: TerminalStyle = PLAIN
) -> str:
    """The senses of a word: how many places each has, and the most typical one in its passage."""
    counts = f"{pluralize(len(places), 'place')}, {pluralize(len(senses), 'sense')}"
    lines = [style.paint(f"{one_line(word)}: {counts}", BOLD)]
    for number, sense in enumerate(senses, 1):
        place = places[sense.places[0]]
        lines += [
            "",
            (
                f"{style.paint(f'sense {number}', BOLD)}  {pluralize(len(sense.places), 'place')}, "
                f"likeness {sense.cohesion:.2f}"
            ),
            f"  {_around(place, style)}",
            f"  {style.path(place.hit.path, DIM)}",
        ]
    return joined(lines)


def _around(place: Occurrence, style: TerminalStyle) -> str:
    """The word with the text before and after it, cut at words."""
    text, start, end = " ".join(place.hit.text.split()), *_flat(place)
    # characters; 8: the margin, the marks and the ellipses
    side = max(20, ((style.width or _WIDTH) - (end - start) - 8) // 2)
    left = text[:start] if start <= side else "… " + text[start - side : start].partition(" ")[2]
    right = (
        text[end:] if len(text) <= end + side else text[end : end + side].rpartition(" ")[0] + " …"
    )
    word = safe(text[start:end])
    return f"{safe(left)}{style.paint(word, BOLD) if style.color else f'[{word}]'}{safe(right)}"


def _flat(place: Occurrence) -> tuple[int, int]:
    """The span of a word after all white space of its passage became single spaces."""
    before, word = place.hit.text[: place.start], place.hit.text[place.start : place.end]
    start = len(" ".join(before.split())) + (before.strip() != "" and before[-1:].isspace())
    return start, start + len(word)


def _place_json(place: Occurrence) -> dict[str, object]:
    start = place.hit.passage.start
    return {
        "path": os.fsdecode(place.hit.path),
        "start": place.start + start,
        "end": place.end + start,
        "text": place.hit.text,
    }
