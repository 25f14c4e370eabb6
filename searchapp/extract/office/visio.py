"""Visio drawings (vsdx): each page's name, the texts of its shapes, and comments."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part, with_unread
from searchapp.extract.office.ooxml import (
    Package,
    attribute,
    child_of,
    incomplete,
    name_of,
    properties,
)
from searchapp.extract.office.pptx import in_reading_order, slide_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from searchapp.types.documents import Document

_MM = 25.4  # in an inch, the unit of all places
_MAX_DEPTH = 60  # groups in groups


def read(data: bytes, document_type: str) -> Document:
    """A drawing page by page; a page's name is a heading where there are several."""
    package = Package(data)
    main = next(iter(package.related("", "document")), "visio/document.xml")
    index = next(iter(package.related(main, "pages")), "visio/pages/pages.xml")
    root = package.xml(index)
    if root is None:
        raise FileFailed("not a readable drawing: it has no pages")
    listed = [page for page in root if name_of(page) == "Page"]
    title, metadata = properties(package)
    pages = chain(
        _pages(package, index, listed),
        (list(_comments(package, name)) for name in package.related(main, "comments")),
    )
    document = slide_document(pages, document_type, title=title, metadata=metadata)
    reasons = incomplete(package).values()
    if reasons and not document.blocks:
        raise FileFailed(f"not a readable drawing: {next(iter(reasons))}")
    return with_unread(document, reasons)


def _pages(package: Package, index: str, listed: list[Any]) -> Iterator[list[Part]]:
    """The parts of each page, in order."""
    for number, page in enumerate(listed, 1):
        parts = list(_page_parts(package, index, page))
        if any(part.text.strip() for part in parts) and len(listed) > 1:
            parts.insert(0, Part("heading", attribute(page, "Name"), level=1))
        yield [replace(part, place=(("page", number),)) for part in parts]


def _page_parts(package: Package, index: str, page: Any) -> Iterator[Part]:
    relation = child_of(page, "Rel")
    target = package.relations(index).get("" if relation is None else attribute(relation, "id"))
    root = package.listed(target.target if target else f"page {attribute(page, 'Name')}")
    shapes = None if root is None else child_of(root, "Shapes")
    if shapes is not None:
        yield from _shape_parts(shapes, 0)


def _shape_parts(shapes: Any, depth: int) -> Iterator[Part]:
    """The texts of shapes from the top down, each before those grouped in it."""
    siblings = [child for child in shapes if name_of(child) == "Shape"]
    for shape in in_reading_order(siblings, _corner):
        text = child_of(shape, "Text")
        if text is not None:
            lines = "".join(text.itertext()).replace("\u2028", "\n").split("\n")
            yield Part("prose", "\n".join(line.strip() for line in lines).strip())
        inner = child_of(shape, "Shapes")
        if inner is not None and depth < _MAX_DEPTH:
            yield from _shape_parts(inner, depth + 1)


def _corner(shape: Any) -> tuple[float, float]:
    """Top, counted from the top of the page, and left in mm."""
    cells = {
        attribute(cell, "N"): attribute(cell, "V") for cell in shape if name_of(cell) == "Cell"
    }
    return -_mm(cells.get("PinY")), _mm(cells.get("PinX"))


def _mm(inches: str | None) -> float:
    try:
        place = float(inches or 0) * _MM
    except ValueError:
        return 0.0
    return place if abs(place) < 1e9 else 0.0


def _comments(package: Package, name: str) -> Iterator[Part]:
    root = package.side(name)
    for comment in () if root is None else root.iter("{*}CommentEntry"):
        yield Part("prose", "".join(comment.itertext()).strip())
