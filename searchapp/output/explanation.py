"""Why a match has its rank: its legs, the parts of its score, and what its words add to the cosine.

A person is told each word once, and none that stands in every text. Pure; a query that asks for no
explanation does not import this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from searchapp.humanize import one_line
from searchapp.output.terminal import filled, truncate
from searchapp.search.query_parser import STOP_WORDS

if TYPE_CHECKING:
    from searchapp.types.results import CosineShares, Match, WordShare

_WORDS_SHOWN = 8
_FIGURE = 16  # columns beside a word: its share, and how often it occurs

_EDGES = re.compile(r"^\W+|\W+$")
_CONTRACTION = re.compile(r"['’]\w+$|n['’]t$")  # it's, you're, don't


def explanation_fields(match: Match) -> list[str]:
    """The lines that a pipe gets below a match; every token of the passage counts as a word."""
    lines = [f"legs: {', '.join(_legs(match))}"]
    if parts := _parts(match):
        lines.append(f"score: {' '.join(parts)}")
    if match.shares:
        strongest = sorted(match.shares.words, key=lambda word: (-round(word.share, 3), word.start))
        words = (f"{_shown(match, word)} {word.share:+.3f}" for word in strongest[:_WORDS_SHOWN])
        lines += [f"cosine: {' '.join(_sum(match.shares))}", f"words: {', '.join(words)}"]
    return lines


def explanation_lines(match: Match, columns: int) -> list[str]:
    """The lines of at most so many columns that a person gets below a match."""
    lines = _filled("legs:", _separated(_legs(match)), columns)
    lines += _filled("score:", _parts(match), columns)
    if match.shares:
        lines += _filled("cosine:", _sum(match.shares), columns)
        lines += _filled("words:", _separated(_words(match, columns - _FIGURE)), columns)
    return lines


def telling_highlights(match: Match) -> tuple[tuple[int, int, float], ...]:
    """The highlights of words that tell one text from another, with the strongest at 1."""
    telling = [
        (start, end, weight)
        for start, end, weight in match.highlights
        if _is_telling(match.hit.text[start:end])
    ]
    most = max((weight for _, _, weight in telling), default=1.0)
    return tuple((start, end, weight / most) for start, end, weight in telling)


# ---- what is said --------------------------------------------------------------------------------


def _legs(match: Match) -> list[str]:
    return [f"{name} {leg.score:.3f} (rank {leg.rank:,})" for name, leg in match.legs.items()]


def _parts(match: Match) -> list[str]:
    """The score as the sum of its parts; nothing where it is all of one."""
    parts = [f"{part:+.3f} {name}" for name, part in match.parts.items() if round(part, 3)]
    return [f"{match.score:.3f} =", *parts] if len(match.parts) > 1 else []


def _sum(shares: CosineShares) -> list[str]:
    words = sum(word.share for word in shares.words)
    return [
        f"{shares.cosine:.3f} =",
        f"{words:+.3f} words",
        f"{shares.headings:+.3f} headings",
        f"{shares.special:+.3f} special tokens",
    ]


def _words(match: Match, widest: int) -> list[str]:
    """The telling words that add most, each once with all that it adds: "oven +0.034 (2)"."""
    places: dict[str, list[WordShare]] = {}
    for word in match.shares.words if match.shares else ():
        text = match.hit.text[word.start : word.end]
        if _is_telling(text):
            places.setdefault(_EDGES.sub("", text).casefold(), []).append(word)
    added = [(sum(word.share for word in words), words) for words in places.values()]
    # what is shown as equal stands in the order of the text
    added.sort(key=lambda pair: (-round(pair[0], 3), pair[1][0].start))
    return [
        f"{truncate(_shown(match, words[0]), max(widest, 4))} {share:+.3f}"
        + (f" ({len(words)})" if len(words) > 1 else "")
        for share, words in added[:_WORDS_SHOWN]
    ]


def _shown(match: Match, word: WordShare) -> str:
    return one_line(match.hit.text[word.start : word.end])


def _is_telling(word: str) -> bool:
    """Whether a word is neither punctuation nor among those that stand in most English texts."""
    bare = _EDGES.sub("", word).casefold()
    forms = (bare, *(bare[: contraction.start()] for contraction in _CONTRACTION.finditer(bare)))
    return any(character.isalnum() for character in bare) and STOP_WORDS.isdisjoint(forms)


# ---- lines ---------------------------------------------------------------------------------------


def _separated(parts: Sequence[str]) -> list[str]:
    return [f"{part}," for part in parts[:-1]] + list(parts[-1:])


def _filled(name: str, parts: Sequence[str], columns: int) -> list[str]:
    """The parts behind their name, and on further lines below the first part; nothing where there
    are none.
    """
    named = [f"{name} {part}" for part in parts[:1]]
    return filled([*named, *parts[1:]], columns, margin=" " * (len(name) + 1))
