"""Why no document passes the filters: which of them lets none through, and what there is instead;
and which of several values none has.

Knows the seam CatalogReader. May look at every document where an answer is empty or a value is in
none; elsewhere it asks as little as can be.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from searchapp.humanize import did_you_mean, one_line, pluralize
from searchapp.types.dates import date_of
from searchapp.types.documents import READER_METADATA, above
from searchapp.types.filters import Filters
from searchapp.types.places import is_glob

if TYPE_CHECKING:
    from searchapp.types.protocols import CatalogReader

_MOST_NAMED = 8  # things that are there, of which a note names the commonest
_MOST_ASKED = 8  # places that the reader is asked of one by one at once
_MOST_CHECKED = 50  # places that it is asked of at all
_NOTHING = Filters()


def unmatched_notes(
    reader: CatalogReader, filters: Filters, matching: Iterable[bytes] = ()
) -> list[str]:
    """A note for each filter that no document passes; one for all of them where each lets some
    through but no document passes all; nothing where there is none.

    Where some documents pass, a note for each of several paths, types or labels that none has. It
    does not ask the reader of those that `matching` documents are seen to have.
    """
    if filters == _NOTHING or not reader.counts()[0]:
        return []
    paths = set(matching)
    values = _without_document(reader, filters, paths)
    if paths or reader.has_document(filters):
        return _first(values)
    alone = [one for name in _EXPLAINED for one in _alone(filters, name)]
    passing = [(name, len(reader.document_ids(one))) for name, one in alone]
    notes = [
        note
        for (name, one), (_, count) in zip(alone, passing, strict=True)
        if not count
        for note in _EXPLAINED[name](reader, one)
    ]
    if not notes and passing:
        counts = (f"{_NAMES[name]} {pluralize(count, 'document')}" for name, count in passing)
        notes = [f"no document passes all filters at once; each alone: {', '.join(counts)}"]
    return _first(list(dict.fromkeys([*notes, *values])))


def _without_document(
    reader: CatalogReader, filters: Filters, matching: Iterable[bytes]
) -> list[str]:
    """A note for each of several paths, types or labels that no document has."""
    missing = {
        "within": _places_without(reader, filters.within, matching),
        "types": _names_without(filters.types, (kind for kind, *_ in reader.versions())),
        "labels": _labels_without(reader, filters.labels),
    }
    return [
        note
        for name, values in missing.items()
        if values
        for note in _EXPLAINED[name](reader, _only(name, tuple(values)))
    ]


def _places_without(
    reader: CatalogReader, places: Sequence[str], matching: Iterable[bytes]
) -> Sequence[str]:
    if len(places) < 2:
        return ()
    unseen = _unseen(places, matching)
    if len(unseen) > _MOST_ASKED:
        unseen = _unseen(unseen, (row.path for row in reader.rows(_only("within", tuple(unseen)))))
    checked = unseen[:_MOST_CHECKED]
    return [place for place in checked if not reader.has_document(_only("within", (place,)))]


def _unseen(places: Iterable[str], paths: Iterable[bytes]) -> Sequence[str]:
    """The places that no path is at or below to the letter."""
    seen = {place for path in paths for place in above(path)}
    return [place for place in places if os.fsencode(place.rstrip("/")) not in seen]


def _labels_without(reader: CatalogReader, labels: Sequence[str]) -> Sequence[str]:
    if len(labels) < 2:
        return ()
    return _names_without(labels, (label.name for _, some in reader.labels() for label in some))


def _names_without(names: Sequence[str], there: Iterable[str]) -> Sequence[str]:
    """Of several names, those that are not there."""
    if len(names) < 2:
        return ()
    known = set(there)
    return [name for name in names if name not in known]


def _only(name: str, value: object) -> Filters:
    """Filters of one kind alone."""
    alone: Any = {name: value}
    return replace(_NOTHING, **alone)


def _first(notes: Sequence[str]) -> list[str]:
    """The notes, of many the first and how many more there are."""
    more = len(notes) - _MOST_NAMED
    rest = [f"and {pluralize(more, 'other filter')} that no document passes"] if more > 0 else []
    return [*notes[:_MOST_NAMED], *rest]


def _alone(filters: Filters, name: str) -> Iterator[tuple[str, Filters]]:
    """One kind of filter by itself; of conditions that must all hold, each by itself."""
    value: Any = getattr(filters, name)
    if value != getattr(_NOTHING, name):
        for one in [(condition,) for condition in value] if name == "where" else [value]:
            yield name, _only(name, one)


def _no_place(reader: CatalogReader, filters: Filters) -> Iterable[str]:
    places: dict[str, str] = {}  # a path of each name of a file, folder or archive
    for row in reader.rows(_NOTHING):
        for path in above(row.path):
            shown = os.fsdecode(path)
            places.setdefault(shown.rpartition("/")[2], shown)
    for number, place in enumerate(filters.within):
        name = place.rstrip("/").rpartition("/")[2]
        meant = did_you_mean(name, places, shown=places.get) if number < _MOST_NAMED else ""
        what = "no path of the corpus matches" if is_glob(place) else "no such path in the corpus:"
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
            names[name.lower()] += name not in READER_METADATA
            values.setdefault(name.lower(), Counter())[value] += 1
    for name, value in filters.where:
        known = values.get(name.lower())
        if known is None:
            yield f"no document has {one_line(name)}{did_you_mean(name, +names)}{_here(+names)}"
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
