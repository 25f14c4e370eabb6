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
from searchapp.extract.text.encoding import decode
from searchapp.types.dates import ISO_DAY, ISO_MONTH

if TYPE_CHECKING:
    from _csv import Reader
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from searchapp.types.documents import Document, Place

MAX_ROWS = 2_000_000  # of a file
MAX_CHARACTERS = 256 * 2**20  # of a file's rows with the names of their columns

_SAMPLE = 50  # rows that tell whether a table has a header
_SAMPLED_CELLS = 20_000  # in them
_MAX_ABOVE = 10  # rows above a header
_MAX_NAME = 100  # characters in the name of a column
_MAX_TITLE_ROWS = 3  # above a table: title, subtitle, date
_MAX_FIELD = 2**31 - 1  # characters: the csv module's own limit is 128 K

_SNIFFED_CHARACTERS = 64 * 1024
_SNIFFED_RECORDS = 200
# of equally good ones the first: a comma is also a decimal sign
_DELIMITERS = ("\t", ";", "|", ",", "^", "~", ":")
_RARE_DELIMITERS = frozenset({"^", "~", ":"})  # only where they divide every line alike
_NO_DELIMITER = "\x1f"
# a field without its closing quote takes up the rest of the file, which is then read without quotes
_MAX_OPEN_LINES = 100
_END = "\x1e"  # a last line, swallowed by a field that is still open
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")

_LETTER = re.compile(r"[^\W\d_]")
_NUMBER = re.compile(r"[-+]?(\d[\d.,]*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
_DATE = re.compile(rf"(?:{ISO_DAY}|{ISO_MONTH})([T ][\d:.+-]*Z?)?")
_YEAR = re.compile(r"(19|20)\d\d")
_ADDRESS = re.compile(r"\S+@\S+\.\S+|\w+://\S+")


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


def row_parts(rows: Iterable[Row], place: Place = ()) -> Iterator[Part]:
    """A part for each row: "Name: Ada | Age: 36" below a header, the header itself once, and the
    values alone elsewhere.

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
        header = _header_index(table, names)
        if header is None and not titles and _are_titles(table):
            titles = table
            continue
        yield from _leading_parts(titles + table[: header or 0], place, header=header is not None)
        titles = []
        if header is not None:
            names = {column: text.rstrip(": ") for column, text in table[header].cells}
            yield from _parts(table[header], {}, place)
        known = names if header is not None or _continues(table[0], names) else {}
        for row in chain(table[0 if header is None else header + 1 :], group):
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
        if index == 0 and header and _are_titles(rows):
            yield Part("heading", row.cells[0][1], level=2, place=(*place, ("row", row.number)))
            yield from _notes(row, place)
        else:
            yield from _parts(row, {}, place)


def _parts(row: Row, names: Mapping[int, str], place: Place) -> Iterator[Part]:
    text = " | ".join(
        [f"{names[column]}: {text}" if names.get(column) else text for column, text in row.cells]
    )
    yield Part("table", text, place=(*place, ("row", row.number)), is_tight=True)
    if row.notes:
        yield from _notes(row, place)


def _notes(row: Row, place: Place) -> Iterator[Part]:
    for note in row.notes:
        yield Part("table", note, place=(*place, ("row", row.number)), is_tight=True)


# ---- headers -------------------------------------------------------------------------------------


def _header_index(table: Sequence[Row], names: Mapping[int, str]) -> int | None:
    """Which row names the columns of those below it, None where none does; `names` are those of the
    table above.
    """
    table = _few_cells(table)
    usual = _used_columns(table)
    for index, row in enumerate(table[:_MAX_ABOVE]):
        below = table[index + 1 :]
        used = _used_columns(below)
        if _names_columns(row, below, used, strict=bool(names) and used <= names.keys()):
            return index
        if len(row.cells) > len(usual) / 2 and any(_is_data(text) for _, text in row.cells):
            return None
    return None


def _few_cells(table: Sequence[Row]) -> Sequence[Row]:
    """The first rows of a table: two at least, and no more than hold `_SAMPLED_CELLS` together."""
    count = 0
    for index, row in enumerate(table):
        count += len(row.cells)
        if index >= 2 and count > _SAMPLED_CELLS:
            return table[:index]
    return table


def _used_columns(rows: Sequence[Row]) -> set[int]:
    """The columns that more than a third of the rows fill."""
    counts: dict[int, int] = {}
    for row in rows:
        for column, _ in row.cells:
            counts[column] = counts.get(column, 0) + 1
    return {column for column, count in counts.items() if count * 3 > len(rows)}


def _names_columns(row: Row, below: Sequence[Row], used: set[int], *, strict: bool) -> bool:
    """Whether a row fills the columns used below it with words for them: where values below are no
    words, or else by its look.
    """
    names = dict(row.cells)
    open_columns = used - names.keys()
    if (
        not used
        or len(open_columns - {min(used)}) * 4 > len(used)
        or len(open_columns) * 2 > len(used)
    ):
        return False
    if max(map(len, names.values())) > _MAX_NAME or not any(map(_is_word, names.values())):
        return False
    values = _values(names, below)
    if any(
        _is_data(text) and not _is_period(text, values[column]) for column, text in names.items()
    ):
        return False
    if _are_keys(names.get(min(used), ""), values[min(used)]):
        return False
    if any(_share_of_data(values[column]) >= 0.8 for column in names):
        return True
    return not strict and _looks_like_header(names, values)


def _values(columns: Iterable[int], rows: Sequence[Row]) -> dict[int, list[str]]:
    """What the rows hold in these columns, and in all others that they fill."""
    values: dict[int, list[str]] = {column: [] for column in columns}
    for row in rows:
        for column, text in row.cells:
            values.setdefault(column, []).append(text)
    return values


def _looks_like_header(names: Mapping[int, str], values: Mapping[int, Sequence[str]]) -> bool:
    """Whether a row of words above rows of words is short and like no row below; of two columns,
    neither mixes words and data.
    """
    if (
        len(names) < 2
        or len(set(names.values())) < len(names)
        or max(map(len, names.values())) > _MAX_NAME / 2
    ):
        return False
    if len(names) == 2 and any(0 < _share_of_data(values[column]) < 1 for column in names):
        return False
    return not any(text in values[column] for column, text in names.items())


def _share_of_data(values: Sequence[str]) -> float:
    return sum(map(_is_data, values)) / len(values) if values else 0.0


def _is_period(text: str, below: Sequence[str]) -> bool:
    """Whether a year or date names a column rather than being a value like those below it."""
    shape = next((pattern for pattern in (_YEAR, _DATE) if pattern.fullmatch(text)), None)
    return shape is not None and bool(below) and not all(shape.fullmatch(value) for value in below)


def _are_keys(text: str, below: Sequence[str]) -> bool:
    """Whether a column holds the keys of a form, "Name:" and "Town:" one below the other."""
    return text.endswith(":") and all(value.endswith(":") for value in below)


def _are_titles(rows: Sequence[Row]) -> bool:
    """Whether all rows are short lines of words that stand alone."""
    return 0 < len(rows) <= _MAX_TITLE_ROWS and all(
        len(row.cells) == 1 and len(row.cells[0][1]) <= _MAX_NAME and not _is_data(row.cells[0][1])
        for row in rows
    )


def _continues(row: Row, names: Mapping[int, str]) -> bool:
    """Whether a row after a gap belongs to the table above: it fills at least half of its columns,
    and no others.
    """
    columns = {column for column, _ in row.cells}
    return len(columns) >= 2 and len(columns) * 2 >= len(names) and columns <= names.keys()


def _is_word(text: str) -> bool:
    return not _is_data(text) and _LETTER.search(text) is not None


def _is_data(text: str) -> bool:
    """Whether a cell holds a number, a date, a truth or an address rather than words."""
    if len(text) > _MAX_NAME:
        return False
    if text in {"TRUE", "FALSE", "True", "False", "true", "false"}:
        return True
    if any(character.isdigit() for character in text) and _LETTER.search(text) is None:
        return True
    return any(pattern.fullmatch(text) for pattern in (_NUMBER, _DATE, _ADDRESS))
