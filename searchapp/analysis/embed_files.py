"""The vectors of files, as a stream: of lines, sentences, passages, documents, words or tokens.

A file is read as an ingest reads it. Each line of plain text is one text; any other document gives
its sentences. The vector of a document is the mean of its passages; a word is read within its
passage. Holds a batch at a time, not a corpus. Knows nothing of how vectors are written or shown.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

from searchapp.errors import UsageError
from searchapp.search.more_like_this import direction
from searchapp.splitter.splitter import split
from searchapp.splitter.text_cuts import sentences
from searchapp.types.documents import Document, embedded_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from searchapp.encoders.encoder import Encoder, WordVector
    from searchapp.types.documents import Span

Granularity: TypeAlias = Literal["sentence", "passage", "document", "word", "token"]
GRANULARITIES: tuple[Granularity, ...] = get_args(Granularity)
BATCH = 512  # texts
_READERS = 2  # files read at a time


class EmbeddingRow(NamedTuple):
    """A part of a source, `text[start:end]` of it in code points, and its vector, (dim,)."""

    source: str  # a path, or "-"
    start: int
    end: int
    text: str
    vector: NDArray[np.float32]


class EmbeddingSource(NamedTuple):
    """A source to read: its name and its document, or why there is no document."""

    name: str
    document: Document | None
    reason: str = ""
    start: int = 0  # where its text stands in what is read, in code points


def granularity_of(name: str) -> Granularity:
    """The granularity of that name; raises UsageError if there is none."""
    for granularity in GRANULARITIES:
        if granularity == name:
            return granularity
    raise UsageError(f"there is no level {name!r}", hint=f"levels: {', '.join(GRANULARITIES)}")


def read_files(paths: Iterable[str]) -> Iterator[EmbeddingSource]:
    """The documents of files, in order; a container gives all the documents in it."""
    from searchapp.extract.sandbox.pool import ExtractionPool

    with ExtractionPool(_READERS) as pool:
        ahead = iter(paths)
        waiting = deque((path, pool.submit(os.fsencode(path))) for path in islice(ahead, _READERS))
        while waiting:
            path, future = waiting.popleft()
            extracted_files = future.result()
            waiting.extend((path, pool.submit(os.fsencode(path))) for path in islice(ahead, 1))
            for extracted in extracted_files:
                reason = (
                    extracted.unindexed.reason
                    if extracted.unindexed is not None and extracted.unindexed.outcome != "indexed"
                    else ""
                )
                if extracted.document is not None or reason:
                    yield EmbeddingSource(
                        os.fsdecode(extracted.path) or path, extracted.document, reason
                    )


class FileEmbedder:
    """Makes the rows of some sources at one granularity. `cut` and `failed` say afterwards what was
    cut or could not be read.
    """

    def __init__(self, encoder: Encoder, granularity: Granularity) -> None:
        self._encoder = encoder
        self._granularity = granularity
        self.cut = 0  # texts longer than the model takes
        self.failed: list[EmbeddingSource] = []

    def rows(self, sources: Iterable[EmbeddingSource]) -> Iterator[EmbeddingRow]:
        """A row for each part, in order."""
        if self._granularity == "sentence":
            yield from self._embedded(self._sentences(sources))
        elif self._granularity == "passage":
            yield from self._embedded(
                piece
                for name, document, _ in self._readable(sources)
                for piece in self._passages(name, document)
            )
        elif self._granularity == "document":
            yield from self._documents(sources)
        else:
            yield from self._words(sources)

    def _readable(self, sources: Iterable[EmbeddingSource]) -> Iterator[tuple[str, Document, int]]:
        for source in sources:
            if source.document is None:
                self.failed.append(source)
            else:
                yield source.name, source.document, source.start

    def _sentences(
        self, sources: Iterable[EmbeddingSource]
    ) -> Iterator[tuple[str, Span, str, str]]:
        for name, document, offset in self._readable(sources):
            for start, end in (
                line_spans(document.text) if document.type == "txt" else sentences(document.text)
            ):
                text = document.text[start:end]
                yield name, (start + offset, end + offset), text, text

    def _passages(self, name: str, document: Document) -> Iterator[tuple[str, Span, str, str]]:
        limit, tokenize = self._encoder.identity.max_tokens, self._encoder.text_encoder.tokenize
        for passage in split(document, tokenize, max_tokens=limit):
            body = document.text[passage.start : passage.end]
            yield name, (passage.start, passage.end), body, embedded_text(passage.headings, body)

    def _embedded(self, pieces: Iterator[tuple[str, Span, str, str]]) -> Iterator[EmbeddingRow]:
        while batch := list(islice(pieces, BATCH)):
            texts = [embedded for *_, embedded in batch]
            self.cut += (
                sum(map(self._encoder.is_too_long, texts)) if self._granularity == "sentence" else 0
            )
            for (name, (start, end), text, _), vector in zip(
                batch, self._encoder.encode_sentences(texts, truncate=True), strict=True
            ):
                yield EmbeddingRow(name, start, end, text, vector)

    def _documents(self, sources: Iterable[EmbeddingSource]) -> Iterator[EmbeddingRow]:
        for name, document, _ in self._readable(sources):
            texts = [embedded for *_, embedded in self._passages(name, document)]
            if texts:
                mean = self._encoder.encode_sentences(texts).mean(axis=0)
                text = document.title or document.text.strip()[:80]
                yield EmbeddingRow(name, 0, len(document.text), text, direction(mean))

    def _words(self, sources: Iterable[EmbeddingSource]) -> Iterator[EmbeddingRow]:
        encode = (
            self._encoder.encode_words
            if self._granularity == "word"
            else self._encoder.encode_tokens
        )
        for name, document, _ in self._readable(sources):
            for _, (start, _end), body, _embedded in self._passages(name, document):
                yield from (self._row(name, start, word_vector) for word_vector in encode(body))

    @staticmethod
    def _row(name: str, offset: int, word_vector: WordVector) -> EmbeddingRow:
        return EmbeddingRow(
            name,
            word_vector.start + offset,
            word_vector.end + offset,
            word_vector.word,
            word_vector.vector,
        )


def line_spans(text: str) -> Iterator[Span]:
    """The spans of the lines that hold anything, without outer white space."""
    start = 0
    for line in text.splitlines(keepends=True):
        body = line.strip()
        if body:
            begin = start + line.index(body)
            yield begin, begin + len(body)
        start += len(line)


def notes(embedder: FileEmbedder, rows: int, limit: int) -> Sequence[str]:
    """What to say about a run that gave so many rows: what failed, and what was cut."""
    failures = [f"{source.name}: {source.reason}" for source in embedder.failed]
    if not embedder.cut:
        return failures
    cut = (
        f"{embedder.cut:,} of {rows:,} texts are longer than {limit} tokens; only the beginning of "
        "each was embedded"
    )
    return [*failures, cut]
