"""The part of a passage that a reader looks at first, with what was asked for marked in it.

Pure. Offsets are code points of the excerpt's own text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from searchapp.humanize import safe
from searchapp.lexical import words_of
from searchapp.search.query_parser import STOP_WORDS

if TYPE_CHECKING:
    from searchapp.types.documents import Span

LENGTH = 320  # characters of an excerpt
_STEM = 4  # letters that words of one stem share, at least
_ENDING = 3  # letters by which they differ, at most
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
    asked = [word.casefold() for word, _ in words_of(question)][:_MOST_WORDS]
    wanted = {word for word in asked if word not in STOP_WORDS}
    seen: dict[str, bool] = {}
    marks = []
    for word, span in words_of(text):
        folded = word.casefold()
        if folded not in seen:
            seen[folded] = folded not in STOP_WORDS and any(
                _is_like(folded, other) for other in wanted
            )
        if seen[folded]:
            marks.append(span)
    return marks


def _is_like(word: str, other: str) -> bool:
    if word == other:
        return True
    shared = min(len(word), len(other))
    if shared < _STEM or abs(len(word) - len(other)) > _ENDING:
        return False
    return (
        word[: shared - 1] == other[: shared - 1]
        if shared > _STEM
        else word[:shared] == other[:shared]
    )


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
