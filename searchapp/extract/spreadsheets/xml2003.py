"""The XML of Excel 2003, row by row; it often has the ending of an older workbook."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import groupby
from typing import NamedTuple

from searchapp.errors import FileFailed
from searchapp.extract.office.common import iso_date, real_title
from searchapp.extract.office.ooxml import attribute, child_of, name_of
from searchapp.extract.spreadsheets.rows import Row
from searchapp.extract.spreadsheets.workbook import (
    EPOCH,
    MAX_COLUMNS,
    PLAIN,
    Element,
    Format,
    Ranges,
    Sheet,
    Workbook,
    column_letters,
    elements,
    format_of,
    iso_moment,
    note,
    row_number,
    shown,
    whole_number,
)

_SHEET = re.compile(rb"<(?:\w+:)?Worksheet[\s>]")
_PROPERTIES = re.compile(
    rb"<(?:\w+:)?DocumentProperties[\s>].*?</(?:\w+:)?DocumentProperties>", re.DOTALL
)
_PROPERTY = re.compile(rb"<(?:\w+:)?(Title|Author|Created|Subject|Keywords)>([^<]*)<")
_NAMED = {  # formats that go by a name
    "Percent": "0.00%",
    "Currency": "$#,##0.00",
    "Euro Currency": "€#,##0.00",
    "Fixed": "0.00",
    "Standard": "#,##0.00",
    "Scientific": "0.00E+00",
    "General Number": "General",
}


class _Item(NamedTuple):
    """A row, with the sheet that it is in."""

    sheet: str
    row: Row


def workbook(data: bytes, document_type: str) -> Workbook:  # noqa: ARG001 - the form of its kind
    """The workbook in the XML of Excel 2003."""
    data = data.lstrip()
    title, metadata = _properties(data)
    return Workbook(_sheets(data), len(_SHEET.findall(data)) > 1, title, metadata)


def _properties(data: bytes) -> tuple[str, dict[str, str]]:
    match = _PROPERTIES.search(data[: 64 * 1024])
    values = {
        name.decode(): value.decode("utf-8", "replace").strip()
        for name, value in _PROPERTY.findall(match[0] if match else b"")
    }
    metadata = {
        "author": values.get("Author", ""),
        "subject": values.get("Subject", ""),
        "tags": values.get("Keywords", ""),
        "date": iso_date(values.get("Created", "")),
    }
    return real_title(values.get("Title", "")), metadata


def _sheets(data: bytes) -> Iterator[Sheet]:
    merges: dict[str, Ranges] = {}
    for name, items in groupby(_items(data, merges), key=lambda item: item.sheet):
        rows = (item.row for item in items)
        yield Sheet(name, rows, merges=partial(_of_sheet, merges, name))


def _of_sheet(merges: Mapping[str, Ranges], name: str) -> Ranges:
    return merges.get(name, {})


def _items(data: bytes, merges: dict[str, Ranges]) -> Iterator[_Item]:
    """The rows in order; which cells are merged goes to `merges`."""
    formats: dict[str, Format] = {}
    sheet, number = None, 0
    for element in elements(io.BytesIO(data), "Row", "Style"):
        if name_of(element) == "Style":
            form = child_of(element, "NumberFormat")
            code = "" if form is None else attribute(form, "Format")
            formats[attribute(element, "ID")] = format_of(_NAMED.get(code, code) or "General")
            continue
        above = next(element.iterancestors("{*}Worksheet"), None)
        name = "" if above is None else attribute(above, "Name")
        if name != sheet:
            sheet, number = name, 0
        number = row_number(attribute(element, "Index"), number)
        cells, notes, spans = _cells(element, number, formats)
        merges.setdefault(name, {}).update(spans)
        yield _Item(name, Row(number, tuple(cells), tuple(notes)))


def _cells(
    row: Element, number: int, formats: Mapping[str, Format]
) -> tuple[list[tuple[int, str]], list[str], Ranges]:
    """The filled cells of a row, the comments on them, and the ranges that begin at them."""
    cells: list[tuple[int, str]] = []
    notes: list[str] = []
    spans = {}
    column = 0
    for cell in row:
        if name_of(cell) != "Cell":
            continue
        column = whole_number(attribute(cell, "Index")) or column + 1
        if column > MAX_COLUMNS:
            raise FileFailed(f"too large: more than {MAX_COLUMNS:,} columns in a sheet")
        form = formats.get(attribute(cell, "StyleID"), PLAIN)
        text = _text(cell, form)
        if text:
            cells.append((column, text))
        remark = child_of(cell, "Comment", "Data")
        if remark is not None:
            notes.append(note(f"{column_letters(column)}{number}", "".join(remark.itertext())))
        across = whole_number(attribute(cell, "MergeAcross"))
        if across:
            down = whole_number(attribute(cell, "MergeDown"))
            spans[number, column] = (number + down, column + across)
        column += across
    return cells, notes, spans


def _text(cell: Element, form: Format) -> str:
    """What a cell shows, on one line."""
    data = child_of(cell, "Data")
    if data is None:
        return ""
    kind = attribute(data, "Type")
    text = " ".join("".join(data.itertext()).split())
    if kind == "Error":
        return ""
    if kind == "Boolean":
        return "TRUE" if text == "1" else "FALSE"
    if kind == "DateTime":
        return iso_moment(text)
    return shown(text, form, EPOCH) if kind == "Number" and text else text
