"""Files that only moved, or were only touched: their bytes tell, and no reader is started for them.

A file that a renamed folder has taken elsewhere has the size, the ending and the bytes of one that
is gone. What was refused is refused in its new place, too.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from searchapp.errors import FileError
from searchapp.extract.file_types import EMPTY
from searchapp.extract.registry import extractor_of
from searchapp.filesystem.safe_open import NO_BYTES, read_file
from searchapp.ingest.changes import is_settled, kind_of
from searchapp.types.documents import Source, Unindexed

if TYPE_CHECKING:
    from searchapp.filesystem.safe_open import FileContent
    from searchapp.filesystem.walk import FoundFile
    from searchapp.ingest.changes import Change, Survey
    from searchapp.ingest.outcomes import Outcomes
    from searchapp.types.protocols import Writer


class KnownContents:
    """What the corpus knows of the bytes of files that it does not know where, or as, they are; for
    use once the survey has seen the disk.
    """

    def __init__(self, survey: Survey, outcomes: Outcomes, writer: Writer) -> None:
        self._survey = survey
        self._outcomes = outcomes
        self._writer = writer
        self._left = survey.unseen_files()
        self._detector = extractor_of("")

    def recognize(self, file: FoundFile, change: Change) -> bool:
        """Account for a file whose bytes are known, at its own path or at one that they have left;
        returns False where it must be read.
        """
        is_touched = change == "touched"
        is_empty = not file.identity.size and not is_touched
        is_free = file.path not in self._survey.known  # by documents: one cannot move there
        left = self._left.get(kind_of(file.path, file.identity.size), {}) if is_free else {}
        refused = self._survey.refusals_like(file) if is_free else {}
        if not (is_touched or left or refused or is_empty):
            return False
        hashed_at_ns = time.time_ns()
        try:
            content = read_file(file.path, max_bytes=file.identity.size)
        except FileError:
            return False  # the reader will say why
        if is_empty and not content.data and is_free and not self._survey.has_members(file.path):
            self._leave_out_empty(file, content, hashed_at_ns)
            return True
        if is_touched:
            return self._refresh(file.path, content, hashed_at_ns)
        places = left.get(content.content_hash, [])
        if self._move(places, file.path, content, hashed_at_ns):
            return True
        refusal = refused.get(content.content_hash)
        if refusal is None or refusal.source is None:
            return False
        source = _now(refusal.source, file.path, content, hashed_at_ns)
        self._outcomes.leave_out(replace(refusal, path=file.path, source=source))
        return True

    def _leave_out_empty(self, file: FoundFile, content: FileContent, hashed_at_ns: int) -> None:
        """Refuse a file without a byte, as its reader would; there may be a million of them, so
        that they share what is equal.
        """
        is_same = file.identity == content.identity
        identity = file.identity if is_same else content.identity
        source = Source(file.path, identity, NO_BYTES, hashed_at_ns, self._detector)
        self._outcomes.leave_out(Unindexed(file.path, "skipped", EMPTY, source=source))

    def _refresh(self, path: bytes, content: FileContent, hashed_at_ns: int) -> bool:
        """Record that a file is as it was, with all that it holds, but for what `stat` says."""
        all_in = list(self._survey.all_in(path))
        if any(
            remembered_file.source.content_hash != content.content_hash
            for _, remembered_file in all_in[:1]
        ):
            return False
        self._outcomes.conclude_unchanged(path)
        for place, remembered in all_in:
            source = _now(remembered.source, place, content, hashed_at_ns)
            if source.identity == remembered.source.identity and not is_settled(source):
                continue  # recording that would not spare the next run to look
            if remembered.document is not None:
                self._writer.relocate(remembered.document.document_id, source)
            elif remembered.refusal is not None:
                self._outcomes.unindexed[place] = replace(remembered.refusal, source=source)
        return True

    def _move(
        self, places: list[bytes], path: bytes, content: FileContent, hashed_at_ns: int
    ) -> bool:
        """Record that the bytes of one of some places are at a path now; False where all of them
        are still there.
        """
        place = next((former for former in places if self._outcomes.has_left(former)), None)
        if place is None:
            return False
        places.remove(place)
        (_, remembered), *_ = self._survey.all_in(place)
        source = _now(remembered.source, path, content, hashed_at_ns)
        if remembered.document is not None:
            self._writer.relocate(remembered.document.document_id, source)
            self._outcomes.present.add(path)
            self._outcomes.conclude_moved(path, remembered.document)
        elif remembered.refusal is not None:
            self._outcomes.leave_out(replace(remembered.refusal, path=path, source=source))
        return True


def _now(source: Source, path: bytes, content: FileContent, hashed_at_ns: int) -> Source:
    """A source at a path, as its file is now; what is equal is kept once."""
    same = source.identity == content.identity
    identity = source.identity if same else content.identity
    return replace(source, path=path, identity=identity, hashed_at_ns=hashed_at_ns)
