"""What becomes a vector each: the lines, sentences, passages, documents, words or tokens of files,
as a stream.

A file is read as an ingest reads it. Lines are those of plain text, one text each; any other
document gives its sentences. A document is the mean of its passages; a word is read within its
passage. Holds a batch at a time, not a corpus.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

from searchapp.errors import UsageError
from searchapp.search.more_like_this import direction
from searchapp.splitter import sentences, split
from searchapp.types.documents import Document, embedded_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from searchapp.encoders.encoder import Encoder, WordVector
    from searchapp.types.documents import Span

Level: TypeAlias = Literal["sentence", "passage", "document", "word", "token"]
LEVELS: tuple[Level, ...] = get_args(Level)
BATCH = 512  # texts
_READERS = 2  # files read at a time


class Row(NamedTuple):
    """A piece of a source, `text[start:end]` of it in code points, and its vector, (dim,)."""

    source: str  # a path, or "-"
    start: int
    end: int
    text: str
    vector: NDArray[np.float32]


class Source(NamedTuple):
    """Something to read from: its name and its document, or why there is none."""

    name: str
    document: Document | None
    reason: str = ""
    start: int = 0  # where its text stands in what is read, in code points


def level_of(name: str) -> Level:
    """The level of that name; raises UsageError where there is none."""
    for level in LEVELS:
        if level == name:
            return level
    raise UsageError(f"there is no level {name!r}", hint=f"levels: {', '.join(LEVELS)}")


def read_files(paths: Iterable[str]) -> Iterator[Source]:
    """The documents of files, in order; those of all that a container holds."""
    from searchapp.extract.sandbox.pool import ExtractionPool

    with ExtractionPool(_READERS) as pool:
        ahead = iter(paths)
        waiting = deque((path, pool.submit(os.fsencode(path))) for path in islice(ahead, _READERS))
        while waiting:
            path, future = waiting.popleft()
            found = future.result()
            waiting.extend((path, pool.submit(os.fsencode(path))) for path in islice(ahead, 1))
            for each in found:
                reason = (
                    each.unindexed.reason
                    if each.unindexed is not None and each.unindexed.outcome != "indexed"
                    else ""
                )
                if each.document is not None or reason:
                    yield Source(os.fsdecode(each.path) or path, each.document, reason)


class Pieces:
    """The rows of some sources at one level; what was cut or could not be read is told
    afterwards.
    """

    def __init__(self, encoder: Encoder, level: Level) -> None:
        self._encoder = encoder
        self._level = level
        self.cut = 0  # texts longer than the model takes
        self.failed: list[Source] = []

    def rows(self, sources: Iterable[Source]) -> Iterator[Row]:
        """A row a piece, in order."""
        if self._level == "sentence":
            yield from self._embedded(self._sentences(sources))
        elif self._level == "passage":
            yield from self._embedded(
                piece
                for name, document, _ in self._readable(sources)
                for piece in self._passages(name, document)
            )
        elif self._level == "document":
            yield from self._documents(sources)
        else:
            yield from self._words(sources)

    def _readable(self, sources: Iterable[Source]) -> Iterator[tuple[str, Document, int]]:
        for source in sources:
            if source.document is None:
                self.failed.append(source)
            else:
                yield source.name, source.document, source.start

    def _sentences(self, sources: Iterable[Source]) -> Iterator[tuple[str, Span, str, str]]:
        for name, document, offset in self._readable(sources):
            for start, end in (
                lines(document.text) if document.type == "txt" else sentences(document.text)
            ):
                text = document.text[start:end]
                yield name, (start + offset, end + offset), text, text

    def _passages(self, name: str, document: Document) -> Iterator[tuple[str, Span, str, str]]:
        limit, tokenize = self._encoder.identity.max_tokens, self._encoder.text_encoder.tokenize
        for passage in split(document, tokenize, max_tokens=limit):
            body = document.text[passage.start : passage.end]
            yield name, (passage.start, passage.end), body, embedded_text(passage.headings, body)

    def _embedded(self, pieces: Iterator[tuple[str, Span, str, str]]) -> Iterator[Row]:
        while batch := list(islice(pieces, BATCH)):
            texts = [embedded for *_, embedded in batch]
            self.cut += (
                sum(map(self._encoder.is_too_long, texts)) if self._level == "sentence" else 0
            )
            for (name, (start, end), text, _), vector in zip(
                batch, self._encoder.encode_sentences(texts, is_cut=True), strict=True
            ):
                yield Row(name, start, end, text, vector)

    def _documents(self, sources: Iterable[Source]) -> Iterator[Row]:
        for name, document, _ in self._readable(sources):
            texts = [embedded for *_, embedded in self._passages(name, document)]
            if texts:
                mean = self._encoder.encode_sentences(texts).mean(axis=0)
                text = document.title or document.text.strip()[:80]
                yield Row(name, 0, len(document.text), text, direction(mean))

    def _words(self, sources: Iterable[Source]) -> Iterator[Row]:
        encode = (
            self._encoder.encode_words if self._level == "word" else self._encoder.encode_tokens
        )
        for name, document, _ in self._readable(sources):
            for _, (start, _end), body, _embedded in self._passages(name, document):
                yield from (self._row(name, start, found) for found in encode(body))

    @staticmethod
    def _row(name: str, offset: int, found: WordVector) -> Row:
        return Row(name, found.start + offset, found.end + offset, found.word, found.vector)


def lines(text: str) -> Iterator[Span]:
    """The lines that hold anything, as spans without outer white space."""
    start = 0
    for line in text.splitlines(keepends=True):
        body = line.strip()
        if body:
            begin = start + line.index(body)
            yield begin, begin + len(body)
        start += len(line)


def notes(pieces: Pieces, rows: int, limit: int) -> Sequence[str]:
    """What is to be said of a run that gave so many rows."""
    said = [f"{source.name}: {source.reason}" for source in pieces.failed]
    if pieces.cut:
        said.append(
            f"{pieces.cut:,} of {rows:,} texts are longer than {limit} tokens; only the beginning "
            "of each was embedded"
        )
    return said
