"""Where a word occurs in a corpus, with its vector in the context of each passage that holds it.

Knows nothing of how senses are told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from searchapp.encoders.word_alignment import words_of
from searchapp.errors import EmptyQuery
from searchapp.search.more_like_this import direction
from searchapp.types.documents import embedded_text
from searchapp.types.filters import Term

if TYPE_CHECKING:
    from searchapp.types.documents import Hit
    from searchapp.types.filters import Filters
    from searchapp.types.protocols import Encoder, Reader
    from searchapp.types.vectors import TokenVectors, Vector

MOST_PASSAGES = 500
_BATCH = 64


class Occurrence(NamedTuple):
    """A place where a word stands, within its passage's text, and its unit vector there, (dim,)."""

    hit: Hit
    start: int
    end: int
    vector: Vector


def occurrences(
    word: str, reader: Reader, encoder: Encoder, filters: Filters
) -> tuple[list[Occurrence], int]:
    """The places of a word in any case, in the order of the best passages by BM25, and how many
    passages hold it in all.

    Looks at the first MOST_PASSAGES passages only. Raises EmptyQuery for anything but one word.
    """
    wanted = word.casefold().strip()
    if len(wanted.split()) != 1:
        raise EmptyQuery(f"{word!r} is not one word", hint="name a single word, as bank")
    term = Term((wanted,))
    ids, _ = reader.keyword_leg([term], filters, MOST_PASSAGES)
    hits, places = reader.hydrate(ids), []
    for start in range(0, len(hits), _BATCH):
        batch = hits[start : start + _BATCH]
        states = encoder.token_vectors(
            [embedded_text(hit.passage.headings, hit.text) for hit in batch]
        )
        places += [
            place
            for hit, tokens in zip(batch, states, strict=True)
            for place in _places(wanted, hit, tokens)
        ]
    return places, reader.frequencies([term])[0]


def _places(wanted: str, hit: Hit, tokens: TokenVectors) -> Sequence[Occurrence]:
    text = embedded_text(hit.passage.headings, hit.text)
    offset = len(text) - len(hit.text)
    return [
        Occurrence(
            hit,
            word.start - offset,
            word.end - offset,
            direction(tokens.states[list(word.tokens)].mean(axis=0)),
        )
        for word in words_of(tokens.offsets, text)
        if word.start >= offset and text[word.start : word.end].casefold() == wanted
    ]
