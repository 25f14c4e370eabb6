"""Tables in the language of tbl: its options and formats passed over, its rows as cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from searchapp.extract.roff.page import Page

_TAB = re.compile(r"\btab\s*\((.)\)", re.IGNORECASE)
_RULE = re.compile(r"(?:\\?[_=]|\\\^|\\R.)?$")
_MAX_TEXT_BLOCK = 2000  # lines


def read_table(lines: Iterable[str], page: Page, shown: Callable[[str], str]) -> None:
    """Write the rows of a table to a page; `shown` undoes the escapes of a cell."""
    source = iter(lines)
    first = next(source, "")
    tab = "\t"
    if first.rstrip().endswith(";"):
        if match := _TAB.search(first):
            tab = match[1]
        first = next(source, "")
    if not first.rstrip().endswith("."):
        _skip_format(source)
    for line in source:
        if re.match(r"[.'][ \t]*T&", line):
            _skip_format(source)
        elif re.match(r"[.'][ \t]*[A-Za-z\\]", line):
            continue
        else:
            cells = list(_cells(line, source, tab))
            if not all(_RULE.match(cell.strip()) for cell in cells):
                page.add_row(["" if _RULE.match(cell.strip()) else shown(cell) for cell in cells])


def _skip_format(source: Iterator[str]) -> None:
    for line in source:
        if line.rstrip().endswith("."):
            return


def _cells(line: str, source: Iterator[str], tab: str) -> Iterator[str]:
    """The cells of a row; a text block goes on over the lines up to its end."""
    cells = line.split(tab)[::-1]
    while cells:
        cell = cells.pop()
        if cells or cell.rstrip() != "T{":
            yield cell
            continue
        block: list[str] = []
        rest = ""
        for inner in source:
            if inner.startswith("T}"):
                rest = inner[2:]
                break
            if len(block) < _MAX_TEXT_BLOCK:
                block.append(inner)
        yield "\n".join(block)
        cells = rest.split(tab)[:0:-1]
