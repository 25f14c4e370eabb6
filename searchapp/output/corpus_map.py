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


def map_json(corpus_map: CorpusMap) -> dict[str, object]:
    """The basis of the map, its groups, and its points in the order of path and start."""
    return {
        "level": corpus_map.granularity,
        "by": corpus_map.by,
        "method": corpus_map.projection.method,
        "variance": corpus_map.projection.shares
        and [round(share, 6) for share in corpus_map.projection.shares],
        "nearest_kept": round(corpus_map.neighbors_kept, 4),
        "generation": corpus_map.generation,
        "documents": corpus_map.documents,
        "total": corpus_map.total,
        "pending": corpus_map.pending,
        "groups": [{"name": name, "points": count} for name, count in sizes_of(corpus_map)],
        "points": [_point_json(corpus_map, at) for at in range(len(corpus_map.hits))],
    }


def map_text(corpus_map: CorpusMap, path: str, size: int, style: TerminalStyle = PLAIN) -> str:
    """Where the map is, and what it shows."""
    groups = ", ".join(f"{one_line(name)} {count:,}" for name, count in sizes_of(corpus_map))
    facts = [
        ("map", f"{one_line(path)} ({human_bytes(size)})"),
        ("points", title_of(corpus_map)),
        (corpus_map.by, groups),
    ]
    return joined(
        [
            *table(facts, style),
            style.paint(f"{axes_text(corpus_map)} {nearness_text(corpus_map)}", DIM),
        ]
    )


def map_notes(corpus_map: CorpusMap) -> list[str]:
    """What is missing from the map, and why."""
    notes = []
    if corpus_map.total > len(corpus_map.hits):
        notes.append(
            f"a sample of {len(corpus_map.hits):,} of {corpus_map.total:,} "
            f"{corpus_map.granularity}s, drawn with a fixed seed; --limit takes more"
        )
    if corpus_map.by == "label" and not corpus_map.groups.names:
        notes.append("no document of these has a label; searchapp classify gives them")
    if corpus_map.pending:
        notes.append(
            f"{pluralize(corpus_map.pending, 'document')} without vectors yet, not on the map; "
            "run: searchapp ingest"
        )
    return notes


def method_notes(corpus_map: CorpusMap) -> list[str]:
    """Why UMAP was not taken, and what to install; nothing where a method was named."""
    if corpus_map.no_umap in ("missing", "broken"):
        lacks = "is not installed" if corpus_map.no_umap == "missing" else "does not load"
        return [
            (
                f"drawn by PCA, as UMAP {lacks}, which keeps more neighbours together; run: "
                "pip install --upgrade 'searchapp[map]'"
            )
        ]
    if corpus_map.no_umap == "few" and corpus_map.hits:
        return [
            (
                f"drawn by PCA, as {pluralize(len(corpus_map.hits), 'point')} are too few for "
                f"UMAP, which takes {MIN_UMAP_POINTS}"
            )
        ]
    return []


# ---- sentences that the page has, too ------------------------------------------------------------


def title_of(corpus_map: CorpusMap) -> str:
    """The number of points, and of what."""
    points = pluralize(len(corpus_map.hits), corpus_map.granularity)
    return (
        points
        if corpus_map.granularity == "document"
        else f"{points} of {pluralize(corpus_map.documents, 'document')}"
    )


def axes_text(corpus_map: CorpusMap) -> str:
    """What the axes show."""
    if corpus_map.projection.shares is None:
        return (
            "UMAP: neighbours are kept together where that is possible; the axes, sizes and "
            "distances mean nothing."
        )
    first, second = (f"{share * 100:.1f} %" for share in corpus_map.projection.shares)
    return (
        f"PCA: the axes show {first} and {second} of the variance of the {corpus_map.dim} "
        "numbers of a vector."
    )


def nearness_text(corpus_map: CorpusMap) -> str:
    """How far to trust nearness on the map."""
    k = corpus_map.nearest.rows.shape[1]
    if not k:
        return ""
    share = f"{corpus_map.neighbors_kept * 100:.0f} %"
    among = (
        "the nearest is the nearest"
        if k == 1
        else f"of the {k} nearest by cosine, {share} are among the {k} nearest"
    )
    return f"Nearness is only a hint: {among} here."


def sizes_of(corpus_map: CorpusMap) -> list[tuple[str, int]]:
    """The groups by size, each with its number of points; last, what is in no group."""
    sizes = [
        (name, int(np.sum(corpus_map.groups.of == number)))
        for number, name in enumerate(corpus_map.groups.names)
    ]
    left = int(np.sum(corpus_map.groups.of == REST))
    return [*sizes, (rest_of(corpus_map), left)] if left else sizes


def rest_of(corpus_map: CorpusMap) -> str:
    """The name of the points that are in no group."""
    return _RESTS[corpus_map.by] if len(corpus_map.groups.names) == MOST else "no label"


# ---- private -------------------------------------------------------------------------------------


def _point_json(corpus_map: CorpusMap, at: int) -> dict[str, object]:
    hit, group = corpus_map.hits[at], int(corpus_map.groups.of[at])
    x, y = corpus_map.projection.places[at].tolist()
    return {
        "path": os.fsdecode(hit.path),
        "title": hit.title,
        "type": hit.type,
        "place": dict(hit.passage.place),
        "start": hit.passage.start,
        "end": hit.passage.end,
        "group": None if group == REST else corpus_map.groups.names[group],
        "x": round(x, 6),
        "y": round(y, 6),
        "nearest": [
            {"point": row, "cosine": round(cosine, 6)}
            for row, cosine in zip(
                corpus_map.nearest.rows[at].tolist(),
                corpus_map.nearest.cosines[at].tolist(),
                strict=True,
            )
        ],
    }
