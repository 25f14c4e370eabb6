"""What has become of every file so far, and which documents have left their places. Reads nothing
but whether a path is still there; writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from searchapp.extract.members import UNTAKEN
from searchapp.humanize import pluralize
from searchapp.ingest.changes import kept_out
from searchapp.types.documents import MEMBER, Outcome, Unindexed, above, containers_of
from searchapp.types.results import FileOutcome

if TYPE_CHECKING:
    from searchapp.extract.sandbox.reading import Extracted
    from searchapp.filesystem.walk import WalkProgress
    from searchapp.ingest.changes import Survey
    from searchapp.types.documents import KnownFile


class Outcomes:
    """The outcomes of one run, by path, and what follows from them."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self.by_path: dict[bytes, FileOutcome] = {}
        self.unindexed: dict[bytes, Unindexed] = {}
        self.present: set[bytes] = set()  # documents' paths, members too, there and readable
        self.read_whole: set[bytes] = set()  # files: what else they held has left
        self.moved: set[int] = set()  # document ids
        self.notes: list[str] = []

    def conclude(self, path: bytes, outcome: Outcome, reason: str = "") -> None:
        """Record what has become of a path."""
        self.by_path[path] = FileOutcome(path, outcome, reason)

    def conclude_moved(self, path: bytes, old: KnownFile) -> None:
        """Record that a document has moved to a path."""
        self.moved.add(old.document_id)
        self._survey.claim(old)
        self.conclude(path, "moved", f"from {os.fsdecode(old.source.path)}")

    def conclude_unchanged(self, path: bytes) -> None:
        """Record a file that need not be read: all that it holds is as it was."""
        for place, refusal in self._survey.remembered_in(path):
            if refusal is None:
                self.present.add(place)
                self.conclude(place, "unchanged")
            else:
                self.unindexed[place] = refusal
                outcome = "unchanged" if refusal.outcome == "indexed" else refusal.outcome
                self.conclude(place, outcome, refusal.reason)
        for entry in self._survey.kept_out_in(path):
            self.leave_out(entry)

    def leave_out(self, entry: Unindexed) -> None:
        """Record a file that is no document."""
        self.unindexed[entry.path] = entry
        self.by_path[entry.path] = FileOutcome(entry.path, entry.outcome, entry.reason, entry.files)

    def refuse(self, file: bytes, entry: Unindexed) -> None:
        """Record that a file, or a member of it, gave no document; nothing where the file has gone
        meanwhile, as if it had never been seen. A disk that did not answer is not asked again.
        """
        self.present.discard(entry.path)
        if entry.is_passing or not self._survey.is_gone(file):
            self.leave_out(entry)

    def keep_out(self, file: bytes, removed: bytes) -> None:
        """Record one more member of a file that is at or below a path that was removed for good."""
        before = self.unindexed.get(removed)
        self.refuse(file, kept_out(removed, before.files + 1 if before else 1))

    def has_left(self, path: bytes) -> bool:
        """Whether a document that was not seen is gone from the disk, or from a container that was
        read to its end.
        """
        if path in self.present or path in self.unindexed:
            return False
        return self._survey.is_gone(path) or (
            self.is_in_read_container(path) and not self.is_unreadable(path)
        )

    def is_in_read_container(self, path: bytes) -> bool:
        """Whether a path is that of a member of a container that was read to its end."""
        file = self._survey.file_of(path)
        return file != path and file in self.read_whole

    def is_unreadable(self, path: bytes) -> bool:
        """Whether a path, or a folder or container that it is in, could not be read this time."""
        places = (
            place for outer in above(path) for place in (outer, outer + MEMBER + UNTAKEN.encode())
        )
        return any(
            place in self.unindexed and self.unindexed[place].outcome == "failed"
            for place in places
        )


def summarize_containers(extraction: Sequence[Extracted]) -> dict[bytes, Unindexed]:
    """What is said of each container: how many of its files became documents, unless all did; a
    container of which none did is left out.
    """
    containers = {
        extracted.path: extracted.unindexed
        for extracted in extraction
        if extracted.unindexed and extracted.unindexed.outcome == "indexed"
    }
    files: dict[bytes, int] = dict.fromkeys(containers, 0)
    left_out: dict[bytes, list[Unindexed]] = {path: [] for path in containers}
    for member in extraction:
        for container in containers_of(member.path):
            if container in containers and member.path not in containers:
                files[container] += 1
                left_out[container] += [member.unindexed] if member.unindexed else []
    return {
        path: _summary(entry, files[path], left_out[path]) for path, entry in containers.items()
    }


def _summary(entry: Unindexed, files: int, left_out: Sequence[Unindexed]) -> Unindexed:
    if not left_out:
        return replace(entry, reason="")
    reason = f"{files - len(left_out)} of {files} files in it were read"
    if len(left_out) < files:
        return replace(entry, reason=reason)
    failure = next((refusal for refusal in left_out if refusal.outcome == "failed"), None)
    return replace(
        entry,
        outcome="failed" if failure else "skipped",
        reason=f"{reason}: {(failure or left_out[0]).reason}",
    )


def cut_short(seen: WalkProgress) -> str:
    """What is said of a run that was stopped while it looked at the disk."""
    met = f"{pluralize(seen.files, 'file')} in {pluralize(seen.folders, 'folder')}"
    return (
        f"the look at the disk was cut short after {met}: none of them was read, the rest was not "
        "looked at, and nothing was removed"
    )
