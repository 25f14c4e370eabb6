"""Ingest: what becomes of every file. walk -> extract -> intake, and the account of it all.

A file is unchanged, moved, or taken in; what is gone leaves, unless it looks like a disk that is not there. Knows no SQL, no FAISS
and no model: only the seams.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from searchapp import walk
from searchapp.errors import EncoderError, PathMissing
from searchapp.extract import extractor_of
from searchapp.intake import Intake
from searchapp.split import SPLITTER_VERSION
from searchapp.types import Document, FileOutcome, Outcome, Progress, Report, Root, Source, Unindexed, is_within

if TYPE_CHECKING:
    from searchapp.extract.worker import Extraction
    from searchapp.types import Encoder, KnownFile, Writer

    _Waiting: TypeAlias = deque[tuple[walk.FoundFile, Future[Extraction]]]  # in the order in which they were submitted

_READ_AHEAD = 16  # files handed to the extraction workers beyond the one that is waited for
_POLL_S = 0.1  # between looks at whether to stop, while a file is waited for
_RACY_NS = 2 * 10**9  # a file changed this shortly before it was read may have changed again without a trace


class Extractor(Protocol):
    """Reads files, each to its text or the reason why not."""

    def submit(self, path: bytes) -> Future[Extraction]:
        """Begin to read a file."""


@dataclass(slots=True)
class _Survey:
    """What the walk found: files to look at, what it passed over, and roots that are not there."""

    files: dict[bytes, walk.FoundFile] = field(default_factory=dict)
    unindexed: list[Unindexed] = field(default_factory=list)
    missing: list[Root] = field(default_factory=list)


class Ingest:
    """One run over some roots; `run` may be called once."""

    def __init__(
        self,
        writer: Writer,
        extractor: Extractor,
        open_encoder: Callable[[], Encoder],
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
        self._known: dict[bytes, KnownFile] = {}
        self._by_content: dict[bytes, list[KnownFile]] = {}
        self._survey = _Survey()
        self._outcomes: dict[bytes, FileOutcome] = {}
        self._moved: set[int] = set()
        self._superseded: list[int] = []
        self._notes: list[str] = []
        self._bytes_total = self._bytes_done = self._files_done = self._files_to_read = 0
        self._intake: Intake | None = None
        self._ready_s = time.perf_counter()

    def run(self, given: Sequence[Root] = ()) -> Report:
        """Bring everything below the given roots up to date, or below all remembered ones; the given are remembered.

        A given root below a remembered one is no root of its own; one without rules of its own keeps those it had. Raises
        PathMissing where there is no root at all, or where a given one that is to be pruned is neither on disk nor in the corpus.
        """
        begin = time.perf_counter()
        roots = self._roots(given)
        for known in self._writer.known_files().values():
            self._known[known.source.path] = known
            self._by_content.setdefault(known.source.content_hash, []).append(known)
        for root in roots:
            self._look(root)
        self._remember(given, roots)
        self._read()
        if not self._is_stopped():
            self._tidy(roots)
        return Report(
            generation=self._writer.finish(),
            took_s=time.perf_counter() - begin,
            files=tuple(sorted(self._outcomes.values(), key=lambda entry: entry.path)),
            passages_embedded=self._intake.embedded if self._intake else 0,
            passages_reused=self._intake.reused if self._intake else 0,
            was_interrupted=self._is_stopped(),
            notes=(*self._notes, *self._writer.notes),
        )

    # -- roots

    def _roots(self, given: Sequence[Root]) -> list[Root]:
        """The roots of this run."""
        remembered = {root.path: root for root in self._writer.roots()}
        chosen = [root if root.include or root.exclude else remembered.get(root.path, root) for root in given]
        roots = _outermost(chosen or remembered.values())
        if not roots:
            raise PathMissing("nothing to ingest: this corpus has no folders yet", hint="run: searchapp ingest PATH")
        return roots

    def _remember(self, given: Sequence[Root], roots: Sequence[Root]) -> None:
        for root in self._survey.missing:
            if not self._prune:
                self._note_unindexed(Unindexed(root.path, "failed", _ROOT_MISSING))
            elif given and not any(is_within(path, root.path) for path in self._known):
                raise PathMissing(f"no such file or folder: {os.fsdecode(root.path)}", hint="the corpus has no documents there either")
        present = [root for root in roots if root not in self._survey.missing]
        for root in _outermost([*present, *self._writer.roots()]):
            self._writer.set_root(root)

    # -- looking

    def _look(self, root: Root) -> None:
        try:
            entries = walk.walk(root.path, include=root.include, exclude=root.exclude)
        except PathMissing:
            self._survey.missing.append(root)
            return
        for found in entries:
            if isinstance(found, walk.FoundFile):
                self._survey.files[found.path] = found
            else:
                self._note_unindexed(found)

    def _note_unindexed(self, entry: Unindexed) -> None:
        self._survey.unindexed.append(entry)
        self._outcomes[entry.path] = FileOutcome(entry.path, entry.outcome, entry.reason, entry.files)

    def _is_unchanged(self, file: walk.FoundFile) -> bool:
        known = self._known.get(file.path)
        if known is None or known.is_stale or known.source.identity != file.identity or not self._is_current(known):
            return False
        return max(file.identity.mtime_ns, file.identity.ctime_ns) + _RACY_NS < known.source.hashed_at_ns

    @staticmethod
    def _is_current(known: KnownFile) -> bool:
        return known.source.extractor == extractor_of(known.type) and known.source.splitter == SPLITTER_VERSION

    # -- reading

    def _read(self) -> None:
        """Read what may have changed, and take it in; the encoder is opened meanwhile, and only where something is to be embedded."""
        to_read = [file for file in self._survey.files.values() if not self._is_unchanged(file)]
        for path in self._survey.files.keys() - {file.path for file in to_read}:
            self._conclude(path, "unchanged")
        if not to_read and not any(known.is_pending for known in self._known.values()):
            return
        self._files_to_read = len(to_read)
        self._bytes_total = sum(file.identity.size for file in to_read)
        self._report_progress()
        with ThreadPoolExecutor(1, thread_name_prefix="open-encoder") as thread:
            opening = thread.submit(self._open_encoder)
            upcoming = iter(to_read)
            waiting: _Waiting = deque()
            self._read_ahead(upcoming, waiting)
            try:
                encoder = opening.result()
            except EncoderError:
                if self._is_stopped():
                    return  # Ctrl-C reaches the child that converts the model, too
                raise
        intake = Intake(self._writer, encoder, on_stored=self._on_stored, on_embedded=self._report_progress, is_stopped=self._is_stopped)
        with intake:
            self._intake = intake
            self._ready_s = time.perf_counter()
            self._take_all(intake, upcoming, waiting)

    def _take_all(self, intake: Intake, upcoming: Iterator[walk.FoundFile], waiting: _Waiting) -> None:
        intake.resume()
        while waiting and (extraction := self._next(waiting[0][1])):
            self._take(waiting.popleft()[0], extraction)
            self._read_ahead(upcoming, waiting)
        for _, cancelled in waiting:
            cancelled.cancel()
        intake.close()
        for source in intake.abandoned:
            del self._outcomes[source.path]  # as good as not reached

    def _read_ahead(self, upcoming: Iterator[walk.FoundFile], waiting: _Waiting) -> None:
        for file in upcoming:
            waiting.append((file, self._extractor.submit(file.path)))
            if len(waiting) > _READ_AHEAD:
                return

    def _next(self, extraction: Future[Extraction]) -> Extraction | None:
        """The extraction, None once the run is to stop: not even a file that hangs delays that."""
        while not self._is_stopped():
            try:
                return extraction.result(timeout=_POLL_S)
            except TimeoutError:
                continue
        return None

    def _take(self, file: walk.FoundFile, extraction: Extraction) -> None:
        """Decide what becomes of a file that was read."""
        if extraction.unindexed is not None:
            self._refuse(extraction.unindexed)
            self._done(file.identity.size)
            return
        assert extraction.source is not None
        assert extraction.document is not None
        source = replace(extraction.source, splitter=SPLITTER_VERSION)
        document = extraction.document
        known = self._known.get(file.path)
        old = None if known else self._vanished(source, document)
        if known and self._is_same(known, source, document):
            self._writer.relocate(known.document_id, source)
            self._conclude(file.path, "unchanged")
        elif old and self._is_same(old, source, document):
            self._writer.relocate(old.document_id, source)
            self._conclude_moved(file.path, old)
        elif self._intake and self._intake.add(source, document, is_new=known is None):
            self._conclude(file.path, "indexed")
            if old:
                self._superseded.append(old.document_id)
                self._conclude_moved(file.path, old)
            return
        else:
            self._refuse(Unindexed(file.path, "failed", "no text found"))
        self._done(file.identity.size)

    @staticmethod
    def _is_same(known: KnownFile, source: Source, document: Document) -> bool:
        old = known.source
        same_bytes = old.content_hash == source.content_hash and known.type == document.type
        return same_bytes and (old.extractor, old.splitter) == (source.extractor, source.splitter)

    def _vanished(self, source: Source, document: Document) -> KnownFile | None:
        """A document of the same bytes whose file is gone: this one was moved. At best nothing else differs."""
        free = [
            known
            for known in self._by_content.get(source.content_hash, ())
            if known.document_id not in self._moved and known.source.path not in self._survey.files and _is_gone(known.source.path)
        ]
        return next((known for known in free if self._is_same(known, source, document)), free[0] if free else None)

    def _refuse(self, entry: Unindexed) -> None:
        self._survey.files.pop(entry.path, None)
        if not _is_gone(entry.path):  # else it went while we worked, and is as good as never seen
            self._note_unindexed(entry)

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
        self._writer.set_unindexed([root.path for root in roots], self._survey.unindexed)

    def _sweep(self, root: Root) -> None:
        """Take out the documents below a root whose files are gone; not when that looks like a disk that is not there."""
        below = [known for path, known in self._known.items() if is_within(path, root.path)]
        unseen = [known for known in below if known.source.path not in self._survey.files and known.document_id not in self._moved]
        gone = {known.document_id for known in unseen if _is_gone(known.source.path)}
        unreadable = [entry.path for entry in self._survey.unindexed if entry.outcome == "failed"]
        is_kept = len(gone) * 2 > len(below) and not self._prune
        for known in unseen:
            path = known.source.path
            if known.document_id not in gone:
                self._pass_over(known, is_misfortune=any(is_within(path, place) for place in unreadable))
            elif is_kept:
                self._conclude(path, "skipped", "gone, but kept: too much of its folder is missing at once; --prune removes it")
            else:
                self._writer.remove([known.document_id])
                self._conclude(path, "removed")
        if is_kept:
            self._notes.append(
                f"{len(gone)} of {len(below)} documents below {os.fsdecode(root.path)} are gone from the disk; nothing was removed. "
                "If that is right, ingest again with --prune."
            )

    def _pass_over(self, known: KnownFile, *, is_misfortune: bool) -> None:
        """A document's file is there, but not to be read: it leaves where that is meant, and is stale where it is misfortune."""
        path = known.source.path
        own = self._outcomes.get(path)
        if is_misfortune:
            self._writer.mark_stale(known.document_id)
            if own is None:
                self._conclude(path, "failed", "its folder cannot be read; its last good version is kept")
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
        self._conclude(path, "moved", f"from {os.fsdecode(old.source.path)}")

    def _on_stored(self, source: Source) -> None:
        self._done(source.identity.size)

    def _done(self, size: int) -> None:
        self._files_done += 1
        self._bytes_done += size
        self._report_progress()

    def _report_progress(self) -> None:
        passages = self._intake.embedded + self._intake.reused if self._intake else 0
        took_s = time.perf_counter() - self._ready_s
        self._on_progress(Progress(self._files_done, self._files_to_read, self._bytes_done, self._bytes_total, passages, took_s))


_ROOT_MISSING = "this folder is missing; its documents are kept: --prune removes them"


def _outermost(roots: Iterable[Root]) -> list[Root]:
    """The roots without those that lie at or below another, by path; of equal ones the first."""
    kept: list[Root] = []
    for root in sorted(roots, key=lambda root: root.path):
        if not any(is_within(root.path, other.path) for other in kept):
            kept.append(root)
    return kept


def _is_gone(path: bytes) -> bool:
    """Whether nothing is at a path any more; what cannot be looked at (no permission, a failing disk) may still be there."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
