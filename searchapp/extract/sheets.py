"""Workbooks: xlsx and ods from their XML, row by row and only the cells that are there; xls and xlsb by a library.

A sheet becomes its rows as `searchapp.extract.rows` writes them. Values are what their reader sees: dates and times in ISO 8601,
percentages, TRUE and FALSE, numbers without the dust of binary fractions; formulas are the results that the file keeps, and
errors are left out. Hidden sheets, rows and columns are read like all others.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from searchapp.errors import FileError, FileFailed
from searchapp.extract.office import iso_date, real_title
from searchapp.extract.ooxml import Package, attribute, child_of, name_of, parsed, properties
from searchapp.extract.parts import Part, document_of
from searchapp.extract.rows import Row, filled_cells, limited, row_parts
from searchapp.extract.zipped import MAX_TOTAL_BYTES, checked_package, member_bytes

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from olefile import OleFileIO
    from python_calamine import CalamineWorkbook

    from searchapp.types import Document

MAX_ROWS = 1_048_576  # of a sheet: no program has more
MAX_COLUMNS = 16_384
MAX_AREA = 40_000_000  # cells between the corners of an xlsb sheet, empty ones too: the library gives memory to each

_ORDINARY_NAME = re.compile(
    r"(sheet|tabelle|feuil|hoja|foglio|blad|planilha|ark|list|arkusz|munka\w*|лист|シート|工作表)[ _]?\d*", re.IGNORECASE
)
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SWEPT_ROWS = 256  # read before their empty elements go, which takes longer one by one
_THREAD = "[Threaded comment]"  # begins the note that stands in for a thread of comments, its text after "Comment:"

Kind: TypeAlias = Literal["number", "percentage", "moment", "duration"]
_Element: TypeAlias = Any  # an lxml element


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet's name, its rows in order, and then the texts of its charts and boxes."""

    name: str
    rows: Iterable[Row]
    texts: Iterable[str] = ()


@dataclass(frozen=True, slots=True)
class _Workbook:
    """Sheets, each to be read before the next one is asked for, and what is said of them all."""

    sheets: Iterable[_Sheet]
    are_several: bool
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def read(data: bytes, document_type: str) -> Document:
    """Sheets by rows; a sheet's name is a heading where there are several, or where it says anything."""
    readers = {"xlsx": _xlsx, "xlsb": _xlsb, "xls": _xls, "ods": _ods}
    try:
        book = readers[document_type](data)
        return document_of(limited(_parts(book)), document_type, title=book.title, metadata=book.metadata)
    except (FileError, MemoryError):
        raise
    except BaseException as error:  # broken workbooks make the libraries raise anything, and one of them what is no Exception
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise FileFailed(f"not a readable workbook: {str(error)[:100] or type(error).__name__}") from error
        raise


def _parts(book: _Workbook) -> Iterator[Part]:
    for sheet in book.sheets:
        place = (("sheet", sheet.name),)
        is_named = book.are_several or not _ORDINARY_NAME.fullmatch(sheet.name)
        for part in _sheet_parts(sheet):
            if is_named:
                yield Part("heading", sheet.name, level=1, place=place)
                is_named = False
            yield part


def _sheet_parts(sheet: _Sheet) -> Iterator[Part]:
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


# ---- values --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Format:
    """How a number is shown."""

    kind: Kind = "number"
    decimals: int = 0  # of a percentage
    has_date: bool = False  # a moment's parts
    has_time: bool = False


_PLAIN = _Format()
_BUILT_IN = {
    9: _Format("percentage"),
    10: _Format("percentage", 2),
    **dict.fromkeys((*range(14, 18), *range(27, 32), 36, *range(50, 59)), _Format("moment", has_date=True)),
    **dict.fromkeys((*range(18, 22), *range(32, 36), 45, 47), _Format("moment", has_time=True)),
    22: _Format("moment", has_date=True, has_time=True),
    46: _Format("duration"),
}
_LITERALS = re.compile(r'"[^"]*"?|\\.|_.|\*.|am/pm|a/p|general|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)


def _format_of(code: str) -> _Format:
    """The format that a code means: "0.0%", "dd.mm.yyyy", "[h]:mm"; of its sections the first one."""
    plain = _LITERALS.sub("", code).split(";")[0].lower()
    if "[" in plain:
        return _Format("duration")
    if "%" in plain:
        decimals = re.search(r"\.([0#?]+)", plain)
        return _Format("percentage", len(decimals[1]) if decimals else 0)
    has_time = "h" in plain or "s" in plain
    has_date = "y" in plain or "d" in plain or ("m" in plain and not has_time)
    return _Format("moment", has_date=has_date, has_time=has_time) if has_date or has_time else _PLAIN


def _shown(raw: str, form: _Format, epoch: datetime) -> str:
    """A number, as XML holds it, in its format; what is no number, or beyond all formats, as it is."""
    if form is _PLAIN and raw.isdigit():
        return raw
    try:
        number = float(raw)
        if form.kind == "percentage":
            return f"{number * 100:.{form.decimals}f}%"
        if form.kind == "duration":
            return _duration_text(number * 86_400)
        return _moment_text(number, form, epoch) if form.kind == "moment" else _number_text(number)
    except (ValueError, OverflowError):
        return raw


def _number_text(number: float) -> str:
    return format(number, ".15g")  # as many digits as a sheet keeps


def _moment_text(days: float, form: _Format, epoch: datetime) -> str:
    """A serial number as a date, a time or both; raises OverflowError or ValueError where no calendar has it."""
    if days < 60 and epoch.year == 1899:
        days += 1  # the format knows a 29 February 1900
    moment = epoch + timedelta(seconds=round(days * 86_400))
    if not form.has_date:
        return _time_text(moment.time())
    return _text_of(moment if form.has_time else moment.date())


def _duration_text(seconds: float) -> str:
    """Hours without end, minutes and seconds: "30:02:00"."""
    minutes, rest = divmod(round(abs(seconds)), 60)
    return f"{'-' if seconds < 0 else ''}{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _time_text(value: time) -> str:
    return value.isoformat("seconds" if value.second else "minutes")


def _text_of(value: object) -> str:
    """A value of a library as its reader sees it; a date at midnight is a date."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number_text(value)
    if isinstance(value, datetime) and value.time() != time():
        return f"{value.date()} {_time_text(value.time())}"
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, time):
        return _time_text(value)
    return _duration_text(value.total_seconds()) if isinstance(value, timedelta) else str(value)


# ---- xlsx ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the cells of an xlsx workbook refer to."""

    strings: Sequence[str]
    formats: Sequence[_Format]  # by cell style
    epoch: datetime


def _xlsx(data: bytes) -> _Workbook:
    package, archive = Package(data), checked_package(data)
    main = next(iter(package.related("", "officeDocument")), "xl/workbook.xml")
    root = package.xml(main)
    if root is None:
        raise FileFailed("not a readable workbook: it names no sheets")
    settings = child_of(root, "workbookPr")
    is_1904 = settings is not None and attribute(settings, "date1904") in {"1", "true"}
    strings = [_rich_text(each) for name in package.related(main, "sharedStrings") for each in _streamed(archive, name, "si")]
    shared = _Shared(strings, _formats(package, main), datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30))
    relations = package.relations(main)
    sheets = []
    for element in _children(root, "sheets"):
        relation = relations.get(next((value for key, value in element.items() if key.endswith("}id")), ""))
        if relation is not None and relation.target:
            rows = _rows_with_notes(_xlsx_rows(archive, relation.target, shared), _xlsx_notes(package, relation.target))
            sheets.append(_Sheet(attribute(element, "name"), rows, _drawn_texts(package, relation.target)))
    return _Workbook(sheets, len(sheets) > 1, *properties(package))


def _elements(stream: Any, *names: str) -> Iterator[_Element]:  # a binary stream
    """The elements of these names as they end, in order, each empty when the next one comes; the first name is that of rows."""
    from lxml import etree  # type: ignore[import-untyped]

    tags = [f"{{*}}{name}" for name in names]
    safe = {"resolve_entities": False, "no_network": True, "load_dtd": False, "remove_comments": True, "remove_pis": True}
    events = etree.iterparse(stream, tag=tags, **safe)
    for count, (_, element) in enumerate(events):
        yield element
        element.clear()
        if count % _SWEPT_ROWS == 0 and name_of(element) == names[0]:
            parent = element.getparent()
            del parent[: parent.index(element)]


def _streamed(archive: zipfile.ZipFile, part: str, name: str) -> Iterator[_Element]:
    """The elements of a name in a part, which is never unpacked as a whole; none where there is no such part."""
    member = next((each for each in archive.namelist() if each.replace("\\", "/").lstrip("/").lower() == part.lower()), None)
    return iter(()) if member is None else _elements(archive.open(member), name)


def _rich_text(element: _Element) -> str:
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


def _formats(package: Package, main: str) -> list[_Format]:
    root = next((package.xml(name) for name in package.related(main, "styles")), None)
    if root is None:
        return []
    own = {attribute(each, "numFmtId"): _format_of(attribute(each, "formatCode")) for each in _children(root, "numFmts")}
    ids = [attribute(each, "numFmtId") for each in _children(root, "cellXfs")]
    return [own.get(number) or _BUILT_IN.get(int(number or 0), _PLAIN) for number in ids]


def _children(root: _Element, name: str) -> Iterable[_Element]:
    """What stands in the child of that name."""
    child = child_of(root, name)
    return () if child is None else child


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
                column = columns.get(letters) or columns.setdefault(letters, _column_number(letters))
            else:
                column += 1
            text = _xlsx_text(cell, shared)
            if text:
                cells.append((column, text))
        if cells:
            yield Row(number, tuple(cells))


def _xlsx_text(cell: _Element, shared: _Shared) -> str:
    """What a cell shows, on one line."""
    kind = cell.get("t")
    for child in cell:
        tag = child.tag
        if tag.endswith("}v"):
            return _xlsx_value(child.text or "", kind, cell, shared)
        if tag.endswith("}is"):
            return _rich_text(child)
    return ""


def _xlsx_value(raw: str, kind: str | None, cell: _Element, shared: _Shared) -> str:
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
        return _iso_moment(raw)
    style = int(cell.get("s") or 0)
    return _shown(raw, shared.formats[style] if style < len(shared.formats) else _PLAIN, shared.epoch)


def _iso_moment(value: str) -> str:
    """An ISO date or date and time as cells show it."""
    try:
        return _text_of(datetime.fromisoformat(value.strip()))
    except ValueError:
        return value


def _column_number(letters: str) -> int:
    """1 for A, 28 for AB."""
    number = 0
    for letter in letters.upper()[:4]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _column_letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


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
                notes.setdefault(int(digits[0]), []).append(_note(cell, text))
    return notes


def _note(cell: str, text: str) -> str:
    return f"Comment on {cell}: {' '.join(text.split())}"


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


def _shape_texts(root: _Element | None, name: str) -> Iterator[str]:
    for shape in root.iter(f"{{*}}{name}") if root is not None else ():
        yield "\n".join("".join(run.text or "" for run in paragraph.iter("{*}t")) for paragraph in shape.iter("{*}p"))


# ---- ods -----------------------------------------------------------------------------------------------------------

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_VALUE_TYPE = f"{_OFFICE}value-type"
_CALC_TYPE = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
_REPEATED = f"{_TABLE}number-columns-repeated"
_NOTE = f"{_OFFICE}annotation"
_PARAGRAPH = f"{_TEXT}p"
_WHITE = (f"{_TEXT}s", f"{_TEXT}tab", f"{_TEXT}line-break")
_PERIOD = re.compile(r"-?PT(\d+)H(\d+)M(\d+)[\d.,]*S")
_ODS_PROPERTIES = {"initial-creator": "author", "subject": "subject", "description": "description", "language": "language"}


def _ods(data: bytes) -> _Workbook:
    archive = checked_package(data)
    names = set(archive.namelist())
    if "META-INF/manifest.xml" in names and b"encryption-data" in member_bytes(archive, "META-INF/manifest.xml"):
        raise FileFailed("encrypted: needs a password")
    if "content.xml" not in names:
        raise FileFailed("not a readable workbook: it has no content")
    content = member_bytes(archive, "content.xml", max_bytes=MAX_TOTAL_BYTES)
    title, metadata = _ods_properties(parsed(member_bytes(archive, "meta.xml"))) if "meta.xml" in names else ("", {})
    return _Workbook(_ods_sheets(content), content.count(b"<table:table ") > 1, title, metadata)


def _ods_properties(root: _Element) -> tuple[str, dict[str, str]]:
    values: dict[str, str] = {}
    for element in _children(root, "meta"):
        text = " ".join("".join(element.itertext()).split())
        name = name_of(element)
        values[name] = f"{values[name]}; {text}" if name == "keyword" and name in values else text
    metadata = {name: values.get(key, "") for key, name in _ODS_PROPERTIES.items()} | {"tags": values.get("keyword", "")}
    metadata["author"] = metadata["author"] or values.get("creator", "")
    metadata["date"] = iso_date(values.get("creation-date", "")) or iso_date(values.get("date", ""))
    return real_title(values.get("title", "")), metadata


def _ods_sheets(content: bytes) -> Iterator[_Sheet]:
    for name, items in groupby(_ods_items(content), key=lambda item: item[0]):
        texts: list[str] = []
        yield _Sheet(name, _rows_among(items, texts), texts)


def _rows_among(items: Iterable[tuple[str, Row | str]], texts: list[str]) -> Iterator[Row]:
    """The rows; what else there is goes to `texts`."""
    for _, item in items:
        if isinstance(item, Row):
            yield item
        else:
            texts.append(item)


def _ods_items(content: bytes) -> Iterator[tuple[str, Row | str]]:
    """The rows with cells and the texts of boxes, each with the name of its table."""
    current: str | None = None
    number = 0
    for element in _elements(io.BytesIO(content), "table-row", "text-box", "custom-shape"):
        table = next(element.iterancestors(f"{_TABLE}table"), None)
        if table is None:
            continue
        name = table.get(f"{_TABLE}name", "")
        if name != current:
            current, number = name, 0
        if element.tag != f"{_TABLE}table-row":
            yield name, "\n".join(map(_ods_paragraph, element.iter(_PARAGRAPH)))
            continue
        cells, notes = _ods_cells(element, number + 1)
        repeats = int(element.get(f"{_TABLE}number-rows-repeated") or 1)
        if (cells or notes) and number + repeats > MAX_ROWS:
            raise FileFailed(f"too large: more than {MAX_ROWS:,} rows in a sheet")
        for row in range(number + 1, number + repeats + 1) if cells or notes else ():
            yield name, Row(row, cells, notes if row == number + 1 else ())
        number += repeats


def _ods_cells(row: _Element, number: int) -> tuple[tuple[tuple[int, str], ...], tuple[str, ...]]:
    """The filled cells of a row, each as often as it is repeated, and the comments on them."""
    cells: list[tuple[int, str]] = []
    notes: list[str] = []
    column = 0
    for cell in row:
        repeats = int(cell.get(_REPEATED) or 1)
        if len(cell):
            text = " ".join(_ods_text(cell).split())
            if text and column + repeats > MAX_COLUMNS:
                raise FileFailed(f"too large: more than {MAX_COLUMNS:,} columns in a sheet")
            cells += [(each, text) for each in range(column + 1, column + repeats + 1) if text]
            for note in cell.iterchildren(_NOTE) if len(cell) > 1 or not text else ():
                lines = " ".join(map(_ods_paragraph, note.iter(_PARAGRAPH)))
                notes.append(_note(f"{_column_letters(column + 1)}{number}", lines))
        column += repeats
    return tuple(cells), tuple(notes)


def _ods_text(cell: _Element) -> str:
    kind = cell.get(_VALUE_TYPE)
    if cell.get(_CALC_TYPE) == "error":
        return ""
    if kind in {"float", "currency"}:
        return _number_text(float(cell.get(f"{_OFFICE}value")))
    if kind == "date":
        return _iso_moment(cell.get(f"{_OFFICE}date-value"))
    if kind == "boolean":
        return str(cell.get(f"{_OFFICE}boolean-value")).upper()
    period = _PERIOD.match(cell.get(f"{_OFFICE}time-value", "")) if kind == "time" else None
    if period:
        hours, minutes, seconds = map(int, period.groups())
        return _time_text(time(hours, minutes, seconds)) if hours < 24 else _duration_text(hours * 3600 + minutes * 60 + seconds)
    return "\n".join([_ods_paragraph(child) for child in cell if child.tag == _PARAGRAPH])


def _ods_paragraph(paragraph: _Element) -> str:
    if not len(paragraph):
        return str(paragraph.text or "")
    for white in paragraph.iter(*_WHITE):
        white.tail = " " + (white.tail or "")
    return "".join(paragraph.itertext())


# ---- xls and xlsb --------------------------------------------------------------------------------------------------

_CELL_RECORDS = range(1, 12)  # of an xlsb sheet: blank, number, error, truth, text, formula
_ROW_RECORD = 0
_FILE_PASS = 0x2F  # records of an xls workbook
_END_OF_RECORDS = 0x0A


def _xls(data: bytes) -> _Workbook:
    import olefile

    with olefile.OleFileIO(io.BytesIO(data)) as container:
        if any(_is_xls_encrypted(container.openstream(name).read()) for name in ("Workbook", "Book") if container.exists(name)):
            raise FileFailed("encrypted: needs a password")
        return _calamine(data, *_xls_properties(container))


def _is_xls_encrypted(stream: bytes) -> bool:
    """Whether the first records, those of the workbook as a whole, name a cipher."""
    at = 0
    while at + 4 <= len(stream):
        kind = int.from_bytes(stream[at : at + 2], "little")
        if kind in {_FILE_PASS, _END_OF_RECORDS}:
            return kind == _FILE_PASS
        at += 4 + int.from_bytes(stream[at + 2 : at + 4], "little")
    return False


def _xlsb(data: bytes) -> _Workbook:
    package, archive = Package(data), checked_package(data)
    main = next(iter(package.related("", "officeDocument")), "xl/workbook.bin")
    for name in package.related(main, "worksheet"):
        if name in archive.namelist() and _xlsb_area(member_bytes(archive, name)) > MAX_AREA:
            raise FileFailed("too large: cells too far apart")
    return _calamine(data, *properties(package))


def _calamine(data: bytes, title: str, metadata: Mapping[str, str]) -> _Workbook:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    sheets = (_Sheet(name, _calamine_rows(book, index)) for index, name in enumerate(book.sheet_names))
    return _Workbook(sheets, len(book.sheet_names) > 1, title, metadata)


def _calamine_rows(book: CalamineWorkbook, index: int) -> Iterator[Row]:
    sheet = book.get_sheet_by_index(index)
    for number, values in enumerate(sheet.iter_rows(), 1):
        cells = filled_cells(map(_text_of, values))
        if cells:
            yield Row(number, cells)


def _xlsb_area(sheet: bytes) -> int:
    """How many cells lie between the first and last row, and the first and last column, of an xlsb sheet."""
    rows, columns = set(), set()
    at = 0
    while at < len(sheet):
        kind, at = _varint(sheet, at, 2)
        size, at = _varint(sheet, at, 4)
        if kind == _ROW_RECORD:
            rows.add(int.from_bytes(sheet[at : at + 4], "little"))
        elif kind in _CELL_RECORDS:
            columns.add(int.from_bytes(sheet[at : at + 4], "little"))
        at += size
    return (max(rows) - min(rows) + 1) * (max(columns) - min(columns) + 1) if rows and columns else 0


def _varint(data: bytes, at: int, longest: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    number = 0
    for shift in range(longest):
        byte = data[at + shift]
        number |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return number, at + shift + 1
    return number, at + longest


def _xls_properties(container: OleFileIO) -> tuple[str, dict[str, str]]:
    """The title and metadata of an old workbook; nothing where they are broken."""
    try:
        found = container.get_metadata()
    except Exception:  # noqa: BLE001 - broken ones make olefile raise anything
        return "", {}
    encoding = f"cp{found.codepage % 65_536}" if isinstance(found.codepage, int) else "cp1252"
    names = {"author": found.author, "subject": found.subject, "tags": found.keywords, "description": found.comments}
    metadata = {name: _decoded(value, encoding) for name, value in names.items()}
    created = found.create_time or found.last_saved_time
    metadata["date"] = iso_date(created.isoformat()) if isinstance(created, datetime) else ""
    return real_title(_decoded(found.title, encoding)), metadata


def _decoded(value: object, encoding: str) -> str:
    if not isinstance(value, bytes):
        return ""
    try:
        text = value.decode("utf-8" if encoding == "cp65001" else encoding, "replace")
    except LookupError:
        text = value.decode("cp1252", "replace")
    return " ".join(text.replace("\0", "").split())
