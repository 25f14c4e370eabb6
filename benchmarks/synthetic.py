"""Passages, vectors and questions that are made up, but behave like real ones at any size. Seeded:
the same numbers give the same corpus.

Words follow a Zipf-Mandelbrot law, and a document draws a third of them from the few words of its
topic. Vectors are the sum of a mean, a topic, a document and a passage, in directions whose
variance falls off as that of sentence vectors does: half of it lies in 30 of 384.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from searchapp.types.documents import Document, FileIdentity, Passage, Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIM = 384
WORDS = 200_000  # in the vocabulary
PASSAGE_WORDS = 150
TOPICS = 2_000
TOPIC_WORDS = 300  # that a topic prefers
_SPREAD = (np.arange(DIM) + 80.0) ** -3.0  # of the variance over directions
_SHARES = {"topic": 0.6, "document": 0.25, "passage": 0.15}  # of the variance
_MEAN = 0.36  # the length of the mean vector
_SYLLABLES = (
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ka",
    "le",
    "mi",
    "no",
    "pu",
    "ra",
    "se",
    "ti",
    "vo",
    "zu",
    "sta",
    "tre",
    "ligh",
    "pron",
    "dusk",
)


@dataclass(frozen=True)
class Made:
    """Consecutive documents: how many passages each has, and all their vectors and
    words in order.
    """

    first: int
    passages: NDArray[np.int64]  # (documents,)
    vectors: NDArray[np.float32]  # (passages, DIM), of unit length
    words: NDArray[np.int64]  # (passages, PASSAGE_WORDS), ranks in the vocabulary


def documents(count: int, *, block: int = 20_000, has_words: bool = True) -> Iterator[Made]:
    """Documents of one to nine passages, until there are `count` passages, in blocks of about so
    many.
    """
    made = first = 0
    while made < count:
        chance = np.random.default_rng((7, made))
        drawn: NDArray[np.int64] = np.minimum(chance.geometric(0.25, block), 9)
        drawn = drawn[np.cumsum(drawn) <= min(block, count - made)]
        drawn = drawn if len(drawn) else np.array([count - made])
        yield _block(first, drawn, chance, has_words=has_words)
        made += int(drawn.sum())
        first += len(drawn)


def questions(count: int, made: Made) -> tuple[NDArray[np.float32], list[str]]:
    """Questions about passages of a block: vectors as near as questions are to their answers,
    (count, DIM), and four telling words each.
    """
    chance = np.random.default_rng(11)
    rows = chance.integers(0, len(made.vectors), count)
    vectors = _unit(
        made.vectors[rows] + 0.7 * _unit(chance.standard_normal((count, DIM)) * np.sqrt(_SPREAD))
    )
    texts = []
    for row in rows:
        telling = made.words[row][made.words[row] > 120]  # ranks below are stop words
        texts.append(" ".join(word(int(rank)) for rank in chance.choice(telling, 4)))
    return vectors, texts


def word(rank: int) -> str:
    """The word of a rank, each its own: its rank in syllables."""
    syllables = []
    rank += len(_SYLLABLES)  # two syllables at least
    while rank:
        rank, last = divmod(rank, len(_SYLLABLES))
        syllables.append(_SYLLABLES[last])
    return "".join(syllables)


def as_document(
    number: int, words: NDArray[np.int64], names: list[str]
) -> tuple[Source, Document, list[Passage]]:
    """A document of the store with its passages, (passages, PASSAGE_WORDS); `names` are all words
    by rank.
    """
    bodies = [" ".join(names[rank] for rank in row) for row in words.tolist()]
    text, passages = "", list[Passage]()
    for body in bodies:
        passages.append(
            Passage(
                len(text),
                len(text) + len(body),
                place=(("line_start", len(passages) + 1), ("line_end", len(passages) + 1)),
            )
        )
        text += body + "\n"
    path = f"/synthetic/{number % 1000:03}/{number}.txt".encode()
    source = Source(
        path,
        FileIdentity(len(text), number + 1, 0, number),
        number.to_bytes(32, "big"),
        0,
        "text/2",
        "1",
    )
    return source, Document(text, "txt"), passages


def _block(
    first: int, passages: NDArray[np.int64], chance: np.random.Generator, *, has_words: bool
) -> Made:
    topics = chance.integers(0, TOPICS, len(passages)).repeat(passages)
    common = np.random.default_rng(3)  # the same mean and topics for all blocks
    centres = _drawn(common, TOPICS, "topic")
    mean: NDArray[np.float32] = _MEAN * _unit(common.standard_normal((1, DIM)) * np.sqrt(_SPREAD))
    rows = (
        centres[topics]
        + _drawn(chance, len(passages), "document").repeat(passages, axis=0)
        + _drawn(chance, len(topics), "passage")
    )
    return Made(
        first,
        passages,
        _unit(mean + rows),
        _words(topics, chance) if has_words else np.empty((0, 0), np.int64),
    )


def _drawn(chance: np.random.Generator, count: int, kind: str) -> NDArray[np.float32]:
    scale = np.sqrt(_SHARES[kind] * (1 - _MEAN**2) * _SPREAD / _SPREAD.sum()).astype(np.float32)
    rows: NDArray[np.float32] = chance.standard_normal((count, DIM), dtype=np.float32) * scale
    return rows


def _words(topics: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.int64]:
    weights = 1 / (np.arange(WORDS) + 2.7) ** 1.05
    law = np.cumsum(weights) / weights.sum()
    ranks = np.searchsorted(law, chance.random((len(topics), PASSAGE_WORDS)))
    own = np.random.default_rng(5).integers(
        100, WORDS // 4, (TOPICS, TOPIC_WORDS)
    )  # ranks that a topic prefers
    preferred = (chance.random(ranks.shape) ** 2 * TOPIC_WORDS).astype(np.int64)
    is_own = chance.random(ranks.shape) < 1 / 3
    found: NDArray[np.int64] = np.where(is_own, own[topics[:, np.newaxis], preferred], ranks)
    return found


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(
        np.float32
    )
    return unit
