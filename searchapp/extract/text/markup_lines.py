"""The lines of LaTeX, Org and AsciiDoc: the words in which a format says what each line is.

A format is a function from lines to `MarkupLine`s; `markup` makes blocks of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


LineKind: TypeAlias = Literal["blank", "unseen", "heading", "prose", "list", "code", "table"]


@dataclass(frozen=True, slots=True)
class MarkupLine:
    """What a line is; `level` and `name` are a heading's."""

    kind: LineKind
    level: int = 0
    name: str = ""


@dataclass(slots=True)
class MarkupHeader:
    """What a document says of itself, gathered line by line."""

    title: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


# one MarkupLine for each line, in order
Classify: TypeAlias = "Callable[[Sequence[str], MarkupHeader], Iterator[MarkupLine]]"


def plain_line(line: str) -> MarkupLine:
    """A line of prose, or a blank one."""
    return MarkupLine("prose" if line.strip() else "blank")
