"""Word documents (docx): all that their reader sees, from the XML itself, as no library gives text
boxes, notes, comments and headers along with the body.

Footnotes, endnotes, comments and text boxes follow the paragraph, or the row of a table, that they
belong to; headers and footers come last, each once, below no heading. Deleted and hidden text,
field codes and placeholders are left out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part
from searchapp.extract.office.common import furniture, manuscript
from searchapp.extract.office.ooxml import Package, attribute, child_of, name_of, properties

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from searchapp.types.documents import Document, Place

_LEVELS = 9  # of headings; a paragraph of outline level 9 is body text
_MAX_BASES = 20  # styles upon styles
_OFF = frozenset({"0", "false", "off", "none"})
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
# where the letters of symbol fonts lie, which mean nothing without their font
_SYMBOLS_FROM = 0xF000


def read(data: bytes, document_type: str) -> Document:
    """A Word document by headings, paragraphs, lists and rows of tables, with pages where Word
    itself counted them.
    """
    package = Package(data)
    main = next(iter(package.related("", "officeDocument")), "word/document.xml")
    root = package.xml(main)
    body = None if root is None else child_of(root, "body")
    if body is None:
        raise FileFailed("not a readable Word document: it has no text part")
    walk = _DocxReader(
        _styles(package, main), _notes(package, main), paged=_has_pages(package, root)
    )
    parts = [*walk.blocks(body), *walk.asides()]
    apart = [*walk.unreferenced(), *furniture(list(_page_edges(package, main, walk)))]
    title, metadata = properties(package)
    return manuscript(parts, apart, document_type, titles=(walk.title, title), metadata=metadata)


@dataclass(frozen=True, slots=True)
class _DocxStyle:
    """What a paragraph's style, or what it is based on, says of its part in the document; None
    where it says nothing.
    """

    level: int | None = None  # a heading's depth from 1; 0 for body text
    is_title: bool = False
    is_list: bool | None = None


class _DocxReader:
    """One way through a document's XML; it gathers what stands beside the text and gives it out at
    the next place fit for it.
    """

    def __init__(
        self, styles: Mapping[str, _DocxStyle], notes: dict[tuple[str, str], Any], *, paged: bool
    ) -> None:
        self.title = ""
        self._styles = styles
        # (kind, id): its element; each is taken out where it is first referred to
        self._notes = notes
        self._has_pages = paged
        self._page = 1
        self._first_page = 1  # of the paragraph under way
        self._fields: list[bool] = []  # of each open field: whether its result has begun
        # elements that hold paragraphs: text boxes and notes of the paragraph under way
        self._beside: deque[Any] = deque()
        self._is_beside = False  # whether the walk is in one of them
        self._cells = 0  # how many cells of tables the walk is in

    def blocks(self, element: Any) -> Iterator[Part]:
        """The parts that an element holds."""
        for child in _transparent(element):
            name = name_of(child)
            if name == "p":
                yield from self._paragraph(child)
            elif name == "tbl":
                yield from self._table(child)

    def asides(self) -> Iterator[Part]:
        """What belongs beside the text so far."""
        if self._cells or self._is_beside:
            return
        self._is_beside = True
        while self._beside:
            yield from self._signed(self._beside.popleft())
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
        for part in self.blocks(element):
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
        style = self._style(paragraph)
        if not text:
            pass
        elif style.level and not self._cells:
            text = " ".join(text.split())
            if style.is_title and not self.title:
                self.title = text
            yield Part("heading", text, style.level, self._place())
        elif style.is_list:
            yield Part("list", f"- {text}", place=self._place(), is_tight=True)
        else:
            yield Part("prose", text, place=self._place())
        yield from self.asides()

    def _style(self, paragraph: Any) -> _DocxStyle:
        """What the paragraph is, by itself and by its style."""
        direct = child_of(paragraph, "pPr")
        if direct is None:
            return self._styles.get("", _DocxStyle())
        named = child_of(direct, "pStyle")
        style = self._styles.get("" if named is None else attribute(named, "val"), _DocxStyle())
        own = _own_style(direct)
        return _DocxStyle(
            style.level if own.level is None else own.level,
            style.is_title,
            style.is_list if own.is_list is None else own.is_list,
        )

    def _table(self, table: Any) -> Iterator[Part]:
        """A part for each row; a table of one column only frames its content, which
        stays as it is.
        """
        rows = [
            [cell for cell in _transparent(row) if name_of(cell) == "tc"]
            for row in _transparent(table)
            if name_of(row) == "tr"
        ]
        if all(len(row) <= 1 for row in rows):
            for row in rows:
                for cell in row:
                    yield from self.blocks(cell)
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
        parts = list(self.blocks(cell))
        self._cells -= 1
        texts = [" ".join(part.text.removeprefix("- ").split()) for part in parts]
        ends = [
            "; " if part.kind == "table" == following.kind else " "
            for part, following in pairwise(parts)
        ]
        return "".join(text + end for text, end in zip_longest(texts, ends, fillvalue=""))

    def _gather(self, element: Any, pieces: list[str]) -> None:
        """The text in an element of a paragraph; what belongs beside it is kept for later."""
        for child in _transparent(element):
            name = name_of(child)
            if name == "t":
                self._add(child.text or "", pieces)
            elif name in _CHARACTERS:
                self._add(_CHARACTERS[name], pieces)
            elif name == "sym":
                self._add(_symbol(child), pieces)
            elif name == "den":
                self._add("/", pieces)
                self._gather(child, pieces)
            elif name in {"drawing", "pict", "object"}:
                self._beside.extend(_text_boxes(child))
            elif not self._marks(child, name, pieces) and not _is_hidden(child):
                self._gather(child, pieces)

    def _add(self, text: str, pieces: list[str]) -> None:
        if all(self._fields):
            pieces.append(text)

    def _marks(self, element: Any, name: str, pieces: Sequence[str]) -> bool:
        """Heed an element that has no text of its own; False for any other."""
        if name == "fldChar":
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


def _transparent(element: Any) -> Iterator[Any]:
    """An element's children; what only wraps some of them (content controls, custom XML,
    alternatives) is looked through.
    """
    for child in element:
        name = name_of(child)
        if name in {"sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo"}:
            if name != "sdt" or child_of(child, "sdtPr", "showingPlcHdr") is None:
                yield from _transparent(child)
        elif name == "AlternateContent":
            yield from _transparent(_alternative(child))
        elif name and name not in _LEFT_OUT:
            yield child


def _alternative(element: Any) -> Any:
    """Of the same thing said in several ways, the first that holds text, else the last."""
    ways = list(element)
    return next(
        (way for way in ways if any(name_of(each) == "t" for each in way.iter())),
        ways[-1] if ways else element,
    )


def _text_boxes(element: Any) -> Iterator[Any]:
    """The outermost text boxes in a drawing."""
    for child in _transparent(element):
        if name_of(child) == "txbxContent":
            yield child
        else:
            yield from _text_boxes(child)


def _is_hidden(run: Any) -> bool:
    vanish = child_of(run, "rPr", "vanish")
    return vanish is not None and attribute(vanish, "val") not in _OFF


def _is_covered(cell: Any) -> bool:
    merges = (child_of(cell, "tcPr", "vMerge"), child_of(cell, "tcPr", "hMerge"))
    return any(merge is not None and attribute(merge, "val") != "restart" for merge in merges)


def _symbol(element: Any) -> str:
    """A character given by its number; "" for one of a symbol font."""
    try:
        code = int(attribute(element, "char"), 16)
    except ValueError:
        return ""
    return chr(code) if 0x20 <= code < _SYMBOLS_FROM and not 0xD800 <= code < 0xE000 else ""


def _styles(package: Package, main: str) -> dict[str, _DocxStyle]:
    """The paragraph styles by id, each with what it is based on; the default style is also ""."""
    root = next((package.xml(name) for name in package.related(main, "styles")), None)
    elements = (
        {}
        if root is None
        else {attribute(each, "styleId"): each for each in root if name_of(each) == "style"}
    )
    styles = {style_id: _style_of(element, elements) for style_id, element in elements.items()}
    for style_id, element in elements.items():
        if attribute(element, "type") == "paragraph" and attribute(element, "default") in {
            "1",
            "true",
            "on",
        }:
            styles[""] = styles[style_id]
    return styles


def _style_of(element: Any, elements: Mapping[str, Any]) -> _DocxStyle:
    level, is_list, is_title = None, None, _word(element, "name").lower() == "title"
    for _ in range(_MAX_BASES):
        if element is None:
            break
        properties_element = child_of(element, "pPr")
        own = _DocxStyle() if properties_element is None else _own_style(properties_element)
        named = _named_level(_word(element, "name"))
        level = level if level is not None else own.level if own.level is not None else named
        is_list = own.is_list if is_list is None else is_list
        element = elements.get(_word(element, "basedOn"))
    return _DocxStyle(1 if is_title else level, is_title, is_list)


def _own_style(paragraph_properties: Any) -> _DocxStyle:
    """What the properties of a paragraph or of a style say by themselves."""
    outline = child_of(paragraph_properties, "outlineLvl")
    number = child_of(paragraph_properties, "numPr", "numId")
    value = "" if outline is None else attribute(outline, "val")
    level = (
        None
        if not value.isdecimal() or len(value) > 9
        else (int(value) + 1 if int(value) < _LEVELS else 0)
    )
    return _DocxStyle(
        level, is_list=None if number is None else attribute(number, "val") not in _OFF
    )


def _named_level(name: str) -> int | None:
    """The level of a style with the name of one of Word's own headings, which is the same in every
    language.
    """
    first, _, number = name.lower().partition(" ")
    return int(number) if first == "heading" and number in set("123456789") else None


def _word(element: Any, name: str) -> str:
    child = child_of(element, name)
    return "" if child is None else attribute(child, "val")


def _notes(package: Package, main: str) -> dict[tuple[str, str], Any]:
    """The footnotes, endnotes and comments by kind and id; the lines that separate them
    are none.
    """
    notes = {}
    for kind in _NOTES.values():
        for name in package.related(main, kind):
            root = package.xml(name)
            for note in () if root is None else root:
                if attribute(note, "type") in {"", "normal"}:
                    notes[kind, attribute(note, "id")] = note
    return notes


def _has_pages(package: Package, root: Any) -> bool:
    """Whether the marks where Word last broke pages are all there: as many as the pages that it
    counted ask for.
    """
    facts = next((package.xml(name) for name in package.related("", "extended-properties")), None)
    counted = None if facts is None else child_of(facts, "Pages")
    marks = sum(1 for _ in root.iter("{*}lastRenderedPageBreak"))
    return marks > 0 and counted is not None and (counted.text or "").strip() == str(marks + 1)


def _page_edges(package: Package, main: str, walk: _DocxReader) -> Iterator[Part]:
    """All headers, then all footers."""
    for kind in ("header", "footer"):
        for name in package.related(main, kind):
            root = package.xml(name)
            if root is not None:
                yield from walk.blocks(root)
                yield from walk.asides()
