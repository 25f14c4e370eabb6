"""Hangul documents (hwpx, OWPML): headings by their outline, paragraphs, tables, notes.

Notes, comments and boxes follow the paragraph that they belong to; headers and footers come last,
each once.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part, gathered
from searchapp.extract.office.common import furniture, iso_date, manuscript, real_title
from searchapp.extract.office.ooxml import Package, attribute, child_of, incomplete, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from searchapp.types.documents import Document

_CHARACTERS = {"tab": "\t", "lineBreak": "\n", "nbSpace": " ", "fwSpace": " ", "hyphen": "-"}
_EDGES = frozenset({"header", "footer"})
_FACTS = {
    "creator": "author",
    "subject": "subject",
    "keyword": "tags",
    "description": "description",
}
_LEVELS = 9


def read(data: bytes, document_type: str) -> Document:
    """A Hangul document by headings, paragraphs and rows of tables."""
    package = Package(data)
    manifest = package.content("META-INF/manifest.xml") or b""
    if b"encryption-data" in manifest:
        raise FileFailed("encrypted: needs a password")
    index = package.side("Contents/content.hpf")
    walk = _HwpxReader(_levels(package.side("Contents/header.xml")))
    sections = _sections(package, index)
    if not sections:
        raise FileFailed("not a readable Hangul document: it has no text part")
    cut: list[str] = []
    parts = gathered(
        (
            part
            for root in map(package.listed, sections)
            if root is not None
            for part in walk.blocks(root)
        ),
        cut,
    )
    title, metadata = _properties(index)
    remark = incomplete(package, cut)
    if remark and not any(part.text for part in parts):
        raise FileFailed(f"not a readable Hangul document: {remark['incomplete']}")
    metadata |= remark
    return manuscript(
        parts, furniture(walk.edges), document_type, titles=(title,), metadata=metadata
    )


class _HwpxReader:
    """One way through a document."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        self.edges: list[Part] = []  # headers and footers so far
        self._levels = levels

    def blocks(self, element: Any) -> Iterator[Part]:
        """The parts of the paragraphs in an element."""
        for paragraph in element:
            if name_of(paragraph) == "p":
                yield from self._paragraph(paragraph)

    def _paragraph(self, paragraph: Any) -> Iterator[Part]:
        pieces: list[str] = []
        beside: list[Part] = []
        for run in paragraph:
            if name_of(run) == "run":
                for child in run:
                    self._take(child, pieces, beside)
        text = "\n".join(line.strip() for line in "".join(pieces).strip().split("\n"))
        level = self._levels.get(paragraph.get("paraPrIDRef", ""), 0)
        yield Part("heading", " ".join(text.split()), level) if level else Part("prose", text)
        yield from beside

    def _take(self, element: Any, pieces: list[str], beside: list[Part]) -> None:
        """The text of an element in a run; what stands apart goes to `beside`."""
        name = name_of(element)
        if name == "t":
            _gather(element, pieces)
        elif name in _CHARACTERS:
            pieces.append(_CHARACTERS[name])
        elif name == "tbl":
            beside.extend(self._table(element))
        elif name in _EDGES:
            self.edges.extend(part for inner in element for part in self.blocks(inner))
        elif name == "subList":
            beside.extend(self.blocks(element))
        elif name == "script":
            pieces.append(f" {element.text or ''} ")
        elif name not in {"secPr", "parameters"}:
            for child in element:
                self._take(child, pieces, beside)

    def _table(self, table: Any) -> Iterator[Part]:
        rows = [row for row in table if name_of(row) == "tr"]
        cells = [[cell for cell in row if name_of(cell) == "tc"] for row in rows]
        if all(len(row) <= 1 for row in cells):
            for row in cells:
                for cell in row:
                    yield from self._cell_parts(cell)
            return
        for row in cells:
            texts = [
                " ".join(" ".join(part.text.split()) for part in self._cell_parts(cell)).strip()
                for cell in row
            ]
            if any(texts):
                yield Part("table", " | ".join(texts), is_tight=True)

    def _cell_parts(self, cell: Any) -> list[Part]:
        return [
            part for child in cell if name_of(child) == "subList" for part in self.blocks(child)
        ]


def _gather(element: Any, pieces: list[str]) -> None:
    pieces.append(element.text or "")
    for child in element:
        pieces += [_CHARACTERS.get(name_of(child), ""), child.tail or ""]


def _sections(package: Package, index: Any) -> list[str]:
    """The parts with text, in order."""
    listed = (
        {}
        if index is None
        else {attribute(item, "id"): attribute(item, "href") for item in index.iter("{*}item")}
    )
    order = (
        []
        if index is None
        else [attribute(reference, "idref") for reference in index.iter("{*}itemref")]
    )
    names = [listed.get(item_id, "") for item_id in order]
    sections = [name for name in names if posixpath.basename(name).startswith("section")]
    return [name if "/" in name else f"Contents/{name}" for name in sections] or sorted(
        (name for name in package.names() if name.startswith("Contents/section")),
        key=lambda name: (len(name), name),
    )


def _levels(header: Any) -> dict[str, int]:
    """The heading level of each form of paragraph that is in the outline."""
    levels = {}
    for form in () if header is None else header.iter("{*}paraPr"):
        heading = child_of(form, "heading")
        level = "" if heading is None else attribute(heading, "level")
        if heading is not None and attribute(heading, "type") == "OUTLINE" and level.isdecimal():
            levels[attribute(form, "id")] = min(int(level[:3]), _LEVELS - 1) + 1
    return levels


def _properties(index: Any) -> tuple[str, dict[str, str]]:
    metadata = None if index is None else child_of(index, "metadata")
    if metadata is None:
        return "", {}
    values = {attribute(child, "name"): (child.text or "").strip() for child in metadata}
    title, language = child_of(metadata, "title"), child_of(metadata, "language")
    facts = {name: values.get(key, "") for key, name in _FACTS.items()}
    facts["language"] = "" if language is None else language.text or ""
    facts["date"] = iso_date(values.get("CreatedDate", "")) or iso_date(
        values.get("ModifiedDate", "")
    )
    return real_title("" if title is None else title.text or ""), facts
