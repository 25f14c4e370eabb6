"""What workbooks of all formats share: sheets of rows, values as their reader sees them, and XML
that is read row by row.

Dates and times come in ISO 8601, percentages and leading zeros as the format shows them, TRUE and
FALSE, numbers without the dust of binary fractions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, TypeAlias

from searchapp.extract.office.ooxml import child_of, name_of
from searchapp.extract.spreadsheets.rows import Row

MAX_ROWS = 1_048_576  # of a sheet: no program has more
MAX_COLUMNS = 16_384

_SWEPT_ROWS = 256  # read before their empty elements go, which takes longer one by one

Kind: TypeAlias = Literal["number", "percentage", "moment", "duration"]
Element: TypeAlias = Any  # an lxml element


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's name, its rows in order, and then the texts of its charts and boxes."""

    name: str
    rows: Iterable[Row]
    texts: Iterable[str] = ()


@dataclass(frozen=True, slots=True)
class Workbook:
    """Sheets, each to be read before the next one is asked for, and what is said of them all."""

    sheets: Iterable[Sheet]
    are_several: bool
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Format:
    """How a number is shown."""

    kind: Kind = "number"
    decimals: int = 0  # of a percentage
    digits: int = 0  # before the point at least, with zeros in front
    has_date: bool = False  # a moment's parts
    has_time: bool = False


PLAIN = Format()
BUILT_IN = {
    9: Format("percentage"),
    10: Format("percentage", 2),
    **dict.fromkeys(
        (*range(14, 18), *range(27, 32), 36, *range(50, 59)), Format("moment", has_date=True)
    ),
    **dict.fromkeys((*range(18, 22), *range(32, 36), 45, 47), Format("moment", has_time=True)),
    22: Format("moment", has_date=True, has_time=True),
    46: Format("duration"),
}
_PADDED = re.compile(r"00+$")
_LITERALS = re.compile(
    r'"[^"]*"?|\\.|_.|\*.|am/pm|a/p|general|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE
)


def format_of(code: str) -> Format:
    """The format that a code means: "0.0%", "dd.mm.yyyy", "[h]:mm"; of its sections the
    first one.
    """
    plain = _LITERALS.sub("", code).split(";")[0].lower()
    if "[" in plain:
        return Format("duration")
    if "%" in plain:
        decimals = re.search(r"\.([0#?]+)", plain)
        return Format("percentage", len(decimals[1]) if decimals else 0)
    has_time = "h" in plain or "s" in plain
    has_date = "y" in plain or "d" in plain or ("m" in plain and not has_time)
    if has_date or has_time:
        return Format("moment", has_date=has_date, has_time=has_time)
    zeros = _PADDED.match(plain)
    return Format(digits=len(zeros[0])) if zeros else PLAIN


def shown(raw: str, form: Format, epoch: datetime) -> str:
    """A number, as XML holds it, in its format; what is no number, or beyond all
    formats, as it is.
    """
    if form is PLAIN and raw.isdigit():
        return raw
    try:
        number = float(raw)
        if form.kind == "percentage":
            return f"{number * 100:.{form.decimals}f}%"
        if form.kind == "duration":
            return duration_text(number * 86_400)
        return (
            _moment_text(number, form, epoch)
            if form.kind == "moment"
            else number_text(number).zfill(form.digits)
        )
    except (ValueError, OverflowError):
        return raw


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
