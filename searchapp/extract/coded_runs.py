"""Runs of base64 and of hexadecimal digits in a text, over one line or many; names, paths,
identifiers and hashes are none.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from searchapp.types.documents import Span

LEAST = 200  # characters of a run
_LEAST_CHANGES = 0.3  # of neighbours in base64, between capitals, small letters and digits
_LEAST_CAPITALS = 0.3  # of capitals in base64 have a capital or a digit after them, in names few
_LEAST_WIDTH = 60  # characters of a full line of base64, which is 60, 64, 72 or 76 wide
_LEAST_PIECE = 24  # characters between the signs of base64, where names have a word or two
_LEAST_LETTERS = 0.06  # of hexadecimal digits; those of a text in ASCII have few
_MOST_LETTERS = 0.7
# hexadecimal digits of hashes, and of public keys
_HASHES = frozenset({32, 40, 48, 56, 64, 66, 96, 128, 130})
_HEXADECIMAL_TAIL = re.compile(r"[ \t\r]*\n[ \t]*((?:[0-9A-Fa-f]{2}){2,60})[ \t\r]*(?:\n|\Z)")
_MOST_WHOLE = 3  # lines as wide as hashes that may be hashes before a shorter one
_MOST_OF_ONE = 0.04  # of the bytes of hashes are the same
_LEAST_OF_ONE = 7
_NOT_IN_NAMES = frozenset("0OIl+/_-")  # base58, which is made for names, does without them

_REPEATED = re.compile(r"(.)\1{3,}+")
_SIGNS = re.compile(r"[-+/_=]+")
_IN_CAPITALS = re.compile(r"[A-Z](?=[A-Z0-9])")
_RUN = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
_JOINT = re.compile(r"[\"'\\,>+ \t\r]*(?:\n[\"'>+b \t\r]*)?")  # between the lines of one run
_TAIL = re.compile(r"[A-Za-z0-9+/_-]{1,120}={0,2}(?=[\"'\\,;)<\s]|\Z)")


def coded_runs(text: str, words: Iterable[Span]) -> Iterator[tuple[int, int, str]]:
    """The runs of base64 or hexadecimal digits that begin in the long words, over as many lines as
    they take: start, end and what they are.
    """
    lines: list[Span] = []
    for match in chain.from_iterable(_RUN.finditer(text, *word) for word in words):
        if not (_is_coded(match[0]) or (lines and match[0].isdecimal())):
            continue
        if lines and _goes_on(text, lines, match.span()):
            lines.append(match.span())
        else:
            yield from _run(text, lines)
            lines = [match.span()]
    yield from _run(text, lines)


def _goes_on(text: str, lines: Sequence[Span], line: Span) -> bool:
    """Whether a line goes on with a run, whose lines are as wide as each other, but for the first
    and the last.
    """
    width = max(end - start for start, end in (*lines[:2], line)[:2])
    is_narrow = width < _LEAST_WIDTH and not _is_hexadecimal(text[slice(*lines[0])])
    if is_narrow or line[1] - line[0] > width or text[lines[-1][1] - 1] == "=":
        return False
    is_full = len(lines) == 1 or lines[-1][1] - lines[-1][0] == width
    return is_full and _JOINT.fullmatch(text, lines[-1][1], line[0]) is not None


def _run(text: str, lines: Sequence[Span]) -> Iterator[tuple[int, int, str]]:
    digits = [text[slice(*line)] for line in lines]
    if sum(map(len, digits)) < LEAST or _is_in_address(text, lines[0][0]):
        return
    widths = [*map(len, digits)]
    if len(lines) > 1 and widths[0] < LEAST and widths.count(max(widths)) < 2:
        return  # words of any length
    start, end = lines[0][0], lines[-1][1]
    if all(map(_is_hexadecimal, digits)):
        letters = sum(sum(map(str.isalpha, line.removeprefix("0x"))) for line in digits)
        is_figures = letters < _LEAST_LETTERS * sum(map(len, digits))
        if is_figures or _are_hashes(text, end, digits):
            return
        kind = "dump of bytes"
    elif _is_of_names("".join(digits)):
        return
    else:
        kind = "base64"
    tail = _TAIL.match(text, joint.end()) if (joint := _JOINT.match(text, end)) else None
    if tail and "\n" in text[end : tail.start()] and len(lines) > 1 and _ends_line(text, tail):
        end = tail.end()
    yield start, end, kind


def _are_hashes(text: str, end: int, lines: Sequence[str]) -> bool:
    """Whether lines as wide as hashes are hashes: all of them are whole, and their bytes are as
    mixed as those of hashes.
    """
    widths = {len(line.removeprefix("0x")) for line in lines}
    tail = _HEXADECIMAL_TAIL.match(text, end)
    ends_short = len(widths) > 1 or (tail is not None and len(tail[1]) < max(widths))
    if not widths <= _HASHES or (ends_short and len(lines) > _MOST_WHOLE):
        return False
    distinct = {line.removeprefix("0x").lower() for line in lines}  # one may stand there often
    digits = "".join(distinct)
    pairs = Counter(
        first + second for first, second in zip(digits[::2], digits[1::2], strict=False)
    )
    count = sum(pairs.values())
    return len(distinct) <= _MOST_WHOLE or pairs.most_common(1)[0][1] < max(
        _LEAST_OF_ONE, _MOST_OF_ONE * count
    )


def _is_of_names(run: str) -> bool:
    """Whether what looks like base64 is names, paths or identifiers: their signs are near each
    other, their capitals begin words, or they are in base58.
    """
    sample = run if len(run) <= 4000 else run[:2000] + run[-2000:]
    sample = _REPEATED.sub("", sample)
    if _NOT_IN_NAMES.isdisjoint(sample):
        return True
    pieces = [piece for piece in _SIGNS.split(sample) if len(piece) >= _LEAST_PIECE]
    coded = [piece for piece in pieces if _is_coded(piece) and not _begins_words(piece)]
    return sum(map(len, coded)) * 2 < len(sample)


def _begins_words(piece: str) -> bool:
    capitals = sum(map(str.isupper, piece))
    return sum(1 for _ in _IN_CAPITALS.finditer(piece)) < _LEAST_CAPITALS * capitals


def _ends_line(text: str, tail: re.Match[str]) -> bool:
    """Whether a piece that may be the last of a run has its line for itself."""
    after = text[tail.end() : tail.end() + 4].lstrip("\"',;)\\ \t\r")
    return (tail[0].endswith("=") or len(tail[0]) >= 4) and (not after or after[0] in "\n<")


def _is_in_address(text: str, start: int) -> bool:
    """Whether a run is a part of the address of a page, which is text."""
    word = text[max(0, start - 300) : start]
    return "://" in (word.split() or [""])[-1] if word and not word[-1].isspace() else False


def _is_coded(word: str) -> bool:
    """Whether a long word is written as base64 or hexadecimal digits are: capitals, small letters
    and digits change places all the time.
    """
    if _is_hexadecimal(word):
        return True
    sample = word[:2000].rstrip("=")
    kinds = [
        3 if letter in "+/_-" else letter.isdigit() + 2 * letter.isupper() for letter in sample
    ]
    if not {0, 2} <= {*kinds}:
        return False
    changes = sum(first != second for first, second in pairwise(kinds))
    repeats = sum(first == second for first, second in pairwise(sample))
    return changes >= _LEAST_CHANGES * (len(sample) - repeats) and 1 in kinds


def _is_hexadecimal(word: str) -> bool:
    """Whether a word is of hexadecimal digits; a long number is none, nor is one letter
    in a row.
    """
    word = word.removeprefix("0x")
    if word.strip("0123456789abcdef") and word.strip("0123456789ABCDEF"):
        return False
    return 0 < sum(map(str.isalpha, word)) <= _MOST_LETTERS * len(word)
