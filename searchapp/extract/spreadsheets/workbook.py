"""What workbooks of all formats share: sheets of rows, values as their reader sees them, and XML
that is read row by row.

Dates and times come in ISO 8601, TRUE and FALSE, numbers without the dust of binary fractions: as
their format shows them, with the bare value behind where the two differ.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, TypeAlias, TypeVar

from searchapp.errors import FileError, FileFailed
from searchapp.extract.office.ooxml import child_of, name_of
from searchapp.extract.spreadsheets.headers import Merges
from searchapp.extract.spreadsheets.number_formats import Pattern, beside, pattern_of
from searchapp.extract.spreadsheets.rows import Row

UNREADABLE = "not a readable workbook: "
MAX_ROWS = 1_048_576  # of a sheet: no program has more
MAX_COLUMNS = 16_384
EPOCH = datetime(1899, 12, 30)  # the day 0 of most workbooks

_ORDINARY = 1e15  # below it numbers have all their digits
_SWEPT_ROWS = 256  # read before their empty elements go, which takes longer one by one

_T = TypeVar("_T")

Ranges: TypeAlias = dict[tuple[int, int], tuple[int, int]]  # as `headers.Merges` gives them
Kind: TypeAlias = Literal["number", "moment", "duration"]
Element: TypeAlias = Any  # an lxml element


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's name, its rows in order, and then the texts of its charts and boxes."""

    name: str
    rows: Iterable[Row]
    texts: Iterable[str] = ()
    merges: Merges | None = None


@dataclass(frozen=True, slots=True)
class Workbook:
    """Sheets, each to be read before the next one is asked for, and what is said of them all."""

    sheets: Iterable[Sheet]
    are_several: bool
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    # what could not be read so far, and why
    failures: list[tuple[str, FileFailed]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Format:
    """How a number is shown."""

    kind: Kind = "number"
    pattern: Pattern | None = None  # of a number that is not shown as it is
    has_date: bool = False  # a moment's parts
    has_time: bool = False


PLAIN = Format()
BUILT_IN = {
    **{
        number: Format(pattern=pattern_of(code))
        for number, code in {
            1: "0",
            2: "0.00",
            3: "#,##0",
            4: "#,##0.00",
            9: "0%",
            10: "0.00%",
            11: "0.00E+00",
            37: "#,##0;(#,##0)",
            38: "#,##0;(#,##0)",
            39: "#,##0.00;(#,##0.00)",
            40: "#,##0.00;(#,##0.00)",
            48: "##0.0E+0",
        }.items()
    },
    **dict.fromkeys(
        (*range(14, 18), *range(27, 32), 36, *range(50, 59)), Format("moment", has_date=True)
    ),
    **dict.fromkeys((*range(18, 22), *range(32, 36), 45, 47), Format("moment", has_time=True)),
    22: Format("moment", has_date=True, has_time=True),
    46: Format("duration"),
}
_LITERALS = re.compile(
    r'"[^"]*"?|\\.|_.|\*.|am/pm|a/p|general|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE
)


def tolerant(
    items: Iterable[_T], failures: list[tuple[str, FileFailed]], name: str
) -> Iterator[_T]:
    """The items up to where they cannot be read, which becomes one of the failures."""
    try:
        yield from items
    except BaseException as error:  # noqa: BLE001 - see `failure_of`
        failures.append((name, failure_of(error)))


def failure_of(error: BaseException) -> FileFailed:
    """The error as one of the file; raises it where it is none.

    Broken workbooks make the libraries raise anything, and one of them what is no Exception.
    """
    if isinstance(error, FileFailed):
        return error
    is_of_file = isinstance(error, Exception) or type(error).__name__ == "PanicException"
    if isinstance(error, MemoryError | FileError) or not is_of_file:
        raise error
    failure = FileFailed(f"{UNREADABLE}{str(error)[:100] or type(error).__name__}")
    failure.__cause__ = error
    return failure


def format_of(code: str) -> Format:
    """The format that a code means: "0.0%", "dd.mm.yyyy", "[h]:mm"; of its sections the
    first one.
    """
    plain = _LITERALS.sub("", code).split(";")[0].lower()
    if not any(letter in plain for letter in "ymdhs["):
        pattern = pattern_of(code)
        return Format(pattern=pattern) if pattern else PLAIN
    if "[" in plain:
        return Format("duration")
    has_time = "h" in plain or "s" in plain
    has_date = "y" in plain or "d" in plain or ("m" in plain and not has_time)
    if has_date or has_time:
        return Format("moment", has_date=has_date, has_time=has_time)
    return PLAIN


def shown(raw: str, form: Format, epoch: datetime) -> str:
    """A number, as XML holds it, in its format; what is no number, or beyond all
    formats, as it is.
    """
    if form is PLAIN and raw.isdigit():
        return raw
    try:
        number = float(raw)
        if form.kind == "duration":
            return duration_text(number * 86_400)
        if form.kind == "moment":
            return _moment_text(number, form, epoch)
        return number_text(number) if form.pattern is None else patterned(number, form.pattern)
    except (ValueError, OverflowError):
        return raw


def patterned(number: float, pattern: Pattern) -> str:
    """A number as people see it, with the bare one behind where that differs."""
    value = number * 100 if pattern.percents == 1 else number
    bare = number_text(value)
    seen = pattern.quickly(value, bare) if 0 < value < _ORDINARY else ""
    if not seen:
        if not math.isfinite(number):
            return number_text(number)
        seen = pattern.shown(number)
    return beside(seen, f"{bare}%" if pattern.percents == 1 else bare)


def number_text(number: float) -> str:
    """A number with as many digits as a sheet keeps."""
    return format(number, ".15g")


def _moment_text(days: float, form: Format, epoch: datetime) -> str:
    """A serial number as a date, a time or both; raises OverflowError or ValueError where no
    calendar has it.
    """
    if days < 60 and epoch.year == 1899:
        days += 1  # the format knows a 29 February 1900
    moment = epoch + timedelta(seconds=round(days * 86_400))
    if not form.has_date:
        return time_text(moment.time())
    return text_of(moment if form.has_time else moment.date())


def duration_text(seconds: float) -> str:
    """Hours without end, minutes and seconds: "30:02:00"."""
    minutes, rest = divmod(round(abs(seconds)), 60)
    return f"{'-' if seconds < 0 else ''}{minutes // 60}:{minutes % 60:02}:{rest:02}"


def time_text(value: time) -> str:
    """A time of the day, with seconds where it has some."""
    return value.isoformat("seconds" if value.second else "minutes")


def text_of(value: object) -> str:
    """A value of a library as its reader sees it; a date at midnight is a date."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, datetime) and value.time() != time():
        return f"{value.date()} {time_text(value.time())}"
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, time):
        return time_text(value)
    return duration_text(value.total_seconds()) if isinstance(value, timedelta) else str(value)


def elements(stream: Any, *names: str) -> Iterator[Element]:  # a binary stream
    """The elements of these names as they end, in order, each empty when the next one comes; the
    first name is that of rows.
    """
    from lxml import etree  # type: ignore[import-untyped]

    tags = [f"{{*}}{name}" for name in names]
    safe = {
        "resolve_entities": False,
        "no_network": True,
        "load_dtd": False,
        "remove_comments": True,
        "remove_pis": True,
    }
    events = etree.iterparse(stream, tag=tags, **safe)
    for count, (_, element) in enumerate(events):
        yield element
        element.clear()
        if count % _SWEPT_ROWS == 0 and name_of(element) == names[0]:
            parent = element.getparent()
            del parent[: parent.index(element)]


def children(root: Element, name: str) -> Iterable[Element]:
    """What stands in the child of that name."""
    child = child_of(root, name)
    return () if child is None else child


def note(cell: str, text: str) -> str:
    """A remark on a cell, as it is written after its row."""
    return f"Comment on {cell}: {' '.join(text.split())}"


def row_number(named: str, before: int) -> int:
    """The number of a row: its own, else the one after the row before. Raises FileFailed for one
    beyond all sheets.
    """
    number = whole_number(named) or before + 1
    if number > MAX_ROWS:
        raise FileFailed(f"too large: more than {MAX_ROWS:,} rows in a sheet")
    return number


def whole_number(text: str | None) -> int:
    """A number of a few digits; 0 for anything else."""
    text = (text or "").strip()
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def column_letters(number: int) -> str:
    """A for 1, AB for 28."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def iso_moment(value: str) -> str:
    """An ISO date or date and time as cells show it."""
    try:
        return text_of(datetime.fromisoformat(value.strip()))
    except ValueError:
        return value
