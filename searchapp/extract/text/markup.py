"""LaTeX, Org and AsciiDoc: the source text itself; patterns of lines tell headings, code, tables
and what is no text.

One mechanism for the three: each line is given a kind by its format's own function, and runs of
lines of a kind are blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchapp.extract.lines import line_spans, span_of
from searchapp.extract.text.asciidoc import asciidoc_lines
from searchapp.extract.text.babel import has_shorthands, without_shorthands
from searchapp.extract.text.latex import seen_line, tex_lines
from searchapp.extract.text.markup_lines import (
    Classify,
    LineKind,
    MarkupHeader,
    MarkupLine,
)
from searchapp.extract.text.org import org_lines
from searchapp.extract.text.plain import read_source
from searchapp.types.documents import Block, BlockKind, Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from searchapp.types.documents import Span


_AS_THEY_ARE = frozenset({"code", "unseen", "blank"})


def read(data: bytes, document_type: str) -> Document:
    """Marked-up text by headings and paragraphs, with its lines; comments, settings and lines of
    pure markup are in no block.
    """
    return read_source(data, document_type, _read)


def _read(text: str, document_type: str) -> Document:
    lines = line_spans(text)
    header = MarkupHeader()
    sources = [text[slice(*line)] for line in lines]
    if document_type == "tex" and has_shorthands(text):
        sources = list(map(without_shorthands, sources))
    kinds = list(_FORMATS[document_type](sources, header))
    if document_type == "tex":
        text = _seen(text, lines, sources, kinds)
        lines = line_spans(text)
    blocks = tuple(_blocks(text, lines, kinds, header.title))
    metadata = {name: value for name, value in header.metadata.items() if value}
    return Document(text, document_type, title=header.title, blocks=blocks, metadata=metadata)


def _seen(
    text: str, lines: Sequence[Span], sources: Sequence[str], kinds: Sequence[MarkupLine]
) -> str:
    """LaTeX with its lines as their reader sees them, each where it was."""
    pieces: list[str] = []
    position = 0
    for (start, end), source, line in zip(lines, sources, kinds, strict=True):
        if line.kind not in _AS_THEY_ARE:
            pieces += (text[position:start], seen_line(source))
            position = end
    return "".join((*pieces, text[position:]))


def _blocks(
    text: str, lines: Sequence[Span], kinds: Sequence[MarkupLine], title: str
) -> Iterator[Block]:
    path: list[tuple[int, str]] = []
    first = 0
    while first < len(kinds):
        line = kinds[first]
        last = first + 1
        names = tuple(name for _, name in path)
        if line.kind == "heading":
            path = [heading for heading in path if heading[0] < line.level]
            yield Block(
                *span_of(text, lines, first, last), "heading", tuple(name for _, name in path)
            )
            path += [(line.level, line.name)] if line.name != title else []
        elif line.kind not in {"blank", "unseen"}:
            last = _end(kinds, first)
            yield Block(*span_of(text, lines, first, last), _block_kind(line.kind), names)
        first = last


def _end(kinds: Sequence[MarkupLine], first: int) -> int:
    """Where a run of lines of one kind ends; prose may go on within a list's item."""
    last = first + 1
    together = {"list": ("list", "prose")}.get(kinds[first].kind, (kinds[first].kind,))
    while last < len(kinds) and kinds[last].kind in together:
        last += 1
    return last


def _block_kind(kind: LineKind) -> BlockKind:
    return "prose" if kind in {"blank", "unseen"} else kind  # type: ignore[return-value]  # the five others are kinds of blocks


_FORMATS: dict[str, Classify] = {"tex": tex_lines, "org": org_lines, "adoc": asciidoc_lines}
