"""ods: its XML, row by row and only the cells that are there."""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import time
from functools import partial
from itertools import groupby
from zipfile import ZipFile

from searchapp.errors import FileFailed
from searchapp.extract.office.common import iso_date, real_title
from searchapp.extract.office.drawings import real_descriptions
from searchapp.extract.office.ooxml import name_of, parsed
from searchapp.extract.office.zip_package import MAX_TOTAL_BYTES, checked_package, member_bytes
from searchapp.extract.spreadsheets.number_formats import FormattedNumber, beside
from searchapp.extract.spreadsheets.rows import Row
from searchapp.extract.spreadsheets.workbook import (
    MAX_COLUMNS,
    MAX_ROWS,
    Element,
    Ranges,
    Sheet,
    Workbook,
    children,
    column_letters,
    duration_text,
    elements,
    iso_moment,
    note,
    number_text,
    time_text,
)

_SPANNED_ROWS = 1000  # of a sheet, in which merged cells are looked at
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_VALUE_TYPE = f"{_OFFICE}value-type"
_CALC_TYPE = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
_REPEATED = f"{_TABLE}number-columns-repeated"
_NOTE = f"{_OFFICE}annotation"
_PARAGRAPH = f"{_TEXT}p"
_WHITE = (f"{_TEXT}s", f"{_TEXT}tab", f"{_TEXT}line-break")
_PERIOD = re.compile(r"-?PT(\d+)H(\d+)M(\d+)[\d.,]*S")
_ODS_PROPERTIES = {
    "initial-creator": "author",
    "subject": "subject",
    "description": "description",
    "language": "language",
}


def workbook(data: bytes, document_type: str) -> Workbook:  # noqa: ARG001 - the form of its kind
    """The workbook in an OpenDocument package."""
    archive = checked_package(data)
    names = set(archive.namelist())
    if "META-INF/manifest.xml" in names and b"encryption-data" in member_bytes(
        archive, "META-INF/manifest.xml"
    ):
        raise FileFailed("encrypted: needs a password")
    if "content.xml" not in names:
        raise FileFailed("not a readable workbook: it has no content")
    content = member_bytes(archive, "content.xml", max_bytes=MAX_TOTAL_BYTES)
    title, metadata = (
        _ods_properties(parsed(member_bytes(archive, "meta.xml")))
        if "meta.xml" in names
        else ("", {})
    )
    sheets = _ods_sheets(content, partial(_object_root, archive))
    return Workbook(sheets, content.count(b"<table:table ") > 1, title, metadata)


def _object_root(archive: ZipFile, reference: str) -> Element | None:
    """The root of an object in the package, None where it cannot be read."""
    try:
        name = posixpath.normpath(posixpath.join(reference, "content.xml"))
        root: Element = parsed(member_bytes(archive, name))
    except (KeyError, FileFailed):
        return None
    return root


def _ods_properties(root: Element) -> tuple[str, dict[str, str]]:
    values: dict[str, str] = {}
    for element in children(root, "meta"):
        text = " ".join("".join(element.itertext()).split())
        name = name_of(element)
        values[name] = f"{values[name]}; {text}" if name == "keyword" and name in values else text
    metadata = {name: values.get(key, "") for key, name in _ODS_PROPERTIES.items()} | {
        "tags": values.get("keyword", "")
    }
    metadata["author"] = metadata["author"] or values.get("creator", "")
    metadata["date"] = iso_date(values.get("creation-date", "")) or iso_date(values.get("date", ""))
    return real_title(values.get("title", "")), metadata


def _ods_sheets(content: bytes, loaded: Callable[[str], Element | None]) -> Iterator[Sheet]:
    spans: dict[str, Ranges] = {}
    for name, items in groupby(_ods_items(content, spans, loaded), key=lambda item: item[0]):
        texts: list[str] = []
        yield Sheet(name, _rows_among(items, texts), texts, partial(_of_sheet, spans, name))


def _of_sheet(spans: Mapping[str, Ranges], name: str) -> Ranges:
    return spans.get(name, {})


def _rows_among(items: Iterable[tuple[str, Row | str]], texts: list[str]) -> Iterator[Row]:
    """The rows; what else there is goes to `texts`."""
    for _, item in items:
        if isinstance(item, Row):
            yield item
        else:
            texts.append(item)


def _ods_items(
    content: bytes, spans: dict[str, Ranges], loaded: Callable[[str], Element | None]
) -> Iterator[tuple[str, Row | str]]:
    """The rows with cells, the texts of boxes, titles of charts and descriptions of pictures, each
    with the name of its table; which cells are merged goes to `spans`.
    """
    current: str | None = None
    number = 0
    table: Element | None = None
    is_of_object = False
    names = ("table-row", "text-box", "custom-shape", "object", "frame")
    for element in elements(io.BytesIO(content), *names):
        above = next(element.iterancestors(f"{_TABLE}table"), None)
        if above is None:
            continue
        if above is not table:
            table = above
            is_of_object = next(table.iterancestors(f"{_DRAW}object"), None) is not None
        if is_of_object:  # the figures behind a chart
            continue
        name = table.get(f"{_TABLE}name", "")
        if name != current:
            current, number = name, 0
        if element.tag != f"{_TABLE}table-row":
            yield from ((name, text) for text in _drawn_texts(element, loaded) if text)
            continue
        cells, notes = _ods_cells(element, number + 1)
        if number < _SPANNED_ROWS:
            spans.setdefault(name, {}).update(_ods_spans(element, number + 1))
        repeats = int(element.get(f"{_TABLE}number-rows-repeated") or 1)
        if (cells or notes) and number + repeats > MAX_ROWS:
            raise FileFailed(f"too large: more than {MAX_ROWS:,} rows in a sheet")
        for row in range(number + 1, number + repeats + 1) if cells or notes else ():
            yield name, Row(row, cells, notes if row == number + 1 else ())
        number += repeats


def _drawn_texts(element: Element, loaded: Callable[[str], Element | None]) -> Iterator[str]:
    """The text of a box, the titles of a chart, or what is said of a picture."""
    kind = name_of(element)
    if kind == "frame":
        said = (element.findtext(f"{{*}}{name}") or "" for name in ("title", "desc"))
        yield from real_descriptions(said)
    elif kind == "object":
        reference = element.get(_LINK)
        root = loaded(reference) if reference else element
        titles = root.iter("{*}title", "{*}subtitle") if root is not None else ()
        texts = (" ".join(map(_ods_paragraph, title.iter(_PARAGRAPH))) for title in titles)
        yield "\n".join(filter(None, texts))
    else:
        yield "\n".join(map(_ods_paragraph, element.iter(_PARAGRAPH)))


def _ods_spans(row: Element, number: int) -> Ranges:
    """The ranges that begin in a row, each by its first cell."""
    spans, column = {}, 0
    for cell in row:
        width = int(cell.get(f"{_TABLE}number-columns-spanned") or 1)
        if width > 1:
            height = int(cell.get(f"{_TABLE}number-rows-spanned") or 1)
            spans[number, column + 1] = (number + height - 1, column + width)
        column += int(cell.get(_REPEATED) or 1)
    return spans


def _ods_cells(row: Element, number: int) -> tuple[tuple[tuple[int, str], ...], tuple[str, ...]]:
    """The filled cells of a row, each as often as it is repeated, and the comments on them."""
    cells: list[tuple[int, str]] = []
    notes: list[str] = []
    column = 0
    for cell in row:
        repeats = int(cell.get(_REPEATED) or 1)
        if len(cell):
            text = _ods_text(cell)
            text = text if isinstance(text, FormattedNumber) else " ".join(text.split())
            if text and column + repeats > MAX_COLUMNS:
                raise FileFailed(f"too large: more than {MAX_COLUMNS:,} columns in a sheet")
            cells += [
                (repeated, text) for repeated in range(column + 1, column + repeats + 1) if text
            ]
            for remark in cell.iterchildren(_NOTE) if len(cell) > 1 or not text else ():
                lines = " ".join(map(_ods_paragraph, remark.iter(_PARAGRAPH)))
                notes.append(note(f"{column_letters(column + 1)}{number}", lines))
        column += repeats
    return tuple(cells), tuple(notes)


def _ods_text(cell: Element) -> str:
    kind = cell.get(_VALUE_TYPE)
    if cell.get(_CALC_TYPE) == "error":
        return ""
    if kind in {"float", "currency", "percentage"}:
        return _ods_number(cell, kind == "percentage")
    if kind == "date":
        return iso_moment(cell.get(f"{_OFFICE}date-value"))
    if kind == "boolean":
        return str(cell.get(f"{_OFFICE}boolean-value")).upper()
    period = _PERIOD.match(cell.get(f"{_OFFICE}time-value", "")) if kind == "time" else None
    if period:
        hours, minutes, seconds = map(int, period.groups())
        return (
            time_text(time(hours, minutes, seconds))
            if hours < 24
            else duration_text(hours * 3600 + minutes * 60 + seconds)
        )
    return "\n".join([_ods_paragraph(child) for child in cell if child.tag == _PARAGRAPH])


def _ods_number(cell: Element, is_percentage: bool) -> str:
    """A number as the file shows it, with the bare one behind where that differs."""
    shown = " ".join(
        "".join(_ods_paragraph(child) for child in cell if child.tag == _PARAGRAPH).split()
    )
    value = cell.get(f"{_OFFICE}value")
    if value is None:
        return shown
    number = float(value)
    bare = number_text(number * 100 if is_percentage else number)
    text = beside(shown if any(map(str.isalnum, shown)) else "", bare)
    return FormattedNumber(f"{text[:-1]}%)") if is_percentage and text.endswith(")") else text


def _ods_paragraph(paragraph: Element) -> str:
    if not len(paragraph):
        return str(paragraph.text or "")
    for white in paragraph.iter(*_WHITE):
        white.tail = " " + (white.tail or "")
    return "".join(paragraph.itertext())
