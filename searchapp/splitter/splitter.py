"""Document -> Passages: where a document is cut so that every piece fits the encoder.

Pure: it knows a tokenizer only as a function, and nothing of files, models or stores. Structure
decides first (a passage stays within one heading path and one page, slide or sheet), then blocks,
then sentences or lines, then tokens; within a section passages are packed greedily and never
overlap. What is embedded, heading path and slice together, stays within the limit; nothing is
truncated.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice, pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from searchapp.splitter.heading_paths import HeadingPath, fit_paths, full_path
from searchapp.splitter.packing import cut_to_fit, packed
from searchapp.splitter.text_cuts import CUTTERS, EAST_ASIAN_STOP, line_cuts, paragraph_cuts
from searchapp.types.documents import (
    RANGED,
    Block,
    Document,
    Passage,
    Place,
    Span,
    embedded_text,
)
from searchapp.types.tokens import WORD_BREAKS, TokenizedText, Tokens

if TYPE_CHECKING:
    from searchapp.splitter.heading_paths import FindTokens, HeadingPaths
    from searchapp.types.tokens import TokenIds

Tokenize: TypeAlias = Callable[[Sequence[str]], list[list[Span]]]

_PIECE_LENGTH = 16_384  # code points tokenised as one text
# tokenised in one call, so that memory stays bounded: code points, and texts
_BATCH_LENGTH, _BATCH_SIZE = 2**20, 4096

_FOREIGN_WEIGHT = 4  # a character of a script without spaces is a token
_SPACE = re.compile(r"\s")
_NOT_IN_WORDS = re.compile(r"[\W_]+")


class TokenizedPassage(NamedTuple):
    """A passage, and the ids of its `embedded_text`, none where the tokenizer tells spans alone."""

    passage: Passage
    ids: TokenIds


@dataclass(frozen=True, slots=True)
class _Section:
    """Consecutive blocks under one heading path, at one place but for its RANGED parts."""

    blocks: tuple[Block, ...]
    path: HeadingPath


@dataclass(frozen=True, slots=True)
class _Parts:
    """What of a document is tokenised: its title and headings, and its text in pieces, which end
    before white space.
    """

    document: Document
    blocks: Sequence[Block]
    names: Sequence[str]
    bounds: Sequence[int]  # of the pieces

    def texts(self) -> Iterator[str]:
        yield from (name + "\n" for name in self.names)
        yield from (self.document.text[start:end] for start, end in pairwise(self.bounds))


def split(document: Document, tokenize: Tokenize, *, max_tokens: int) -> list[Passage]:
    """The passages of a document, in order, disjoint, without outer white space.

    `tokenize` is `Encoder.tokenize`. The `embedded_text` of each passage has at most `max_tokens`
    tokens, by `tokenize` itself; the only exception is a single character of more tokens than that.
    Each character of a block that is not white space lies in exactly one passage, save that
    headings travel in the paths of what stands below them; a heading that no path carries is a
    passage. Paths take at most a quarter of the limit: the title, then as many of the deepest
    headings as fit; a title too long by itself is cut after a token. Raises ValueError for a limit
    below 1.
    """
    [passages] = split_all(
        [document],
        lambda texts: [Tokens.of_spans(spans) for spans in tokenize(texts)],
        max_tokens=max_tokens,
    )
    return [tokenized.passage for tokenized in passages]


def split_all(
    documents: Iterable[Document], find_tokens: FindTokens, *, max_tokens: int
) -> Iterator[list[TokenizedPassage]]:
    """The same of each document, in order, with the tokens of the passages. Documents are tokenised
    together, and once: again only headings, and passages whose tokens are others by themselves.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, not {max_tokens}")
    parts = [_parts(document) for document in documents]
    tokens = _tokenize_all(
        (text for document_parts in parts for text in document_parts.texts()), find_tokens
    )
    for document_parts in parts:
        names = dict(
            zip(document_parts.names, islice(tokens, len(document_parts.names)), strict=True)
        )
        above = (block.headings for block in document_parts.blocks)
        paths = fit_paths(document_parts.document.title, above, names, find_tokens, max_tokens // 4)
        text = _joined(document_parts, islice(tokens, len(document_parts.bounds) - 1))
        passages = [
            (passage, None if ids is None else section.path.ids_before(ids))
            for section in _sections(document_parts.document, document_parts.blocks, paths)
            for passage in _pack_section(section, text, max_tokens - section.path.tokens)
            for ids in [text.ids_of(passage.start, passage.end)]
        ]
        within = list(_within_limit(text.text, passages, find_tokens, max_tokens))
        placed = _with_places(
            document_parts.document, document_parts.blocks, [passage for passage, _ in within]
        )
        yield [
            TokenizedPassage(passage, ids) for passage, (_, ids) in zip(placed, within, strict=True)
        ]


def has_text(document: Document) -> bool:
    """Whether a document holds any passage."""
    return bool(_blocks(document))


def _parts(document: Document) -> _Parts:
    blocks = _blocks(document)
    paths = dict.fromkeys(full_path(document.title, block.headings) for block in blocks)
    names = list(dict.fromkeys(name for path in paths for name in path))
    bounds = [0]
    while (bound := _piece_end(document.text, bounds[-1] + _PIECE_LENGTH)) < len(document.text):
        bounds.append(bound)
    bounds.append(len(document.text))
    return _Parts(document, blocks, names, bounds)


def _piece_end(text: str, at: int) -> int:
    """Where a piece ends that is to end at `at` or soon after: before white space, or after a stop
    where a script writes none, or anywhere.
    """
    if space := _SPACE.search(text, at, at + _PIECE_LENGTH):
        return space.start()
    stop = EAST_ASIAN_STOP.search(text, at, at + _PIECE_LENGTH)
    return stop.end() if stop else min(at + _PIECE_LENGTH, len(text))


def _blocks(document: Document) -> list[Block]:
    return [
        block
        for block in document.blocks or _paragraphs(document.text)
        if document.text[block.start : block.end].strip()
    ]


# ---- sections ------------------------------------------------------------------------------------


def _paragraphs(text: str) -> list[Block]:
    """The blocks of a text without structure: what blank lines separate."""
    return [
        Block(start, end, "prose")
        for start, end in pairwise((0, *paragraph_cuts(text, 0, len(text)), len(text)))
    ]


def _sections(document: Document, blocks: Sequence[Block], paths: HeadingPaths) -> list[_Section]:
    """The runs of blocks that may share a passage, and each heading that the section after it does
    not carry, in order.
    """
    sections: list[_Section] = []
    below: tuple[str, ...] = ()  # the path of the block after the run
    for run in reversed([tuple(run) for _, run in groupby(blocks, key=_run)]):
        first = run[0]
        is_title = _is_title(first, document)
        name = document.title if is_title else _name(first, below)
        if first.kind != "heading" or not sections or name not in sections[-1].path.headings:
            sections.append(_Section(run, HeadingPath() if is_title else paths[first.headings]))
        below = first.headings
    return sections[::-1]


def _run(block: Block) -> tuple[int, tuple[str, ...], Place]:
    """What the blocks of a section have in common; each heading is alone."""
    return (block.start if block.kind == "heading" else -1, block.headings, _fixed(block.place))


def _is_title(block: Block, document: Document) -> bool:
    """Whether a heading says what the title says, markup aside."""
    is_top_heading = block.kind == "heading" and not block.headings
    return (
        is_top_heading
        and document.title != ""
        and _words(document.text[block.start : block.end]) == _words(document.title)
    )


def _words(text: str) -> str:
    return _NOT_IN_WORDS.sub(" ", text).strip()


def _name(heading: Block, below: tuple[str, ...]) -> str:
    """How a heading is called in the path of the block after it, "" where that block does not stand
    below it.
    """
    depth = len(heading.headings)
    return below[depth] if len(below) > depth and below[:depth] == heading.headings else ""


# ---- packing -------------------------------------------------------------------------------------


def _pack_section(section: _Section, tokens: TokenizedText, budget: int) -> Iterator[Passage]:
    """A section's passages, each of at most `budget` tokens by `tokens`."""
    units = (
        unit
        for block in section.blocks
        for unit in cut_to_fit(tokens, block.start, block.end, budget, CUTTERS[block.kind])
    )
    for start, end in packed(units, tokens, budget):
        yield Passage(start, end, section.path.headings)


# ---- tokens and places ---------------------------------------------------------------------------


def _joined(parts: _Parts, pieces: Iterable[Tokens]) -> TokenizedText:
    """A document's text with the tokens of its pieces."""
    text = parts.document.text
    starts, ids, joined = array("I"), None, bytearray()
    has_words = True
    for offset, tokens in zip(parts.bounds, pieces, strict=False):
        starts.extend(array("I", [offset + start for start in tokens.starts]))
        ids = array(tokens.ids.typecode) if ids is None else ids
        ids.extend(tokens.ids)
        has_words = has_words and tokens.joined is not None
        joined += tokens.joined or b""
    seams = tuple(bound for bound in parts.bounds[1:-1] if text[bound] not in WORD_BREAKS)
    ids = array("I") if ids is None else ids
    return TokenizedText(text, starts, ids, bytes(joined) if has_words else None, seams)


def _tokenize_all(texts: Iterable[str], find_tokens: FindTokens) -> Iterator[Tokens]:
    """Each text's tokens, in order, tokenised a batch at a time."""
    batch: list[str] = []
    length = 0
    for text in texts:
        batch.append(text)
        length += len(text) * (1 if text.isascii() else _FOREIGN_WEIGHT)
        if length >= _BATCH_LENGTH or len(batch) == _BATCH_SIZE:
            yield from find_tokens(batch)
            batch, length = [], 0
    if batch:
        yield from find_tokens(batch)


def _within_limit(
    text: str,
    passages: Sequence[tuple[Passage, TokenIds | None]],
    find_tokens: FindTokens,
    max_tokens: int,
) -> Iterator[tuple[Passage, TokenIds]]:
    """The passages with their tokens, those over the limit cut again.

    A slice can have other tokens alone than within its document: where that may be, its embedded
    text is tokenised once more. One that is over is cut into halves by its own tokens, until it
    fits; where nothing is left to cut, it goes without its headings.
    """
    alone = _tokenize_all(
        (_embedded(text, passage) for passage, ids in passages if ids is None), find_tokens
    )
    for passage, ids in passages:
        known = Tokens(ids, ids, ids, None) if ids is not None else next(alone)
        if len(known) <= max_tokens:
            yield passage, known.ids
            continue
        halves = _halves(text, passage, find_tokens)
        if len(halves) > 1:
            yield from _within_limit(text, halves, find_tokens, max_tokens)
        else:
            bare = replace(passage, headings=())
            [own] = find_tokens([_embedded(text, bare)])
            yield bare, own.ids


def _embedded(text: str, passage: Passage) -> str:
    return embedded_text(passage.headings, text[passage.start : passage.end])


def _halves(text: str, passage: Passage, find_tokens: FindTokens) -> list[tuple[Passage, None]]:
    """A passage in two or three, none with more than half of its tokens; in one where it cannot be
    cut.
    """
    body = text[passage.start : passage.end]
    [body_tokens] = find_tokens([body])
    tokens = TokenizedText(body, body_tokens.starts, body_tokens.ids, None)
    budget = max(1, (len(body_tokens) + 1) // 2)
    parts = packed(cut_to_fit(tokens, 0, len(body), budget, CUTTERS["list"]), tokens, budget)
    return [
        (replace(passage, start=passage.start + start, end=passage.start + end), None)
        for start, end in parts
    ]


def _with_places(
    document: Document, blocks: Sequence[Block], passages: Iterable[Passage]
) -> list[Passage]:
    """The passages with the places of the blocks that they begin and end in, and their lines where
    the document has lines.
    """
    lines = [0, *line_cuts(document.text, 0, len(document.text))] if document.has_lines else []
    starts = [block.start for block in blocks]
    placed = []
    for passage in passages:
        first, last = (
            blocks[bisect_right(starts, at) - 1].place for at in (passage.start, passage.end - 1)
        )
        place = tuple(_ranged(first, dict(last)))
        if lines:
            place += (
                ("line_start", bisect_right(lines, passage.start)),
                ("line_end", bisect_right(lines, passage.end - 1)),
            )
        placed.append(replace(passage, place=place))
    return placed


def _ranged(first: Place, last: Mapping[str, int | str]) -> Iterator[tuple[str, int | str]]:
    """A place with both ends of its RANGED parts."""
    for name, value in first:
        if name in RANGED:
            yield f"{name}_start", value
            yield f"{name}_end", last.get(name, value)
        else:
            yield name, value


def _fixed(place: Place) -> Place:
    return tuple((name, value) for name, value in place if name not in RANGED)
