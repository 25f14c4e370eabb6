"""Filters on documents as a condition in SQL; what filters ask of passages stays with the reader.

Every value is a parameter: nothing that a user typed is part of a statement.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from unicodedata import normalize

from searchapp.backends.sqlite import place_matcher
from searchapp.types.dates import clamped_to_64_bits
from searchapp.types.filters import Filters
from searchapp.types.places import is_glob

# A place that is a document or a folder of documents is just that; else, if it is a glob, it is a
# pattern, of the documents or of what they are in.
_BELOW = "({0}.path = ? OR ({0}.path >= ? AND {0}.path < ?) OR ({0}.path >= ? AND {0}.path < ?))"
_MATCHES = "({0} GLOB ? OR {0} GLOB ? OR {0} GLOB ?)"
_WITHIN = (
    f"({_BELOW.format('d')} OR {_MATCHES.format('d.display')} AND NOT EXISTS "
    f"(SELECT 1 FROM document e WHERE {_BELOW.format('e')}))"
)
# Accents may stand in a path in another form than in the place: letter and accent in one or apart.
_ACCENTED = (
    f"({_BELOW.format('d')} OR NOT EXISTS (SELECT 1 FROM document e WHERE {_BELOW.format('e')}) "
    f"AND ({_MATCHES.format('nfc(d.display)')} OR {_MATCHES.format('nfc(d.display)')} "
    f"AND NOT EXISTS (SELECT 1 FROM document e WHERE {_MATCHES.format('nfc(e.display)')})))"
)

_GLOB_SIGN = re.compile(r"[*?[]")
_FEW_PLACES = 8  # that documents are compared with; where there are more, `PlaceMatcher` finds them
_MOST_JOINED = 100  # conditions in a row
_MANY = (
    "d.id IN (SELECT value FROM json_each("
    f"(SELECT {place_matcher.NAME}(id, path, display, ?) FROM document)))"
)
_WHERE = "EXISTS (SELECT 1 FROM json_each(d.metadata) WHERE lower(key) = ? AND is_value(value, ?))"


def document_condition(filters: Filters) -> tuple[str, list[object]]:
    """The filters as a SQL condition on `document d`."""
    parts, values = ["1"], []  # type: list[str], list[object]
    if _are_many(filters.within):
        parts.append(_MANY)
        values.append(json.dumps(filters.within))
    elif filters.within:
        conditions = []
        for place in filters.within:
            condition, bound = _within(place)
            conditions.append(condition)
            values += bound
        parts.append(f"({' OR '.join(conditions)})")
    for place in filters.outside:
        parts.append(f"NOT {_BELOW.format('d')}")
        values += _ranges(place)
    if filters.types:
        parts.append(f"d.type IN ({', '.join('?' * len(filters.types))})")
        values += filters.types
    for name, value in filters.where:
        parts.append(_WHERE)
        values += [
            part.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            for part in (name.lower(), value)
        ]
    if filters.labels:
        parts.append(
            "d.id IN (SELECT document_id FROM label WHERE name IN "
            f"({', '.join('?' * len(filters.labels))}))"
        )
        values += (
            name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            for name in filters.labels
        )
    if filters.since_ns is not None:
        parts.append("d.dated_ns >= ?")
        values.append(clamped_to_64_bits(filters.since_ns))
    if filters.before_ns is not None:
        parts.append("d.dated_ns < ?")
        values.append(clamped_to_64_bits(filters.before_ns))
    return _all(parts), values


def _all(conditions: Sequence[str]) -> str:
    """Conditions that must all hold, nested as little as can be: SQLite bounds the depth."""
    if len(conditions) <= _MOST_JOINED:
        return " AND ".join(conditions)
    half = len(conditions) // 2
    return f"({_all(conditions[:half])}) AND ({_all(conditions[half:])})"


def _are_many(places: Sequence[str]) -> bool:
    """Whether one pass over all documents finds those at some places sooner than conditions do: a
    place with accents or signs of a glob has SQLite call a function for each document.
    """
    costly = sum(not place.isascii() or _GLOB_SIGN.search(place) is not None for place in places)
    return len(places) > _FEW_PLACES or costly > 1


def _within(place: str) -> tuple[str, list[object]]:
    """A place as a condition on `document d`."""
    there = _ranges(place)
    shown = there[0].decode("utf-8", "replace")  # as in `display`
    start = "" if place.startswith("/") else "*/"
    is_pattern = bool(start) or is_glob(place)
    if (shown.isascii() and not _GLOB_SIGN.search(shown)) or shown.encode() != there[0]:
        if not is_pattern:
            return _BELOW.format("d"), [*there]
        return _WITHIN, [*there, *_at_and_below(start + shown), *there]
    composed = start + normalize("NFC", shown)
    exact = _at_and_below(start + _GLOB_SIGN.sub(r"[\g<0>]", composed.removeprefix(start)))
    pattern = _at_and_below(composed) if is_pattern else exact
    return _ACCENTED, [*there, *there, *exact, *pattern, *exact]


def _ranges(place: str) -> tuple[bytes, ...]:
    """The bounds of the paths at and below a place, for _BELOW; "0" follows "/"."""
    path = place.encode("utf-8", "surrogateescape").rstrip(b"/")
    return path, path + b"/", path + b"0", path + b"!/", path + b"!0"


def _at_and_below(pattern: str) -> tuple[str, ...]:
    return pattern, f"{pattern}/*", f"{pattern}!/*"
