"""Why no document passes the filters: which of them lets none through, and what there is instead.

Knows the seam CatalogReader. Runs only where an answer is empty, so it may look at every document.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from searchapp.humanize import did_you_mean, one_line, pluralize
from searchapp.types.dates import date_of
from searchapp.types.documents import above
from searchapp.types.filters import Filters

if TYPE_CHECKING:
    from searchapp.types.protocols import CatalogReader

_MOST_NAMED = 8  # things that are there, of which a note names the commonest
_NOTHING = Filters()


def unmatched_notes(reader: CatalogReader, filters: Filters) -> list[str]:
    """A note for each filter that no document passes; one for all of them where each lets some
    through but no document passes all; nothing where some document does, or there is none.
    """
    if filters == _NOTHING or not reader.counts()[0] or reader.document_ids(filters):
        return []
    alone = [one for name in _EXPLAINED for one in _alone(filters, name)]
    passing = [(name, len(reader.document_ids(one))) for name, one in alone]
    notes = [
        note
        for (name, one), (_, count) in zip(alone, passing, strict=True)
        if not count
        for note in _EXPLAINED[name](reader, one)
    ]
    if notes or not passing:
        return notes
    counts = ", ".join(f"{_NAMES[name]} {pluralize(count, 'document')}" for name, count in passing)
    return [f"no document passes all filters at once; each alone: {counts}"]


def _alone(filters: Filters, name: str) -> Iterator[tuple[str, Filters]]:
    """One kind of filter by itself; of conditions that must all hold, each by itself."""
    value: Any = getattr(filters, name)
    if value != getattr(_NOTHING, name):
        for one in [(each,) for each in value] if name == "where" else [value]:
            alone: Any = {name: one}
            yield name, replace(_NOTHING, **alone)


def _no_place(reader: CatalogReader, filters: Filters) -> Iterable[str]:
    places: dict[str, str] = {}  # a path of each name of a file, folder or archive
    for row in reader.rows(_NOTHING):
        for path in above(row.path):
            shown = os.fsdecode(path)
            places.setdefault(shown.rpartition("/")[2], shown)
    for place in filters.within[:_MOST_NAMED]:
        meant = did_you_mean(place.rstrip("/").rpartition("/")[2], places, shown=places.get)
        is_glob = any(character in place for character in "*?[")
        what = "no path of the corpus matches" if is_glob else "no such path in the corpus:"
        yield f"{what} {one_line(place)}{meant}"


def _no_type(reader: CatalogReader, filters: Filters) -> Iterable[str]:
    counts = Counter[str]()
    for kind, _, _, documents in reader.versions():
        counts[kind] += documents
    for kind in filters.types:
        yield f"no document of type {one_line(kind)}{did_you_mean(kind, counts)}{_here(counts)}"


def _no_label(reader: CatalogReader, filters: Filters) -> Iterable[str]:
    counts = Counter(label.name for _, labels in reader.labels() for label in labels)
    for name in filters.labels:
        if not counts:
            yield f"no label {one_line(name)}: no document has a label yet"
        else:
            yield f"no label {one_line(name)}{did_you_mean(name, counts)}{_here(counts)}"


def _no_value(reader: CatalogReader, filters: Filters) -> Iterable[str]:
    names, values = Counter[str](), dict[str, Counter[str]]()
    for metadata in reader.metadata():
        for name, value in metadata.items():
            names[name.lower()] += 1
            values.setdefault(name.lower(), Counter())[value] += 1
    for name, value in filters.where:
        known = values.get(name.lower())
        if known is None:
            yield f"no document has {one_line(name)}{did_you_mean(name, names)}{_here(names)}"
        else:
            asked = f"{one_line(name)}={one_line(value)}"
            yield f"no document has {asked}{did_you_mean(value, known)}{_here(known)}"


def _no_date(reader: CatalogReader, filters: Filters) -> Iterable[str]:
    dates = sorted(row.dated_ns for row in reader.rows(_NOTHING))
    since = filters.since_ns is None or dates[-1] < filters.since_ns
    if since and filters.since_ns is not None:
        yield (
            f"no document is from {date_of(filters.since_ns)} or later; the newest is from "
            f"{date_of(dates[-1])}"
        )
    elif filters.before_ns is not None:
        yield (
            f"no document is from before {date_of(filters.before_ns)}; the oldest is from "
            f"{date_of(dates[0])}"
        )


def _here(counts: Counter[str]) -> str:
    """What there is, the commonest first, each with its number."""
    named = [f"{one_line(name)} {count:,}" for name, count in _commonest(counts)]
    more = len(counts) - len(named)
    rest = f", and {more:,} more" if more > 0 else ""
    return f"; here: {', '.join(named)}{rest}" if named else ""


def _commonest(counts: Counter[str]) -> Sequence[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_NAMED]


_EXPLAINED: dict[str, Callable[[CatalogReader, Filters], Iterable[str]]] = {
    "within": _no_place,
    "types": _no_type,
    "labels": _no_label,
    "where": _no_value,
    "since_ns": _no_date,
    "before_ns": _no_date,
}
_NAMES = {
    "within": "--in",
    "types": "--type",
    "labels": "--label",
    "where": "--where",
    "since_ns": "--since",
    "before_ns": "--before",
}
