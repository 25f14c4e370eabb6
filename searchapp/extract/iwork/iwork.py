"""Pages, Numbers and Keynote: their texts and tables. Where these cannot be read, the preview that
lies in most documents is, and the report says so.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module

from searchapp.errors import FileError, FileFailed
from searchapp.extract.builder import NO_HEADING, Part, document_of, with_unread
from searchapp.extract.iwork.archive import NOTHING, IworkPackage, Object, package_of
from searchapp.extract.iwork.tables import TABLE_MODEL, table_of
from searchapp.extract.iwork.texts import COMMENT, STORAGES, kind_of, text_of
from searchapp.extract.spreadsheets.rows import limited, row_parts
from searchapp.types.documents import Document, Place

_PAGES_DOCUMENT = 10000
_SHEET = _SHOW = 2  # of Numbers, of Keynote
_SLIDE_NODE, _SLIDE = 4, 5
_TABLE_INFO = 6000
_BODY, _HEADER, _CELL = 0, 1, 5
_FROM_PREVIEW = "read from the preview in it: its own text is of a version that is not known"


def read(data: bytes, document_type: str) -> Document:
    """The texts of a document and its tables; of Keynote by slides, of Numbers by sheets.

    Raises FileFailed where it is encrypted, broken or empty and holds no preview.
    """
    package = package_of(data)
    if package.is_encrypted:
        raise FileFailed("encrypted: needs a password")
    reading = _IworkReading(package)
    document = document_of(limited(reading.parts()), document_type)
    if document.blocks:
        said = reading.incomplete()
        return with_unread(document, [said] if said else ())
    return _preview(package, document_type)


def _preview(package: IworkPackage, document_type: str) -> Document:
    """The preview, a PDF; raises FileFailed where there is none, or no text in it."""
    if not package.preview:
        older = "; it is of iWork '09: save it anew" if package.older else ""
        raise FileFailed(f"no text found{older}")
    try:
        document: Document = import_module("searchapp.extract.pdf.pdf").read(package.preview, "pdf")
    except FileError as error:
        raise FileFailed(f"no text found, nor in its preview: {error}") from error
    said = {"incomplete": _FROM_PREVIEW}
    return replace(document, type=document_type, metadata={**document.metadata, **said})


class _IworkReading:
    """What is read of a package."""

    def __init__(self, package: IworkPackage) -> None:
        self._package = package
        self._objects = package.objects
        self._done: set[int] = set()
        self._lost_tables = 0

    def parts(self) -> Iterator[Part]:
        """The parts of the document, in reading order."""
        root = self._objects.get(1)
        slides = list(self._slides())
        if root and root.type == _PAGES_DOCUMENT:
            yield from self._body(root)
        elif slides:
            for number, slide in enumerate(slides, 1):
                yield from self._slide(slide, (("slide", number),))
            yield NO_HEADING
        else:
            yield from self._sheets(root)
        yield from self._rest()

    def incomplete(self) -> str:
        """What is left unread, "" for nothing."""
        said = []
        if self._package.broken:
            said.append(f"{self._package.broken} parts of it are broken")
        if self._lost_tables:
            said.append(f"{self._lost_tables} of its tables could not be read whole")
        return "; ".join(said)

    def _body(self, root: Object) -> Iterator[Part]:
        for number in root.message.references(4):
            yield from self._storage(number)

    # -- Keynote

    def _slides(self) -> Iterator[Object]:
        """The slides in their order."""
        if not any(
            iwork_object.file.startswith("Slide") for iwork_object in self._objects.values()
        ):
            return
        for show in self._of_type(_SHOW):
            tree = (show.message.messages(3) or [NOTHING])[0]
            yield from self._slides_below(tree.references(2), depth=0)
        if not any(
            iwork_object.type == _SLIDE_NODE
            for iwork_object in map(self._objects.get, self._done)
            if iwork_object
        ):
            slides = self._of_type(_SLIDE)
            yield from (slide for slide in slides if slide.file.startswith("Slide"))

    def _slides_below(self, nodes: list[int], *, depth: int) -> Iterator[Object]:
        for node in filter(None, map(self._objects.get, nodes)):
            if node.type != _SLIDE_NODE or node.number in self._done or depth > 50:
                continue
            self._done.add(node.number)
            for slide in filter(None, map(self._objects.get, node.message.references(2))):
                if slide.type == _SLIDE:
                    yield slide
            yield from self._slides_below(node.message.references(1), depth=depth + 1)

    def _slide(self, slide: Object, place: Place) -> Iterator[Part]:
        title = next(iter(slide.message.references(5)), 0)
        shape = self._objects.get(title)
        placed = (shape.message.messages(1) or [NOTHING])[0] if shape else NOTHING
        storages = placed.references(4) or placed.references(2)
        heading = "\n".join(
            part.text for number in storages for part in self._storage(number, place)
        )
        yield Part("heading", " ".join(heading.split()), level=1, place=place)
        for iwork_object in self._objects.values():
            if iwork_object.file == slide.file:
                yield from self._storage(iwork_object.number, place)

    # -- Numbers, and tables of all

    def _sheets(self, root: Object | None) -> Iterator[Part]:
        sheets = (
            [self._objects.get(number) for number in root.message.references(1)] if root else []
        )
        for sheet in sheets:
            if sheet is None or sheet.type != _SHEET:
                continue
            name = sheet.message.text(1)
            place = (("sheet", name),)
            yield Part("heading", name, level=1, place=place)
            for number in sheet.message.references(2):
                info = self._objects.get(number)
                if info is not None and info.type == _TABLE_INFO:
                    for model in info.message.references(2):
                        yield from self._table(model, place)
        yield NO_HEADING

    def _table(self, number: int, place: Place = ()) -> Iterator[Part]:
        model = self._objects.get(number)
        if model is None or model.type != TABLE_MODEL or number in self._done:
            return
        self._done.add(number)
        try:
            table = table_of(model, self._objects)
        except (ValueError, IndexError, ArithmeticError, struct.error):
            self._lost_tables += 1
            return
        self._lost_tables += not table.is_whole
        if table.rows:
            yield Part("heading", table.name, level=2, place=place)
            yield from row_parts(table.rows, place)

    # -- texts

    def _rest(self) -> Iterator[Part]:
        """What no order is known of: boxes, notes, tables, comments."""
        for storage in self._objects.values():
            if (
                storage.type in STORAGES
                and "Slide" not in storage.file
                and kind_of(storage) != _CELL
            ):
                yield from self._storage(storage.number)
        for table in self._of_type(TABLE_MODEL):
            yield from self._table(table.number)
        for comment in self._of_type(COMMENT):
            yield Part("prose", comment.message.text(1))

    def _storage(self, number: int, place: Place = ()) -> Iterator[Part]:
        storage = self._objects.get(number)
        if storage is None or storage.type not in STORAGES or number in self._done:
            return
        self._done.add(number)
        for paragraph in text_of(storage).split("\n"):
            yield Part("prose", paragraph, place=place)

    def _of_type(self, kind: int) -> Iterator[Object]:
        return (
            iwork_object
            for iwork_object in list(self._objects.values())
            if iwork_object.type == kind
        )
