"""Workbooks: each sheet becomes its rows as `searchapp.extract.spreadsheets.rows` writes them.

Formulas are the results that the file keeps, and errors are left out. Hidden sheets, rows and
columns are read like all others.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING

from searchapp.errors import FileError, FileFailed
from searchapp.extract.builder import Part, document_of
from searchapp.extract.office.flat import is_flat
from searchapp.extract.spreadsheets.rows import Row, limited, row_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    anything.
    """
    try:
        reader = "xml2003" if document_type == "xls" and is_flat(data) else _READERS[document_type]
        book: Workbook = import_module(f"searchapp.extract.spreadsheets.{reader}").workbook(
            data, document_type
        )
        return document_of(
            limited(_parts(book)), document_type, title=book.title, metadata=book.metadata
        )
    except (FileError, MemoryError):
        raise
    except BaseException as error:
        # broken workbooks make the libraries raise anything, and one of them what is no Exception
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise FileFailed(
                f"not a readable workbook: {str(error)[:100] or type(error).__name__}"
            ) from error
        raise


def _parts(book: Workbook) -> Iterator[Part]:
    for sheet in book.sheets:
        place = (("sheet", sheet.name),)
        is_named = book.are_several or not _ORDINARY_NAME.fullmatch(sheet.name)
        for part in _sheet_parts(sheet):
            if is_named:
                yield Part("heading", sheet.name, level=1, place=place)
                is_named = False
            yield part


def _sheet_parts(sheet: Sheet) -> Iterator[Part]:
    place = (("sheet", sheet.name),)
    yield from row_parts(_with_gaps(sheet.rows), place)
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
