"""Taking out the documents whose files are gone, unless that looks like a disk that is not there.
Decides from outcomes that are all in; reads no file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from searchapp.types.documents import above

if TYPE_CHECKING:
    from searchapp.ingest.changes import Survey
    from searchapp.ingest.outcomes import Outcomes
    from searchapp.types.documents import KnownFile, Root
    from searchapp.types.protocols import Writer


def known_below(roots: Iterable[Root], survey: Survey) -> dict[bytes, list[KnownFile]]:
    """The known documents at or below each root, by its path; no root is below another."""
    below: dict[bytes, list[KnownFile]] = {root.path: [] for root in roots}
    for path, known in survey.known.items():
        at = next((place for place in above(path) if place in below), b"/")
        if at in below:
            below[at].append(known)
    return below


def remove_missing(
    root: Root,
    below: Sequence[KnownFile],
    writer: Writer,
    outcomes: Outcomes,
    *,
    prune: bool,
) -> None:
    """Take out the documents below a root whose files are gone. Where more than half of them are
    gone at once, they are kept, unless `prune` says otherwise.
    """
    unseen = [
        known
        for known in below
        if known.source.path not in outcomes.present and known.document_id not in outcomes.moved
    ]
    gone = {known.document_id for known in unseen if outcomes.has_left(known.source.path)}
    missing = [
        known
        for known in unseen
        if known.document_id in gone and not outcomes.is_in_read_container(known.source.path)
    ]
    is_kept = len(missing) * 2 > len(below) and not prune
    for known in unseen:
        path = known.source.path
        if known.document_id not in gone:
            _pass_over(known, writer, outcomes)
        elif is_kept and not outcomes.is_in_read_container(path):
            outcomes.conclude(
                path,
                "skipped",
                "gone, but kept: too much of its folder is missing at once; --prune removes it",
            )
        else:
            writer.remove([known.document_id])
            outcomes.conclude(path, "removed")
    if is_kept:
        outcomes.notes.append(
            f"{len(missing)} of {len(below)} documents below {os.fsdecode(root.path)} are gone "
            "from the disk; nothing was removed. "
            "If that is right, ingest again with --prune."
        )


def _pass_over(known: KnownFile, writer: Writer, outcomes: Outcomes) -> None:
    """A document whose file is there, but was not read: it becomes stale where the file could not
    be read, and is removed where it is ignored now.
    """
    path = known.source.path
    own = outcomes.by_path.get(path)
    if outcomes.is_unreadable(path):
        writer.mark_stale(known.document_id)
        if own is None:
            outcomes.conclude(
                path,
                "failed",
                "its folder or archive cannot be read; its last good version is kept",
            )
        return
    writer.remove([known.document_id])
    if own is None:
        outcomes.conclude(path, "removed", "ignored now")
    else:
        outcomes.conclude(path, own.outcome, f"{own.reason}; its earlier version was removed")
