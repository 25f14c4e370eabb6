"""xlsx: its XML, row by row and only the cells that are there."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from searchapp.errors import FileFailed
from searchapp.extract.office.drawings import descriptions, diagram_parts
from searchapp.extract.office.ooxml import (
    Package,
    Relation,
    attribute,
    child_of,
    name_of,
    properties,
)
from searchapp.extract.office.zip_package import checked_package
from searchapp.extract.spreadsheets.rows import Row
from searchapp.extract.spreadsheets.workbook import (
    BUILT_IN,
    EPOCH,
    PLAIN,
    Element,
    Format,
    Ranges,
    Sheet,
    Workbook,
    children,
    elements,
    format_of,
    iso_moment,
    note,
    row_number,
    shown,
    tolerant,
    whole_number,
)

_MISSING = FileFailed("not a readable workbook: it is missing")
_SHEET_PART = re.compile(r"xl/worksheets/sheet(\d{1,6})\.xml")
_MERGED = re.compile(
    rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"'
)
_REMEMBERED = 10_000  # numbers in a format
_LONGEST_TAG = 200
_MOST_MERGES = 100_000
_PIECE = 2**20  # bytes
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
# begins the note that stands in for a thread of comments, its text after "Comment:"
_THREAD = "[Threaded comment]"


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the cells of an xlsx workbook refer to."""

    strings: Sequence[str]
    formats: Sequence[Format]  # by cell style
    epoch: datetime
    # by cell style, as it is written: its format, and numbers so far as they are shown in it
    styles: dict[str | None, tuple[Format, dict[str, str]]] = field(default_factory=dict)


def workbook(data: bytes, document_type: str) -> Workbook:  # noqa: ARG001 - the form of its kind
    """The workbook in an xlsx package."""
    package, archive = Package(data), checked_package(data)
    main = next(iter(package.related("", "officeDocument")), "xl/workbook.xml")
    failures = package.unread
    root = next(tolerant(map(package.xml, [main]), failures, "names of sheets"), None)
    settings = None if root is None else child_of(root, "workbookPr")
    is_1904 = settings is not None and attribute(settings, "date1904") in {"1", "true"}
    strings: list[str] = []
    for name in package.related(main, "sharedStrings"):
        if _member(archive, name) is None:
            failures.append(("texts of cells", _MISSING))
        items = tolerant(_streamed(archive, name, "si"), failures, "texts of cells")
        strings += map(_rich_text, items)
    shared = _Shared(
        strings,
        list(tolerant(_formats(package, main), failures, "formats of numbers")),
        datetime(1904, 1, 1) if is_1904 else EPOCH,
    )
    listed = list(_listed(root, package.relations(main), archive))
    if not listed:
        raise FileFailed("not a readable workbook: it names no sheets")
    sheets = (_sheet(package, archive, shared, *sheet, failures) for sheet in listed)
    return Workbook(sheets, len(listed) > 1, *properties(package), failures=failures)


def _listed(
    root: Element | None, relations: Mapping[str, Relation], archive: zipfile.ZipFile
) -> Iterator[tuple[str, str]]:
    """The names of the sheets, and the parts that they are; those that lie in the usual place where
    the workbook names none.
    """
    if root is None:
        matches = filter(None, map(_SHEET_PART.fullmatch, archive.namelist()))
        for match in sorted(matches, key=lambda match: int(match[1])):
            yield f"Sheet{match[1]}", match[0]
        return
    for number, element in enumerate(children(root, "sheets"), 1):
        named = next((value for key, value in element.items() if key.endswith("}id")), "")
        target = relations[named].target if named in relations else ""
        if not target and not relations:
            target = f"xl/worksheets/sheet{number}.xml"
        if target:
            yield attribute(element, "name"), target


def _sheet(
    package: Package,
    archive: zipfile.ZipFile,
    shared: _Shared,
    name: str,
    part: str,
    failures: list[tuple[str, FileFailed]],
) -> Sheet:
    place = f"sheet {name}"
    if _member(archive, part) is None:
        failures.append((place, _MISSING))
    notes = tolerant(_xlsx_notes(package, part), failures, f"comments of {place}")
    texts = tolerant(_drawn_texts(package, part), failures, f"drawings of {place}")
    rows = tolerant(_xlsx_rows(archive, part, shared), failures, place)
    return Sheet(name, _rows_with_notes(rows, notes), texts, partial(_merges, archive, part))


def _streamed(archive: zipfile.ZipFile, part: str, name: str) -> Iterator[Element]:
    """The elements of a name in a part, which is never unpacked as a whole; none where there is no
    such part.
    """
    member = _member(archive, part)
    return iter(()) if member is None else elements(archive.open(member), name)


def _member(archive: zipfile.ZipFile, part: str) -> str | None:
    """The name under which a part is in the archive, None where it is not."""
    wanted = part.lower()
    return next(
        (
            name
            for name in archive.namelist()
            if name.replace("\\", "/").lstrip("/").lower() == wanted
        ),
        None,
    )


def _merges(archive: zipfile.ZipFile, part: str) -> Ranges:
    """The merged ranges of a sheet, which come behind its rows; none where they cannot be read."""
    member = _member(archive, part)
    merges: Ranges = {}
    try:
        with archive.open(member or "") as stream:
            rest = b""
            while piece := stream.read(_PIECE):
                rest = rest[-_LONGEST_TAG:] + piece
                for letters, row, last_letters, last_row in _MERGED.findall(rest):
                    first = (int(row), _column_number(letters.decode()))
                    merges[first] = (int(last_row), _column_number(last_letters.decode()))
                    if len(merges) >= _MOST_MERGES:
                        return merges
    except (KeyError, zipfile.BadZipFile, zlib.error, OSError, EOFError):
        pass  # the rows say why
    return merges


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


def _formats(package: Package, main: str) -> Iterator[Format]:
    """How numbers are shown, by cell style."""
    root = next((package.xml(name) for name in package.related(main, "styles")), None)
    if root is None:
        return
    own = {
        attribute(element, "numFmtId"): format_of(attribute(element, "formatCode"))
        for element in children(root, "numFmts")
    }
    for style in children(root, "cellXfs"):
        number = attribute(style, "numFmtId")
        yield own.get(number) or BUILT_IN.get(whole_number(number), PLAIN)


def _xlsx_rows(archive: zipfile.ZipFile, part: str, shared: _Shared) -> Iterator[Row]:
    columns: dict[str, int] = {}
    number = 0
    for element in _streamed(archive, part, "row"):
        number = row_number(element.get("r") or "", number)
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
            raw = child.text or ""
            if kind is None or kind == "n":
                return _in_format(raw, cell.get("s"), shared) if raw else ""
            return _shared_text(raw, shared) if kind == "s" else _value(raw, kind)
        if tag.endswith("}is"):
            return _rich_text(child)
    return ""


def _shared_text(raw: str, shared: _Shared) -> str:
    """The text with that index; "" for what is no index."""
    try:
        index = int(raw)
    except ValueError:
        return ""
    return shared.strings[index] if 0 <= index < len(shared.strings) else ""


def _value(raw: str, kind: str) -> str:
    """A value that is neither a number nor a shared text."""
    if not raw or kind == "e":
        return ""
    if kind == "b":
        return "TRUE" if raw.strip() == "1" else "FALSE"
    return iso_moment(raw) if kind == "d" else _unescaped(raw)


def _in_format(raw: str, style: str | None, shared: _Shared) -> str:
    """A number as its cell style shows it."""
    known = shared.styles.get(style)
    if known is None:
        index = whole_number(style)
        known = (shared.formats[index] if index < len(shared.formats) else PLAIN, {})
        shared.styles[style] = known
    form, texts = known
    if form is PLAIN and raw.isdigit():
        return raw
    text = texts.get(raw)
    if text is None:
        if len(texts) >= _REMEMBERED:
            texts.clear()
        text = texts[raw] = shown(raw, form, shared.epoch)
    return text


def _column_number(letters: str) -> int:
    """1 for A, 28 for AB."""
    number = 0
    for letter in letters.upper()[:4]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _xlsx_notes(package: Package, part: str) -> Iterator[tuple[int, str]]:
    """The comments on the cells of a sheet, each with its row; threads of comments in place of the
    notes that stand in for them.
    """
    threads: dict[str, list[str]] = {}
    for name in package.related(part, "threadedComment"):
        root = package.xml(name)
        for comment in root.iter("{*}threadedComment") if root is not None else ():
            text = "".join(run.text or "" for run in comment.iter("{*}text"))
            threads.setdefault(attribute(comment, "ref"), []).append(text.strip())
    for cell, texts in threads.items():
        if digits := re.search(r"\d{1,7}$", cell):
            yield int(digits[0]), note(cell, "\n".join(texts))
    for name in package.related(part, "comments"):
        root = package.xml(name)
        for comment in root.iter("{*}comment") if root is not None else ():
            cell = attribute(comment, "ref")
            text = _rich_text(comment)
            if text.startswith(_THREAD):
                if cell in threads:
                    continue
                text = text.partition("Comment:")[2]
            digits = re.search(r"\d{1,7}$", cell)
            if digits and text.strip():
                yield int(digits[0]), note(cell, text)


def _rows_with_notes(rows: Iterable[Row], remarks: Iterable[tuple[int, str]]) -> Iterator[Row]:
    """The rows with their remarks; remarks on empty rows come last."""
    notes: dict[int, list[str]] = {}
    for number, text in remarks:
        notes.setdefault(number, []).append(text)
    for row in rows:
        yield row._replace(notes=tuple(notes.pop(row.number))) if row.number in notes else row
    for number in sorted(notes):
        yield Row(number, notes=tuple(notes[number]))


def _drawn_texts(package: Package, part: str) -> Iterator[str]:
    """The texts of the boxes on a sheet, what is said of its pictures, the titles of its charts and
    the points of its diagrams.
    """
    for drawing in package.related(part, "drawing"):
        root = package.xml(drawing)
        yield from _shape_texts(root, "txBody")
        for named in root.iter("{*}cNvPr") if root is not None else ():
            yield from descriptions(named)
        for chart in package.related(drawing, "chart"):
            plot = package.xml(chart)
            yield from _shape_texts(plot, "title")
            names = plot.iterfind(".//{*}ser/{*}tx/{*}v") if plot is not None else ()
            yield " | ".join(name.text or "" for name in names)  # others are names of cells
        for name in package.related(drawing, "diagramData"):
            diagram = package.xml(name)
            if diagram is not None:
                yield from (point.text for point in diagram_parts(diagram))


def _shape_texts(root: Element | None, name: str) -> Iterator[str]:
    for shape in root.iter(f"{{*}}{name}") if root is not None else ():
        yield "\n".join(
            "".join(run.text or "" for run in paragraph.iter("{*}t"))
            for paragraph in shape.iter("{*}p")
        )
