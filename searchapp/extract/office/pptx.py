"""PowerPoint presentations (pptx): each slide's title, text, tables, charts, diagrams, pictures'
descriptions, notes and comments.

The package is read as XML, so that a picture or a style that no library accepts cannot hide the
text beside it. Elements are found by their local names: the strict and the transitional form of the
format differ only in namespaces. Each part of the package is read once, however often it is
referred to. The order of free shapes and the document that slides make serve OpenDocument too.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from searchapp.errors import FileFailed
from searchapp.extract.builder import NO_HEADING, Part, document_of, in_time
from searchapp.extract.office.drawings import (
    chart_parts,
    descriptions,
    diagram_parts,
    paragraph_text,
    paragraphs_text,
)
from searchapp.extract.office.embedded import package_members
from searchapp.extract.office.ooxml import Package, Relation, incomplete, name_of, properties
from searchapp.extract.office.pptx_lists import text_parts
from searchapp.types.documents import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from searchapp.extract.members import Allowance, Member
    from searchapp.types.documents import Place

_T = TypeVar("_T")

_UNITS_PER_MM = 36_000
_ROW_MM = 6.0  # shapes whose tops differ by less stand side by side
_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"dt", "ftr", "hdr"})  # the same on all slides
_NUMBER_OR_IMAGE = frozenset({"sldNum", "sldImg"})


def read(data: bytes, document_type: str) -> Document:
    """A presentation, slide by slide in the order of the show, hidden ones too; notes and comments
    follow their slide.

    The title is that of the first slide, else the one in the properties, which often is that of an
    older presentation. What is broken is named in `metadata["incomplete"]`.
    """
    package = Package(data)
    deck = _Deck(package)
    slides: list[list[Part]] = []
    failures: list[FileFailed] = []
    cut: list[str] = []
    with in_time(cut):
        for number, name in enumerate(deck.slide_names(), 1):
            slides.append([])
            try:
                slides[-1].extend(deck.slide(name, number))
            except FileFailed as error:
                failures.append(error)
    if failures and not any(slides):
        raise failures[0]
    declared, metadata = properties(package)
    metadata |= incomplete(package, [*map(str, failures), *cut])
    first = next((part.text for part in slides[0] if part.kind == "heading"), "") if slides else ""
    return slide_document(slides, document_type, title=first or declared, metadata=metadata)


def members(data: bytes, document_type: str, name: str, allowance: Allowance) -> Iterator[Member]:  # noqa: ARG001 - as all readers
    """The workbooks, documents and other files embedded in a presentation."""
    return package_members(data)


def in_reading_order(shapes: Iterable[_T], corner: Callable[[_T], tuple[float, float]]) -> list[_T]:
    """Shapes row by row and each row from the left, by the (top, left) in mm that
    `corner` gives.
    """
    rows: list[list[tuple[float, _T]]] = []
    row_top = float("-inf")
    for top, left, shape in sorted(
        ((*corner(shape), shape) for shape in shapes), key=lambda placed: placed[0]
    ):
        if top - row_top > _ROW_MM or not rows:
            rows.append([])
            row_top = top
        rows[-1].append((left, shape))
    return [shape for row in rows for _, shape in sorted(row, key=lambda placed: placed[0])]


def slide_document(
    slides: Iterable[Sequence[Part]], document_type: str, *, title: str, metadata: Mapping[str, str]
) -> Document:
    """The document that slides or pages make; none is under the heading of another."""
    parts = (part for slide in slides for part in (NO_HEADING, *slide))
    return document_of(parts, document_type, title=title, metadata=metadata)


# ---- the package ---------------------------------------------------------------------------------


class _Deck:
    """A presentation's package: its slides, what belongs to them, and what has been read of it."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._taken: set[str] = set()
        self._furniture: set[str] = set()  # texts of footers so far
        self._main = next(iter(package.related("", "officeDocument")), "ppt/presentation.xml")
        self._relations = self._relations_of(self._main)
        self._authors = self._comment_authors()

    def slide_names(self) -> Iterator[str]:
        """The slides' members in the order of the show. Raises FileFailed where the presentation
        itself is missing or broken.
        """
        root = self._take(self._main)
        if root is None:
            raise FileFailed("not a readable presentation: it has no slides")
        for entry in root.iterfind("{*}sldIdLst/{*}sldId"):
            name = self._target(entry, "id", self._relations)
            if not name or name.lower() not in self._taken:
                yield name

    def slide(self, name: str, number: int) -> Iterator[Part]:
        """A slide's parts. Raises FileFailed where the slide is missing or broken."""
        try:
            root = self._take(name)
        except FileFailed as error:
            raise FileFailed(f"{error} (in slide {number})") from error
        if root is None:
            raise FileFailed(f"not a readable presentation: slide {number} is missing")
        place: Place = (("slide", number),)
        relations = self._relations_of(name)
        for part in (
            *self._content(root, relations),
            *self._notes(relations),
            *self._comments(relations),
        ):
            if part.text:
                yield replace(part, place=place)

    def _take(self, name: str) -> Any:
        """The root of a part, None where there is none or it was taken before."""
        if not name or name.lower() in self._taken:
            return None
        self._taken.add(name.lower())
        return self._package.xml(name)

    def _optional(self, name: str) -> Any:
        """The root of a part that the slides can do without, None where it cannot be read."""
        try:
            return self._take(name)
        except FileFailed as error:
            self._package.unread.append((name.rpartition("/")[2], error))
            return None

    def _relations_of(self, name: str) -> Mapping[str, Relation]:
        try:
            return self._package.relations(name)
        except FileFailed:
            return {}

    def _target(self, element: Any, key: str, relations: Mapping[str, Relation]) -> str:
        """The part that an element refers to in its attribute `key`, which has a namespace, unlike
        the element's own id.
        """
        named = next(
            (str(value) for name, value in element.attrib.items() if name.endswith("}" + key)), ""
        )
        return relations[named].target if named in relations else ""

    def _all(self, relations: Mapping[str, Relation], *kinds: str) -> Iterator[Any]:
        """The roots of all related parts of these kinds that can be read."""
        for relation in relations.values():
            if relation.kind in kinds and (root := self._optional(relation.target)) is not None:
                yield root

    def _comment_authors(self) -> dict[str, str]:
        roots = self._all(self._relations, "commentAuthors", "authors")
        return {
            author.get("id", ""): author.get("name", "")
            for root in roots
            for author in root.iterchildren("*")
        }

    # ---- what belongs to a slide -----------------------------------------------------------------

    def _content(self, root: Any, relations: Mapping[str, Relation]) -> Iterator[Part]:
        for fallback in list(root.iter("{*}Fallback")):
            if fallback.getparent().find("{*}Choice") is not None:
                fallback.getparent().remove(fallback)
        tree = root.find("{*}cSld/{*}spTree")
        has_title = False
        for shape in _shapes(tree) if tree is not None else ():
            role = _role(shape)
            parts = list(self._shape(shape, role, relations))
            text = " ".join(" ".join(part.text for part in parts).split())
            if role in _FURNITURE:
                parts = [] if text in self._furniture else parts
                self._furniture.add(text)
            if role in _TITLES and text and not has_title:
                has_title = True
                parts = [Part("heading", text, level=1)]
            yield from parts

    def _shape(
        self, shape: Any, role: str | None, relations: Mapping[str, Relation]
    ) -> Iterator[Part]:
        if role in _NUMBER_OR_IMAGE:
            return
        if (body := shape.find("{*}txBody")) is not None:
            yield from text_parts(body, listed=role in {"", "obj"})
        if name_of(shape) == "graphicFrame":
            for content in shape.iterfind("{*}graphic/{*}graphicData/*"):
                yield from self._graphic(content, relations)
        yield from _descriptions(shape)

    def _graphic(self, content: Any, relations: Mapping[str, Relation]) -> Iterator[Part]:
        name = name_of(content)
        if name == "tbl":
            yield _table(content)
        elif (
            name == "chart"
            and (root := self._optional(self._target(content, "id", relations))) is not None
        ):
            yield from chart_parts(root)
        elif (
            name == "relIds"
            and (root := self._optional(self._target(content, "dm", relations))) is not None
        ):
            yield from diagram_parts(root)

    def _notes(self, relations: Mapping[str, Relation]) -> Iterator[Part]:
        for root in self._all(relations, "notesSlide"):
            for shape in root.iter("{*}sp"):
                body = shape.find("{*}txBody")
                if body is not None and _role(shape) not in _NUMBER_OR_IMAGE | _FURNITURE:
                    yield from text_parts(body, listed=False)

    def _comments(self, relations: Mapping[str, Relation]) -> Iterator[Part]:
        for root in self._all(relations, "comments"):
            for comment in root.iter("{*}cm", "{*}reply"):
                text = (comment.findtext("{*}text") or "").strip()
                if (body := comment.find("{*}txBody")) is not None:
                    text = "\n".join(filter(None, map(paragraph_text, body.iterfind("{*}p"))))
                author = self._authors.get(comment.get("authorId", ""), "")
                if text:
                    yield Part("prose", f"{author}: {text}" if author else text)


# ---- shapes --------------------------------------------------------------------------------------


def _shapes(container: Any) -> Iterator[Any]:
    """The shapes of a slide: the title, other placeholders as they come, then free ones by where
    they stand; groups stay together.
    """
    shapes = [shape for shape in _children(container) if not _is_hidden(shape)]
    placeholders = sorted((shape for shape in shapes if _role(shape) is not None), key=_rank)
    for shape in (
        *placeholders,
        *in_reading_order((shape for shape in shapes if _role(shape) is None), _corner),
    ):
        yield shape
        if name_of(shape) == "grpSp":
            yield from _shapes(shape)


def _children(container: Any) -> Iterator[Any]:
    for child in container:
        if name_of(child) == "AlternateContent":
            for choice in child.iterfind("{*}Choice"):
                yield from choice.iterchildren("*")
        elif name_of(child) in {"sp", "grpSp", "graphicFrame", "pic", "cxnSp"}:
            yield child


def _rank(shape: Any) -> int:
    role = _role(shape)
    return 0 if role in _TITLES else 2 if role in _FURNITURE else 1


def _properties(shape: Any) -> Any:
    return next((child for child in shape if name_of(child).startswith("nv")), None)


def _role(shape: Any) -> str | None:
    """What the shape is a placeholder for ("title", "body"; "" for content of any kind), None where
    it is free.
    """
    properties = _properties(shape)
    placeholder = None if properties is None else properties.find("{*}nvPr/{*}ph")
    return None if placeholder is None else str(placeholder.get("type", ""))


def _is_hidden(shape: Any) -> bool:
    properties = _properties(shape)
    named = None if properties is None else properties.find("{*}cNvPr")
    return named is not None and named.get("hidden") in {"1", "true"}


def _corner(shape: Any) -> tuple[float, float]:
    """Top and left in mm; (0, 0) for a shape that does not say."""
    for path in ("{*}spPr/{*}xfrm/{*}off", "{*}grpSpPr/{*}xfrm/{*}off", "{*}xfrm/{*}off"):
        if (offset := shape.find(path)) is not None:
            return _mm(offset.get("y")), _mm(offset.get("x"))
    return 0.0, 0.0


def _mm(units: str | None) -> float:
    return _whole(units) / _UNITS_PER_MM


def _whole(number: str | None) -> int:
    return int(number) if number and re.fullmatch(r"-?\d{1,15}", number) else 0


def _descriptions(shape: Any) -> Iterator[Part]:
    properties = _properties(shape)
    named = None if properties is None else properties.find("{*}cNvPr")
    if named is not None:
        yield from (Part("prose", text) for text in descriptions(named))


def _table(table: Any) -> Part:
    """A table, a line a row; cells that another one covers are left out."""
    rows = [
        [
            paragraphs_text(cell)
            for cell in row.iterfind("{*}tc")
            if not {cell.get("hMerge"), cell.get("vMerge")} & {"1", "true"}
        ]
        for row in table.iterfind("{*}tr")
    ]
    return Part("table", "\n".join(" | ".join(row) for row in rows if any(row)))
