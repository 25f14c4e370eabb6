"""Ingest: what becomes of every file. survey -> extract -> intake, and the account of it all.

A file is unchanged, moved, or taken in; what is gone leaves, unless it looks like a disk that is
not there. Knows no SQL, no FAISS and no model: only the seams.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from searchapp.errors import EncoderError, PathMissing
from searchapp.extract.members import UNTAKEN
from searchapp.ingest.changes import Survey, is_same, outermost
from searchapp.ingest.indexer import Intake
from searchapp.splitter import SPLITTER_VERSION
from searchapp.timing import Stopwatch
from searchapp.types.documents import (
    MEMBER,
    Document,
    Outcome,
    Root,
    Source,
    Unindexed,
    above,
    containers_of,
    is_within,
)
from searchapp.types.results import FileOutcome, IngestReport, Progress

if TYPE_CHECKING:
    from searchapp.extract.sandbox.pool import Extracted
    from searchapp.filesystem.walk import FoundFile
    from searchapp.types.documents import KnownFile
    from searchapp.types.protocols import Encoder, Writer

    _Waiting: TypeAlias = deque[
        tuple[FoundFile, Future[list[Extracted]]]
    ]  # in the order in which they were submitted

_READ_AHEAD = 16  # files handed to the extraction workers beyond the one that is waited for
_READ_AHEAD_BYTES = 64 * 2**20  # of them together, so that what waits to be split fits the memory
_BATCH_BYTES = 100_000  # to read, from which on it pays to tune the encoder for many passages
_POLL_S = 0.1  # between looks at whether to stop, while a file is waited for


class Extractor(Protocol):
    """Reads files, each to the text of all that it holds, or the reasons why not."""

    def submit(self, path: bytes, refused: Mapping[bytes, Unindexed]) -> Future[list[Extracted]]:
        """Begin to read a file; `refused` says which contents were refused before."""


class OpenEncoder(Protocol):
    """Opens the encoder of a corpus, tuned for many passages or opened quickly for a few; its
    vectors are the same.
    """

    def __call__(self, *, bulk: bool) -> Encoder:
        """The encoder; `bulk` tunes it for many passages."""


class Ingest:
    """One run over some roots; `run` may be called once."""

    def __init__(
        self,
        writer: Writer,
        extractor: Extractor,
        open_encoder: OpenEncoder,
        *,
        prune: bool = False,
        on_progress: Callable[[Progress], None] = lambda _: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._writer = writer
        self._extractor = extractor
        self._open_encoder = open_encoder
        self._prune = prune
        self._on_progress = on_progress
        self._is_stopped = is_stopped
        self._watch = Stopwatch()
        self._outcomes: dict[bytes, FileOutcome] = {}
        self._unindexed: dict[bytes, Unindexed] = {}
        self._seen: set[bytes] = set()  # documents' paths, members too, that are there and readable
        self._emptied: set[bytes] = set()  # files read to their end: what else they held has left
        self._to_store: dict[bytes, int] = {}  # things in a file that are not done with
        self._moved: set[int] = set()
        self._superseded: list[int] = []
        self._notes: list[str] = []
        self._bytes_to_read = self._bytes_read = self._files_done = self._files_to_read = 0
        self._intake: Intake | None = None

    def run(self, given: Sequence[Root] = ()) -> IngestReport:
        """Bring everything below the given roots up to date, or below all remembered ones; the
        given are remembered.

        A given root below a remembered one is no root of its own; one without rules of its own
        keeps those it had. Raises PathMissing where there is no root at all, or where a given one
        that is to be pruned is neither on disk nor in the corpus.
        """
        begin = time.perf_counter()
        roots = self._roots(given)
        with self._watch.stage("remember"):
            places = [root.path for root in roots] if given else None
            self._survey = Survey(
                self._writer.known_files(places),
                self._writer.unindexed(places),
                self._writer.known_like,
            )
        with self._watch.stage("look at the disk"):
            for root in roots:
                self._survey.look(root)
        for entry in self._survey.left_out:
            self._leave_out(entry)
        self._remember(given, roots)
        with self._watch.stage("decide"):
            self._read()
            if not self._is_stopped():
                self._tidy(roots)
        with self._watch.stage("publish"):
            generation = self._writer.finish()
        return IngestReport(
            generation=generation,
            took_s=time.perf_counter() - begin,
            files=tuple(sorted(self._outcomes.values(), key=lambda entry: entry.path)),
            passages_embedded=self._intake.embedded if self._intake else 0,
            passages_reused=self._intake.reused if self._intake else 0,
            was_interrupted=self._is_stopped(),
            notes=(*self._notes, *self._writer.notes),
            stages_s=self._watch.taken_s,
            encoder_busy_s=self._intake.encoder_busy_s if self._intake else 0.0,
        )

    # -- roots

    def _roots(self, given: Sequence[Root]) -> list[Root]:
        """The roots of this run."""
        remembered = {root.path: root for root in self._writer.roots()}
        chosen = [
            root if root.include or root.exclude else remembered.get(root.path, root)
            for root in given
        ]
        roots = outermost(chosen or remembered.values())
        if not roots:
            raise PathMissing(
                "nothing to ingest: this corpus has no folders yet",
                hint="run: searchapp ingest PATH",
            )
        return roots

    def _remember(self, given: Sequence[Root], roots: Sequence[Root]) -> None:
        for root in self._survey.missing:
            if not self._prune:
                self._leave_out(Unindexed(root.path, "failed", _ROOT_MISSING))
            elif given and not any(is_within(path, root.path) for path in self._survey.known):
                raise PathMissing(
                    f"no such file or folder: {os.fsdecode(root.path)}",
                    hint="the corpus has no documents there either",
                )
        present = [root for root in roots if root not in self._survey.missing]
        for root in outermost([*present, *self._writer.roots()]):
            self._writer.set_root(root)

    # -- reading

    def _read(self) -> None:
        """Read what may have changed, and take it in; the encoder is opened meanwhile, and only
        where something is to be embedded.
        """
        to_read = [
            file for file in self._survey.files.values() if not self._survey.is_unchanged(file)
        ]
        for path in self._survey.files.keys() - {file.path for file in to_read}:
            self._pass(path)
        if not to_read and not self._writer.has_pending():
            return
        self._files_to_read = len(to_read)
        self._bytes_to_read = sum(file.identity.size for file in to_read)
        self._report_progress()
        with ThreadPoolExecutor(1, thread_name_prefix="open-encoder") as thread:
            bulk = self._bytes_to_read >= _BATCH_BYTES or self._writer.has_pending()
            opening = thread.submit(self._open_encoder, bulk=bulk)
            upcoming = iter(to_read)
            waiting: _Waiting = deque()
            self._read_ahead(upcoming, waiting)
            try:
                with self._watch.stage("open the encoder"):
                    encoder = opening.result()
            except EncoderError:
                if self._is_stopped():
                    return  # Ctrl-C reaches the child that converts the model, too
                raise
        intake = Intake(
            self._writer,
            encoder,
            on_stored=self._on_stored,
            on_embedded=self._report_progress,
            is_stopped=self._is_stopped,
            watch=self._watch,
        )
        with intake:
            self._intake = intake
            self._take_all(intake, upcoming, waiting)

    def _take_all(self, intake: Intake, upcoming: Iterator[FoundFile], waiting: _Waiting) -> None:
        while waiting and (extraction := self._next(intake, waiting[0][1])):
            file, _ = waiting.popleft()
            self._take(file, extraction)
            self._bytes_read += file.identity.size
            self._read_ahead(upcoming, waiting)
        for _, cancelled in waiting:
            cancelled.cancel()
        intake.close()
        for source in intake.abandoned:
            del self._outcomes[source.path]  # as good as not reached
        if pending := len(intake.unfinished):
            whose = "document is" if pending == 1 else "documents are"
            self._notes.append(
                f"{pending:,} {whose} found by words alone until the next ingest has made the "
                "missing vectors"
            )

    def _read_ahead(self, upcoming: Iterator[FoundFile], waiting: _Waiting) -> None:
        while (
            len(waiting) <= _READ_AHEAD
            and sum(file.identity.size for file, _ in waiting) < _READ_AHEAD_BYTES
        ):
            file = next(upcoming, None)
            if file is None:
                return
            waiting.append(
                (file, self._extractor.submit(file.path, self._survey.refusals_like(file)))
            )

    def _next(self, intake: Intake, extraction: Future[list[Extracted]]) -> list[Extracted] | None:
        """The extraction, None once the run is to stop: not even a file that hangs delays that."""
        while not self._is_stopped():
            try:
                with self._watch.stage("wait for files"):
                    return extraction.result(timeout=_POLL_S)
            except TimeoutError:
                intake.tend()
        return None

    def _pass(self, path: bytes) -> None:
        """An unchanged file: all that it holds is as it was."""
        for each, refusal in self._survey.remembered_in(path):
            if refusal is None:
                self._seen.add(each)
                self._conclude(each, "unchanged")
            else:
                self._unindexed[each] = refusal
                self._conclude(
                    each,
                    "unchanged" if refusal.outcome == "indexed" else refusal.outcome,
                    refusal.reason,
                )

    def _take(self, file: FoundFile, extraction: Sequence[Extracted]) -> None:
        """Decide what becomes of a file that was read, and of all that it holds."""
        self._to_store[file.path] = (
            1  # the file itself, so that it is not done before all of it was looked at
        )
        accounts = _accounts(extraction)
        for extracted in extraction:
            path = extracted.path
            if path != file.path and path in self._survey.files:
                self._notes.append(
                    f"{os.fsdecode(path)} in {os.fsdecode(file.path)} has the path of a file on "
                    "the disk, and was left out"
                )
                continue
            if path != file.path:
                self._survey.add_member(path, file.path)
            if extracted.unindexed is not None:
                self._refuse(file, accounts.get(path, extracted.unindexed))
            elif extracted.source is not None and extracted.document is not None:
                self._take_document(
                    file, replace(extracted.source, splitter=SPLITTER_VERSION), extracted.document
                )
        own = self._unindexed.get(file.path)
        if own is None or own.outcome != "failed":
            self._emptied.add(file.path)
        self._settle(file.path)

    def _take_document(self, file: FoundFile, source: Source, document: Document) -> None:
        """Decide what becomes of a document."""
        path = source.path
        self._seen.add(path)
        self._to_store[file.path] += 1
        known = self._survey.known.get(path)
        old = None if known else self._vanished(source, document)
        if known and is_same(known, source, document):
            self._writer.relocate(known.document_id, source)
            self._conclude(path, "unchanged")
        elif old and is_same(old, source, document):
            self._writer.relocate(old.document_id, source)
            self._conclude_moved(path, old)
        elif self._intake and self._intake.add(source, document, is_new=known is None):
            self._conclude(path, "indexed", document.metadata.get("incomplete", ""))
            if old:
                self._superseded.append(old.document_id)
                self._conclude_moved(path, old)
            return
        else:
            self._refuse(file, Unindexed(path, "failed", "no text found", source=source))
        self._settle(file.path)

    def _vanished(self, source: Source, document: Document) -> KnownFile | None:
        """A document of the same bytes that has left its place: this one was moved. At best nothing
        else differs.
        """
        free = (
            known
            for known in self._survey.like(source)
            if known.source.path not in self._survey.files and self._has_left(known.source.path)
        )
        other = None
        for known in free:
            if is_same(known, source, document):
                return known
            other = other or known
        return other

    def _has_left(self, path: bytes) -> bool:
        """Whether a document that was not seen is gone from the disk, or from a container that was
        read to its end.
        """
        if path in self._seen or path in self._unindexed:
            return False
        return self._survey.is_gone(path) or (
            self._is_in_emptied(path) and not self._is_unreadable(path)
        )

    def _is_in_emptied(self, path: bytes) -> bool:
        file = self._survey.file_of(path)
        return file != path and file in self._emptied

    def _is_unreadable(self, path: bytes) -> bool:
        """Whether a path, or a folder or container that it is in, could not be read this time."""
        places = (
            place for each in above(path) for place in (each, each + MEMBER + UNTAKEN.encode())
        )
        return any(
            place in self._unindexed and self._unindexed[place].outcome == "failed"
            for place in places
        )

    def _refuse(self, file: FoundFile, entry: Unindexed) -> None:
        self._seen.discard(entry.path)
        if not self._survey.is_gone(
            file.path
        ):  # else it went while we worked, and is as good as never seen
            self._leave_out(entry)

    # -- removing

    def _tidy(self, roots: Sequence[Root]) -> None:
        """Take out what the disk no longer has, now that all the rest is in."""
        self._writer.remove(self._superseded)
        for root in roots:
            if root not in self._survey.missing:
                self._sweep(root)
            elif self._prune:
                self._sweep(root)
                self._writer.forget_roots(root.path)
        self._writer.set_unindexed([root.path for root in roots], self._unindexed.values())

    def _sweep(self, root: Root) -> None:
        """Take out the documents below a root whose files are gone; not when that looks like a disk
        that is not there.
        """
        below = [known for path, known in self._survey.known.items() if is_within(path, root.path)]
        unseen = [
            known
            for known in below
            if known.source.path not in self._seen and known.document_id not in self._moved
        ]
        gone = {known.document_id for known in unseen if self._has_left(known.source.path)}
        missing = [
            known
            for known in unseen
            if known.document_id in gone and not self._is_in_emptied(known.source.path)
        ]
        is_kept = len(missing) * 2 > len(below) and not self._prune
        for known in unseen:
            path = known.source.path
            if known.document_id not in gone:
                self._pass_over(known, is_misfortune=self._is_unreadable(path))
            elif is_kept and not self._is_in_emptied(path):
                self._conclude(
                    path,
                    "skipped",
                    "gone, but kept: too much of its folder is missing at once; --prune removes it",
                )
            else:
                self._writer.remove([known.document_id])
                self._conclude(path, "removed")
        if is_kept:
            self._notes.append(
                f"{len(missing)} of {len(below)} documents below {os.fsdecode(root.path)} are gone "
                "from the disk; nothing was removed. "
                "If that is right, ingest again with --prune."
            )

    def _pass_over(self, known: KnownFile, *, is_misfortune: bool) -> None:
        """A document's file is there, but not to be read: it leaves where that is meant, and is
        stale where it is misfortune.
        """
        path = known.source.path
        own = self._outcomes.get(path)
        if is_misfortune:
            self._writer.mark_stale(known.document_id)
            if own is None:
                self._conclude(
                    path,
                    "failed",
                    "its folder or archive cannot be read; its last good version is kept",
                )
            return
        self._writer.remove([known.document_id])
        if own is None:
            self._conclude(path, "removed", "ignored now")
        else:
            self._conclude(path, own.outcome, f"{own.reason}; its earlier version was removed")

    # -- telling

    def _conclude(self, path: bytes, outcome: Outcome, reason: str = "") -> None:
        self._outcomes[path] = FileOutcome(path, outcome, reason)

    def _conclude_moved(self, path: bytes, old: KnownFile) -> None:
        self._moved.add(old.document_id)
        self._survey.take(old)
        self._conclude(path, "moved", f"from {os.fsdecode(old.source.path)}")

    def _leave_out(self, entry: Unindexed) -> None:
        self._unindexed[entry.path] = entry
        self._outcomes[entry.path] = FileOutcome(
            entry.path, entry.outcome, entry.reason, entry.files
        )

    def _on_stored(self, source: Source) -> None:
        self._settle(self._survey.file_of(source.path))

    def _settle(self, file: bytes) -> None:
        """One thing in a file is done; with its last, the file is."""
        self._to_store[file] -= 1
        if not self._to_store[file]:
            self._files_done += 1
            self._report_progress()

    def _report_progress(self) -> None:
        if (intake := self._intake) is None:
            self._on_progress(Progress(0, self._files_to_read, 0, 0.0, float("inf")))
            return
        left_s = intake.left_s(self._bytes_read, self._bytes_to_read)
        self._on_progress(
            Progress(
                self._files_done,
                self._files_to_read,
                intake.embedded + intake.reused,
                intake.took_s,
                left_s,
            )
        )


_ROOT_MISSING = "this folder is missing; its documents are kept: --prune removes them"


def _accounts(extraction: Sequence[Extracted]) -> dict[bytes, Unindexed]:
    """What is said of each container: how many of its files became documents, unless all did; it is
    left out where none did.
    """
    containers = {
        each.path: each.unindexed
        for each in extraction
        if each.unindexed and each.unindexed.outcome == "indexed"
    }
    files: dict[bytes, int] = dict.fromkeys(containers, 0)
    left_out: dict[bytes, list[Unindexed]] = {path: [] for path in containers}
    for each in extraction:
        for container in containers_of(each.path):
            if container in containers and each.path not in containers:
                files[container] += 1
                left_out[container] += [each.unindexed] if each.unindexed else []
    return {
        path: _accounted(entry, files[path], left_out[path]) for path, entry in containers.items()
    }


def _accounted(entry: Unindexed, files: int, left_out: Sequence[Unindexed]) -> Unindexed:
    if not left_out:
        return replace(entry, reason="")
    reason = f"{files - len(left_out)} of {files} files in it were read"
    if len(left_out) < files:
        return replace(entry, reason=reason)
    failure = next((each for each in left_out if each.outcome == "failed"), None)
    return replace(
        entry,
        outcome="failed" if failure else "skipped",
        reason=f"{reason}: {(failure or left_out[0]).reason}",
    )
