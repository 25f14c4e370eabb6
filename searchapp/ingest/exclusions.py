"""What is removed for good: taken out, and left out by every ingest until its path is given to one.

Knows the seams Writer and CatalogReader; reads no file.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from unicodedata import normalize

from searchapp.ingest.changes import kept_out
from searchapp.ingest.roots import read_again
from searchapp.search.lookup import no_document
from searchapp.types.documents import above
from searchapp.types.filters import Filters

if TYPE_CHECKING:
    from searchapp.types.protocols import CatalogReader, DocumentWriter, Writer


def documents_at(reader: CatalogReader, places: Sequence[str]) -> dict[int, bytes]:
    """The documents at some paths or globs, by id; raises DocumentMissing where a place is neither
    a document's nor a root's, nor was removed before.
    """
    filters = Filters(within=tuple(places))
    paths = [row.path for row in reader.rows(filters)]
    status = reader.status()
    known = {*(root.path for root in status.roots), *status.exclusions}
    known |= {place for path in paths for place in above(path)}
    composed = set(map(_composed, known))
    for place in places:
        is_known = _composed(os.fsencode(place.rstrip("/"))) in composed
        if not is_known and not reader.document_ids(Filters(within=(place,))):
            raise no_document(reader, place)
    return dict(zip(reader.document_ids(filters), paths, strict=True))


def take_out(
    writer: Writer, places: Sequence[str], documents: Mapping[int, bytes], *, at_once: bool
) -> list[bytes]:
    """Remove the documents at some paths or globs, and the roots there; returns their paths. They
    leave in one commit, or one by one where there is little room: no reader is open then, as the
    log could not be written over.
    """
    for document_id in documents:
        writer.remove([document_id])
        if not at_once:
            writer.commit()
    removed = set(documents.values())
    left_out: Counter[bytes] = Counter()  # files that were no documents before, by place
    for path in (os.fsencode(place.rstrip("/")) for place in places):
        writer.forget_roots(path)
        left_out[path] = _count_left_out(writer, path, removed)
        writer.set_unindexed([path], [])
    excluded = _exclude(writer, places, removed)
    if at_once:  # else there is no room to say it before the next ingest does
        for path, files in excluded.items():
            writer.set_unindexed([path], [kept_out(path, files + left_out[path])])
    writer.commit()
    return sorted(removed)


def readmit(writer: DocumentWriter, named: Iterable[bytes]) -> list[bytes]:
    """Have ingests take in again what was removed for good at or above the named paths; returns the
    paths that it was removed by.
    """
    places = {place for path in named for place in above(path)}
    exclusions = writer.exclusions()
    lifted = [path for path in exclusions if path in places]
    if lifted:
        writer.set_exclusions(set(exclusions) - set(lifted))
        writer.set_unindexed(lifted, [])
        read_again(writer, lifted)
    return lifted


def _exclude(
    writer: DocumentWriter, places: Iterable[str], removed: Iterable[bytes]
) -> Mapping[bytes, int]:
    """Have no ingest bring back the documents that were removed at some paths or globs, as long as
    one of the roots would; returns how many of them each path keeps out.
    """
    named = {_composed(os.fsencode(place.rstrip("/"))) for place in places}
    roots = {root.path for root in writer.roots()}
    exclusions, loose, files = set(writer.exclusions()), [], Counter[bytes]()
    for path in removed:
        place = next((place for place in above(path) if _composed(place) in named), path)
        if any(place in roots for place in above(place)):
            exclusions.add(place)
            files[place] += 1
        else:
            loose.append(path)
    read_again(writer, loose)
    writer.set_exclusions(
        path
        for path in exclusions
        if not any(place in exclusions for place in above(path) if place != path)
    )
    return files


def _count_left_out(writer: DocumentWriter, path: bytes, documents: Collection[bytes]) -> int:
    """How many files at or below a path were no documents, but left out or refused."""
    return sum(
        entry.files
        for entry in writer.unindexed([path]).values()
        if entry.outcome != "indexed" and entry.path not in documents
    )


def _composed(path: bytes) -> str:
    """A path whose accents may be written in either form."""
    return normalize("NFC", os.fsdecode(path))
