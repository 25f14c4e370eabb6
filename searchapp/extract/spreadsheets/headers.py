"""Which rows of a table name its columns: one, or several of which the upper ones span columns of
those below.

Only whether a cell looks like the name of a column or like data decides, and, of a workbook, which
cells are merged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from searchapp.extract.spreadsheets.number_formats import FormattedNumber
from searchapp.types.dates import ISO_DAY, ISO_MONTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from searchapp.extract.spreadsheets.rows import Row

_SAMPLED_CELLS = 20_000  # in them
_MAX_HEADER_ROWS = 3
_MAX_ABOVE = 10  # rows above a header
_MAX_NAME = 100  # characters in the name of a column
_MAX_TITLE_ROWS = 3  # above a table: title, subtitle, date

_LETTER = re.compile(r"[^\W\d_]")
_NUMBER = re.compile(r"[-+]?(\d[\d.,]*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
_DATE = re.compile(rf"(?:{ISO_DAY}|{ISO_MONTH})([T ][\d:.+-]*Z?)?")
_YEAR = re.compile(r"(19|20)\d\d")
_ADDRESS = re.compile(r"\S+@\S+\.\S+|\w+://\S+")


# the last row and column of each merged range by the row and column of its first cell; asked for
# only where a table may have a header of several rows
Merges: TypeAlias = Callable[[], "Mapping[tuple[int, int], tuple[int, int]]"]


class TableHeader(NamedTuple):
    """The rows of a table that name its columns, by index, both inclusive, and the names."""

    first: int
    last: int
    names: dict[int, str]


def header_of(
    table: Sequence[Row], names: Mapping[int, str], merges: Merges | None = None
) -> TableHeader | None:
    """The header of a table, None where it has none; `names` are those of the table above."""
    table = _few_cells(table)
    usual = _used_columns(table)
    for index, row in enumerate(table[:_MAX_ABOVE]):
        for depth in range(min(_MAX_HEADER_ROWS, len(table) - index - 1), 0, -1):
            below = table[index + depth :]
            used = _used_columns(below)
            column_names = _stacked(table[index : index + depth], merges)
            if column_names and depth == 1 and merges and used - column_names.keys():
                column_names = _spread(row, used, merges())
            strict = bool(names) and used <= names.keys()
            if column_names and _names_columns(column_names, below, used, strict=strict):
                return TableHeader(index, index + depth - 1, column_names)
        if len(row.cells) > len(usual) / 2 and any(_is_data(text) for _, text in row.cells):
            return None
    return None


def _spread(
    row: Row, used: set[int], merges: Mapping[tuple[int, int], tuple[int, int]]
) -> dict[int, str]:
    """The names in a row, those of merged cells for each column used below them."""
    names = dict(row.cells)
    for column, text in row.cells:
        last = merges.get((row.number, column), (0, column))[1]
        names |= {
            spanned: text for spanned in used if column < spanned <= last and spanned not in names
        }
    return dict(sorted(names.items()))


def _stacked(rows: Sequence[Row], merges: Merges | None) -> dict[int, str] | None:
    """The names that the rows of a header give together: those of the upper ones before those of
    the lower ones that they span. None where the rows do not stand so.
    """
    names = dict(rows[-1].cells)
    if len(rows) > 1 and (len(names) < 2 or not all(map(_may_name, names.values()))):
        return None
    for upper in reversed(rows[:-1]):
        ends = _spans(upper, names, merges)
        if ends is None:
            return None
        spanned = {
            column: text
            for (first, text), end in zip(upper.cells, ends, strict=True)
            for column in names
            if first <= column <= end
        }
        names = dict(upper.cells) | {
            column: f"{spanned[column]} {text}" if column in spanned else text
            for column, text in names.items()
        }
    return names


def _spans(upper: Row, names: Mapping[int, str], merges: Merges | None) -> list[int] | None:
    """The last column that each cell of an upper row spans; None where it spans none of those
    below: merged cells say so, else only names that come again and again.
    """
    columns = [column for column, _ in upper.cells]
    if len(columns) < 2 or not names.keys() - set(columns):
        return None
    if not all(_may_name(text) for _, text in upper.cells):
        return None
    known = merges() if merges else {}
    merged = [known.get((upper.number, column), (0, column))[1] for column in columns]
    if _wide(columns, merged, names):
        return merged
    open_ends = [column - 1 for column in columns[1:]] + [max(names)]
    comes_again = len(set(names.values())) < len(names)
    return open_ends if comes_again and _wide(columns, open_ends, names) > 1 else None


def _wide(columns: Sequence[int], ends: Sequence[int], names: Mapping[int, str]) -> int:
    """How many cells span several names."""
    spans = zip(columns, ends, strict=True)
    return sum(sum(first <= column <= end for column in names) > 1 for first, end in spans)


def _may_name(text: str) -> bool:
    """Whether a cell may name columns: words, or a year or date."""
    is_period = any(pattern.fullmatch(text) for pattern in (_YEAR, _DATE))
    return len(text) <= _MAX_NAME and (is_period or not _is_data(text))


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


def _names_columns(
    names: Mapping[int, str], below: Sequence[Row], used: set[int], *, strict: bool
) -> bool:
    """Whether cells fill the columns used below them with words for them: where values below are no
    words, or else by their look.
    """
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


def are_titles(rows: Sequence[Row]) -> bool:
    """Whether all rows are short lines of words that stand alone."""
    return 0 < len(rows) <= _MAX_TITLE_ROWS and all(
        len(row.cells) == 1 and len(row.cells[0][1]) <= _MAX_NAME and not _is_data(row.cells[0][1])
        for row in rows
    )


def continues(row: Row, names: Mapping[int, str]) -> bool:
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
    if isinstance(text, FormattedNumber):
        return True
    if text in {"TRUE", "FALSE", "True", "False", "true", "false"}:
        return True
    if any(character.isdigit() for character in text) and _LETTER.search(text) is None:
        return True
    return any(pattern.fullmatch(text) for pattern in (_NUMBER, _DATE, _ADDRESS))
