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
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice, pairwise
from typing import TypeAlias

from searchapp.types.documents import (
    RANGED,
    Block,
    BlockKind,
    Document,
    Passage,
    Place,
    Span,
    embedded_text,
)

SPLITTER_VERSION = "1"

Tokenize: TypeAlias = Callable[[Sequence[str]], list[list[Span]]]
_Cutter: TypeAlias = Callable[[str, int, int], list[int]]

_PIECE_LENGTH = 16_384  # code points tokenised as one text
# texts tokenised in one call: about a million code points, so that memory stays bounded
_BATCH_SIZE = 64

_SPACE = re.compile(r"\s")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_BLANK_LINES = re.compile(r"(?>\r\n|\r|\n)[^\S\r\n]*+(?>\r\n|\r|\n)\s*+")
_EAST_ASIAN_STOP = re.compile(r"[。！？｡]+[」』”’）]*")
_NOT_IN_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class _Path:
    """A heading path as it is embedded, and the tokens that it takes from each passage."""

    headings: tuple[str, ...] = ()
    tokens: int = 0


_Paths: TypeAlias = Mapping[tuple[str, ...], _Path]  # by Block.headings


@dataclass(frozen=True, slots=True)
class _Section:
    """Consecutive blocks under one heading path, at one place but for its RANGED parts."""

    blocks: tuple[Block, ...]
    path: _Path


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A text and where its tokens start, in order."""

    text: str
    starts: Sequence[int]

    def count(self, start: int, end: int) -> int:
        """How many tokens start in `text[start:end]`."""
        return bisect_left(self.starts, end) - bisect_left(self.starts, start)


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
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, not {max_tokens}")
    text = document.text
    blocks = [
        block
        for block in document.blocks or _paragraphs(text)
        if text[block.start : block.end].strip()
    ]
    paths = _fit_paths(document.title, blocks, tokenize, max_tokens // 4)
    tokens = _tokens(text, tokenize)
    passages = [
        passage
        for section in _sections(document, blocks, paths)
        for passage in _pack_section(section, tokens, max_tokens - section.path.tokens)
    ]
    return _with_places(document, blocks, _within_limit(text, passages, tokenize, max_tokens))


# ---- heading paths -------------------------------------------------------------------------------


def _fit_paths(title: str, blocks: Sequence[Block], tokenize: Tokenize, limit: int) -> _Paths:
    """The embedded form of every heading path in the document, at most `limit` tokens each."""
    paths = {block.headings: _full_path(title, block.headings) for block in blocks}
    names = list(dict.fromkeys(name for path in paths.values() for name in path))
    spans = dict(zip(names, _tokenize_all([name + "\n" for name in names], tokenize), strict=True))
    return {
        headings: _fit_path(path, spans, limit, titled=bool(title.strip()))
        for headings, path in paths.items()
    }


def _full_path(title: str, headings: tuple[str, ...]) -> tuple[str, ...]:
    """Title first, unless the headings begin with it."""
    path = headings if headings[:1] == (title,) else (title, *headings)
    return tuple(name for name in path if name.strip())


def _fit_path(
    path: tuple[str, ...], spans: Mapping[str, list[Span]], limit: int, *, titled: bool
) -> _Path:
    """The title, cut at a token where it alone is too long, and the deepest headings that fit
    beside it.
    """
    kept: list[str] = []
    room = limit
    titles = path[:1] if titled else ()
    for name in titles:
        title = (
            name
            if len(spans[name]) <= limit
            else name[: spans[name][limit - 1][1] if limit else 0].rstrip()
        )
        kept += [title] if title else []
        room -= min(limit, len(spans[name]))
    for name in reversed(path[len(titles) :]):
        if len(spans[name]) > room:
            break
        kept.insert(len(titles), name)
        room -= len(spans[name])
    return _Path(tuple(kept), limit - room)


# ---- sections ------------------------------------------------------------------------------------


def _paragraphs(text: str) -> list[Block]:
    """The blocks of a text without structure: what blank lines separate."""
    return [
        Block(start, end, "prose")
        for start, end in pairwise((0, *_paragraph_cuts(text, 0, len(text)), len(text)))
    ]


def _sections(document: Document, blocks: Sequence[Block], paths: _Paths) -> list[_Section]:
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
            sections.append(_Section(run, _Path() if is_title else paths[first.headings]))
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


def _pack_section(section: _Section, tokens: _Tokens, budget: int) -> Iterator[Passage]:
    """A section's passages, each of at most `budget` tokens by `tokens`."""
    units = (
        unit
        for block in section.blocks
        for unit in _units(tokens, block.start, block.end, budget, _CUTTERS[block.kind])
    )
    for start, end in _packed(units, tokens, budget):
        yield Passage(start, end, section.path.headings)


def _packed(units: Iterable[Span], tokens: _Tokens, budget: int) -> Iterator[Span]:
    """Units joined greedily, in order, while they fit the budget together; outer white
    space goes.
    """
    packed: list[Span] = []
    for start, end in units:
        if packed and tokens.count(packed[-1][0], end) <= budget:
            packed[-1] = (packed[-1][0], end)
        else:
            packed.append((start, end))
    for start, end in packed:
        body = tokens.text[start:end]
        if body.strip():
            yield start + len(body) - len(body.lstrip()), start + len(body.rstrip())


def _units(
    tokens: _Tokens, start: int, end: int, budget: int, cutters: Sequence[_Cutter]
) -> Iterator[Span]:
    """The slice whole where it fits the budget, else cut by the first cutter, its parts by the
    next, and so on to tokens.
    """
    if tokens.count(start, end) <= budget:
        yield start, end
    elif not cutters:
        yield from _token_runs(tokens, start, end, budget)
    else:
        for part in pairwise((start, *cutters[0](tokens.text, start, end), end)):
            yield from _units(tokens, *part, budget, cutters[1:])


def _token_runs(tokens: _Tokens, start: int, end: int, budget: int) -> Iterator[Span]:
    """The slice cut before tokens, at white space where the second half of a run has some. Tokens
    of one character stay together.
    """
    starts = tokens.starts
    first, last = bisect_left(starts, start), bisect_left(starts, end)
    while last - first > budget:
        cut = first + budget
        cut = next(
            (
                near
                for near in range(cut, first + budget // 2, -1)
                if _follows_space(tokens.text, starts[near])
            ),
            cut,
        )
        if starts[cut] <= start:
            cut = bisect_right(starts, start)
        if cut >= last:
            break
        yield start, starts[cut]
        start = starts[cut]
        first = bisect_left(starts, start)
    yield start, end


def _follows_space(text: str, start: int) -> bool:
    """Whether a token begins a word; some tokenizers count the space before a word as part of its
    token.
    """
    return text[start - 1].isspace() or text[start].isspace()


def _paragraph_cuts(text: str, start: int, end: int) -> list[int]:
    return [found.end() for found in _BLANK_LINES.finditer(text, start, end)]


def _line_cuts(text: str, start: int, end: int) -> list[int]:
    return [found.end() for found in _LINE_BREAK.finditer(text, start, end)]


def sentences(text: str) -> list[Span]:
    """The sentences of a passage, in order, as spans without outer white space."""
    bounds = [*_sentence_cuts(text, 0, len(text)), *_paragraph_cuts(text, 0, len(text)), len(text)]
    spans = []
    for start, end in pairwise(sorted({0, *bounds})):
        body = text[start:end].strip()
        if body:
            begin = text.index(body, start)
            spans.append((begin, begin + len(body)))
    return spans


def _sentence_cuts(text: str, start: int, end: int) -> list[int]:
    from nupunkt import sent_spans

    cuts = {start + span[0] for span in sent_spans(text[start:end])}
    cuts.update(found.end() for found in _EAST_ASIAN_STOP.finditer(text, start, end))
    return sorted(cuts)


_CUTTERS: Mapping[BlockKind, tuple[_Cutter, ...]] = {
    "heading": (_sentence_cuts, _line_cuts),
    "prose": (_sentence_cuts, _line_cuts),
    "list": (_paragraph_cuts, _line_cuts, _sentence_cuts),
    "code": (_paragraph_cuts, _line_cuts),
    "table": (_paragraph_cuts, _line_cuts, _sentence_cuts),
}


# ---- tokens and places ---------------------------------------------------------------------------


def _tokens(text: str, tokenize: Tokenize) -> _Tokens:
    """Where the tokens of a text start. A long text is tokenised in pieces that end before white
    space.
    """
    bounds = [0]
    while (space := _SPACE.search(text, bounds[-1] + _PIECE_LENGTH)) is not None:
        bounds.append(space.start())
    bounds.append(len(text))
    pieces = (text[start:end] for start, end in pairwise(bounds))
    starts = array("q")
    for offset, spans in zip(bounds, _tokenize_all(pieces, tokenize), strict=False):
        starts.extend(offset + start for start, _ in spans)
    return _Tokens(text, starts)


def _tokenize_all(texts: Iterable[str], tokenize: Tokenize) -> Iterator[list[Span]]:
    """Each text's tokens, in order, tokenised a batch at a time."""
    remaining = iter(texts)
    while batch := list(islice(remaining, _BATCH_SIZE)):
        yield from tokenize(batch)


def _within_limit(
    text: str, passages: Sequence[Passage], tokenize: Tokenize, max_tokens: int
) -> Iterator[Passage]:
    """The passages, those over the limit cut again.

    A slice can have other tokens alone than within its document, so each embedded text is counted
    once more. One that is over is cut into halves by its own tokens, until it fits; where nothing
    is left to cut, it goes without its headings.
    """
    bodies = (
        embedded_text(passage.headings, text[passage.start : passage.end]) for passage in passages
    )
    for passage, spans in zip(passages, _tokenize_all(bodies, tokenize), strict=True):
        if len(spans) <= max_tokens:
            yield passage
            continue
        halves = _halves(text, passage, tokenize)
        if len(halves) > 1:
            yield from _within_limit(text, halves, tokenize, max_tokens)
        else:
            yield replace(passage, headings=())


def _halves(text: str, passage: Passage, tokenize: Tokenize) -> list[Passage]:
    """A passage in two or three, none with more than half of its tokens; in one where it cannot be
    cut.
    """
    body = text[passage.start : passage.end]
    [spans] = tokenize([body])
    tokens = _Tokens(body, [start for start, _ in spans])
    budget = max(1, (len(spans) + 1) // 2)
    parts = _packed(_units(tokens, 0, len(body), budget, _CUTTERS["list"]), tokens, budget)
    return [
        replace(passage, start=passage.start + start, end=passage.start + end)
        for start, end in parts
    ]


def _with_places(
    document: Document, blocks: Sequence[Block], passages: Iterable[Passage]
) -> list[Passage]:
    """The passages with the places of the blocks that they begin and end in, and their lines where
    the document has lines.
    """
    lines = [0, *_line_cuts(document.text, 0, len(document.text))] if document.has_lines else []
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
