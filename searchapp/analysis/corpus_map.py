"""A corpus as a map: its passages or documents in the plane, with their groups and their true
nearest neighbors.

Made of stored vectors alone: nothing is embedded, and no model is opened. Where there are more
points than a map takes, a sample stands for all of them. Knows nothing of pages or terminals.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from searchapp.analysis.map_groups import base_of, folders, grouped
from searchapp.analysis.projection import (
    Projection,
    choose_method,
    nearest_neighbors,
    neighbors_kept,
    project,
    require_method,
    sample,
)
from searchapp.errors import UsageError
from searchapp.search.more_like_this import direction
from searchapp.types.documents import Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.analysis.map_groups import Groups
    from searchapp.analysis.projection import Neighbors
    from searchapp.types.documents import Hit, Label
    from searchapp.types.filters import Filters
    from searchapp.types.protocols import Reader
    from searchapp.types.vectors import Vectors

GRANULARITIES = ("passage", "document")
GROUPINGS = ("folder", "type", "label")
MAX_POINTS = 100_000
NEAREST = 5  # of each point that are told

_MOST_CHARACTERS = 2000  # of a whole document that are told
_NEAR = 5_000  # points from which on finding the nearest takes a while


@dataclass(frozen=True, slots=True, eq=False)
class CorpusMap:
    """All that a map shows. A document is a passage that begins where the document does."""

    granularity: str
    by: str
    dim: int  # of the vectors
    generation: int
    model: str
    hits: tuple[Hit, ...]  # (n,) what each point is, by path, then start
    projection: Projection
    no_umap: str  # why it is not UMAP where no method was named: "few", "missing", "broken" or ""
    groups: Groups
    nearest: Neighbors
    neighbors_kept: float  # of the true nearest, from 0 to 1
    documents: int  # of which the points are
    total: int  # points that there would be without a bound
    pending: int  # documents without vectors, which are not on it
    base: bytes  # the folder that all are in


def map_corpus(
    reader: Reader,
    filters: Filters,
    *,
    granularity: str = "passage",
    by: str = "folder",
    method: str | None = None,
    most: int = MAX_POINTS,
    on_stage: Callable[[str], None] = lambda _: None,
) -> CorpusMap:
    """The map of the passages or documents that pass the filters; it has no points where none does.

    Without a method it is UMAP, or PCA where UMAP is not installed or there are few points.
    `on_stage` is called before and during steps that take a while. Raises UsageError for a
    granularity, a grouping or a method that does not exist or is not installed.
    """
    _require("level", granularity, GRANULARITIES)
    _require("grouping", by, GROUPINGS)
    if method is not None:
        require_method(method)
    rows = list(reader.rows(filters))
    embedded = [
        (i, row.passages)
        for i, row in zip(reader.document_ids(filters), rows, strict=True)
        if not row.is_pending
    ]
    hits, vectors, total = _points(reader, embedded, granularity, most)
    if len(hits) > _NEAR:
        on_stage(f"finding the nearest of {len(hits):,} {granularity}s")
    true = nearest_neighbors(vectors, NEAREST)
    projected, no_umap = _projected(
        vectors, method, lambda state: on_stage(f"laying out {len(hits):,} {granularity}s {state}")
    )
    paths = [hit.path for hit in hits]
    return CorpusMap(
        granularity=granularity,
        by=by,
        dim=vectors.shape[1],
        generation=reader.generation,
        model=reader.encoder.model if reader.encoder else "",
        hits=tuple(hits),
        projection=projected,
        no_umap=no_umap,
        groups=grouped(_names(reader, hits, by)),
        nearest=true,
        neighbors_kept=neighbors_kept(projected.places, true),
        documents=len(set(paths)),
        total=total,
        pending=len(rows) - len(embedded),
        base=base_of(paths) if paths else b"/",
    )


# ---- private -------------------------------------------------------------------------------------


def _require(what: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise UsageError(f"there is no {what} {word!r}", hint=f"{what}s: {', '.join(known)}")


def _projected(
    vectors: Vectors, named: str | None, on_state: Callable[[str], None]
) -> tuple[Projection, str]:
    """The vectors in the plane, and why it is not UMAP where no method was named."""
    choice = choose_method(named, len(vectors))
    if not len(vectors):
        return Projection(choice.method, np.zeros((0, 2))), choice.reason
    if choice.method == "umap":
        on_state("by UMAP, which takes half a minute, and longer for many")
    try:
        return project(
            vectors, choice.method, lambda share: on_state(f"by UMAP: {share:.0%}")
        ), choice.reason
    except UsageError:
        if named is not None:
            raise
        return project(vectors, "pca"), "broken"


def _points(
    reader: Reader, documents: Sequence[tuple[int, int]], granularity: str, most: int
) -> tuple[list[Hit], Vectors, int]:
    """The points, their vectors, (n, dim), and how many points there would be without a bound."""
    if granularity == "document":
        chosen = [documents[i] for i in sample(len(documents), most).tolist()]
        shown = [_document(reader, document_id) for document_id, _ in chosen]
        return (
            [hit for hit, _ in shown],
            _stacked([vector for _, vector in shown], reader),
            len(documents),
        )
    total = sum(count for _, count in documents)
    hits = list(_passages(reader, documents, sample(total, most)))
    return hits, reader.vectors_of(np.array([hit.passage_id for hit in hits], np.int64)), total


def _passages(
    reader: Reader, documents: Sequence[tuple[int, int]], chosen: NDArray[np.int64]
) -> Iterator[Hit]:
    """The passages at these positions, counted through all the documents."""
    ends = np.cumsum([count for _, count in documents])
    for (document_id, count), end in zip(documents, ends.tolist(), strict=True):
        first, last = np.searchsorted(chosen, (end - count, end)).tolist()
        if first < last:
            _, hits = reader.show(document_id)
            yield from (hits[i - end + count] for i in chosen[first:last].tolist())


def _document(reader: Reader, document_id: int) -> tuple[Hit, Vectors]:
    """A document as one passage, and the direction of its vectors' mean."""
    _, hits = reader.show(document_id)
    vectors = reader.vectors_of(np.array([hit.passage_id for hit in hits], np.int64))
    text = "\n\n".join(hit.text for hit in hits)
    if len(text) > _MOST_CHARACTERS:
        text = f"{text[:_MOST_CHARACTERS].rsplit(maxsplit=1)[0]} …"
    whole = Passage(hits[0].passage.start, hits[-1].passage.end)
    return replace(hits[0], passage=whole, text=text), direction(
        vectors.mean(axis=0, dtype=np.float64)
    )


def _stacked(vectors: Sequence[Vectors], reader: Reader) -> Vectors:
    dim = reader.encoder.dim if reader.encoder else 0
    return np.stack(vectors) if vectors else np.empty((0, dim), np.float32)


def _names(reader: Reader, hits: Sequence[Hit], by: str) -> list[str]:
    """The name of each point's group, "" for a document without a label; folders are named from the
    folder that holds all of them.
    """
    if by == "type":
        return [hit.type for hit in hits]
    if by == "label":
        first = {
            document_id: min(labels, key=_doubt).name for document_id, labels in reader.labels()
        }
        return [first.get(hit.document_id, "") for hit in hits]
    paths = [hit.path for hit in hits]
    base = base_of(paths) if paths else b"/"
    return [os.fsdecode(_below(base, folder)) for folder in folders(paths)]


def _doubt(label: Label) -> tuple[bool, float, str]:
    """How much to doubt a label: least if a person gave it, then by how sure the classifier is."""
    return label.origin != "hand", -(label.probability or 0), label.name


def _below(base: bytes, folder: bytes) -> bytes:
    """A folder as seen from one that holds it, or the name of the holder itself."""
    return folder[len(base) :].lstrip(b"/") or base.rpartition(b"/")[2] or b"/"
