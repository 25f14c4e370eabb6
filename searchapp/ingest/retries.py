"""Files whose readers took too long, crashed or ran out of memory: another try may end
otherwise, on a machine that is less busy.

They are tried again by the next ingests, so often in all; then what came of it is remembered as
what the file itself says is. The record of a refusal counts the tries behind its reader: "pdf/3~2"
has had two. A reader of that name is never current, so that such a file is read again by any
program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from searchapp.humanize import pluralize

if TYPE_CHECKING:
    from searchapp.types.documents import Unindexed

MOST_TRIES = 3  # of the same bytes by one version of a reader
RETRY_S = 600.0  # that a run may lose with files that came to nothing before it tries no more again
_TRIED = "~"


class Retries:
    """The tries that the files of a run have had."""

    def __init__(self, unindexed: Iterable[Unindexed]) -> None:
        """From what is recorded as not indexed; nothing of it where all is to be tried anew."""
        self._tries: dict[tuple[bytes, str], int] = {}
        self.left = 0  # files that were left for the next ingest
        for source in (entry.source for entry in unindexed if is_waiting(entry)):
            if source is not None:
                reader, _, tries = source.extractor.partition(_TRIED)
                key = source.content_hash, reader
                self._tries[key] = max(self._tries.get(key, 0), int(tries))

    def counted(self, entry: Unindexed) -> Unindexed:
        """The record of a refusal, with this try."""
        source = entry.source
        if not entry.is_passing or source is None:
            return entry
        tries = self._tries.get((source.content_hash, source.extractor), 0) + 1
        if tries >= MOST_TRIES:
            reason = f"{entry.reason}; tried {MOST_TRIES} times, and again by: ingest --retry"
            return replace(entry, reason=reason)
        marked = replace(source, extractor=f"{source.extractor}{_TRIED}{tries}")
        reason = f"{entry.reason}; the next ingest tries it again"
        return replace(entry, reason=reason, source=marked)

    def notes(self) -> list[str]:
        """What was left for the next ingest, for people."""
        if not self.left:
            return []
        files = pluralize(self.left, "file")
        why = f"as those that were took {RETRY_S / 60:.0f} minutes: the next ingest tries them"
        return [f"{files} that came to nothing before were not tried again, {why}"]


def is_waiting(entry: Unindexed) -> bool:
    """Whether a file that was refused is to be tried again."""
    tries = entry.source.extractor.partition(_TRIED)[2] if entry.source else ""
    return tries.isdecimal()
