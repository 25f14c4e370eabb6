"""Ingest: bring a corpus up to date with the disk. survey -> extract -> index -> remove.

A file is unchanged, moved, or indexed; `outcomes` keeps account of it. Knows no SQL, no FAISS and
no model: only the seams.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from searchapp.errors import EncoderError, PathMissing
from searchapp.filesystem.walk import WalkProgress
from searchapp.ingest.changes import Survey, is_same, outermost, places_of
from searchapp.ingest.containers import OpenContainers
from searchapp.ingest.eta import Forecast, left_s
from searchapp.ingest.exclusions import readmit
from searchapp.ingest.hang_guard import HangGuard
from searchapp.ingest.indexer import Indexer
from searchapp.ingest.moves import KnownContents
from searchapp.ingest.outcomes import Outcomes, cut_short, summarize_containers
from searchapp.ingest.removal import known_below, remove_missing
from searchapp.ingest.retries import RETRY_S, Retries
from searchapp.splitter.version import SPLITTER_VERSION
from searchapp.timing import Stopwatch
from searchapp.types.documents import Document, Root, Source, Unindexed, is_within
from searchapp.types.results import FileOutcome, IngestReport, Progress, Seen

if TYPE_CHECKING:
    from searchapp.extract.sandbox.reading import Extracted
    from searchapp.filesystem.walk import FoundFile
    from searchapp.ingest.collaborators import Extractor, OpenEncoder
    from searchapp.types.documents import KnownFile
    from searchapp.types.protocols import Writer

    # in the order in which they were submitted
    _Waiting: TypeAlias = deque[tuple[FoundFile, Future[list[Extracted]]]]

_READ_AHEAD = 16  # files handed to the extraction workers beyond the one that is waited for
_READ_AHEAD_BYTES = 64 * 2**20  # of them together, so that what waits to be split fits the memory
_BATCH_BYTES = 100_000  # to read, from which on it pays to tune the encoder for many passages
_ROOT_MISSING = (
    "there is no such path; its documents are left as they are, and --prune removes them"
)
# text and its vectors are then made one after the other; with more they do not slow each other
_HAS_FEW_CORES = (os.cpu_count() or 1) < 8
_REPORT_S = 0.1  # between reports of the progress
_POLL_S = 0.1  # between looks at whether to stop, while a file is waited for


class Ingest:
    """One run over some roots; `run` may be called once."""

    def __init__(
        self,
        writer: Writer,
        extractor: Extractor,
        open_encoder: OpenEncoder,
        *,
        prune: bool = False,
        retry: bool = False,
        on_progress: Callable[[Progress], None] = lambda _: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._writer = writer
        self._extractor = extractor
        self._open_encoder = open_encoder
        self._prune = prune
        self._retry = retry
        self._on_progress = on_progress
        self._is_stopped = is_stopped
        self._watch = Stopwatch()
        self._guard = HangGuard(lambda: not self._survey.progress.see())
        self._parts_left: dict[bytes, int] = {}  # of each file: what in it is not done yet
        self._containers = OpenContainers()
        self._superseded: list[int] = []
        self._files_done = self._files_read = self._files_to_read = 0
        self._forecast = Forecast([])
        self._reported_s = 0.0
        self._indexer: Indexer | None = None

    def run(self, given: Sequence[Root] = (), *, named: Sequence[bytes] = ()) -> IngestReport:
        """Bring everything below the given roots up to date, or below all remembered ones; the
        given are remembered. What was removed at or above the `named` paths is taken in again.

        A given root below a remembered one is no root of its own; one without rules of its own
        keeps those it had. Raises PathMissing where there is no root at all, or where a given one
        that is to be pruned is neither on disk nor in the corpus.
        """
        begin = time.perf_counter()
        roots = self._roots(given)
        exclusions = self._writer.exclusions()
        readmitted = readmit(self._writer, named)
        with self._watch.stage("remember"):
            self._recall(places_of(roots, self._writer.roots()) if given else None)
        self._outcomes = Outcomes(self._survey)
        with self._watch.stage("look at the disk"), self._guard:
            for root in roots:
                self._survey.scan(root)
        for entry in self._survey.left_out:
            self._outcomes.leave_out(entry)
        seen = self._survey.progress
        if seen.was_stopped:
            self._outcomes.notes.append(cut_short(seen))
        if seen.was_stopped or self._is_stopped():
            self._writer.set_exclusions(exclusions)
            readmitted = []
        self._outcomes.notes += [
            f"{os.fsdecode(path)} was removed before, and is taken in again" for path in readmitted
        ]
        if not seen.was_stopped:
            self._remember(given, roots)
            with self._watch.stage("decide"):
                self._read()
                if not self._is_stopped():
                    self._remove(roots)
        with self._watch.stage("publish"):
            generation = self._writer.finish()
        return IngestReport(
            generation=generation,
            took_s=time.perf_counter() - begin,
            files=tuple(self._file_outcomes()),
            passages_embedded=self._indexer.embedded if self._indexer else 0,
            passages_reused=self._indexer.reused if self._indexer else 0,
            was_interrupted=seen.was_stopped or self._is_stopped(),
            notes=(*self._outcomes.notes, *self._retries.notes(), *self._writer.notes),
            stages_s=self._watch.taken_s,
            encoder_busy_s=self._indexer.encoder_busy_s if self._indexer else 0.0,
        )

    def _file_outcomes(self) -> Iterator[FileOutcome]:
        """What has become of every file and member, by path."""
        for path, entry in sorted(self._outcomes.by_path.items()):
            is_member = self._survey.file_of(path) != path
            yield replace(entry, is_member=True) if is_member else entry

    def _recall(self, places: Sequence[bytes] | None) -> None:
        """What the corpus knows below some places, or all of it; begins the survey."""
        unindexed = self._writer.unindexed(places)
        self._survey = Survey(
            self._writer.known_files(places),
            unindexed,
            self._writer.known_like,
            self._writer.exclusions(),
            WalkProgress(self._report_seen, self._is_stopped),
            retry=self._retry,
            guard=self._guard,
        )
        self._retries = Retries(() if self._retry else unindexed.values())

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
                self._outcomes.leave_out(Unindexed(root.path, "failed", _ROOT_MISSING))
                self._outcomes.by_path[root.path] = FileOutcome(
                    root.path, "failed", _ROOT_MISSING, files=0
                )
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
        to_read = self._to_read()
        if self._is_stopped() or not (to_read or self._writer.has_pending()):
            return
        self._files_to_read = len(to_read)
        self._forecast = Forecast((file.path, file.identity.size) for file in to_read)
        bytes_to_read = sum(file.identity.size for file in to_read)
        self._report_progress()
        with ThreadPoolExecutor(1, thread_name_prefix="open-encoder") as thread:
            bulk = bytes_to_read >= _BATCH_BYTES or self._writer.has_pending()
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
        indexer = Indexer(
            self._writer,
            encoder,
            on_stored=self._on_stored,
            on_embedded=self._report_progress,
            is_stopped=self._is_stopped,
            watch=self._watch,
            text_first=_HAS_FEW_CORES,
        )
        with indexer:
            self._indexer = indexer
            self._take_all(indexer, upcoming, waiting)

    def _to_read(self) -> list[FoundFile]:
        """The files that may have changed, new and small ones first, as they can be searched
        soonest; the others are accounted for. Not all of them once the run is to stop.
        """
        to_read = []
        known_contents = KnownContents(self._survey, self._outcomes, self._writer)
        for file in self._survey.files.values():
            if not self._survey.progress.see():
                break
            change = self._survey.change_of(file)
            if change == "none":
                self._outcomes.conclude_unchanged(file.path)
            elif not known_contents.recognize(file, change):
                to_read.append(file)
        known = self._survey.known
        return sorted(
            to_read,
            key=lambda file: (
                self._survey.is_waiting(file.path),
                file.path in known,
                file.identity.size,
            ),
        )

    def _take_all(self, indexer: Indexer, upcoming: Iterator[FoundFile], waiting: _Waiting) -> None:
        while waiting:
            begin_s, waited_s = time.perf_counter(), indexer.waited_s
            characters = indexer.text_characters
            extraction = self._await(indexer, waiting[0][1])
            if extraction is None:
                break
            file, _ = waiting.popleft()
            self._take_file(file, extraction)
            self._read_ahead(upcoming, waiting)
            waited_s = indexer.waited_s - waited_s
            self._forecast.take(
                file.path,
                file.identity.size,
                took_s=time.perf_counter() - begin_s - waited_s,
                characters=indexer.text_characters - characters,
            )
            self._files_read += 1
            self._report_progress()
        for _, cancelled in waiting:
            cancelled.cancel()
        indexer.close()
        self._containers.settle(self._writer, lambda path: not self._parts_left[path])
        for source in indexer.abandoned:
            del self._outcomes.by_path[source.path]  # as good as not reached
        if pending := len(indexer.unfinished):
            whose = "document is" if pending == 1 else "documents are"
            self._outcomes.notes.append(
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
            if self._extractor.lost_s > RETRY_S and self._survey.is_waiting(file.path):
                self._outcomes.conclude_unchanged(file.path)
                self._retries.left += 1
                self._files_to_read -= 1
                continue
            refused = self._survey.refusals_like(file)
            future = self._extractor.submit(file.path, refused, with_secrets=file.with_secrets)
            waiting.append((file, future))

    def _await(
        self, indexer: Indexer, extraction: Future[list[Extracted]]
    ) -> list[Extracted] | None:
        """The extraction, None once the run is to stop: not even a file that hangs delays that."""
        while not self._is_stopped():
            try:
                with self._watch.stage("wait for files"):
                    return extraction.result(timeout=_POLL_S)
            except TimeoutError:
                indexer.poll()
        return None

    def _take_file(self, file: FoundFile, extraction: Sequence[Extracted]) -> None:
        """Decide what becomes of a file that was read, and of all that it holds; of a part of it
        once the run is to stop.
        """
        self._parts_left[file.path] = 1  # the file itself: it is done once all of it was looked at
        summaries = summarize_containers(extraction)
        for extracted in extraction:
            if self._is_stopped():
                return
            path = extracted.path
            if path != file.path and path in self._survey.files:
                self._outcomes.notes.append(
                    f"{os.fsdecode(path)} in {os.fsdecode(file.path)} has the path of a file on "
                    "the disk, and was left out"
                )
                continue
            if path != file.path:
                self._survey.add_member(path, file.path)
                if removed := self._survey.exclusion_of(path):
                    self._survey.add_member(removed, file.path)
                    if extracted.unindexed is None or extracted.unindexed.outcome != "indexed":
                        self._outcomes.keep_out(file.path, removed)
                    continue
            if extracted.unindexed is not None:
                entry = self._retries.counted(summaries.get(path, extracted.unindexed))
                self._outcomes.refuse(file.path, entry)
            elif extracted.source is not None and extracted.document is not None:
                source = replace(extracted.source, splitter=SPLITTER_VERSION)
                is_container = path == file.path and len(extraction) > 1
                source = self._containers.source_for_now(source, is_container=is_container)
                self._take_document(file, source, extracted.document)
        own = self._outcomes.unindexed.get(file.path)
        if own is None or own.outcome != "failed":
            self._outcomes.read_whole.add(file.path)
        self._finish_part(file.path)

    def _take_document(self, file: FoundFile, source: Source, document: Document) -> None:
        """Decide what becomes of a document."""
        path = source.path
        self._outcomes.present.add(path)
        self._parts_left[file.path] += 1
        known = self._survey.known.get(path)
        old = None if known else self._vanished(source, document)
        if known and is_same(known, source, document):
            self._writer.relocate(known.document_id, source)
            self._outcomes.conclude(path, "unchanged")
        elif old and is_same(old, source, document):
            self._writer.relocate(old.document_id, source)
            self._outcomes.conclude_moved(path, old)
        elif self._indexer and self._indexer.add(source, document, new=known is None):
            self._outcomes.conclude(path, "indexed", document.metadata.get("incomplete", ""))
            if old:
                self._superseded.append(old.document_id)
                self._outcomes.conclude_moved(path, old)
            return
        else:
            no_text = Unindexed(path, "failed", "no text found", source=source)
            self._outcomes.refuse(file.path, no_text)
        self._finish_part(file.path)

    def _vanished(self, source: Source, document: Document) -> KnownFile | None:
        """A document of the same bytes that has left its place: this one was moved. At best nothing
        else differs.
        """
        free = (
            known
            for known in self._survey.with_content(source)
            if known.source.path not in self._survey.files
            and self._outcomes.has_left(known.source.path)
        )
        other = None
        for known in free:
            if is_same(known, source, document):
                return known
            other = other or known
        return other

    # -- removing

    def _remove(self, roots: Sequence[Root]) -> None:
        """Take out what the disk no longer has, now that all the rest is in."""
        self._writer.remove(self._superseded)
        below = known_below(roots, self._survey)
        for root in roots:
            is_missing = root in self._survey.missing
            if not is_missing or self._prune:
                remove_missing(
                    root,
                    below[root.path],
                    self._writer,
                    self._outcomes,
                    prune=self._prune,
                )
            if is_missing and self._prune:
                self._writer.forget_roots(root.path)
        unindexed = self._outcomes.unindexed.values()
        self._writer.set_unindexed([root.path for root in roots], unindexed)

    # -- progress

    def _report_seen(self, files: int, folders: int) -> None:
        self._guard.renew()
        self._on_progress(Progress(0, 0, 0, 0.0, float("inf"), seen=Seen(files, folders)))

    def _on_stored(self, source: Source) -> None:
        self._finish_part(self._survey.file_of(source.path))

    def _finish_part(self, file: bytes) -> None:
        """One thing in a file is done; with its last, the file is."""
        self._parts_left[file] -= 1
        if not self._parts_left[file]:
            self._files_done += 1
            self._report_progress()

    def _report_progress(self) -> None:
        now_s = time.perf_counter()
        is_end = self._files_done == self._files_to_read
        if now_s - self._reported_s < _REPORT_S and not is_end:
            return
        self._reported_s = now_s
        if (indexer := self._indexer) is None:
            self._on_progress(Progress(0, self._files_to_read, 0, 0.0, float("inf"), files_read=0))
            return
        left = left_s(
            self._forecast.left_s,
            indexer.encoding(self._forecast.characters_left),
            side_by_side=not _HAS_FEW_CORES,
        )
        self._on_progress(
            Progress(
                self._files_done,
                self._files_to_read,
                indexer.embedded + indexer.reused,
                indexer.took_s,
                left,
                self._files_read,
            )
        )
