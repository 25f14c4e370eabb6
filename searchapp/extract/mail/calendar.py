"""Calendars (.ics, RFC 5545): every event, task and journal entry with when, where and who."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part, document_of, gathered, with_unread
from searchapp.extract.mail.content_lines import (
    ContentLine,
    content_lines,
    packed_noise,
    unfolded,
)
from searchapp.extract.noise import left_out
from searchapp.extract.text.encoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from searchapp.types.documents import Document, Place

_ENTRIES = {"VEVENT": "Event", "VTODO": "Task", "VJOURNAL": "Entry"}
_LABELS = {
    "LOCATION": "Where",
    "ORGANIZER": "Organizer",
    "ATTENDEE": "Attendees",
    "CONTACT": "Contact",
    "STATUS": "Status",
    "CATEGORIES": "Categories",
    "RESOURCES": "Resources",
    "URL": "Link",
}
_PEOPLE = frozenset({"ORGANIZER", "ATTENDEE"})
_USUAL = frozenset({"CONFIRMED", "NEEDS-ACTION"})
_UNITS = {"DAILY": "days", "WEEKLY": "weeks", "MONTHLY": "months", "YEARLY": "years"}
_DAYS = {
    "MO": "Monday",
    "TU": "Tuesday",
    "WE": "Wednesday",
    "TH": "Thursday",
    "FR": "Friday",
    "SA": "Saturday",
    "SU": "Sunday",
}
_DAY = re.compile("[A-Z]{2}")
_MAX_SHOWN = 50  # attendees
_NAMES = frozenset({"X-WR-CALNAME", "NAME"})


@dataclass(slots=True)
class _Entry:
    """An event, a task or a journal entry, with its properties by name."""

    kind: str
    lines: dict[str, list[ContentLine]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The first value of a property, "" where there is none."""
        return next((line.text for line in self.lines.get(name, ()) if line.text), "")

    def date(self, name: str) -> str:
        """The first value of a property as a date."""
        return next((line.date for line in self.lines.get(name, ())), "")


def read(data: bytes, document_type: str) -> Document:
    """A calendar by its entries, each under its name."""
    cut: list[str] = []
    lines = gathered(content_lines(decode(unfolded(data))), cut)
    entries = list(_entries(lines))
    if not entries:
        raise FileFailed("; ".join(["not a readable calendar: no entry is in it", *cut]))
    only = entries[0] if len(entries) == 1 else None
    title = next((line.text for line in lines if line.name in _NAMES), "")
    metadata = {
        "author": _person(only.lines["ORGANIZER"][0]) if only and "ORGANIZER" in only.lines else "",
        "date": only.date("DTSTART")[:10] if only else "",
        "incomplete": left_out(packed_noise(lines)),
    }
    document = document_of(
        (part for entry in entries for part in _parts(entry)),
        document_type,
        title=title or (only.text("SUMMARY") if only else ""),
        metadata=metadata,
    )
    return with_unread(document, cut)


def calendar_parts(text: str) -> list[Part]:
    """The entries of a calendar within a mail, a paragraph each; the text where there is none."""
    entries = list(_entries(content_lines(text)))
    if not entries:
        return [Part("prose", text)]
    return [
        Part("prose", "\n".join(filter(None, (entry.text("SUMMARY"), _described(entry)))))
        for entry in entries
    ]


def _entries(lines: Iterator[ContentLine] | list[ContentLine]) -> Iterator[_Entry]:
    """The entries, without alarms and time zones; one that is not closed counts too."""
    entry: _Entry | None = None
    depth = 0  # of what stands within an entry
    for line in lines:
        name = line.value.strip().upper()
        if line.name == "BEGIN":
            if name in _ENTRIES:  # none stands within another: the one before was not closed
                if entry is not None:
                    yield entry
                entry, depth = _Entry(_ENTRIES[name]), 0
            else:
                depth += entry is not None
        elif line.name == "END" and entry is not None:
            if depth == 0:
                yield entry
                entry = None
            depth = max(0, depth - 1)
        elif entry is not None and depth == 0:
            entry.lines.setdefault(line.name, []).append(line)
    if entry is not None:
        yield entry


def _parts(entry: _Entry) -> Iterator[Part]:
    start = entry.date("DTSTART") or entry.date("DUE")
    place: Place = (("date", start[:10]),) if re.match(r"\d{4}-\d\d-\d\d", start) else ()
    yield Part("heading", entry.text("SUMMARY") or entry.kind, level=1, place=place)
    yield Part("prose", _described(entry), place=place)


def _described(entry: _Entry) -> str:
    """When, where and who, a line each, and the description."""
    lines = [("When", _when(entry)), ("Due", entry.date("DUE")), ("Repeats", _repeats(entry))]
    for name, label in _LABELS.items():
        values = [
            _person(line) if name in _PEOPLE else line.text.replace("\n", ", ")
            for line in entry.lines.get(name, ())
        ]
        values = [value for value in dict.fromkeys(values) if value and value not in _USUAL]
        more = [f"and {len(values) - _MAX_SHOWN} more"] if len(values) > _MAX_SHOWN else []
        lines.append((label, "; ".join([*values[:_MAX_SHOWN], *more])))
    described = [f"{label}: {value}" for label, value in lines if value]
    texts = (line.text for name in ("DESCRIPTION", "COMMENT") for line in entry.lines.get(name, ()))
    return "\n".join((*described, *filter(None, texts)))


def _when(entry: _Entry) -> str:
    start, end = entry.date("DTSTART"), entry.date("DTEND")
    if start[:10] == end[:10]:
        end = end[11:]
    return f"{start} to {end}" if start and end else start


def _repeats(entry: _Entry) -> str:
    """How often: "weekly", "every 2 weeks on Thursday, until 2024-06-30"."""
    rule = dict(re.findall(r"(\w+)=([^;\s]+)", entry.text("RRULE").upper()))
    frequency, interval = rule.get("FREQ", ""), rule.get("INTERVAL", "1")
    if interval.isdecimal() and int(interval) > 1 and frequency in _UNITS:
        often = f"every {int(interval)} {_UNITS[frequency]}"
    else:
        often = frequency.lower()
    days = ", ".join(
        _DAY.sub(lambda day: _DAYS.get(day[0], day[0]), rule.get("BYDAY", "")).split(",")
    )
    days = f" on {days}" if days else ""
    until = f", until {ContentLine('', rule['UNTIL']).date[:10]}" if "UNTIL" in rule else ""
    count = f", {rule['COUNT']} times" if "COUNT" in rule else ""
    return f"{often}{days}{until}{count}" if often else ""


def _person(line: ContentLine) -> str:
    """A person's name and address."""
    address = line.text.removeprefix("mailto:").removeprefix("MAILTO:")
    name = line.parameters.get("CN", "").strip("'\" ")
    address = address if "@" in address else ""
    return f"{name} <{address}>" if name and address and name != address else name or address
