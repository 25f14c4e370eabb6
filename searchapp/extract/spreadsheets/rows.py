"""Rows of cells to lines that can be read alone: each value beside the name of its column.

Delimited text (csv, tsv) is read here, its rows numbered by the line of the file at which they
begin, as an editor shows it; `row_parts` serves every format with tables of data. Values stay the
text that they are: no types are inferred, only whether a cell looks like the name of a column or
like data.
"""

from __future__ import annotations

import csv
import re
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, NamedTuple

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.builder import Part, document_of
from searchapp.extract.spreadsheets.headers import Merges, are_titles, continues, header_of
from searchapp.extract.text.encoding import decode

if TYPE_CHECKING:
    from _csv import Reader
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from searchapp.types.documents import Document, Place

MAX_ROWS = 2_000_000  # of a file
MAX_CHARACTERS = 256 * 2**20  # of a file's rows with the names of their columns

_SAMPLE = 50  # rows that tell whether a table has a header
_MAX_FIELD = 2**31 - 1  # characters: the csv module's own limit is 128 K

_SNIFFED_CHARACTERS = 64 * 1024
_SNIFFED_RECORDS = 200
# of equally good ones the first: a comma is also a decimal sign
_DELIMITERS = ("\x1f", "\x01", "\t", ";", "|", ",", "^", "~", ":", "#", "§", "¦")
_RARE_DELIMITERS = frozenset("^~:#§¦")  # only where they divide every line alike
_NO_DELIMITER = "\x00"
_RECORD_MARK = "\x1e"
# a field without its closing quote takes up the rest of the file, which is then read without quotes
_MAX_OPEN_LINES = 100
_END = "\x1e"  # a last line, swallowed by a field that is still open
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Row(NamedTuple):
    """A row as its file numbers it, from 1: the (column, text) of its filled cells, in order, and
    remarks on them.

    A row without cells ends a table.
    """

    number: int
    cells: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()


# ---- delimited text ------------------------------------------------------------------------------


def read(data: bytes, document_type: str) -> Document:
    """The records of delimited text, a line each; a record's row is the line of the file at which
    it begins.
    """
    text = decode(data)
    if not text.strip():
        raise FileSkipped("empty")
    if _RECORD_MARK in text and "\x1f" in text:
        text = text.replace(f"{_RECORD_MARK}\n", "\n").replace(_RECORD_MARK, "\n")
    csv.field_size_limit(_MAX_FIELD)
    declared = _SEPARATOR_LINE.match(text)
    delimiter = declared[1] if declared else _delimiter(text)
    records = _records(text, delimiter, quoted=_are_quotes_closed(text, delimiter))
    return document_of(
        limited(row_parts(islice(records, 1 if declared else 0, None))), document_type
    )


def _delimiter(text: str) -> str:
    """The delimiter that gives the most even records; `_NO_DELIMITER` where none divides them
    evenly.
    """
    best, best_evenness = _NO_DELIMITER, 0.0
    for delimiter in _DELIMITERS:
        evenness = _evenness(text, delimiter)
        if delimiter in _RARE_DELIMITERS and evenness < 1:
            continue
        if evenness > best_evenness + 0.05:
            best, best_evenness = delimiter, evenness
    return best


def _evenness(text: str, delimiter: str) -> float:
    """The share of records with as many fields as most have; 0 for records of one field, and for a
    mere mixture of lengths.
    """
    sample = text[:_SNIFFED_CHARACTERS]
    records = [
        record
        for record in islice(_reader(sample, delimiter), _SNIFFED_RECORDS + 1)
        if any(field.strip() for field in record)
    ]
    if len(records) > 1 and (len(sample) < len(text) or len(records) > _SNIFFED_RECORDS):
        records.pop()  # it may be cut
    widths = [len(record) for record in records]
    divided = [width for width in widths if width > 1]
    if not divided or len(divided) < len(widths) / 2:
        return 0.0
    usual = max(set(divided), key=lambda width: (divided.count(width), width))
    evenness = divided.count(usual) / len(widths)
    return (
        evenness if evenness >= 0.5 or (len(divided) == len(widths) and delimiter != ",") else 0.0
    )


def _are_quotes_closed(text: str, delimiter: str) -> bool:
    """False where a quote that never closes would make one field of most lines."""
    if '"' not in text:
        return True
    reader = _reader(text, delimiter, [_END])
    last, end, start = [""], 0, 0
    for record in reader:
        last, start, end = record, end, reader.line_num
    return last == [_END] or end - start <= _MAX_OPEN_LINES


def _records(text: str, delimiter: str, *, quoted: bool) -> Iterator[Row]:
    reader = _reader(text, delimiter, quoted=quoted)
    number = 1
    for record in reader:
        yield Row(number, filled_cells(record))
        number = reader.line_num + 1


def _reader(
    text: str, delimiter: str, further_lines: Sequence[str] = (), *, quoted: bool = True
) -> Reader:
    lines = chain((match[0] for match in _LINE.finditer(text)), further_lines)
    if quoted:
        return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, quoting=csv.QUOTE_NONE)


# ---- rows to parts -------------------------------------------------------------------------------


def filled_cells(values: Iterable[str], *, first: int = 0) -> tuple[tuple[int, str], ...]:
    """The cells of a row that hold text, on one line each, with their columns counted
    from `first`.
    """
    return tuple(
        (column, " ".join(value.split()))
        for column, value in enumerate(values, first)
        if value and not value.isspace()
    )


def limited(parts: Iterable[Part]) -> Iterator[Part]:
    """The parts as they are; raises FileFailed where they become more, or longer, than any honest
    table.
    """
    characters = 0
    for count, part in enumerate(parts, 1):
        characters += len(part.text)
        if count > MAX_ROWS:
            raise FileFailed(f"too large: more than {MAX_ROWS:,} rows")
        if characters > MAX_CHARACTERS:
            raise FileFailed(
                f"too large: more than {MAX_CHARACTERS >> 20:,} million characters in its rows"
            )
        yield part


def row_parts(
    rows: Iterable[Row], place: Place = (), merges: Merges | None = None
) -> Iterator[Part]:
    """A part for each row: "Name: Ada | Age: 36" below a header, the header itself once, and the
    values alone elsewhere. Of a header of several rows each value has the names of all.

    A sheet may hold several tables with rows without cells between them. A title that stands alone
    above a header is a heading of level 2. Places are `place` and the row.
    """
    names: Mapping[int, str] = {}
    titles: list[Row] = []
    for is_filled, group in groupby(rows, key=lambda row: bool(row.cells)):
        if not is_filled:
            yield from (part for row in group for part in _notes(row, place))
            continue
        table = list(islice(group, _SAMPLE))
        header = header_of(table, names, merges)
        if header is None and not titles and are_titles(table):
            titles = table
            continue
        above = titles + table[: header.first if header else 0]
        yield from _leading_parts(above, place, header=header is not None)
        titles = []
        if header is not None:
            names = {column: text.rstrip(": ") for column, text in header.names.items()}
            for row in table[header.first : header.last + 1]:
                yield from _parts(row, {}, place)
        known = names if header is not None or continues(table[0], names) else {}
        for row in chain(table[header.last + 1 if header else 0 :], group):
            yield from _parts(row, known, place)
    yield from _leading_parts(titles, place, header=False)


def named_rows(header: Row, rows: Iterable[Row], place: Place = ()) -> Iterator[Part]:
    """A part for each row of a table whose columns are known to have the names of a header."""
    yield from _parts(header, {}, place)
    names = dict(header.cells)
    for row in rows:
        yield from _parts(row, names, place)


def _leading_parts(rows: Sequence[Row], place: Place, *, header: bool) -> Iterator[Part]:
    """The rows above a table's header, or titles without a table."""
    for index, row in enumerate(rows):
        if index == 0 and header and are_titles(rows):
            yield Part("heading", row.cells[0][1], level=2, place=(*place, ("row", row.number)))
            yield from _notes(row, place)
        else:
            yield from _parts(row, {}, place)


def _parts(row: Row, names: Mapping[int, str], place: Place) -> Iterator[Part]:
    text = " | ".join(
        [f"{name}: {text}" if (name := names.get(column)) else text for column, text in row.cells]
    )
    yield Part("table", text, place=(*place, ("row", row.number)), is_tight=True)
    if row.notes:
        yield from _notes(row, place)


def _notes(row: Row, place: Place) -> Iterator[Part]:
    for note in row.notes:
        yield Part("table", note, place=(*place, ("row", row.number)), is_tight=True)
