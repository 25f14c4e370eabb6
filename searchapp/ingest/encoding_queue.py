"""Documents whose vectors are being made, and the passages that the encoder has not been given yet.

A model runs texts of one length together, so what is taken for a job is the passage that has waited
longest and those of about its length, of whatever document. A document is complete once all of its
passages have vectors, and leaves in the order in which it came. No text is queued twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchapp.ingest.jobs import Item
    from searchapp.types.tokens import TokenIds
    from searchapp.types.vectors import Vector

_CHARACTERS_OF_A_TOKEN = 4  # about; where the tokens of a text are not known


@dataclass(slots=True)
class QueuedText:
    """A text to be embedded, with its tokens where they are known."""

    digest: bytes
    text: str
    tokens: TokenIds | None

    @property
    def length(self) -> int:
        """In tokens, or about."""
        return len(self.text) // _CHARACTERS_OF_A_TOKEN if self.tokens is None else len(self.tokens)


@dataclass(slots=True)
class _Waiting:
    """An item, and how many vectors it lacks."""

    item: Item
    lacking: int = 0


@dataclass(slots=True)
class _Passage:
    """The vector of a text once it is there, for so many items, some of which wait for it."""

    vector: Vector | None = None
    items: int = 0
    waiting: list[_Waiting] = field(default_factory=list)


class EncodingQueue:
    """Items in the order in which they came, and the texts that they lack, by length."""

    def __init__(self) -> None:
        self._items: deque[_Waiting] = deque()
        self._passages: dict[bytes, _Passage] = {}
        self._texts: dict[bytes, QueuedText] = {}  # in order; those that no job has taken
        self._by_length: dict[int, dict[bytes, None]] = {}  # the same
        self.characters = 0  # of the same

    @property
    def items(self) -> list[Item]:
        """All that has not left."""
        return [waiting.item for waiting in self._items]

    def add(
        self,
        item: Item,
        known: Mapping[bytes, Vector],
        tokens: Callable[[bytes], TokenIds | None],
    ) -> list[str]:
        """Queue an item; `known` are vectors of its texts, `tokens` gives the tokens of a text.

        Returns the texts of its that need not be embedded for it.
        """
        waiting = _Waiting(item)
        self._items.append(waiting)
        spared: list[str] = []
        seen: set[bytes] = set()
        for digest, text in zip(item.digests, item.texts, strict=True):
            if digest in seen:
                spared.append(text)
                continue
            seen.add(digest)
            passage = self._passages.get(digest)
            is_new = passage is None
            passage = passage or self._passages.setdefault(digest, _Passage(known.get(digest)))
            passage.items += 1
            if passage.vector is None:
                passage.waiting.append(waiting)
                waiting.lacking += 1
            if is_new and passage.vector is None:
                self._put(QueuedText(digest, text, tokens(digest)))
            else:
                spared.append(text)
        return spared

    def take(self, characters: int) -> list[QueuedText]:
        """The text that has waited longest and those nearest to it in length, of about so many
        characters in all; none where none is left.
        """
        taken: list[QueuedText] = []
        for length in self._lengths_around_the_first():
            for digest in tuple(self._by_length[length]):
                if taken and characters <= 0:
                    return taken
                taken.append(self._pull(digest))
                characters -= len(taken[-1].text)
        return taken

    def settle(self, digests: Iterable[bytes], vectors: Sequence[Vector]) -> None:
        """Give texts their vectors; the last of them may have none."""
        for digest, vector in zip(digests, vectors, strict=False):
            passage = self._passages[digest]
            passage.vector = vector
            for waiting in passage.waiting:
                waiting.lacking -= 1
            passage.waiting.clear()

    def leaving(self) -> Iterator[tuple[Item, list[Vector]]]:
        """The items that are complete, up to the first that is not, each with the vectors of its
        texts in their order.
        """
        while self._items and not self._items[0].lacking:
            item = self._items.popleft().item
            vectors = [self._passages[digest].vector for digest in item.digests]
            for digest in dict.fromkeys(item.digests):
                self._passages[digest].items -= 1
                if not self._passages[digest].items:
                    del self._passages[digest]
            yield item, [vector for vector in vectors if vector is not None]

    def _put(self, queued: QueuedText) -> None:
        self._texts[queued.digest] = queued
        self._by_length.setdefault(queued.length, {})[queued.digest] = None
        self.characters += len(queued.text)

    def _pull(self, digest: bytes) -> QueuedText:
        queued = self._texts.pop(digest)
        same = self._by_length[queued.length]
        del same[digest]
        if not same:
            del self._by_length[queued.length]
        self.characters -= len(queued.text)
        return queued

    def _lengths_around_the_first(self) -> list[int]:
        if not self._texts:
            return []
        first = next(iter(self._texts.values())).length
        return sorted(self._by_length, key=lambda length: abs(length - first))
