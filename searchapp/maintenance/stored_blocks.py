"""The blocks of a document from what a corpus stores of it, where its file cannot be read again.

A corpus stores text and passages, not blocks. A passage is cut anew for another encoder, so each
becomes a block, or a block for each of its lines where the lines have places. Pure; knows no
backend.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from searchapp.types.documents import RANGED, Block, Document, Passage, Place, StoredDocument

if TYPE_CHECKING:
    from collections.abc import Iterator


def document_with_blocks(stored: StoredDocument) -> Document:
    """The stored document with its blocks, ready to be split."""
    document = stored.document
    blocks = tuple(block for passage in stored.passages for block in _blocks(passage, document))
    return replace(document, blocks=blocks)


def _blocks(passage: Passage, document: Document) -> Iterator[Block]:
    path = passage.headings
    title = document.title
    # the title comes first in every path, cut where it is long
    if title.strip() and path and title.startswith(path[0]):
        path = path[1:]
    own = tuple(
        (name, value)
        for name, value in passage.place
        if not (document.has_lines and name in ("line_start", "line_end"))
    )
    kind: Literal["table", "prose"] = (
        "table" if any(name.startswith("row") for name, _ in own) else "prose"
    )
    for start, end, place in _placed(document.text, passage.start, passage.end, own):
        yield Block(start, end, kind, path, place)


def _placed(text: str, start: int, end: int, place: Place) -> Iterator[tuple[int, int, Place]]:
    """The parts of a passage with their places: a line each where the passage spans as many rows,
    cells, times or lines as it has lines.

    Otherwise the whole passage with its whole span, which is true of all that is cut from it, if
    not as narrow as it could be.
    """
    values = dict(place)
    spans = [
        name
        for name in RANGED
        if f"{name}_start" in values and values[f"{name}_start"] != values.get(f"{name}_end")
    ]
    if len(spans) == 1:
        first, last = (values[f"{spans[0]}_{side}"] for side in ("start", "end"))
        lines = [*_lines(text, start, end)]
        if isinstance(first, int) and isinstance(last, int) and last - first + 1 == len(lines):
            for number, (begin, stop) in enumerate(lines, first):
                yield begin, stop, tuple(_single(place, {spans[0]: number}))
            return
    yield start, end, place if spans else tuple(_single(place, {}))


def _single(place: Place, numbers: dict[str, int]) -> Iterator[tuple[str, int | str]]:
    """The place of a block, from a passage's: one value where a passage has the first and last."""
    for name, value in place:
        base, _, side = name.rpartition("_")
        if base in RANGED and side in ("start", "end"):
            if side == "start":
                yield base, numbers.get(base, value)
        else:
            yield name, value


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The lines of a slice that are not blank, each with its line break."""
    begin = start
    for line in text[start:end].splitlines(keepends=True):
        if line.strip():
            yield begin, begin + len(line)
        begin += len(line)
