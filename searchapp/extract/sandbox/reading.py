"""How far the reading of one file is, over however many workers it takes, and what came of it."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileError, FileFailed, FileSkipped
from searchapp.extract.members import MAX_MEMBERS, UNTAKEN
from searchapp.extract.registry import WITH_SECRETS
from searchapp.extract.sandbox.answers import (
    digest_of,
    document_of,
    identity_of,
    member_of,
    name_of,
    number_of,
    reason_of,
)
from searchapp.extract.sandbox.patience import ReaderFailed
from searchapp.types.documents import MEMBER, Document, Source, Unindexed

if TYPE_CHECKING:
    from searchapp.types.documents import Outcome

MAX_ANSWER = 512 * 2**20  # bytes, of all that one file gives
_MOST_RESULTS = 2 * MAX_MEMBERS + 2  # each member may be a document and hold others
_MAX_REFUSED = 500  # contents that a worker is told of: the request must fit the pipe


@dataclass(frozen=True, slots=True)
class Extracted:
    """What became of a file, or of one member of a container: a document and its source, or the
    reason for none.
    """

    source: Source | None = None
    document: Document | None = None
    unindexed: Unindexed | None = None  # exactly one of the last two is there

    @property
    def path(self) -> bytes:
        """The file's path, or the member's below it."""
        return self.unindexed.path if self.unindexed else self.source.path if self.source else b""


class Reading:
    """One file, as far as it was read."""

    def __init__(
        self, path: bytes, refused: Mapping[bytes, Unindexed], *, with_secrets: bool = False
    ) -> None:
        self.path = path
        self._with_secrets = with_secrets
        self._refused = refused
        self._file: Source | None = None
        self._current: Source | None = None  # begun, not read yet
        self._size = 0
        self.results: list[Extracted] = []
        self.is_done = False
        self.work_s = 0.0  # of all workers so far

    def request(self) -> dict[str, Any]:
        """What to ask a worker for: all that is not there yet."""
        refused = [content_hash.hex() for content_hash in islice(self._refused, _MAX_REFUSED)]
        return {
            "name": base64.b64encode(os.path.basename(self.path)).decode(),  # noqa: PTH119
            "start": len(self.results),
            "refused": refused,
            "with_secrets": self._with_secrets,
        }

    def take(self, answer: dict[str, Any], size: int) -> None:
        """Take an answer in. Raises ValueError, KeyError, TypeError or OverflowError where it is
        none, FileFailed where it is too much.
        """
        self._require_room(size)
        if "end" in answer:
            self.is_done = True
        elif "failed" in answer:
            reason = reason_of(answer["failed"])
            self.failed(reason, is_passing=bool(answer.get("is_passing")))
        elif "source" in answer:
            self._opened(answer["source"], answer)
        elif "member" in answer:
            member = member_of(answer["member"])
            path = self.path + (MEMBER + member if member else b"")
            if self._file is None:
                raise ValueError("a member before its file")
            self._current = replace(
                self._file,
                path=path,
                content_hash=digest_of(answer["content_hash"]),
                extractor=name_of(answer["extractor"]),
            )
        elif "document" in answer:
            if self._current is None:
                raise ValueError("a document of nothing")
            if answer.get("has_secrets"):
                extractor = self._current.extractor + WITH_SECRETS
                self._current = replace(self._current, extractor=extractor)
            self.results.append(Extracted(self._current, document_of(answer["document"])))
            self._current = None
        else:
            outcome: Outcome = (
                answer["outcome"] if answer["outcome"] in {"skipped", "indexed"} else "failed"
            )
            is_passing = bool(answer.get("is_passing"))
            self._refuse(outcome, reason_of(answer["reason"]), is_passing=is_passing)

    def _require_room(self, size: int) -> None:
        """Count an answer. Raises FileFailed for one too many."""
        self._size += size
        if self._size > MAX_ANSWER:
            raise FileFailed(f"holds more than {MAX_ANSWER >> 20} MiB of text")
        if len(self.results) > _MOST_RESULTS:
            raise FileFailed(f"holds more than {MAX_MEMBERS:,} files")

    def refuse_unopened(self, error: FileError) -> None:
        """Record why the file cannot be opened, or was not."""
        if self.results or self._current is not None:
            self.failed(str(error), is_passing=False)
            return
        self._refuse("skipped" if isinstance(error, FileSkipped) else "failed", str(error))
        self.is_done = True

    def begin_again(self) -> None:
        """Forget what a worker was at, so that another reads it anew."""
        self._current = None

    def fail_current(self, reason: str, *, is_passing: bool) -> None:
        """Record that a worker died: of what it was at, or of the file as a whole."""
        if self._current is not None:
            self._refuse("failed", reason, is_passing=is_passing)
        else:
            self.failed(reason, is_passing=is_passing)

    def failed(self, reason: str, *, is_passing: bool) -> list[Extracted]:
        """What there is, and that the rest of the file failed."""
        if self._current is not None and self._current.path != self.path:
            self._refuse("failed", reason, is_passing=is_passing)
        source = self._current or self._file
        if any(
            extracted.document and extracted.source and extracted.source.path == self.path
            for extracted in self.results
        ):
            assert source is not None
            # the file is a document already
            source = replace(source, path=self.path + MEMBER + UNTAKEN.encode())
        self._current = source
        self._refuse("failed", reason, is_passing=is_passing)
        self.is_done = True
        return self.results

    def _opened(self, opened_file: dict[str, Any] | None, answer: dict[str, Any]) -> None:
        if opened_file is None:
            self._refuse(
                "skipped" if answer["outcome"] == "skipped" else "failed",
                reason_of(answer["reason"]),
                is_passing=bool(answer.get("is_passing")),
            )
            self.is_done = True
            return
        source = Source(
            self.path,
            identity_of(opened_file["identity"]),
            digest_of(opened_file["content_hash"]),
            number_of(opened_file["hashed_at_ns"]),
            name_of(opened_file["extractor"]),
        )
        if self._file is not None and self._file.content_hash != source.content_hash:
            raise ReaderFailed("changes while it is being read")
        self._file = source
        if answer.get("is_refused"):
            known = self._refused[source.content_hash]
            self._current = replace(
                source, extractor=known.source.extractor if known.source else ""
            )
            self._refuse(known.outcome, known.reason)
            self.is_done = True

    def _refuse(self, outcome: Outcome, reason: str, *, is_passing: bool = False) -> None:
        source, self._current = self._current, None
        path = source.path if source else self.path
        entry = Unindexed(path, outcome, reason, source=source, is_passing=is_passing)
        self.results.append(Extracted(source, None, entry))
