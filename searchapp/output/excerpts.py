"""The part of a passage that a reader looks at first, with what was asked for marked in it.

Pure. Offsets are code points of the excerpt's own text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from searchapp.humanize import safe
from searchapp.lexical import fold, words_of
from searchapp.search.query_parser import STOP_WORDS

if TYPE_CHECKING:
    from searchapp.types.documents import Span

LENGTH = 320  # characters of an excerpt
_STEM = 4  # letters that words of one stem share, at least
_ENDING = 3  # letters by which they differ, at most
_WORD = re.compile(r"[^\W_]+")
_MARKED = re.compile(
    "[\u0300-\U0010ffff]"
)  # letters that may have marks, or no spaces between them
_MOST_WORDS = 200  # of a question
_BEFORE = 0.25  # of the excerpt, before what it is about


class Excerpt(NamedTuple):
    """A part of a text, and the places in it that are marked."""

    text: str
    start: int  # in the text that it is a part of
    marks: tuple[Span, ...]  # ascending, apart from each other
    is_whole: bool  # nothing was left out

    @property
    def segments(self) -> list[tuple[str, bool]]:
        """The text cut at its marks: each part, and whether it is marked."""
        parts, at = [], 0
        for begin, end in self.marks:
            parts += [(self.text[at:begin], False), (self.text[begin:end], True)]
            at = end
        return [part for part in [*parts, (self.text[at:], False)] if part[0]]


def excerpt(
    text: str, question: str, *, sentence: Span | None = None, length: int = LENGTH
) -> Excerpt:
    """The part of a text with most of a question's words, which are marked; with its best sentence
    where that is known. Words that stand in most texts are not marked.
    """
    marks = marks_of(text, question)
    begin = sentence[0] if sentence else _densest(marks, length)
    start, end = _window(text, begin, length)
    inside = tuple((a - start, b - start) for a, b in marks if start <= a and b <= end)
    return Excerpt(safe(text[start:end]), start, inside, (start, end) == (0, len(text)))


def marks_of(text: str, question: str) -> list[Span]:
    """Where a text has the words of a question, or others of their stem."""
    asked = _asked(question)
    return [span for word, span in _words(text) if asked.has(word)]


class _QuestionWords:
    """The words of a question that are marked, and which other words are taken for them."""

    def __init__(self, question: str) -> None:
        words = [word.casefold() for word, _ in words_of(question)][:_MOST_WORDS]
        self._by_start: dict[str, list[str]] = {}  # by their first letters, which all forms share
        for word in words:
            if word not in STOP_WORDS:
                self._by_start.setdefault(word[:_STEM], []).append(word)
        self._known: dict[str, bool] = {}

    def has(self, word: str) -> bool:
        """Whether a word is one of the question's, or of the stem of one."""
        if word not in self._known:
            folded = word.casefold()
            others = self._by_start.get(folded[:_STEM], ())
            self._known[word] = folded not in STOP_WORDS and any(
                _is_like(folded, other) for other in others
            )
        return self._known[word]


@lru_cache(maxsize=16)
def _asked(question: str) -> _QuestionWords:
    return _QuestionWords(question)


def _words(text: str) -> Iterable[tuple[str, Span]]:
    """The words of a text with their spans; those of most texts without a look at each letter."""
    if _MARKED.search(text):
        return words_of(text)
    return ((fold(word[0]), word.span()) for word in _WORD.finditer(text))


def _is_like(word: str, other: str) -> bool:
    """Whether two words that begin alike are of one stem: but for the last letters."""
    if word == other:
        return True
    shared = min(len(word), len(other))
    if shared < _STEM or abs(len(word) - len(other)) > _ENDING:
        return False
    return word[: max(_STEM, shared - 1)] == other[: max(_STEM, shared - 1)]


def _densest(marks: Sequence[Span], length: int) -> int:
    """The place from which on most marks are within a length; the first of several such."""
    best, begin, first = 0, 0, 0
    for last, (_, end) in enumerate(marks):
        while end - marks[first][0] > length:
            first += 1
        if last - first + 1 > best:
            best, begin = last - first + 1, marks[first][0]
    return begin


def _window(text: str, begin: int, length: int) -> Span:
    """About so many characters around a place, cut at blanks."""
    if len(text) <= length:
        return 0, len(text)
    start = min(max(0, begin - int(length * _BEFORE)), len(text) - length)
    end = start + length
    if start and (blank := _blank_after(text, start, begin)):
        start = blank
    if (
        end < len(text)
        and (blank := max(text.rfind(" ", begin + 1, end), text.rfind("\n", begin + 1, end)))
        > start
    ):
        end = blank
    return start, end


def _blank_after(text: str, start: int, before: int) -> int:
    """Where the first word after a place begins, 0 where none does before another place."""
    for i in range(start, before):
        if text[i].isspace():
            return i + 1
    return 0
