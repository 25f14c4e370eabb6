"""The running text of OpenDocument elements: paragraphs, with what stands beside them.

Spaces collapse as the format says. What is no running text (notes, comments, shapes) goes to
`asides`, for `odf` to read after the paragraph.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from searchapp.extract.office.odf_styles import attribute, number_of
from searchapp.extract.office.ooxml import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator


_MAX_SPACES = 100  # that one element may stand for
_SPACE = "\0"  # a space that counts, until the others are collapsed: no XML text holds it
_MARKS = {"s": _SPACE, "tab": "\t", "line-break": "\n"}
_SHOWN_NUMBER = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}number"
UNSEEN = frozenset(
    str.split(
        "tracked-changes forms script page-thumbnail table-of-content illustration-index "
        "table-index object-index user-index alphabetical-index"
    )
)
SHAPES = frozenset(
    str.split(
        "frame g custom-shape rect line polyline polygon regular-polygon path circle ellipse "
        "connector caption measure"
    )
)


def plain_text(element: Any) -> str:
    """An element's text on one line, "" where there is no element."""
    return "" if element is None else " ".join("".join(element.itertext()).split())


def table_rows(table: Any) -> Iterator[list[Any]]:
    """The cells of each row, without those that another one covers; repeated rows and cells come
    once.
    """
    for element in table.iterchildren("*"):
        if name_of(element) == "table-row":
            yield list(element.iterchildren("{*}table-cell"))
        elif name_of(element) in {"table-header-rows", "table-rows", "table-row-group"}:
            yield from table_rows(element)


def inline_text(paragraph: Any, asides: list[Any]) -> str:
    """A paragraph's text; what stands beside it goes to `asides`."""
    pieces: list[str] = []
    _gather(paragraph, pieces, asides)
    return re.sub(" +", " ", "".join(pieces)).replace(_SPACE, " ").rstrip()


def _gather(element: Any, pieces: list[str], asides: list[Any]) -> None:
    pieces.append(_collapsed(element.text))
    for child in element:
        name = name_of(child)
        if name in SHAPES or name in {"note", "annotation"}:
            asides.append(child)
        elif child.tag == _SHOWN_NUMBER:
            pass  # which stands before the paragraph
        elif name in _MARKS:
            pieces.append(_MARKS[name] * _repeats(child))
        elif name == "ruby-text":
            pieces.append(f" ({plain_text(child)})")
        elif name and name not in UNSEEN:
            _gather(child, pieces, asides)
        pieces.append(_collapsed(child.tail))


def _repeats(element: Any) -> int:
    return min(number_of(attribute(element, "text:c")), _MAX_SPACES)


def _collapsed(text: str | None) -> str:
    return re.sub("[ \t\r\n]+", " ", text or "")
