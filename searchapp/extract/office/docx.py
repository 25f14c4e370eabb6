"""Word documents (docx): all that their reader sees, from the XML itself, as no library gives text
boxes, notes, comments and headers along with the body.

Footnotes, endnotes, comments and text boxes follow the paragraph, or the row of a table, that they
belong to; headers and footers come last, each once, below no heading. Deleted and hidden text,
field codes and placeholders are left out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import chain, pairwise, zip_longest
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileError, FileFailed
from searchapp.extract.builder import Part, gathered
from searchapp.extract.detect import type_of
from searchapp.extract.office.common import furniture, manuscript
from searchapp.extract.office.docx_characters import choice, symbol
from searchapp.extract.office.docx_styles import OFF, DocxLists, DocxStyle, own_style, styles_of
from searchapp.extract.office.drawings import chart_parts, descriptions, diagram_parts
from searchapp.extract.office.embedded import package_members
from searchapp.extract.office.inserted import inserted_parts
from searchapp.extract.office.numbering import Numbering
from searchapp.extract.office.omml import omml_text
from searchapp.extract.office.ooxml import (
    Package,
    attribute,
    child_of,
    incomplete,
    name_of,
    properties,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from searchapp.extract.members import Allowance, Member
    from searchapp.types.documents import Document, Place

_CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_PROPERTIES = (
    "pPr",
    "rPr",
    "tblPr",
    "trPr",
    "tcPr",
    "sectPr",
    "sdtPr",
    "sdtEndPr",
    "smartTagPr",
    "customXmlPr",
    "ctrlPr",
)
_LEFT_OUT = frozenset(
    {*_PROPERTIES, "del", "moveFrom", "delText", "instrText", "delInstrText", "rt", "softHyphen"}
)
_NOTES = {
    "footnoteReference": "footnotes",
    "endnoteReference": "endnotes",
    "commentReference": "comments",
}
_WRAPPERS = frozenset(
    {
        *("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo"),
        *("sect", "sub-section", "pBdrGroup"),  # of Word 2003
    }
)
_SAYING = frozenset({"t", "chart", "relIds"})  # elements that say something
_SHAPES = frozenset({"shape", "rect", "roundrect", "oval", "group", "image"})  # of VML
_INNERMOST = 3  # documents inserted in documents
# where the letters of symbol fonts lie, which mean nothing without their font


def read(data: bytes, document_type: str) -> Document:
    """A Word document by headings, paragraphs, lists and rows of tables, with pages where Word
    itself counted them.
    """
    return document_in(Package(data), document_type)


def document_in(package: Package, document_type: str) -> Document:
    """The document in a package."""
    walk = _DocxReader(package)
    cut: list[str] = []
    parts = gathered(chain(walk.body(), walk.asides()), cut)
    apart = [] if cut else [*walk.unreferenced(), *furniture(list(walk.page_edges()))]
    title, metadata = properties(package)
    metadata |= incomplete(package, [*walk.unread, *cut])
    return manuscript(parts, apart, document_type, titles=(walk.title, title), metadata=metadata)


def members(data: bytes, document_type: str, name: str, allowance: Allowance) -> Iterator[Member]:  # noqa: ARG001 - as all readers
    """The workbooks, documents and other files embedded in a Word document."""
    return package_members(data)


class _DocxReader:
    """One way through a document's XML; it gathers what stands beside the text and gives it out at
    the next place fit for it.
    """

    def __init__(self, package: Package, depth: int = 0) -> None:
        self.title = ""
        self.unread: list[str] = []  # what could not be read, and why
        self._package = package
        self._depth = depth
        self._part = next(iter(package.related("", "officeDocument")), "word/document.xml")
        self._main = self._part  # the part under way is another one in notes and headers
        self._inserted: set[str] = set()  # each file is inserted once
        root = package.xml(self._main)
        self._body = None if root is None else child_of(root, "body")
        if self._body is None:
            raise FileFailed("not a readable Word document: it has no text part")
        self._styles = styles_of(package, self._main)
        self._lists = DocxLists(package, self._main, self._styles)
        self._numbering = Numbering(self._lists.use)
        # (kind, id): its part and element; each is taken out where it is first referred to
        self._notes = _notes(package, self._main)
        self._has_pages = depth == 0 and _has_pages(package, root)
        self._page = 1
        self._first_page = 1  # of the paragraph under way
        self._fields: list[bool] = []  # of each open field: whether its result has begun
        # beside the paragraph under way, with the part that each is in: elements that hold
        # paragraphs (text boxes, notes), and what there is to say of drawings
        self._beside: deque[tuple[str, Any]] = deque()
        self._is_beside = False  # whether the walk is in one of them
        self._cells = 0  # how many cells of tables the walk is in

    def body(self) -> Iterator[Part]:
        """The parts of the document's own text."""
        return self._blocks(self._body)

    def page_edges(self) -> Iterator[Part]:
        """All headers, then all footers."""
        for kind in ("header", "footer"):
            for name in self._package.related(self._main, kind):
                root = self._package.side(name)
                if root is not None:
                    self._part = name
                    yield from self._blocks(root)
                    yield from self.asides()

    def _blocks(self, element: Any) -> Iterator[Part]:
        """The parts that an element holds."""
        for name, child in _transparent(element):
            if name == "p":
                yield from self._paragraph(child)
            elif name == "tbl":
                yield from self._table(child)
            elif name == "altChunk":
                yield from self._inserted_file(child)

    def asides(self) -> Iterator[Part]:
        """What belongs beside the text so far."""
        if self._cells or self._is_beside:
            return
        self._is_beside = True
        outer = self._part
        while self._beside:
            self._part, aside = self._beside.popleft()
            if isinstance(aside, Part):
                yield replace(aside, place=self._place())
            else:
                yield from self._signed(aside)
        self._part = outer
        self._is_beside = False

    def unreferenced(self) -> Iterator[Part]:
        """The notes that no paragraph refers to."""
        self._has_pages = False
        self._beside.extend(self._notes.values())
        self._notes.clear()
        yield from self.asides()

    def _signed(self, element: Any) -> Iterator[Part]:
        """The parts of a text box or note; a comment begins with its author."""
        author = attribute(element, "author") if name_of(element) == "comment" else ""
        for part in self._blocks(element):
            yield (
                replace(part, kind="prose", level=0, text=f"{author}: {part.text}", is_tight=False)
                if author
                else part
            )
            author = ""

    def _place(self) -> Place:
        return (("page", self._first_page),) if self._has_pages else ()

    def _paragraph(self, paragraph: Any) -> Iterator[Part]:
        self._first_page = self._page
        pieces: list[str] = []
        self._gather(paragraph, pieces)
        text = "\n".join(line.strip() for line in "".join(pieces).strip().split("\n"))
        style, label = self._style(paragraph)
        if not text:
            pass
        elif style.level and not self._cells:
            text = " ".join(text.split())
            if style.is_title and not self.title:
                self.title = text
            yield Part("heading", f"{label} {text}".lstrip(), style.level, self._place())
        elif style.is_list:
            yield Part("list", f"{label or '-'} {text}", place=self._place(), is_tight=True)
        else:
            yield Part("prose", text, place=self._place())
        yield from self.asides()

    def _style(self, paragraph: Any) -> tuple[DocxStyle, str]:
        """What the paragraph is, by itself and by its style, and its number in its list."""
        direct = child_of(paragraph, "pPr")
        named = None if direct is None else child_of(direct, "pStyle")
        style_id = "" if named is None else attribute(named, "val")
        style = self._styles.get(style_id) or DocxStyle()
        if direct is not None:
            own = own_style(direct)
            style = DocxStyle(
                style.level if own.level is None else own.level,
                style.is_title,
                style.list_id if own.list_id is None else own.list_id,
                style.list_level
                if own.list_level is None and own.list_id is None
                else own.list_level,
                own.label,
            )
        return style, self._label(style, style_id) if style.is_list else ""

    def _label(self, style: DocxStyle, style_id: str) -> str:
        if style.label is not None:
            return style.label if any(map(str.isalnum, style.label)) else ""
        level = style.list_level
        if level is None:
            use = self._lists.use(style.list_id or "")
            levels = use.levels if use else {}
            level = next(
                (number for number in levels if style_id and levels[number].style == style_id), 0
            )
        return self._numbering.label(style.list_id or "", level)

    def _inserted_file(self, element: Any) -> Iterator[Part]:
        """The parts of a file that the document shows as its own text."""
        target = self._target(attribute(element, "id"))
        if target in self._inserted:
            return
        self._inserted.add(target)
        try:
            data = self._package.content(target) if target else None
            if data is None:
                raise FileFailed("it is missing")
            kind = type_of(data, target)
            if kind == "docx" and self._depth < _INNERMOST:
                package = Package(data)
                inner = _DocxReader(package, self._depth + 1)
                yield from (replace(part, place=self._place()) for part in inner.body())
                yield from inner.asides()
                self.unread += [*inner.unread, *(f"{name}: {why}" for name, why in package.unread)]
                return
            if kind == "docx":
                raise FileFailed("it is nested too deep")
            for part in inserted_parts(data, target, kind):
                yield replace(part, place=self._place())
        except FileError as error:
            self.unread.append(f"the inserted file {target.rpartition('/')[2]}: {error}")

    def _target(self, relation_id: str) -> str:
        """The part that the one under way refers to, "" where there is none."""
        relation = self._package.relations(self._part).get(relation_id)
        return "" if relation is None else relation.target

    def _table(self, table: Any) -> Iterator[Part]:
        """A part for each row; a table of one column only frames its content, which
        stays as it is.
        """
        rows = [
            [cell for name, cell in _transparent(row) if name == "tc"]
            for row_name, row in _transparent(table)
            if row_name == "tr" and child_of(row, "trPr", "del") is None
        ]
        if all(len(row) <= 1 for row in rows):
            for row in rows:
                for cell in row:
                    yield from self._blocks(cell)
            return
        for row in rows:
            cells = [self._cell(cell) for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                yield Part("table", " | ".join(cells), place=self._place(), is_tight=True)
            yield from self.asides()

    def _cell(self, cell: Any) -> str:
        """The text of a cell on one line, "" for one that a merged cell above or before
        it covers.
        """
        if _is_covered(cell):
            return ""
        self._cells += 1
        parts = list(self._blocks(cell))
        self._cells -= 1
        texts = [" ".join(part.text.removeprefix("- ").split()) for part in parts]
        ends = [
            "; " if part.kind == "table" == following.kind else " "
            for part, following in pairwise(parts)
        ]
        return "".join(text + end for text, end in zip_longest(texts, ends, fillvalue=""))

    def _gather(self, element: Any, pieces: list[str]) -> None:
        """The text in an element of a paragraph; what belongs beside it is kept for later."""
        for name, child in _transparent(element):
            if name == "t":
                self._add(child.text or "", pieces)
            elif name == "r":
                if not _is_hidden(child):
                    self._gather(child, pieces)
            elif name in _CHARACTERS:
                self._add(_CHARACTERS[name], pieces)
            elif name == "sym":
                self._add(symbol(child), pieces)
            elif name == "oMath":
                self._add(omml_text(child), pieces)
            elif name in {"drawing", "pict", "object"}:
                said = list(self._drawn(child))
                once = dict.fromkeys(said)  # a picture is described as itself and as a drawing
                self._beside.extend((self._part, aside) for aside in once)
            elif not self._marks(child, name, pieces) and not _is_hidden(child):
                self._gather(child, pieces)

    def _drawn(self, element: Any) -> Iterator[Any]:
        """What a drawing holds: descriptions, charts and diagrams as parts, the outermost text
        boxes as elements.
        """
        for name, child in _transparent(element):
            if name == "txbxContent":
                yield child
                continue
            if name == "textpath":  # letters drawn along a line
                yield Part("prose", attribute(child, "string"))
            if name in {"docPr", "cNvPr"} or (name in _SHAPES and attribute(child, "alt")):
                yield from (Part("prose", text) for text in descriptions(child))
            elif name in {"chart", "relIds"}:
                yield from self._graphic(child, name)
            yield from self._drawn(child)

    def _graphic(self, element: Any, name: str) -> Iterator[Part]:
        """A chart, or a diagram, which is in a part of its own."""
        try:
            root = self._package.xml(
                self._target(attribute(element, "dm" if name == "relIds" else "id"))
            )
        except FileError as error:
            self.unread.append(f"a {'chart' if name == 'chart' else 'diagram'}: {error}")
            return
        if root is not None:
            yield from chart_parts(root) if name == "chart" else diagram_parts(root)

    def _add(self, text: str, pieces: list[str]) -> None:
        if all(self._fields):
            pieces.append(text)

    def _marks(self, element: Any, name: str, pieces: list[str]) -> bool:
        """Heed an element that is no text itself; False for any other."""
        if name == "fldChar":
            self._add(choice(element), pieces)
            self._field(attribute(element, "fldCharType"))
        elif name == "lastRenderedPageBreak":
            self._page += 1
            if not any(map(str.strip, pieces)):
                self._first_page = self._page
        elif name in _NOTES:
            note = self._notes.pop((_NOTES[name], attribute(element, "id")), None)
            self._beside.extend([] if note is None else [note])
        else:
            return False
        return True

    def _field(self, mark: str) -> None:
        if mark == "begin":
            self._fields.append(False)
        elif self._fields and mark == "separate":
            self._fields[-1] = True
        elif self._fields and mark == "end":
            self._fields.pop()


def _transparent(element: Any) -> Iterator[tuple[str, Any]]:
    """An element's children with their names; what only wraps some of them (content controls,
    custom XML, alternatives) is looked through.
    """
    for child in element:
        name = name_of(child)
        if name in _WRAPPERS:
            if name != "sdt" or child_of(child, "sdtPr", "showingPlcHdr") is None:
                yield from _transparent(child)
        elif name == "AlternateContent":
            yield from _transparent(_alternative(child))
        elif name and name not in _LEFT_OUT:
            yield name, child


def _alternative(element: Any) -> Any:
    """Of the same thing said in several ways, the first that holds text, a chart or a diagram, else
    the last.
    """
    ways = list(element)
    return next(
        (way for way in ways if any(name_of(inner) in _SAYING for inner in way.iter())),
        ways[-1] if ways else element,
    )


def _is_hidden(run: Any) -> bool:
    vanish = child_of(run, "rPr", "vanish")
    return vanish is not None and attribute(vanish, "val") not in OFF


def _is_covered(cell: Any) -> bool:
    merges = (child_of(cell, "tcPr", "vMerge"), child_of(cell, "tcPr", "hMerge"))
    return any(merge is not None and attribute(merge, "val") != "restart" for merge in merges)


def _notes(package: Package, main: str) -> dict[tuple[str, str], tuple[str, Any]]:
    """The footnotes, endnotes and comments by kind and id, with their parts; the lines that
    separate them are none.
    """
    notes = {}
    for kind in _NOTES.values():
        for name in package.related(main, kind):
            root = package.side(name)
            for note in () if root is None else root:
                if attribute(note, "type") in {"", "normal"}:
                    notes[kind, attribute(note, "id")] = name, note
    return notes


def _has_pages(package: Package, root: Any) -> bool:
    """Whether the marks where Word last broke pages are all there: as many as the pages that it
    counted ask for.
    """
    facts = next((package.side(name) for name in package.related("", "extended-properties")), None)
    counted = None if facts is None else child_of(facts, "Pages")
    marks = sum(1 for _ in root.iter("{*}lastRenderedPageBreak"))
    return marks > 0 and counted is not None and (counted.text or "").strip() == str(marks + 1)
