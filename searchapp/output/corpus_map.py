"""How a map looks in words and as JSON: what it shows, how much of the true distances it keeps, and
its points. Pure, as `answers` is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from searchapp.analysis.map_groups import MOST, REST
from searchapp.analysis.projection import MIN_UMAP_POINTS
from searchapp.humanize import human_bytes, one_line, pluralize
from searchapp.output.terminal import DIM, PLAIN, TerminalStyle, joined, table

if TYPE_CHECKING:
    from searchapp.analysis.corpus_map import CorpusMap

# what is left over of too many groups
_RESTS = {"folder": "other folders", "type": "other types", "label": "other labels, or none"}


def map_json(found: CorpusMap) -> dict[str, object]:
    """The basis of the map, its groups, and its points in the order of path and start."""
    return {
        "level": found.granularity,
        "by": found.by,
        "method": found.projection.method,
        "variance": found.projection.shares
        and [round(share, 6) for share in found.projection.shares],
        "nearest_kept": round(found.neighbors_kept, 4),
        "generation": found.generation,
        "documents": found.documents,
        "total": found.total,
        "pending": found.pending,
        "groups": [{"name": name, "points": count} for name, count in sizes_of(found)],
        "points": [_point_json(found, at) for at in range(len(found.hits))],
    }


def map_text(found: CorpusMap, path: str, size: int, style: TerminalStyle = PLAIN) -> str:
    """Where the map is, and what it shows."""
    groups = ", ".join(f"{one_line(name)} {count:,}" for name, count in sizes_of(found))
    facts = [
        ("map", f"{one_line(path)} ({human_bytes(size)})"),
        ("points", title_of(found)),
        (found.by, groups),
    ]
    return joined(
        [*table(facts, style), style.paint(f"{axes_text(found)} {nearness_text(found)}", DIM)]
    )


def map_notes(found: CorpusMap) -> list[str]:
    """What is missing from the map, and why."""
    notes = []
    if found.total > len(found.hits):
        notes.append(
            f"a sample of {len(found.hits):,} of {found.total:,} {found.granularity}s, drawn with "
            "a fixed seed; --limit takes more"
        )
    if found.by == "label" and not found.groups.names:
        notes.append("no document of these has a label; searchapp classify gives them")
    if found.pending:
        notes.append(
            f"{pluralize(found.pending, 'document')} without vectors yet, not on the map; run: "
            "searchapp ingest"
        )
    return notes


def method_notes(found: CorpusMap) -> list[str]:
    """Why UMAP was not taken, and what to install; nothing where a method was named."""
    if found.no_umap in ("missing", "broken"):
        lacks = "is not installed" if found.no_umap == "missing" else "does not load"
        return [
            (
                f"drawn by PCA, as UMAP {lacks}, which keeps more neighbours together; run: "
                "pip install --upgrade 'searchapp[map]'"
            )
        ]
    if found.no_umap == "few" and found.hits:
        return [
            (
                f"drawn by PCA, as {pluralize(len(found.hits), 'point')} are too few for UMAP, "
                f"which takes {MIN_UMAP_POINTS}"
            )
        ]
    return []


# ---- sentences that the page has, too ------------------------------------------------------------


def title_of(found: CorpusMap) -> str:
    """The number of points, and of what."""
    points = pluralize(len(found.hits), found.granularity)
    return (
        points
        if found.granularity == "document"
        else f"{points} of {pluralize(found.documents, 'document')}"
    )


def axes_text(found: CorpusMap) -> str:
    """What the axes show."""
    if found.projection.shares is None:
        return (
            "UMAP: neighbours are kept together where that is possible; the axes, sizes and "
            "distances mean nothing."
        )
    first, second = (f"{share * 100:.1f} %" for share in found.projection.shares)
    return (
        f"PCA: the axes show {first} and {second} of the variance of the {found.dim} "
        "numbers of a vector."
    )


def nearness_text(found: CorpusMap) -> str:
    """How far to trust nearness on the map."""
    k = found.nearest.rows.shape[1]
    if not k:
        return ""
    share = f"{found.neighbors_kept * 100:.0f} %"
    among = (
        "the nearest is the nearest"
        if k == 1
        else f"of the {k} nearest by cosine, {share} are among the {k} nearest"
    )
    return f"Nearness is only a hint: {among} here."


def sizes_of(found: CorpusMap) -> list[tuple[str, int]]:
    """The groups by size, each with its number of points; last, what is in no group."""
    sizes = [
        (name, int(np.sum(found.groups.of == number)))
        for number, name in enumerate(found.groups.names)
    ]
    left = int(np.sum(found.groups.of == REST))
    return [*sizes, (rest_of(found), left)] if left else sizes


def rest_of(found: CorpusMap) -> str:
    """The name of the points that are in no group."""
    return _RESTS[found.by] if len(found.groups.names) == MOST else "no label"


# ---- private -------------------------------------------------------------------------------------


def _point_json(found: CorpusMap, at: int) -> dict[str, object]:
    hit, group = found.hits[at], int(found.groups.of[at])
    x, y = found.projection.places[at].tolist()
    return {
        "path": os.fsdecode(hit.path),
        "title": hit.title,
        "type": hit.type,
        "place": dict(hit.passage.place),
        "start": hit.passage.start,
        "end": hit.passage.end,
        "group": None if group == REST else found.groups.names[group],
        "x": round(x, 6),
        "y": round(y, 6),
        "nearest": [
            {"point": row, "cosine": round(cosine, 6)}
            for row, cosine in zip(
                found.nearest.rows[at].tolist(), found.nearest.cosines[at].tolist(), strict=True
            )
        ],
    }
