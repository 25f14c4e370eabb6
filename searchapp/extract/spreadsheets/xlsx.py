"""xlsx: its XML, row by row and only the cells that are there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.office.ooxml import Package, attribute, child_of, name_of, properties
from searchapp.extract.office.zip_package import checked_package
from searchapp.extract.spreadsheets.rows import Row
from searchapp.extract.spreadsheets.workbook import (
    BUILT_IN,
    MAX_ROWS,
    PLAIN,
    Element,
    Format,
    Sheet,
    Workbook,
    children,
    elements,
    format_of,
    iso_moment,
    note,
    shown,
)

if TYPE_CHECKING:
    import zipfile

_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
# begins the note that stands in for a thread of comments, its text after "Comment:"
_THREAD = "[Threaded comment]"


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the cells of an xlsx workbook refer to."""

    strings: Sequence[str]
    formats: Sequence[Format]  # by cell style
    epoch: datetime


def workbook(data: bytes, document_type: str) -> Workbook:  # noqa: ARG001 - the form of its kind
    """The workbook in an xlsx package."""
    package, archive = Package(data), checked_package(data)
    main = next(iter(package.related("", "officeDocument")), "xl/workbook.xml")
    root = package.xml(main)
    if root is None:
        raise FileFailed("not a readable workbook: it names no sheets")
    settings = child_of(root, "workbookPr")
    is_1904 = settings is not None and attribute(settings, "date1904") in {"1", "true"}
    strings = [
        _rich_text(each)
        for name in package.related(main, "sharedStrings")
        for each in _streamed(archive, name, "si")
    ]
    shared = _Shared(
        strings,
        _formats(package, main),
        datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30),
    )
    relations = package.relations(main)
    sheets = []
    for element in children(root, "sheets"):
        relation = relations.get(
            next((value for key, value in element.items() if key.endswith("}id")), "")
        )
        if relation is not None and relation.target:
            rows = _rows_with_notes(
                _xlsx_rows(archive, relation.target, shared), _xlsx_notes(package, relation.target)
            )
            sheets.append(
                Sheet(attribute(element, "name"), rows, _drawn_texts(package, relation.target))
            )
    return Workbook(sheets, len(sheets) > 1, *properties(package))


def _streamed(archive: zipfile.ZipFile, part: str, name: str) -> Iterator[Element]:
    """The elements of a name in a part, which is never unpacked as a whole; none where there is no
    such part.
    """
    member = next(
        (
            each
            for each in archive.namelist()
            if each.replace("\\", "/").lstrip("/").lower() == part.lower()
        ),
        None,
    )
    return iter(()) if member is None else elements(archive.open(member), name)


def _rich_text(element: Element) -> str:
    """The runs of a text put together, without the reading aids of East Asian ones."""
    children = list(element)
    if len(children) == 1 and children[0].tag.endswith("}t"):
        return _unescaped(children[0].text or "")
    runs = [node.text or "" for node in element.iter("{*}t") if name_of(node.getparent()) != "rPh"]
    return _unescaped("".join(runs))


def _unescaped(text: str) -> str:
    """A text on one line, without the escapes of characters that XML cannot hold."""
    if "_x" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return " ".join(text.split())


def _formats(package: Package, main: str) -> list[Format]:
    root = next((package.xml(name) for name in package.related(main, "styles")), None)
    if root is None:
        return []
    own = {
        attribute(each, "numFmtId"): format_of(attribute(each, "formatCode"))
        for each in children(root, "numFmts")
    }
    ids = [attribute(each, "numFmtId") for each in children(root, "cellXfs")]
    return [own.get(number) or BUILT_IN.get(int(number or 0), PLAIN) for number in ids]


def _xlsx_rows(archive: zipfile.ZipFile, part: str, shared: _Shared) -> Iterator[Row]:
    columns: dict[str, int] = {}
    number = 0
    for element in _streamed(archive, part, "row"):
        number = int(element.get("r") or number + 1)
        if number > MAX_ROWS:
            raise FileFailed(f"too large: more than {MAX_ROWS:,} rows in a sheet")
        column = 0
        cells: list[tuple[int, str]] = []
        for cell in element:
            reference = cell.get("r")
            if reference:
                letters = reference.rstrip("0123456789")
                column = columns.get(letters) or columns.setdefault(
                    letters, _column_number(letters)
                )
            else:
                column += 1
            text = _xlsx_text(cell, shared)
            if text:
                cells.append((column, text))
        if cells:
            yield Row(number, tuple(cells))


def _xlsx_text(cell: Element, shared: _Shared) -> str:
    """What a cell shows, on one line."""
    kind = cell.get("t")
    for child in cell:
        tag = child.tag
        if tag.endswith("}v"):
            return _xlsx_value(child.text or "", kind, cell, shared)
        if tag.endswith("}is"):
            return _rich_text(child)
    return ""


def _xlsx_value(raw: str, kind: str | None, cell: Element, shared: _Shared) -> str:
    if kind == "s":
        index = int(raw)
        return shared.strings[index] if 0 <= index < len(shared.strings) else ""
    if not raw or kind == "e":
        return ""
    if kind == "b":
        return "TRUE" if raw.strip() == "1" else "FALSE"
    if kind == "str":
        return _unescaped(raw)
    if kind == "d":
        return iso_moment(raw)
    style = int(cell.get("s") or 0)
    return shown(raw, shared.formats[style] if style < len(shared.formats) else PLAIN, shared.epoch)


def _column_number(letters: str) -> int:
    """1 for A, 28 for AB."""
    number = 0
    for letter in letters.upper()[:4]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _xlsx_notes(package: Package, part: str) -> dict[int, list[str]]:
    """The comments on the cells of a sheet, by row."""
    notes: dict[int, list[str]] = {}
    for name in package.related(part, "comments"):
        root = package.xml(name)
        for comment in root.iter("{*}comment") if root is not None else ():
            cell = attribute(comment, "ref")
            text = _rich_text(comment)
            if text.startswith(_THREAD):
                text = text.partition("Comment:")[2]
            digits = re.search(r"\d{1,7}$", cell)
            if digits and text.strip():
                notes.setdefault(int(digits[0]), []).append(note(cell, text))
    return notes


def _rows_with_notes(rows: Iterable[Row], notes: dict[int, list[str]]) -> Iterator[Row]:
    """The rows with their remarks; remarks on empty rows come last."""
    for row in rows:
        yield row._replace(notes=tuple(notes.pop(row.number))) if row.number in notes else row
    for number in sorted(notes):
        yield Row(number, notes=tuple(notes[number]))


def _drawn_texts(package: Package, part: str) -> Iterator[str]:
    """The texts of the boxes and the titles of the charts on a sheet."""
    for drawing in package.related(part, "drawing"):
        yield from _shape_texts(package.xml(drawing), "txBody")
        for chart in package.related(drawing, "chart"):
            yield from _shape_texts(package.xml(chart), "title")


def _shape_texts(root: Element | None, name: str) -> Iterator[str]:
    for shape in root.iter(f"{{*}}{name}") if root is not None else ():
        yield "\n".join(
            "".join(run.text or "" for run in paragraph.iter("{*}t"))
            for paragraph in shape.iter("{*}p")
        )
