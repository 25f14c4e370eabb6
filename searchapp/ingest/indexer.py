"""Indexer: documents to stored vectors. split -> store as pending -> encode -> attach, embedding
nothing twice.

Text runs ahead: a new document is stored at once, to be found by its words, and its vectors follow
when its turn comes, read back from the store, so that memory does not grow with what waits. Where
both would share few cores, text goes first: until all of it is there, the encoder works for a
twentieth of the time only, which tells its pace. A changed document is held until its new vectors
are there, and is then replaced whole. Two jobs of about a second are with the encoder at any time,
so that it never waits for a file, a commit or the last text of a job; each is made of passages of
like length from among several documents, which run faster together. A commit a second makes durable
what has come about. The tokens that the splitter has seen travel on to the encoder, as far as there
is room. Serves whoever has documents; knows no files, no SQL and no model: only the seams.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Self

import numpy as np

from searchapp.ingest.encoding_queue import EncodingQueue
from searchapp.ingest.eta import Encoding, Pace
from searchapp.ingest.jobs import Arrival, BusyClock, Item, Job, Lot, characters_of, parts_of
from searchapp.ingest.splitting import Splitting
from searchapp.ingest.token_memory import TokenMemory
from searchapp.timing import Stopwatch
from searchapp.types.documents import Document, Source
from searchapp.types.protocols import TokenReuser

if TYPE_CHECKING:
    from searchapp.types.protocols import Encoder, Writer
    from searchapp.types.tokens import TokenIds
    from searchapp.types.vectors import Vector, Vectors

_JOBS = 2  # with the encoder at a time: one fills the gaps that the other leaves
_JOB_S = 1.0  # seconds of encoding to a job
_COMMIT_S = 1.0  # between commits
# from among which a job takes passages of like length: jobs, and characters of them at most
_QUEUED_JOBS, _QUEUED_CHARACTERS = 8, 786_432
_FIRST_JOB, _SMALLEST_JOB, _LARGEST_JOB = 16_384, 8_192, 16_777_216  # characters
_MOST_REPLACED = 32_768  # vectors of earlier versions that are remembered
_HELD_CHARACTERS = 8 * 2**20  # of documents that wait for their vectors in memory
_SAMPLE_SHARE = 0.05  # of the time, for the encoder while text goes first
_SAMPLE_S = 2.0  # that text waits for it at most
_IDLE_S = 1.0  # without a document, from which on the encoder is not held back
_POLL_S = 0.1  # between looks at the encoder, while a document is split


class Indexer:
    """Indexes documents: splits, stores, embeds what was never embedded. Use as a context manager,
    and `close` to finish.
    """

    def __init__(
        self,
        writer: Writer,
        encoder: Encoder,
        *,
        on_stored: Callable[[Source], None] = lambda _: None,
        on_embedded: Callable[[], None] = lambda: None,
        is_stopped: Callable[[], bool] = lambda: False,
        watch: Stopwatch | None = None,
        text_first: bool = False,
    ) -> None:
        """`on_embedded` is called from an encoding thread, every second or so; `is_stopped` is
        asked as often. `text_first` holds the encoder back while documents are added.

        A document that is not wholly embedded by then stays as it is stored, pending or in its
        earlier version: it is in `unfinished` or `abandoned`.
        """
        self._writer = writer
        self._encoder = encoder
        self._on_stored = on_stored
        self._on_embedded = on_embedded
        self._is_stopped = is_stopped
        self._watch = watch or Stopwatch()
        self._text_first = text_first
        self._splitting = Splitting(encoder, is_stopped)
        self._tokens = TokenMemory()
        self._held: deque[Arrival] = deque()
        self._held_characters = 0
        self._waiting: dict[int, Source] = {}  # stored as pending by this run, by document id
        self._submitted = 0  # the last pending document that a job has taken
        self._given = 0  # characters of this run's that need no more to be given to the encoder
        self._jobs: deque[Job] = deque()
        self._queue = EncodingQueue()
        # vectors of earlier versions: their texts may have moved to another file
        self._replaced: dict[bytes, Vector] = {}
        self._job_characters = _FIRST_JOB
        self._collected_s = self._committed_s = time.perf_counter()
        self._threads = ThreadPoolExecutor(_JOBS, thread_name_prefix="encode")
        self._counting = Lock()
        self._clock, self._pace = BusyClock(), Pace()
        self._began_s = self._added_s = time.perf_counter()
        self._left_pending = writer.pending_characters()  # by earlier runs
        self._earlier_characters = 0  # of documents that earlier runs left pending, once read back
        self._known_characters = 0  # of documents whose vectors were all there when they arrived
        self.waited_s = 0.0  # for the encoder
        self.text_characters = 0  # of all documents taken in
        self.characters = 0  # of all their passages, as they are embedded, once they were split
        self.characters_done = 0  # of those whose vectors are known
        self.embedded = 0
        self.reused = 0
        self.abandoned: list[Source] = []  # not stored, as the run was stopped

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # idle by now, unless something went wrong
        self._splitting.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def unfinished(self) -> list[Source]:
        """What this run has stored, and whose vectors are still missing."""
        return list(self._waiting.values())

    @property
    def encoder_busy_s(self) -> float:
        """The seconds that the encoder was at work, counted once where two jobs were with it."""
        return self._clock.busy_s

    @property
    def took_s(self) -> float:
        """The seconds since this indexer was made."""
        return time.perf_counter() - self._began_s

    def encoding(self, coming: float = 0.0) -> Encoding:
        """How far the encoder is, where so many more characters are still to be added."""
        running = (job.characters for job in tuple(self._jobs) if not job.rows.done())
        half_done = sum(running) / 2  # they are, on average
        done = self.characters_done + half_done
        of_this_run = self.characters - self._earlier_characters
        new = 1 - self._known_characters / of_this_run if of_this_run else 1.0
        split = self.text_characters - self._splitting.characters
        with_headings = of_this_run / split if split else 1.0
        coming = (coming + self._splitting.characters) * new + self._left_pending
        busy_s, embedded = self._pace.lately(self.encoder_busy_s, done - self._known_characters)
        return Encoding(embedded, busy_s, self.characters - done + coming * with_headings)

    def add(self, source: Source, document: Document, *, new: bool) -> bool:
        """Take a document in; returns False where it holds no passage. It is stored by the time
        `close` returns, or in `abandoned`.
        """
        if not self._splitting.add(source, document, new=new):
            return False
        self.text_characters += len(document.text)
        self._take_lots(to_end=False)
        self._added_s = time.perf_counter()
        self._tend()
        self._feed()
        return True

    def poll(self) -> None:
        """Store what the encoder has finished, and give it more; never waits for it. Call it now
        and then while nothing is added.
        """
        self._tend()
        is_idle = not self._jobs and time.perf_counter() - self._added_s > _IDLE_S
        if self._backlog and (is_idle or not self._text_first):
            self._submit()

    @property
    def _backlog(self) -> int:
        """Characters that the encoder was not given yet."""
        return self.characters - self._given

    def _tend(self) -> None:
        """Store what has been split and what the encoder has finished, and commit once it is time;
        what comes slowly is split by then.
        """
        if self._is_commit_due and not self._splitting.is_at_work:
            self._splitting.submit()
        while lot := self._splitting.take():
            self._flush(lot)
        self._keep_up()

    def _keep_up(self) -> None:
        """Store what the encoder has finished, and commit once it is time."""
        while self._jobs and self._jobs[0].rows.done():
            self._collect()
        if self._is_commit_due:
            self._commit()

    @property
    def _is_commit_due(self) -> bool:
        return time.perf_counter() - self._committed_s >= _COMMIT_S

    def _take_lots(self, *, to_end: bool) -> None:
        """Store what has been split, all of it `to_end`, else as much as keeps its memory small."""
        while self._splitting.is_behind or (to_end and self._splitting.is_at_work):
            with self._watch.stage("split"):
                lot = self._splitting.take(timeout_s=_POLL_S)
            if lot is not None:
                self._flush(lot)
            self._keep_up()

    def _feed(self) -> None:
        """Give the encoder what it may have while documents are added."""
        if self._backlog >= _SMALLEST_JOB:
            if not self._text_first:
                self._submit()
            elif not self._jobs and self.encoder_busy_s < _SAMPLE_SHARE * self.took_s:
                self._submit()
                with self._waiting_for_encoder():
                    wait([job.rows for job in self._jobs], timeout=_SAMPLE_S)
        while self._held_characters > _HELD_CHARACTERS and not self._is_stopped():
            self._submit()
            self._collect()
            self._tend()

    def close(self) -> None:
        """Finish all that was added, then what earlier runs have left pending, and commit."""
        self._splitting.submit()
        self._take_lots(to_end=True)
        self._drain()
        self._submitted = 0
        self._drain(last=True)
        while self._jobs:
            self._collect()
        left = [*self._held, *self._queue.items]
        self.abandoned += [item.source for item in left if isinstance(item, Arrival)]
        self._commit()

    # -- in: what is known already, what can be stored at once, and what must be held

    def _flush(self, lot: Lot) -> None:
        """Store documents that were split, or hold them until their vectors are there."""
        try:
            items = lot.arrivals.result()
        except BaseException:
            self._commit()  # what came before it
            raise
        self.abandoned += [unsplit.source for unsplit in lot.documents[len(items) :]]
        self.characters += sum(map(characters_of, items))
        with self._watch.stage("store"):
            known = self._known(items)
            for item in items:
                if all(digest in known for digest in item.digests):
                    self._store(item, np.stack([known[digest] for digest in item.digests]))
                    self._given += characters_of(item)
                    self._known_characters += characters_of(item)
                    self._count(item.texts, reused=True)
                    continue
                for digest, ids in zip(item.digests, item.tokens, strict=True):
                    self._tokens.keep(digest, ids)
                if item.new:
                    self._store_pending(item)
                else:
                    self._held.append(item)
                    self._held_characters += characters_of(item)

    def _store_pending(self, item: Arrival) -> None:
        document_id = self._writer.replace(item.source, item.document, item.passages)
        if not self._waiting:
            self._submitted = max(self._submitted, document_id - 1)
        self._waiting[document_id] = item.source

    def _known(self, items: Sequence[Item]) -> dict[bytes, Vector]:
        """The vectors of texts embedded before, by digest."""
        digests = [digest for item in items for digest in item.digests]
        replaced = {
            digest: self._replaced[digest] for digest in digests if digest in self._replaced
        }
        return replaced | self._writer.digests(digests) if digests else {}

    # -- to the encoder and back

    def _drain(self, *, last: bool = False) -> None:
        """Encode and store all that waits; with `last`, what earlier runs have left too, as nothing
        of this run can replace it any more.
        """
        self._submit(last=last)
        while self._jobs and not self._is_stopped():
            self._collect()
            self._submit(last=last)
            if time.perf_counter() - self._committed_s >= _COMMIT_S:
                self._commit()

    def _submit(self, *, last: bool = False) -> None:
        """Give the encoder as many jobs as it takes, while there is something to encode."""
        while len(self._jobs) < _JOBS and not self._is_stopped():
            self._fill_queue(last=last)
            texts = self._queue.take(self._job_characters)
            if not texts:
                return
            rows = self._threads.submit(
                self._encode, [queued.text for queued in texts], [queued.tokens for queued in texts]
            )
            characters = sum(len(queued.text) for queued in texts)
            digests = [queued.digest for queued in texts]
            self._jobs.append(Job(digests, rows, characters, time.perf_counter()))
            self._given += characters

    def _fill_queue(self, *, last: bool) -> None:
        """Queue what is encoded next, and store what needs no encoding after all."""
        usual = min(_QUEUED_JOBS * self._job_characters, _QUEUED_CHARACTERS)
        most = max(usual, self._job_characters)
        while (room := most - self._queue.characters) > 0:
            with self._watch.stage("read texts back"):
                items = self._next_items(room, last=last)
                known = self._known(items)
            if not items:
                break
            for item in items:
                spared = self._queue.add(item, known, self._tokens.take)
                self._given += sum(map(len, spared))
                self._count(spared, reused=True)
        self._store_complete()

    def _store_complete(self) -> None:
        with self._watch.stage("store"):
            for item, vectors in self._queue.leaving():
                self._store(item, np.stack(vectors))

    def _next_items(self, left: int, *, last: bool) -> list[Item]:
        """What is encoded next, of about so many characters: what is held comes first, as it takes
        memory, then what is pending, in order.
        """
        items: list[Item] = []
        while self._held and left > 0:
            items.append(self._held.popleft())
            self._held_characters -= characters_of(items[-1])
            left -= characters_of(items[-1])
        if left > 0 and (self._waiting or (last and self._writer.has_pending())):
            for pending in self._writer.pending(after=self._submitted, characters=left):
                items.append(pending)
                self._submitted = pending.document_id
                if pending.document_id not in self._waiting:  # of an earlier run
                    self.characters += characters_of(pending)
                    self._earlier_characters += characters_of(pending)
                    self._left_pending = max(0, self._left_pending - characters_of(pending))
        if last and not items:
            self._left_pending = 0  # what was left is white space, or was replaced
        return items

    def _collect(self) -> None:
        """Store what the oldest job was for, once it is done."""
        if not self._jobs:
            return
        job = self._jobs.popleft()
        try:
            with self._waiting_for_encoder():
                rows = job.rows.result()
        except Exception:
            self._commit()  # what came about before stands
            raise
        self._pace.note(self.encoder_busy_s, self.characters_done - self._known_characters)
        self._queue.settle(job.digests, rows)
        self._store_complete()
        now = time.perf_counter()
        began_s = max(job.begun_s, self._collected_s)
        pace = job.characters / max(now - began_s, 1e-3) * _JOB_S
        self._job_characters = int(
            min(
                max(pace, self._job_characters / 2, _SMALLEST_JOB),
                2 * self._job_characters,
                _LARGEST_JOB,
            )
        )
        self._collected_s = now

    def _store(self, item: Item, vectors: Vectors) -> None:
        """Give an item its vectors, (n_passages, dim)."""
        if isinstance(item, Arrival):
            self._keep_earlier(item)
            self._writer.replace(item.source, item.document, item.passages, vectors=vectors)
            source: Source | None = item.source
        else:
            self._writer.attach(item.document_id, vectors)
            source = self._waiting.pop(item.document_id, None)
        if source is not None:
            self._on_stored(source)

    def _keep_earlier(self, item: Arrival) -> None:
        """Remember the vectors that an item is about to replace, the latest of them."""
        self._replaced |= {} if item.new else self._writer.vectors_at(item.source.path)
        for digest in list(islice(self._replaced, max(0, len(self._replaced) - _MOST_REPLACED))):
            del self._replaced[digest]

    @contextmanager
    def _waiting_for_encoder(self) -> Iterator[None]:
        begin_s = time.perf_counter()
        try:
            with self._watch.stage("wait for the encoder"):
                yield
        finally:
            self.waited_s += time.perf_counter() - begin_s

    def _count(self, texts: Sequence[str], *, reused: bool = False) -> None:
        """Count texts whose vectors are known by now; encoding threads do, too."""
        with self._counting:
            self.characters_done += sum(map(len, texts))
            if reused:
                self.reused += len(texts)
            else:
                self.embedded += len(texts)

    def _commit(self) -> None:
        with self._watch.stage("commit"):
            self._writer.commit()
        self._committed_s = time.perf_counter()

    def _encode(self, texts: list[str], tokens: list[TokenIds | None]) -> list[Vector]:
        """The texts' vectors, in order; of the first texts only, once the run is to stop."""
        rows: list[Vector] = []
        for part in parts_of(texts, self._job_characters):
            if rows and self._is_stopped():
                break
            ids = tokens[len(rows) : len(rows) + len(part)]
            with self._clock.working():
                if isinstance(self._encoder, TokenReuser):
                    rows.extend(self._encoder.encode_passages(part, tokens=ids))
                else:
                    rows.extend(self._encoder.encode_passages(part))
            self._count(part)
            self._on_embedded()
        return rows
