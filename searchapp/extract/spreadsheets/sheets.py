"""Workbooks: each sheet becomes its rows as `searchapp.extract.spreadsheets.rows` writes them.

Formulas are the results that the file keeps, and errors are left out. Hidden sheets, rows and
columns are read like all others.
"""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from searchapp.extract.builder import Part, document_of
from searchapp.extract.office.embedded import (
    ole_members,
    opendocument_members,
    package_members,
)
from searchapp.extract.office.flat import is_flat
from searchapp.extract.spreadsheets.rows import Row, limited, row_parts
from searchapp.extract.spreadsheets.workbook import UNREADABLE, failure_of, tolerant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from searchapp.errors import FileFailed
    from searchapp.extract.members import Allowance, Member
    from searchapp.extract.spreadsheets.workbook import Sheet, Workbook
    from searchapp.types.documents import Document

# modules of this package, with `workbook`
_READERS = {"xlsx": "xlsx", "xlsb": "xls", "xls": "xls", "ods": "ods"}
_ORDINARY_NAME = re.compile(
    r"(sheet|tabelle|feuil|hoja|foglio|blad|planilha|ark|list|arkusz|munka\w*|лист|シート|工作表)[ "
    r"_]?\d*",
    re.IGNORECASE,
)


def read(data: bytes, document_type: str) -> Document:
    """Sheets by rows; a sheet's name is a heading where there are several, or where it says
    anything. What cannot be read of it is named in `metadata["incomplete"]`.
    """
    module = "xml2003" if document_type == "xls" and is_flat(data) else _READERS[document_type]
    reader = import_module(f"searchapp.extract.spreadsheets.{module}")
    try:
        book: Workbook = reader.workbook(data, document_type)
    except BaseException as error:  # noqa: BLE001 - see `failure_of`
        failure = failure_of(error)
        raise failure from None if failure is error else error
    document = document_of(
        limited(_parts(book)), document_type, title=book.title, metadata=book.metadata
    )
    if not book.failures:
        return document
    if not document.text:
        raise book.failures[0][1]
    unread = (f"{name}: {str(why).removeprefix(UNREADABLE)}" for name, why in book.failures)
    reasons = [document.metadata.get("incomplete", ""), f"incomplete: {'; '.join(unread)}"]
    incomplete = {"incomplete": "; ".join(filter(None, reasons))}
    return replace(document, metadata={**document.metadata, **incomplete})


def members(data: bytes, document_type: str, name: str, allowance: Allowance) -> Iterator[Member]:  # noqa: ARG001 - as all readers
    """The documents and other files embedded in a workbook."""
    if document_type == "xls":
        yield from ole_members(data, document_type)
    elif document_type == "ods":
        yield from opendocument_members(data)
    else:
        yield from package_members(data)


def _parts(book: Workbook) -> Iterator[Part]:
    for sheet in tolerant(book.sheets, book.failures, "a sheet"):
        place = (("sheet", sheet.name),)
        is_named = book.are_several or not _ORDINARY_NAME.fullmatch(sheet.name)
        for part in _sheet_parts(sheet, book.failures):
            if is_named:
                yield Part("heading", sheet.name, level=1, place=place)
                is_named = False
            yield part


def _sheet_parts(sheet: Sheet, failures: list[tuple[str, FileFailed]]) -> Iterator[Part]:
    place = (("sheet", sheet.name),)
    rows = tolerant(sheet.rows, failures, f"sheet {sheet.name}")
    yield from row_parts(_with_gaps(rows), place, sheet.merges)
    for text in sheet.texts:
        yield Part("prose", text, place=place)


def _with_gaps(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows that hold something, and a row without cells for each run of missing ones."""
    last = 0
    for row in rows:
        if not row.cells and not row.notes:
            continue
        if row.number > last + 1:
            yield Row(row.number - 1)
        yield row
        last = row.number
