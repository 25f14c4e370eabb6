"""xls and xlsb, by a library: what would make it take all memory, or hide why it fails, is looked
at first.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.office.ole import opened
from searchapp.extract.office.ooxml import Package, properties
from searchapp.extract.office.zip_package import checked_package, member_bytes
from searchapp.extract.spreadsheets.rows import Row, filled_cells
from searchapp.extract.spreadsheets.workbook import Ranges, Sheet, Workbook, patterned, text_of
from searchapp.extract.spreadsheets.xls_formats import XlsFormats
from searchapp.extract.spreadsheets.xls_notes import XlsRemarks
from searchapp.extract.spreadsheets.xlsb_formats import XlsbFormats, area

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

    from searchapp.extract.spreadsheets.number_formats import Pattern

# cells between the corners of an xlsb sheet, empty ones too: the library gives memory to each
MAX_AREA = 40_000_000

_FILE_PASS = 0x2F  # records of an xls workbook
_END_OF_RECORDS = 0x0A


def workbook(data: bytes, document_type: str) -> Workbook:
    """The workbook in an xls or xlsb file."""
    return _xlsb(data) if document_type == "xlsb" else _xls(data)


def _xls(data: bytes) -> Workbook:
    with opened(data) as container:
        if any(_is_xls_encrypted(container.stream(name)) for name in ("workbook", "book")):
            raise FileFailed("encrypted: needs a password")
        if container.has_circles():
            raise FileFailed("not a readable workbook: its sectors go in a circle")
        title, metadata = container.summary()
        formats = XlsFormats(container.stream("workbook") or container.stream("book"))
    return _calamine(data, title, metadata, formats)


def _is_xls_encrypted(stream: bytes) -> bool:
    """Whether the first records, those of the workbook as a whole, name a cipher."""
    at = 0
    while at + 4 <= len(stream):
        kind = int.from_bytes(stream[at : at + 2], "little")
        if kind in {_FILE_PASS, _END_OF_RECORDS}:
            return kind == _FILE_PASS
        at += 4 + int.from_bytes(stream[at + 2 : at + 4], "little")
    return False


def _xlsb(data: bytes) -> Workbook:
    package, archive = Package(data), checked_package(data)
    main = next(iter(package.related("", "officeDocument")), "xl/workbook.bin")
    for name in package.related(main, "worksheet"):
        if name in archive.namelist() and area(member_bytes(archive, name)) > MAX_AREA:
            raise FileFailed("too large: cells too far apart")

    def part_of(relation: str) -> bytes:
        related = package.relations(main).get(relation)
        return (package.content(related.target) if related else None) or b""

    styles = next(iter(package.related(main, "styles")), "xl/styles.bin")
    book = package.content(main) or b""
    formats = XlsbFormats(book, package.content(styles) or b"", part_of)
    return _calamine(data, *properties(package), formats)


def _calamine(
    data: bytes, title: str, metadata: Mapping[str, str], formats: XlsFormats | XlsbFormats
) -> Workbook:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    sheets = (_sheet(book, index, name, formats) for index, name in enumerate(book.sheet_names))
    return Workbook(sheets, len(book.sheet_names) > 1, title, metadata)


def _sheet(
    book: CalamineWorkbook, index: int, name: str, formats: XlsFormats | XlsbFormats
) -> Sheet:
    remarks = formats.remarks(name) if isinstance(formats, XlsFormats) else XlsRemarks({}, [])
    rows = _with_notes(_calamine_rows(book, index, formats), remarks.notes)
    return Sheet(name, rows, remarks.texts, partial(_merges, book, index))


def _with_notes(rows: Iterable[Row], notes: Mapping[int, Sequence[str]]) -> Iterator[Row]:
    """The rows with the comments on them, those on empty rows too."""
    waiting = deque(sorted(notes))
    for row in rows:
        while waiting and waiting[0] < row.number:
            yield Row(waiting[0], notes=tuple(notes[waiting.popleft()]))
        if waiting and waiting[0] == row.number:
            row = row._replace(notes=tuple(notes[waiting.popleft()]))
        yield row
    yield from (Row(number, notes=tuple(notes[number])) for number in waiting)


def _calamine_rows(
    book: CalamineWorkbook, index: int, formats: XlsFormats | XlsbFormats
) -> Iterator[Row]:
    sheet = book.get_sheet_by_index(index)
    patterns = formats.of_sheet(sheet.name)
    left = sheet.start[1] if sheet.start else 0  # its rows begin at the first column that is used
    for number, values in enumerate(sheet.iter_rows(), 1):
        cells = filled_cells(map(text_of, values), first=left)
        if patterns:
            cells = tuple(
                (
                    column,
                    _in_format(values[column - left], patterns.get((number - 1, column)), text),
                )
                for column, text in cells
            )
        if cells:
            yield Row(number, cells)


def _in_format(value: object, pattern: Pattern | None, text: str) -> str:
    """A number in its format; any other value as it is."""
    if pattern is None or isinstance(value, bool) or not isinstance(value, int | float):
        return text
    return patterned(value, pattern)


def _merges(book: CalamineWorkbook, index: int) -> Ranges:
    """The merged ranges of a sheet, columns counted from 0 as those of its rows are."""
    ranges = book.get_sheet_by_index(index).merged_cell_ranges or ()
    return {(first[0] + 1, first[1]): (last[0] + 1, last[1]) for first, last in ranges}
