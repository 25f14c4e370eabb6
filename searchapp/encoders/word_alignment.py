"""Words as they are written, put together from the pieces that a tokenizer makes of them. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from searchapp.lexical import spaced

if TYPE_CHECKING:
    from searchapp.types.documents import Span

_APOSTROPHES = frozenset("'\u2019")


class Word(NamedTuple):
    """A word, or another sign that stands alone: `text[start:end]`, and the positions of its
    tokens.
    """

    start: int
    end: int
    tokens: tuple[int, ...]


def words_of(offsets: Iterable[Span], text: str) -> list[Word]:
    """The words that tokens spell, in order; tokens of white space, or of nothing, as special ones,
    belong to none.

    Pieces of one word touch, in a script that sets spaces: "playing", "don't", "naïve" are one
    word; "well-known" is three, and so is every sign of Chinese its own.
    """
    words: list[Word] = []
    for position, (start, end) in enumerate(visible(offsets, text)):
        if start == end:
            continue
        if words and _is_same_word(text, words[-1].end, start):
            last = words.pop()
            words.append(Word(last.start, max(last.end, end), (*last.tokens, position)))
        else:
            words.append(Word(start, end, (position,)))
    return words


def visible(offsets: Iterable[Span], text: str) -> Iterator[Span]:
    """Each token's span without the white space around it; empty where nothing is left."""
    for start, end in offsets:
        token = text[start:end]
        begin = start + len(token) - len(token.lstrip())
        yield begin, begin + len(token.strip())


def _is_same_word(text: str, end: int, start: int) -> bool:
    """Whether a token belongs to the word before: they share a character, or one word goes on in a
    script with spaces.
    """
    if start != end:
        return start < end
    around = text[end - 1 : end + 1]
    if around[0] in _APOSTROPHES or around[1] in _APOSTROPHES:
        apostrophe = end - 1 if around[0] in _APOSTROPHES else end
        around = text[apostrophe - 1 : apostrophe] + text[apostrophe + 1 : apostrophe + 2]
        return len(around) == 2 and around.isalpha() and spaced(around) == around
    return all(map(_is_in_word, around)) and spaced(around) == around


def _is_in_word(character: str) -> bool:
    # marks too, which \w leaves out
    return character == "_" or unicodedata.category(character)[0] in "LMN"
