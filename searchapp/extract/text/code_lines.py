"""Source code without a syntax tree, cut at blank lines before a line in the first column.

It serves the languages that have no grammar, and what stands between the definitions of those that
have one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from searchapp.extract.lines import span_of
from searchapp.extract.text.grammars import (
    DEFINITION_HEADS,
    SECTIONS,
    STATEMENT_END,
)
from searchapp.types.documents import Block

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from searchapp.types.documents import Span


LONGEST_NAME = 120  # characters


_COMMENT = re.compile(r"(#(?!\[)|//|--|;|%|/?\*|\(\*|\{-|\"\"\")")


_CLOSING = re.compile(r"[)\]}]|end\b|else\b")


Names = tuple[str, ...]


def blocks_by_lines(text: str, lines: Sequence[Span], document_type: str) -> Iterator[Block]:
    """Runs of lines from the first column on, under the name that the first line after comments
    gives them.
    """
    head = DEFINITION_HEADS.get(document_type)
    names: Names = ()
    for number, (first, last) in enumerate(line_chunks(text, lines, 0, len(lines), document_type)):
        own_names = _named(text, lines, first, last, head) if head else ()
        names = own_names or (names if document_type in SECTIONS else ())
        is_opening = number == 0 and all(
            _is_comment(text[slice(*line)]) for line in lines[first:last]
        )
        yield Block(*span_of(text, lines, first, last), "prose" if is_opening else "code", names)


def line_chunks(
    text: str, lines: Sequence[Span], first: int, last: int, document_type: str = ""
) -> Iterator[tuple[int, int]]:
    """Runs of lines that begin in the first column after a blank line or like a definition, each
    with what is indented below it.
    """
    head, statement_end = DEFINITION_HEADS.get(document_type), STATEMENT_END.get(document_type)
    start = comments = None  # where the run begins, and the comments right above this line
    is_after_blank = is_at_end = True
    end = first
    for index in range(first, last):
        line = text[slice(*lines[index])]
        if not line.strip():
            is_after_blank, comments = True, None
            continue
        match = head.match(line) if head else None
        begin = comments if match and comments is not None else index
        may_begin = (
            (is_after_blank or match)
            and (is_at_end or (match and match[1]))
            and not line[0].isspace()
            and not _CLOSING.match(line)
        )
        if start is not None and may_begin and begin > start:
            yield start, min(begin, end)
            start = begin
        start = begin if start is None else start
        if _is_comment(line):
            comments = index if comments is None else comments
        else:
            comments = None
            is_at_end = statement_end is None or statement_end.match(line) is not None
        is_after_blank, end = False, index + 1
    if start is not None:
        yield start, end


def _is_comment(line: str) -> bool:
    return _COMMENT.match(line.lstrip()) is not None


def _named(text: str, lines: Sequence[Span], first: int, last: int, head: re.Pattern[str]) -> Names:
    """The name of a run: what its first line that is no comment defines."""
    for index in range(first, last):
        line = text[slice(*lines[index])]
        match = head.match(line)
        if match:
            name = " ".join(" ".join(filter(None, match.groups())).split())
            return (name[:LONGEST_NAME],) if name else ()
        if line.strip() and not _is_comment(line):
            break
    return ()
