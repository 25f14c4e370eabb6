"""Parts to a document: what the readers of formats without a text of their own (pages, slides,
sheets, mails) put together.

A reader gives its parts in reading order; here they become one text, a blank line between any two,
with its blocks, heading paths and places.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from searchapp.errors import FileFailed
from searchapp.extract.working_time import OutOfTime, finish
from searchapp.types.documents import Block, BlockKind, Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from searchapp.types.documents import Place


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Part:
    """A heading, a paragraph, a list, a table or a piece of code, or a row of a table with its
    place.

    `level` counts a heading's depth from 1, and is 0 for all else; a heading without text only ends
    those of its depth and below. Consecutive parts with `is_tight` stand on lines of their own
    without a blank line between them, as the rows of a table do.
    """

    kind: BlockKind
    text: str
    level: int = 0
    place: Place = ()
    is_tight: bool = False


ONLY_FIRST_PART = "only its first part was read"
NO_HEADING = Part("heading", "", level=1)  # what follows is below none


def document_of(
    parts: Iterable[Part],
    document_type: str,
    *,
    title: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Document:
    """The document that the parts make; empty ones are left out, and the title is in no heading
    path. Where the time of the reader runs out, it is what there is by then, and says so.
    """
    cut: list[str] = []
    text, blocks = _joined(parts, title, cut)
    facts = {name: value.strip() for name, value in (metadata or {}).items() if value.strip()}
    if cut:
        if not blocks:
            raise FileFailed(cut[0])
        cut.insert(0, facts.get("incomplete", ""))
        facts["incomplete"] = "; ".join(filter(None, cut))
    return Document(
        text,
        document_type,
        title=title,
        blocks=tuple(blocks),
        has_lines=False,
        metadata=facts,
    )


def with_unread(document: Document, reasons: Iterable[str]) -> Document:
    """The document, which says too why some of it could not be read; as it is without reasons."""
    all_reasons = [*filter(None, [document.metadata.get("incomplete", "")]), *reasons]
    if not all_reasons:
        return document
    return replace(
        document,
        metadata={**document.metadata, "incomplete": "; ".join(dict.fromkeys(all_reasons))},
    )


def first_part(document: Document, length: int) -> Document:
    """The document as far as so many characters go; a block that goes on beyond them is cut."""
    blocks = [
        replace(block, end=min(block.end, length))
        for block in document.blocks
        if block.start < length
    ]
    return replace(document, text=document.text[:length], blocks=tuple(blocks))


def gathered(items: Iterable[_T], cut: list[str]) -> list[_T]:
    """The items until the time of their reader runs out, as `in_time` has it."""
    taken: list[_T] = []
    with in_time(cut):
        for item in items:
            taken.append(item)  # noqa: PERF402 - what is there counts when it ends early
    return taken


@contextmanager
def in_time(cut: list[str], kept: str = ONLY_FIRST_PART) -> Iterator[None]:
    """Work until the time of the reader runs out; what is to be said then goes to `cut`, with what
    is `kept`, and what there is by then is made a document of in what time is left.
    """
    try:
        yield
    except OutOfTime as reason:
        finish()
        cut.append(f"{kept}: it {reason}")


def _joined(parts: Iterable[Part], title: str, cut: list[str]) -> tuple[str, list[Block]]:
    """The text of the parts, and its blocks, until the time of their reader runs out; what is to be
    said then goes to `cut`.
    """
    texts: list[str] = []
    blocks: list[Block] = []
    with in_time(cut):
        _join(parts, title, texts, blocks)
    text = "".join(texts)
    while blocks and blocks[-1].end > len(text):
        blocks.pop()
    return text, blocks


def _join(parts: Iterable[Part], title: str, texts: list[str], blocks: list[Block]) -> None:
    path: list[tuple[int, str]] = []  # of headings: level, text
    start = 0
    was_tight = False
    for part in parts:
        if part.kind == "heading":
            path = [heading for heading in path if heading[0] < part.level]
        text = part.text.strip("\r\n") if part.kind == "code" else part.text.strip()
        if not text.strip():
            continue
        if texts:
            gap = "\n" if was_tight and part.is_tight else "\n\n"
            texts.append(gap)
            start += len(gap)
        blocks.append(
            Block(start, start + len(text), part.kind, tuple(name for _, name in path), part.place)
        )
        if part.kind == "heading" and text != title:
            path.append((part.level, " ".join(text.split())))
        texts.append(text)
        start += len(text)
        was_tight = part.is_tight
