"""OpenDocument texts, presentations and drawings (odt, odp, odg): content.xml in reading order,
with what styles.xml and meta.xml add.

Elements are found by their local names, and unknown ones are walked through, so that text in them
is not lost. Left out are deleted text that a document keeps for its history, and the lists of
contents, figures and words that the program made itself.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part, gathered, in_time, with_unread
from searchapp.extract.mathml import formula_text
from searchapp.extract.office.common import furniture, iso_date, manuscript, real_title
from searchapp.extract.office.embedded import opendocument_members
from searchapp.extract.office.odf_lists import OdfNumbers
from searchapp.extract.office.odf_objects import drop_deleted, place_formulas
from searchapp.extract.office.odf_places import corner, role_of
from searchapp.extract.office.odf_styles import OdfStyles, attribute, number_of
from searchapp.extract.office.odf_text import (
    SHAPES,
    UNSEEN,
    inline_text,
    plain_text,
    table_rows,
)
from searchapp.extract.office.ooxml import name_of, parsed
from searchapp.extract.office.pptx import in_reading_order, slide_document
from searchapp.extract.office.zip_package import checked_package, member_bytes
from searchapp.types.documents import Document

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterable, Iterator

    from searchapp.extract.members import Allowance, Member
    from searchapp.types.documents import Place

_MAX_LEVEL = 10
_FURNITURE = frozenset({"header", "footer", "date-time"})  # the same on all slides
_NUMBER_OR_IMAGE = frozenset({"page-number", "page", "handout"})


def read(data: bytes, document_type: str) -> Document:
    """A text by headings, paragraphs, lists and tables, its page headers and footers last; other
    documents page by page.
    """
    package = checked_package(data)
    _refuse_encrypted(package)
    content = _Content(package)
    metadata = _metadata(_optional(package, "meta.xml"))
    declared = metadata.pop("title")
    cut: list[str] = []
    if document_type == "odt":
        parts = gathered(content.text(), cut)
        edges = [] if cut else content.page_furniture()
        titles = (declared, content.title)
        document = manuscript(parts, edges, document_type, titles=titles, metadata=metadata)
        return with_unread(document, cut)
    pages: list[list[Part]] = []
    with in_time(cut):
        for number, page in enumerate(content.pages(), 1):
            pages.append([])
            pages[-1].extend(content.page(page, number, document_type))
    metadata["incomplete"] = "; ".join(cut)
    first = next((part.text for part in pages[0] if part.kind == "heading"), "") if pages else ""
    return slide_document(pages, document_type, title=declared or first, metadata=metadata)


def members(data: bytes, document_type: str, name: str, allowance: Allowance) -> Iterator[Member]:  # noqa: ARG001 - as all readers
    """The objects of other programs embedded in a document."""
    return opendocument_members(data)


def _refuse_encrypted(package: zipfile.ZipFile) -> None:
    manifest = _optional(package, "META-INF/manifest.xml")
    if manifest is not None and next(manifest.iter("{*}encryption-data"), None) is not None:
        raise FileFailed("encrypted: needs a password")


def _optional(package: zipfile.ZipFile, name: str) -> Any:
    """The root of a member that can be done without, None where it cannot be read."""
    try:
        return parsed(member_bytes(package, name))
    except (KeyError, FileFailed):
        return None


def _metadata(root: Any) -> dict[str, str]:
    """The title and the metadata in meta.xml; the author is who wrote first, else who
    wrote last.
    """
    values: dict[str, list[str]] = {}
    for element in root.iterfind("{*}meta/*") if root is not None else ():
        values.setdefault(name_of(element), []).append((element.text or "").strip())
    facts = {name: joined(texts) for name, texts in values.items()}
    keywords = [word for text in values.get("keyword", []) for word in re.split("[;,]", text)]
    return {
        "title": real_title(facts.get("title", "")),
        "author": facts.get("initial-creator") or facts.get("creator", ""),
        "date": iso_date(facts.get("creation-date", "")) or iso_date(facts.get("date", "")),
        "language": facts.get("language", ""),
        "subject": facts.get("subject", ""),
        "tags": joined(keywords),
        "description": "\n".join(values.get("description", [])),
    }


def joined(values: Iterable[str]) -> str:
    """Several values as metadata hold them: each once, "; " between them."""
    return "; ".join(dict.fromkeys(filter(None, (" ".join(value.split()) for value in values))))


# ---- the content ---------------------------------------------------------------------------------


class _Content:
    """The content of a document, walked part by part; `title` is its paragraph of style Title, once
    `text` has come past it.
    """

    def __init__(self, package: zipfile.ZipFile) -> None:
        try:
            self._root = parsed(member_bytes(package, "content.xml"))
        except KeyError as error:
            raise FileFailed("not a readable OpenDocument file: it has no content.xml") from error
        self._package = package
        self._common = _optional(package, "styles.xml")
        roots = [root for root in (self._common, self._root) if root is not None]
        for root in roots:
            place_formulas(root, self._object_root)
            drop_deleted(root)
        self._styles = OdfStyles(*roots)
        self._numbers = OdfNumbers(self._styles, *roots)
        self._objects: set[str] = set()
        self._furniture: set[str] = set()  # texts of footers so far
        self.title = ""

    def text(self) -> Iterator[Part]:
        """The parts of a text, in reading order; of a chart or formula that is a file itself."""
        if name_of(self._root) == "math":
            yield Part("prose", formula_text(self._root))
        for body in self._root.iterfind("{*}body/*"):
            yield from self._chart(body) if name_of(body) == "chart" else self._flow(body)

    def page_furniture(self) -> list[Part]:
        """The headers and footers of all kinds of pages."""
        pages = (
            self._common.iterfind("{*}master-styles/{*}master-page")
            if self._common is not None
            else ()
        )
        elements = [
            child
            for page in pages
            for child in page.iterchildren("*")
            if re.match("(header|footer)", name_of(child))
        ]
        return furniture([part for element in elements for part in self._flow(element)])

    def pages(self) -> list[Any]:
        """The slides of a presentation or the pages of a drawing."""
        return [
            *self._root.iterfind("{*}body/{*}presentation/{*}page"),
            *self._root.iterfind("{*}body/{*}drawing/{*}page"),
        ]

    def page(self, page: Any, number: int, document_type: str) -> Iterator[Part]:
        """A page's parts: the title, other placeholders as they come, free shapes by where they
        stand, notes, comments.
        """
        place: Place = (("slide" if document_type == "odp" else "page", number),)
        for part in (
            *self._shapes(page),
            *self._footer(page),
            *self._notes(page),
            *self._comments(page),
        ):
            yield replace(part, place=place)

    # ---- slides and drawings ---------------------------------------------------------------------

    def _shapes(self, page: Any) -> Iterator[Part]:
        shapes = [shape for shape in page.iterchildren("*") if name_of(shape) in SHAPES | {"a"}]
        placeholders = [shape for shape in shapes if role_of(shape)]
        title = next(
            (
                shape
                for shape in placeholders
                if role_of(shape) == "title" and _all_text(self._shape(shape))
            ),
            None,
        )
        if title is not None:
            yield Part("heading", _all_text(self._shape(title)), level=1)
        free = in_reading_order((shape for shape in shapes if not role_of(shape)), corner)
        for shape in (*placeholders, *free):
            if (
                shape is not title
                and role_of(shape) not in _NUMBER_OR_IMAGE
                and attribute(shape, "presentation:placeholder") != "true"
            ):
                yield from self._once(
                    list(self._shape(shape)), repeated=role_of(shape) in _FURNITURE
                )

    def _once(self, parts: list[Part], *, repeated: bool) -> list[Part]:
        """The parts, none where they are of a footer that has been before."""
        text = _all_text(parts)
        is_known = repeated and text in self._furniture
        if repeated:
            self._furniture.add(text)
        return [] if is_known else parts

    def _footer(self, page: Any) -> list[Part]:
        name = attribute(page, "presentation:use-footer-name")
        declared = page.getparent().iterfind("{*}footer-decl") if name else ()
        text = next(
            (
                plain_text(declaration)
                for declaration in declared
                if attribute(declaration, "presentation:name") == name
            ),
            "",
        )
        return self._once([Part("prose", text)], repeated=True)

    def _notes(self, page: Any) -> Iterator[Part]:
        for notes in page.iterfind("{*}notes"):
            for shape in notes.iterchildren("*"):
                if (
                    role_of(shape) not in _NUMBER_OR_IMAGE | _FURNITURE
                    and attribute(shape, "presentation:placeholder") != "true"
                ):
                    yield from self._block(shape)

    def _comments(self, page: Any) -> Iterator[Part]:
        for annotation in page.iterfind("{*}annotation"):
            yield from self._block(annotation)

    # ---- blocks ----------------------------------------------------------------------------------

    def _flow(self, container: Any) -> Iterator[Part]:
        for element in container.iterchildren("*"):
            yield from self._block(element)

    def _block(self, element: Any) -> Iterator[Part]:
        name = name_of(element)
        if name in {"p", "h"}:
            yield from self._paragraph(element)
        elif name == "list":
            yield from self._list(element)
        elif name == "numbered-paragraph":
            yield from self._numbered_paragraph(element)
        elif name == "table":
            yield from self._table(element)
        elif name in SHAPES:
            yield from self._shape(element)
        elif name == "annotation":
            yield _comment(element)
        elif name == "note":
            yield from (
                part for body in element.iterfind("{*}note-body") for part in self._flow(body)
            )
        elif name not in UNSEEN:
            yield from self._flow(element)

    def _paragraph(self, paragraph: Any, label: str | None = None) -> Iterator[Part]:
        """A paragraph or heading; `label` is its number, None where no list has given it one."""
        asides: list[Any] = []
        text = inline_text(paragraph, asides)
        if name_of(paragraph) == "h":
            level = max(1, min(number_of(attribute(paragraph, "text:outline-level")), _MAX_LEVEL))
            if label is None:
                label = self._numbers.heading(paragraph, level)
            text = " ".join(text.split())
            yield Part("heading", f"{label} {text}".strip() if text else "", level=level)
        elif text.strip() and not self.title and self._styles.is_like(paragraph, "Title"):
            self.title = " ".join(text.split())
            yield Part("heading", self.title, level=1)
        elif self._styles.is_like(paragraph, "Preformatted_20_Text"):
            yield Part("code", text, is_tight=True)
        else:
            yield Part("prose", text)
        yield from self._asides(asides)

    def _asides(self, asides: list[Any]) -> Iterator[Part]:
        """What stands beside the running text: footnotes, comments, pictures, text boxes."""
        for aside in asides:
            yield from self._block(aside)

    def _list(self, element: Any) -> Iterator[Part]:
        """A list, or the headings and the lists between them: numbered headings are written so."""
        asides: list[Any] = []
        lines: list[tuple[str, str]] = []
        for mark, child in self._items(element, self._numbers.key_of(element), "", 1):
            if name_of(child) == "p":
                if text := inline_text(child, asides).strip():
                    lines.append((mark, text))
            elif name_of(child) == "h":
                yield from self._listed(lines, asides)
                asides, lines = [], []
                yield from self._paragraph(child, mark.rstrip(" -"))
            else:
                asides.append(child)
        yield from self._listed(lines, asides)

    def _listed(self, lines: list[tuple[str, str]], asides: list[Any]) -> Iterator[Part]:
        if any(mark for mark, _ in lines):
            yield Part("list", "\n".join(mark + text for mark, text in lines))
        else:
            yield from (Part("prose", text) for _, text in lines)
        yield from self._asides(asides)

    def _items(self, element: Any, key: str, style: str, level: int) -> Iterator[tuple[str, Any]]:
        """Mark and element of all that a list holds, what is in lists within it after the item that
        holds them; only the first paragraph of an item has a mark.
        """
        style = attribute(element, "text:style-name") or style
        for item in element.iterchildren("*"):
            is_first = name_of(item) == "list-item"
            for child in item.iterchildren("*"):
                name = name_of(child)
                if name == "list":
                    yield from self._items(child, key, style, level + 1)
                    continue
                mark = ""
                if is_first and name in {"p", "h"}:
                    used = style or self._styles.list_style(child) or ""
                    mark = self._numbers.item(key, used, level, item)
                    is_first = False
                if name != "number":
                    yield f"{mark} " if mark else "", child

    def _numbered_paragraph(self, element: Any) -> Iterator[Part]:
        style = attribute(element, "text:style-name")
        key = attribute(element, "text:list-id") or style
        level = number_of(attribute(element, "text:level"))
        mark = self._numbers.item(key, style, level, element)
        for child in element.iterchildren("{*}p", "{*}h"):
            for part in self._paragraph(child, mark.rstrip("-")):
                is_item = part.kind == "prose" and bool(part.text.strip()) and bool(mark)
                yield replace(part, kind="list", text=f"{mark} {part.text}") if is_item else part
                mark = ""

    def _table(self, table: Any) -> Iterator[Part]:
        """A table, a line a row, tables within it after it; one with headings only arranges the
        page.
        """
        if next(table.iter("{*}h"), None) is not None:
            yield from (
                part for row in table_rows(table) for cell in row for part in self._flow(cell)
            )
            return
        asides: list[Any] = []
        rows = [[self._cell(cell, asides) for cell in row] for row in table_rows(table)]
        yield Part("table", "\n".join(" | ".join(row) for row in rows if any(row)))
        yield from self._asides(asides)

    def _cell(self, cell: Any, asides: list[Any]) -> str:
        """A cell's paragraphs and lists on one line; all else goes to `asides`."""
        texts: list[str] = []
        for element in cell.iterchildren("*"):
            name = name_of(element)
            if name == "p":
                texts.append(inline_text(element, asides))
            elif name == "list":
                for mark, child in self._items(element, self._numbers.key_of(element), "", 1):
                    if name_of(child) == "p":
                        texts.append(mark.removeprefix("- ") + inline_text(child, asides))
                    else:
                        asides.append(child)
            elif name in {"section", "numbered-paragraph"}:
                texts.append(self._cell(element, asides))
            else:
                asides.append(element)
        return " ".join(" ".join(texts).split())

    def _shape(self, shape: Any) -> Iterator[Part]:
        """A shape's text, its chart, and what describes it to those who cannot see it; the shapes
        of a group in reading order.
        """
        children = list(shape.iterchildren("*"))
        if name_of(shape) == "g":
            children = in_reading_order(children, corner)
        for child in children:
            if name_of(child) == "object":
                yield from self._object(child)
            elif name_of(child) not in {"title", "desc"}:
                yield from self._block(child)
        for name in ("title", "desc"):
            yield Part("prose", plain_text(shape.find(f"{{*}}{name}")))

    def _object(self, element: Any) -> Iterator[Part]:
        """What an object shows: a chart, or the text of another document."""
        root = element.find("{*}document")  # of a flat file
        if root is None:
            reference = attribute(element, "xlink:href")
            if reference in self._objects:
                return
            self._objects.add(reference)
            root = self._object_root(reference)
        bodies = root.iterfind("{*}body/*") if root is not None else ()
        for body in bodies:
            yield from self._chart(body) if name_of(body) == "chart" else self._flow(body)

    def _object_root(self, reference: str) -> Any:
        return _optional(
            self._package, posixpath.normpath(posixpath.join(reference, "content.xml"))
        )

    def _chart(self, body: Any) -> Iterator[Part]:
        """A chart's titles, then a line of the names of its series and one of its categories."""
        titles = (_all_text(self._flow(title)) for title in body.iter("{*}title", "{*}subtitle"))
        yield Part("prose", "\n".join(filter(None, titles)))
        rows = [
            [self._cell(cell, []) for cell in row]
            for table in body.iter("{*}table")
            for row in table_rows(table)
        ]
        labels = (rows[0] if rows else [], [row[0] for row in rows[1:] if row])
        yield Part("table", "\n".join(" | ".join(filter(None, names)) for names in labels))


def _all_text(parts: Iterator[Part] | list[Part]) -> str:
    """The text of parts on one line."""
    return " ".join(" ".join(part.text for part in parts).split())


def _comment(annotation: Any) -> Part:
    author = plain_text(annotation.find("{*}creator"))
    paragraphs = (inline_text(paragraph, []).strip() for paragraph in annotation.iter("{*}p"))
    text = "\n".join(filter(None, paragraphs))
    return Part("prose", f"{author}: {text}" if author and text else text)
