"""Filters on documents as a condition in SQL; what filters ask of passages stays with the reader.

Every value is a parameter: nothing that a user typed is part of a statement.
"""

from __future__ import annotations

from searchapp.types.dates import clamped_to_64_bits
from searchapp.types.filters import Filters

# A place that is a document or a folder of documents is just that; else it is a pattern.
_BELOW = "({0}.path = ? OR ({0}.path >= ? AND {0}.path < ?) OR ({0}.path >= ? AND {0}.path < ?))"
_WITHIN = (
    f"({_BELOW.format('d')} OR d.display GLOB ? AND NOT EXISTS (SELECT 1 FROM document e "
    f"WHERE {_BELOW.format('e')}))"
)


_WHERE = "EXISTS (SELECT 1 FROM json_each(d.metadata) WHERE lower(key) = ? AND is_value(value, ?))"


def document_condition(filters: Filters) -> tuple[str, list[object]]:
    """The filters as a SQL condition on `document d`."""
    parts, values = ["1"], []  # type: list[str], list[object]
    if filters.within:
        parts.append(f"({' OR '.join([_WITHIN] * len(filters.within))})")
        for place in filters.within:
            path = place.encode("utf-8", "surrogateescape").rstrip(b"/")
            pattern = path.decode("utf-8", "replace")  # as in `display`
            # "0" follows "/"
            is_there = (path, path + b"/", path + b"0", path + b"!/", path + b"!0")
            values += [*is_there, pattern if place.startswith("/") else f"*/{pattern}", *is_there]
    for place in filters.outside:
        path = place.encode("utf-8", "surrogateescape").rstrip(b"/")
        parts.append(f"NOT {_BELOW.format('d')}")
        values += (path, path + b"/", path + b"0", path + b"!/", path + b"!0")
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
    return " AND ".join(parts), values
