"""Workbooks as Excel 2002 and 2003 wrote them in one XML file ("XML Spreadsheet 2003")."""

from __future__ import annotations

from collections.abc import Iterator

from searchapp.extract.office.ooxml import attribute, name_of, parsed
from searchapp.extract.spreadsheets.rows import Row
from searchapp.extract.spreadsheets.workbook import (
    MAX_COLUMNS,
    MAX_ROWS,
    Element,
    Sheet,
    Workbook,
    column_letters,
    note,
)

_PROPERTIES = {
    "Author": "author",
    "Created": "date",
    "Description": "description",
    "Keywords": "tags",
    "Subject": "subject",
}


def workbook(data: bytes, document_type: str) -> Workbook:  # noqa: ARG001 - the form of its kind
    """The workbook in an XML file."""
    root = parsed(data)
    sheets = list(root.iterfind("{*}Worksheet"))
    title, metadata = _properties(root)
    return Workbook(map(_sheet, sheets), len(sheets) > 1, title, metadata)


def _properties(root: Element) -> tuple[str, dict[str, str]]:
    values = {
        name_of(each): (each.text or "").strip()
        for each in root.iterfind("{*}DocumentProperties/*")
    }
    metadata = {name: values.get(key, "") for key, name in _PROPERTIES.items()}
    metadata["date"] = metadata["date"][:10]
    return values.get("Title", ""), metadata


def _sheet(sheet: Element) -> Sheet:
    return Sheet(attribute(sheet, "Name"), _rows(sheet))


def _rows(sheet: Element) -> Iterator[Row]:
    number = 0
    for row in sheet.iterfind("{*}Table/{*}Row"):
        number = _index(row, number + 1, MAX_ROWS)
        cells, notes = _cells(row, number)
        yield Row(number, tuple(cells), tuple(notes))


def _cells(row: Element, number: int) -> tuple[list[tuple[int, str]], list[str]]:
    """The filled cells of a row with their columns, from 0, and the comments on them."""
    cells: list[tuple[int, str]] = []
    notes: list[str] = []
    column = 0
    for cell in row.iterfind("{*}Cell"):
        column = _index(cell, column + 1, MAX_COLUMNS)
        texts = map(_value, cell.iterfind("{*}Data"))
        cells += [(column - 1, text) for text in texts if text]
        remarks = (
            " ".join("".join(each.itertext()).split()) for each in cell.iterfind("{*}Comment")
        )
        notes += [note(f"{column_letters(column)}{number}", text) for text in remarks if text]
        column += _number(attribute(cell, "MergeAcross"))
    return cells, notes


def _value(data: Element) -> str:
    text = " ".join("".join(data.itertext()).split())
    kind = attribute(data, "Type")
    if kind == "DateTime":
        return text.removesuffix(".000").removesuffix("T00:00:00").replace("T", " ")
    return {"1": "TRUE", "0": "FALSE"}.get(text, text) if kind == "Boolean" else text


def _index(element: Element, following: int, most: int) -> int:
    """The place that a row or cell names, else the one after the last."""
    named = _number(attribute(element, "Index"))
    return named if following <= named <= most else following


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
