"""What goes to the encoder: documents that arrived, the jobs that they become, and the time that
it is at work. Decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from searchapp.types.documents import Document, Passage, PendingDocument, Source

if TYPE_CHECKING:
    from searchapp.types.tokens import TokenIds
    from searchapp.types.vectors import Vector


@dataclass(frozen=True, slots=True)
class Unsplit:
    """A document as it was read."""

    source: Source
    document: Document
    new: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """A document that was split, and of which nothing is stored yet."""

    source: Source
    document: Document
    passages: Sequence[Passage]
    texts: Sequence[str]
    tokens: Sequence[TokenIds]  # of the texts; none where the encoder tells none
    digests: Sequence[bytes]
    new: bool


@dataclass(frozen=True, slots=True)
class Lot:
    """Documents that are split together."""

    documents: Sequence[Unsplit]
    characters: int
    arrivals: Future[list[Arrival]]  # of the first documents only, once the run is to stop


Item: TypeAlias = Arrival | PendingDocument


@dataclass(slots=True)
class Job:
    """Texts that are being encoded, by their digests."""

    digests: list[bytes]
    rows: Future[list[Vector]]  # in order; of the first only, once the run is to stop
    characters: int
    begun_s: float


class BusyClock:
    """The time that the encoder is at work; several threads may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._at_work, self._since_s, self._busy_s = 0, 0.0, 0.0

    @property
    def busy_s(self) -> float:
        """The seconds so far, counted once where two threads encode side by side."""
        with self._lock:
            return self._busy_s + (time.perf_counter() - self._since_s if self._at_work else 0.0)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count the time of the block."""
        with self._lock:
            self._at_work += 1
            if self._at_work == 1:
                self._since_s = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._at_work -= 1
                if self._at_work == 0:
                    self._busy_s += time.perf_counter() - self._since_s


def characters_of(item: Item) -> int:
    """How much there is to embed."""
    return sum(map(len, item.texts))


def parts_of(texts: list[str], characters: int) -> Iterator[list[str]]:
    """The texts, in order, in runs of about so many characters; the last has up to twice as many,
    so that a usual job is one run.
    """
    left = sum(map(len, texts))
    begin = used = 0
    for end, text in enumerate(texts, start=1):
        used += len(text)
        if (used >= characters and left - used > characters) or end == len(texts):
            yield texts[begin:end]
            left -= used
            begin, used = end, 0
