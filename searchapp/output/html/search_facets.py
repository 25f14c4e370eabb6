"""The filters of the page: what the best documents are like, each a link that lets only such
through, or no longer. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from searchapp.humanize import one_line

if TYPE_CHECKING:
    from searchapp.output.html.search_address import SearchAddress
    from searchapp.output.html.shown_paths import ShownPaths

Facets = Mapping[str, Sequence[tuple[str, int]]]
FACETS = ("type", "folder", "year", "label")
_MOST = 8  # values of a facet that are shown at first


def facet_groups(facets: Facets, address: SearchAddress, paths: ShownPaths) -> list[dict[str, Any]]:
    """Each facet that tells documents apart, with its values; those that are let through alone are
    there, too, where no document has them.
    """
    groups = []
    for name in FACETS:
        counted = list(facets.get(name, ()))
        chosen = [value for value in _chosen(name, address) if value not in dict(counted)]
        values: list[dict[str, Any]] = [
            {
                "name": paths.place(value) if name == "folder" else one_line(value),
                "count": count,
                "is_on": address.has(name, value),
                "href": address.toggled(name, value),
            }
            for value, count in [*((value, None) for value in chosen), *counted]
        ]
        values.sort(key=lambda value: not value["is_on"])
        if len(values) > 1 or any(value["is_on"] for value in values):
            shown = max(_MOST, sum(value["is_on"] for value in values))
            groups.append({"name": name, "values": values[:shown], "rest": values[shown:]})
    return groups


def date_filters(address: SearchAddress) -> list[dict[str, str]]:
    """Bounds of dates that are not those of a year, with the address without each."""
    if _chosen("year", address):
        return []
    return [
        {"name": f"{word} {value}", "href": address.href(match=None, **{field: ""})}
        for field, word, value in (
            ("since", "from", address.since),
            ("before", "before", address.before),
        )
        if value
    ]


def _chosen(name: str, address: SearchAddress) -> Sequence[str]:
    if name == "year":
        return [address.since] if address.has("year", address.since) else []
    return {"folder": address.in_, "type": address.type_, "label": address.label}[name]
