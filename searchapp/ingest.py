"""Ingest: walk -> extract -> split -> encode -> store. Decides what becomes of every file, and embeds nothing twice.

`Intake` is the second half of the line, from a document to stored vectors, and serves whoever has documents; `Ingest` is the
whole of it, for files. Knows no SQL, no FAISS and no model: only the seams. A batch is about a second of encoding; while one
is encoded in a thread, the next is read and split. Every batch ends in a commit, so that an interruption loses at most one.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from searchapp import walk
from searchapp.extract import extractor_of
from searchapp.records import text_digest
from searchapp.split import SPLITTER_VERSION, split
from searchapp.types import Document, FileOutcome, Outcome, Passage, Progress, Report, Root, Source, Unindexed, embedded_text

if TYPE_CHECKING:
    from searchapp.extract.worker import Extraction
    from searchapp.types import Encoder, KnownFile, Vector, Writer

_BATCH_S = 1.0  # seconds of encoding to a commit
_FIRST_BATCH_TOKENS = 4096
_BATCH_DOCUMENTS = 512
_READ_AHEAD = 16  # files handed to the extraction workers beyond the one that is waited for
_RACY_NS = 2 * 10**9  # a file changed this shortly before it was read may have changed again without a trace


class Extractor(Protocol):
    """Reads files, each to its text or the reason why not."""

    def submit(self, path: bytes) -> Future[Extraction]:
        """Begin to read a file."""


# ---- documents to stored vectors -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Item:
    """A document on its way: split, its texts not yet embedded."""

    source: Source
    document: Document
    passages: list[Passage]
    texts: list[str]
    digests: list[bytes]
    tokens: int
    is_new: bool
    document_id: int | None = None  # once stored as pending


@dataclass(slots=True)
class _Batch:
    """What is being encoded: the documents that wait, the vectors known already, and the digests being made."""

    items: list[_Item]
    known: dict[bytes, Vector]
    missing: list[bytes]
    rows: Future[tuple[list[Vector], float]]
    tokens: int


class Intake:
    """Takes documents in: splits, embeds what was never embedded, stores. Use as a context manager, and `close` to finish."""

    def __init__(self, writer: Writer, encoder: Encoder, *, on_stored: Callable[[Source], None] = lambda _: None) -> None:
        self._writer = writer
        self._encoder = encoder
        self._on_stored = on_stored
        self._items: list[_Item] = []
        self._tokens = 0
        self._budget = _FIRST_BATCH_TOKENS
        self._batch: _Batch | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self.embedded = 0
        self.reused = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def add(self, source: Source, document: Document, *, is_new: bool) -> bool:
        """Take a document in; returns False where it holds no passage. It is stored by the time `close` returns."""
        passages = split(document, self._encoder.tokenize, max_tokens=self._encoder.identity.max_tokens)
        if not passages:
            return False
        texts = [embedded_text(passage.headings, document.text[passage.start : passage.end]) for passage in passages]
        fingerprint = self._encoder.identity.fingerprint
        digests = [text_digest(fingerprint, text) for text in texts]
        tokens = sum(map(len, texts)) // 4  # near enough to size a batch
        self._items.append(_Item(source, document, passages, texts, digests, tokens, is_new))
        self._tokens += tokens
        if self._tokens >= self._budget or len(self._items) >= _BATCH_DOCUMENTS:
            self._flush()
        return True

    def close(self) -> None:
        """Store and commit all that was added."""
        self._flush()
        self._settle()
        self._writer.commit()

    def resume(self, *, is_stopped: Callable[[], bool]) -> None:
        """Embed what an interrupted run left pending."""
        fingerprint = self._encoder.identity.fingerprint
        for document in self._writer.pending():
            if is_stopped():
                break
            digests = [text_digest(fingerprint, text) for text in document.texts]
            known = self._writer.digests(digests)
            missing = {digest: text for digest, text in zip(digests, document.texts, strict=True) if digest not in known}
            known |= zip(missing, self._encode(list(missing.values()))[0], strict=True)
            self._writer.attach(document.document_id, np.stack([known[digest] for digest in digests]))
            self.embedded += len(missing)
            self.reused += len(digests) - len(missing)
        self._writer.commit()

    # The batch before is stored first, so that its vectors are found for copies in this one; then this one's texts go to the
    # encoder, and while it works the new documents are committed as pending together with the vectors of the batch before.

    def _flush(self) -> None:
        items, self._items = self._items, []
        tokens, self._tokens = self._tokens, 0
        self._settle()
        if not items:
            return
        known = self._writer.digests(digest for item in items for digest in item.digests)
        missing = {digest: text for item in items for digest, text in zip(item.digests, item.texts, strict=True) if digest not in known}
        rows = self._thread.submit(self._encode, list(missing.values()))
        self._batch = _Batch([], known, list(missing), rows, tokens)
        for item in items:
            if all(digest in known for digest in item.digests):
                self._store(item, known)
            else:
                if item.is_new:
                    item.document_id = self._writer.replace(item.source, item.document, item.passages)
                self._batch.items.append(item)
        self.embedded += len(missing)
        self.reused += sum(len(item.digests) for item in items) - len(missing)
        self._writer.commit()

    def _settle(self) -> None:
        batch, self._batch = self._batch, None
        if batch is None:
            return
        rows, took_s = batch.rows.result()
        if batch.missing:
            self._budget = int(min(max(batch.tokens / max(took_s, 1e-3) * _BATCH_S, 2048), 131_072))
        known = batch.known | dict(zip(batch.missing, rows, strict=True))
        for item in batch.items:
            self._store(item, known)

    def _store(self, item: _Item, known: dict[bytes, Vector]) -> None:
        vectors = np.stack([known[digest] for digest in item.digests])  # (n_passages, dim)
        if item.document_id is None:
            self._writer.replace(item.source, item.document, item.passages, vectors=vectors)
        else:
            self._writer.attach(item.document_id, vectors)
        self._on_stored(item.source)

    def _encode(self, texts: list[str]) -> tuple[list[Vector], float]:
        begin = time.perf_counter()
        return list(self._encoder.encode_passages(texts)), time.perf_counter() - begin


# ---- files to documents --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Survey:
    """What the walk found: files to look at, and what it passed over."""

    files: dict[bytes, walk.FoundFile] = field(default_factory=dict)
    unindexed: list[Unindexed] = field(default_factory=list)


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
        self._survey = _Survey()
        self._outcomes: dict[bytes, FileOutcome] = {}
        self._moved: set[int] = set()
        self._notes: list[str] = []
        self._bytes_total = self._bytes_done = self._files_done = self._files_to_read = 0
        self._intake: Intake | None = None

    def run(self, roots: Sequence[Root], *, missing: Iterable[Unindexed] = ()) -> Report:
        """Bring everything below the roots up to date. `missing` are roots that could not be looked at: they stay as they are."""
        begin = time.perf_counter()
        self._known = self._writer.known_files()
        for entry in missing:
            self._note_unindexed(entry)
        for root in roots:
            self._look(root)
        with ThreadPoolExecutor(1, thread_name_prefix="open-encoder") as thread:
            self._read(thread)
        if not self._is_stopped():
            for root in roots:
                self._sweep(root)
            self._writer.set_unindexed([root.path for root in roots], self._survey.unindexed)
        self._writer.commit()
        generation = self._writer.finish()
        return Report(
            generation=generation,
            took_s=time.perf_counter() - begin,
            files=tuple(sorted(self._outcomes.values(), key=lambda entry: entry.path)),
            passages_embedded=self._intake.embedded if self._intake else 0,
            passages_reused=self._intake.reused if self._intake else 0,
            was_interrupted=self._is_stopped(),
            notes=tuple(self._notes),
        )

    # -- looking

    def _look(self, root: Root) -> None:
        for found in walk.walk(root.path, include=root.include, exclude=root.exclude):
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

    def _read(self, thread: ThreadPoolExecutor) -> None:
        to_read: list[walk.FoundFile] = []
        for file in self._survey.files.values():
            if self._is_unchanged(file):
                self._conclude(file.path, "unchanged")
            else:
                to_read.append(file)
        has_pending = any(known.is_pending for known in self._known.values())
        if not to_read and not has_pending:
            return
        self._files_to_read = len(to_read)
        self._bytes_total = sum(file.identity.size for file in to_read)
        self._report_progress()
        encoder = thread.submit(self._open_encoder)
        waiting: deque[tuple[walk.FoundFile, Future[Extraction]]] = deque()
        upcoming = iter(to_read)
        self._read_ahead(upcoming, waiting)
        with Intake(self._writer, encoder.result(), on_stored=self._on_stored) as intake:
            self._intake = intake
            if has_pending:
                intake.resume(is_stopped=self._is_stopped)
            while waiting and not self._is_stopped():
                file, extraction = waiting.popleft()
                self._take(file, extraction.result())
                self._read_ahead(upcoming, waiting)
            for _, extraction in waiting:
                extraction.cancel()
            intake.close()

    def _read_ahead(self, upcoming: Iterable[walk.FoundFile], waiting: deque[tuple[walk.FoundFile, Future[Extraction]]]) -> None:
        for file in upcoming:
            waiting.append((file, self._extractor.submit(file.path)))
            if len(waiting) > _READ_AHEAD:
                return

    def _take(self, file: walk.FoundFile, extraction: Extraction) -> None:
        """Decide what becomes of a file that was read."""
        known = self._known.get(file.path)
        if extraction.unindexed is not None:
            self._refuse(extraction.unindexed, known)
            self._done(file.identity.size)
            return
        assert extraction.source is not None
        assert extraction.document is not None
        source = replace(extraction.source, splitter=SPLITTER_VERSION)
        document = extraction.document
        if known and self._is_same(known, source, document):
            self._writer.relocate(known.document_id, source)
            self._conclude(file.path, "unchanged")
        elif known is None and (old := self._vanished(source, document)):
            self._writer.relocate(old.document_id, source)
            self._moved.add(old.document_id)
            self._conclude(file.path, "moved", f"from {os.fsdecode(old.source.path)}")
        elif self._intake and self._intake.add(source, document, is_new=known is None):
            self._conclude(file.path, "indexed")
            return
        else:
            self._refuse(Unindexed(file.path, "failed", "no text found"), known)
        self._done(file.identity.size)

    @staticmethod
    def _is_same(known: KnownFile, source: Source, document: Document) -> bool:
        old = known.source
        same_bytes = old.content_hash == source.content_hash and known.type == document.type
        return same_bytes and (old.extractor, old.splitter) == (source.extractor, source.splitter)

    def _vanished(self, source: Source, document: Document) -> KnownFile | None:
        """A document of the same content whose file is gone: this one was moved."""
        for known in self._by_content().get(source.content_hash, ()):
            is_free = known.document_id not in self._moved and known.source.path not in self._survey.files
            if is_free and self._is_same(known, source, document) and not os.path.lexists(known.source.path):
                return known
        return None

    def _by_content(self) -> dict[bytes, list[KnownFile]]:
        if not hasattr(self, "_content_index"):
            self._content_index: dict[bytes, list[KnownFile]] = {}
            for known in self._known.values():
                self._content_index.setdefault(known.source.content_hash, []).append(known)
        return self._content_index

    def _refuse(self, entry: Unindexed, known: KnownFile | None) -> None:
        if not os.path.lexists(entry.path):
            self._survey.files.pop(entry.path, None)  # it went while we worked; `_sweep` decides
            return
        self._note_unindexed(entry)
        if known and entry.outcome == "failed":
            self._writer.mark_stale(known.document_id)
        elif known:
            self._writer.remove([known.document_id])

    # -- removing

    def _sweep(self, root: Root) -> None:
        """Take out the documents below a root whose files are gone; not when that looks like a disk that is not there."""
        prefix = root.path.rstrip(b"/") + b"/"
        below = [known for path, known in self._known.items() if path == root.path or path.startswith(prefix)]
        unseen = [known for known in below if known.source.path not in self._survey.files and known.document_id not in self._moved]
        unseen = [known for known in unseen if known.source.path not in self._outcomes]
        gone = [known for known in unseen if not os.path.lexists(known.source.path)]
        is_suspicious = len(gone) * 2 > len(below) or (bool(gone) and not any(path.startswith(prefix) for path in self._survey.files))
        for known in unseen:
            path = known.source.path
            if known not in gone:
                self._remove_passed_over(known)
            elif is_suspicious and not self._prune:
                self._conclude(path, "skipped", "gone, but kept: too much of its folder is missing at once; --prune removes it")
            else:
                self._writer.remove([known.document_id])
                self._conclude(path, "removed")
        if is_suspicious and not self._prune:
            self._notes.append(
                f"{len(gone)} of {len(below)} documents below {os.fsdecode(root.path)} are gone from the disk; nothing was removed. "
                "If that is right, ingest again with --prune."
            )

    def _remove_passed_over(self, known: KnownFile) -> None:
        """The file is there, but the walk did not come by: it is ignored now, or its folder cannot be read."""
        path = known.source.path
        failed = [entry.path for entry in self._survey.unindexed if entry.outcome == "failed"]
        if any(path.startswith(folder.rstrip(b"/") + b"/") for folder in failed):
            self._writer.mark_stale(known.document_id)
            self._conclude(path, "failed", "its folder cannot be read; its last good version is kept")
        else:
            self._writer.remove([known.document_id])
            self._conclude(path, "removed", "ignored now")

    # -- telling

    def _conclude(self, path: bytes, outcome: Outcome, reason: str = "") -> None:
        self._outcomes[path] = FileOutcome(path, outcome, reason)

    def _on_stored(self, source: Source) -> None:
        self._done(source.identity.size)

    def _done(self, size: int) -> None:
        self._files_done += 1
        self._bytes_done += size
        self._report_progress()

    def _report_progress(self) -> None:
        passages = self._intake.embedded + self._intake.reused if self._intake else 0
        self._on_progress(Progress(self._files_done, self._files_to_read, self._bytes_done, self._bytes_total, passages))


def outermost(roots: Iterable[Root]) -> list[Root]:
    """The roots without those that lie below another, by path."""
    kept: list[Root] = []
    for root in sorted(roots, key=lambda root: root.path):
        if not any(root.path == other.path or root.path.startswith(other.path.rstrip(b"/") + b"/") for other in kept):
            kept.append(root)
    return kept
