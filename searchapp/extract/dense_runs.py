"""Runs of base32 and base85 in a text, over one line or many; sequences of letters (DNA, proteins),
qualities of sequences, identifiers and source code are none.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from searchapp.types.documents import Span

_LEAST = 200  # characters of a run
_LEAST_WIDTH = 60  # characters of each line but the last
_SAMPLE = 4000
_IN_BASE32 = re.compile(r"[A-Z2-7]+={0,6}|[a-z2-7]+={0,6}")
_DIGITS_OF_32 = (0.09, 0.3)  # of the characters; 6 of 32 in random bytes
_LETTERS_OF_32 = 20  # that there are at least; a sequence of DNA has four
_SIGNS_OF_85 = (0.12, 0.5)  # of the characters; 23 or 28 of 85 in random bytes
_SIGNS = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_SIGNS_OF_LINE, _SIGNS_OF_RUN = 4, 12  # different ones at least
_CHANGES_OF_85 = 0.55  # of neighbours, between signs, digits, capitals and small letters
_LETTERS_OF_85 = 45
_GAP = re.compile(r"[ \t\r]*\n[ \t]*")
_ASCII85 = re.compile(r"<~[!-uz\s]{200,}?~>")
_TAIL = re.compile(r"[!-~]{5,120}(?=\s*?(?:\n\s*\n|\Z))")


def dense_runs(text: str, words: Iterable[Span]) -> Iterator[tuple[int, int, str]]:
    """The runs that the long words make: start, end and what they are."""
    if "<~" in text:
        yield from (
            (*match.span(), "base85") for match in _ASCII85.finditer(text) if _is_85(match[0])
        )
    lines: list[Span] = []
    kind = ""
    for start, end in words:
        word_kind = _kind(text[start : min(end, start + _SAMPLE)])
        if lines and word_kind == kind and _goes_on(text, lines, (start, end)):
            lines.append((start, end))
            continue
        yield from _run(text, lines, kind)
        lines, kind = ([(start, end)], word_kind) if word_kind else ([], "")
    yield from _run(text, lines, kind)


def _kind(word: str) -> str:
    """What a long word may be a line of, "" for neither."""
    if "://" in word:
        return ""
    if _IN_BASE32.fullmatch(word):
        return "base32" if any(map(str.isdigit, word)) else ""
    has_signs = len(_SIGNS & {*word}) >= _SIGNS_OF_LINE
    return "base85" if has_signs and _changes(word) >= _CHANGES_OF_85 else ""


def _goes_on(text: str, lines: list[Span], line: Span) -> bool:
    """Whether a line goes on with a run, whose lines but the last are equally wide."""
    width = lines[0][1] - lines[0][0]
    last = lines[-1][1] - lines[-1][0]
    is_full = _LEAST_WIDTH <= width == last >= line[1] - line[0]
    return is_full and _GAP.fullmatch(text, lines[-1][1], line[0]) is not None


def _run(text: str, lines: list[Span], kind: str) -> Iterator[tuple[int, int, str]]:
    if not lines:
        return
    start, end = lines[0][0], lines[-1][1]
    run = "".join(text[slice(*line)] for line in lines)
    if len(run) < _LEAST or not (_is_32(run) if kind == "base32" else _is_85(run)):
        return
    if len(lines) > 1 and (gap := _GAP.match(text, end)):
        tail = _TAIL.match(text, gap.end())
        if tail and _is_tail(tail[0], kind):
            end = tail.end()
    yield start, end, kind


def _is_tail(line: str, kind: str) -> bool:
    if kind == "base32":
        return _IN_BASE32.fullmatch(line) is not None and any(map(str.isdigit, line))
    return _changes(line) >= _CHANGES_OF_85 or line.endswith("~>")


def _is_32(run: str) -> bool:
    sample = run[:_SAMPLE].rstrip("=")
    digits = sum(map(str.isdigit, sample)) / len(sample)
    return _DIGITS_OF_32[0] <= digits <= _DIGITS_OF_32[1] and len({*sample}) >= _LETTERS_OF_32


def _is_85(run: str) -> bool:
    sample = run[:_SAMPLE]
    share = sum(letter in _SIGNS for letter in sample) / len(sample)
    return (
        len(_SIGNS & {*sample}) >= _SIGNS_OF_RUN
        and _SIGNS_OF_85[0] <= share <= _SIGNS_OF_85[1]
        and _changes(sample) >= _CHANGES_OF_85
        and len({*sample}) >= _LETTERS_OF_85
    )


def _changes(word: str) -> float:
    """The share of neighbours that are of different kinds, those that are the same apart."""
    kinds = [
        0 if letter.islower() else 1 if letter.isupper() else 2 if letter.isdigit() else 3
        for letter in word
    ]
    pairs = [
        pair
        for pair, letters in zip(pairwise(kinds), pairwise(word), strict=True)
        if letters[0] != letters[1]
    ]
    return sum(first != second for first, second in pairs) / len(pairs) if pairs else 0.0
