"""Intake: documents to stored vectors. split -> encode -> store, embedding nothing twice.

A batch is about a second of encoding; while one is encoded in a thread, the next is read and split. Every batch ends in a commit,
so that an interruption loses at most one. Serves whoever has documents; knows no files, no SQL and no model: only the seams.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from searchapp.records import text_digest
from searchapp.split import split
from searchapp.types import Document, Passage, Source, embedded_text

if TYPE_CHECKING:
    from searchapp.types import Encoder, Vector, Writer

_BATCH_S = 1.0  # seconds of encoding to a commit
_FIRST_BATCH_TOKENS = 4096
_SMALLEST_BATCH_TOKENS = 2048
_LARGEST_BATCH_TOKENS = 131_072
_BATCH_DOCUMENTS = 512


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
    rows: Future[tuple[list[Vector], float]]  # one a missing digest, and the seconds that they took
    tokens: int  # of all texts, known ones too: what a second of encoding gets through


class Intake:
    """Takes documents in: splits, embeds what was never embedded, stores. Use as a context manager, and `close` to finish."""

    def __init__(
        self,
        writer: Writer,
        encoder: Encoder,
        *,
        on_stored: Callable[[Source], None] = lambda _: None,
        on_embedded: Callable[[], None] = lambda: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """`on_embedded` is called from the encoding thread, every second or so; `is_stopped` is looked at as often.

        A document that is not wholly embedded by then is left as it is stored, pending or in its earlier version, and is in
        `abandoned`.
        """
        self._writer = writer
        self._encoder = encoder
        self._on_stored = on_stored
        self._on_embedded = on_embedded
        self._is_stopped = is_stopped
        self._items: list[_Item] = []
        self._tokens = 0
        self._budget = _FIRST_BATCH_TOKENS
        self._batch: _Batch | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self.embedded = 0
        self.reused = 0
        self.abandoned: list[Source] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)  # idle by now, unless something went wrong

    def add(self, source: Source, document: Document, *, is_new: bool) -> bool:
        """Take a document in; returns False where it holds no passage. It is stored by the time `close` returns."""
        passages = split(document, self._encoder.tokenize, max_tokens=self._encoder.identity.max_tokens)
        if not passages:
            return False
        texts = [embedded_text(passage.headings, document.text[passage.start : passage.end]) for passage in passages]
        fingerprint = self._encoder.identity.fingerprint
        digests = [text_digest(fingerprint, text) for text in texts]
        tokens = sum(map(_tokens, texts))
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

    def resume(self) -> None:
        """Embed what an interrupted run left pending."""
        fingerprint = self._encoder.identity.fingerprint
        for document in self._writer.pending():
            if self._is_stopped():
                break
            digests = [text_digest(fingerprint, text) for text in document.texts]
            known = self._writer.digests(digests)
            missing = {digest: text for digest, text in zip(digests, document.texts, strict=True) if digest not in known}
            rows, _ = self._encode(list(missing.values()))
            if len(rows) < len(missing):
                break
            known |= zip(missing, rows, strict=True)
            self._writer.attach(document.document_id, np.stack([known[digest] for digest in digests]))
            self.reused += len(digests) - len(missing)
        self._writer.commit()

    # What is known is looked up before the batch before is stored, as that may replace the very passages that were moved into this
    # one; its own vectors count too, for copies. Then this one's texts go to the encoder, and while it works the new documents are
    # committed as pending together with the batch before.

    def _flush(self) -> None:
        items, self._items = self._items, []
        tokens, self._tokens = self._tokens, 0
        known = self._writer.digests(digest for item in items for digest in item.digests)
        known |= self._settle()
        if not items:
            return
        missing = {digest: text for item in items for digest, text in zip(item.digests, item.texts, strict=True) if digest not in known}
        rows = self._thread.submit(self._encode, list(missing.values()))
        self._batch = _Batch([], known, list(missing), rows, tokens)
        for item in items:
            if item.is_new and all(digest in known for digest in item.digests):
                self._store(item, known)
                continue
            if item.is_new:
                item.document_id = self._writer.replace(item.source, item.document, item.passages)
            self._batch.items.append(item)
        self.reused += sum(len(item.digests) for item in items) - len(missing)
        self._writer.commit()

    def _settle(self) -> dict[bytes, Vector]:
        """Store the batch that is being encoded, once it is; returns its vectors by digest."""
        batch, self._batch = self._batch, None
        if batch is None:
            return {}
        rows, took_s = batch.rows.result()
        if batch.missing:
            self._budget = int(min(max(batch.tokens / max(took_s, 1e-3) * _BATCH_S, _SMALLEST_BATCH_TOKENS), _LARGEST_BATCH_TOKENS))
        known = batch.known | dict(zip(batch.missing, rows, strict=False))  # not all, where the run was stopped meanwhile
        for item in batch.items:
            if all(digest in known for digest in item.digests):
                self._store(item, known)
            else:
                self.abandoned.append(item.source)
        return known

    def _store(self, item: _Item, known: dict[bytes, Vector]) -> None:
        vectors = np.stack([known[digest] for digest in item.digests])  # (n_passages, dim)
        if item.document_id is None:
            self._writer.replace(item.source, item.document, item.passages, vectors=vectors)
        else:
            self._writer.attach(item.document_id, vectors)
        self._on_stored(item.source)

    def _encode(self, texts: list[str]) -> tuple[list[Vector], float]:
        """The texts' vectors, in order, and the seconds that they took; of the first texts only, once the run is to stop."""
        begin = time.perf_counter()
        rows: list[Vector] = []
        for part in _parts(texts, self._budget):
            if rows and self._is_stopped():
                break
            rows.extend(self._encoder.encode_passages(part))
            self.embedded += len(part)
            self._on_embedded()
        return rows, time.perf_counter() - begin


def _tokens(text: str) -> int:
    """About how many tokens a text has: near enough to size a batch."""
    return len(text) // 4


def _parts(texts: list[str], tokens: int) -> Iterator[list[str]]:
    """The texts, in order, in runs of about so many tokens; the last has up to twice as many, so that a usual batch is one run."""
    left = sum(map(_tokens, texts))
    begin = used = 0
    for end, text in enumerate(texts, start=1):
        used += _tokens(text)
        if (used >= tokens and left - used > tokens) or end == len(texts):
            yield texts[begin:end]
            left -= used
            begin, used = end, 0
