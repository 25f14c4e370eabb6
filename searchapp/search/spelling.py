"""Words that may be meant by a mistyped one: those one edit away from it, among the words of a
corpus.

An edit is a letter too many, too few, another one, or two neighbours swapped (Damerau, CACM 1964).
Words are compared without case and accents, as the keyword index compares them, but not by their
stems: what is shown has to be a word. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

LEAST_LETTERS = 5  # of a word that is repaired; of shorter ones too many others are one edit away
_MOST_LETTERS = 40
_WORD = re.compile(rf"(?<![^\W_])[^\W\d_]{{{LEAST_LETTERS - 1},{_MOST_LETTERS}}}(?![^\W_])")
_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "αβγδεζηθικλμνξοπρστυφχψως",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґў",
    "אבגדהוזחטיכלמנסעפצקרשתךםןףץ",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأؤإئىةپچژگک",
    "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆև",
    "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
)


def is_repairable(word: str) -> bool:
    """Whether a word can be told from a mistyped one: letters alone, and enough of them."""
    return LEAST_LETTERS <= len(word) <= _MOST_LETTERS and word.isalpha()


def bare(word: str) -> str:
    """A word as it is compared: without case and accents."""
    lower = word.lower()
    if lower.isascii():
        return lower
    apart = unicodedata.normalize("NFD", lower)
    letters = (c for c in apart if unicodedata.category(c) != "Mn")
    return unicodedata.normalize("NFC", "".join(letters))


def one_edit_away(word: str) -> set[str]:
    """All that a word can become by one edit, bare; of the letters of its alphabets."""
    given = bare(word)
    letters = set(given).union(*(a for a in _ALPHABETS if not set(a).isdisjoint(given)))
    halves = [(given[:i], given[i:]) for i in range(len(given) + 1)]
    edited = {left + right[1:] for left, right in halves if right}
    edited |= {left + right[1] + right[0] + right[2:] for left, right in halves if right[1:]}
    edited |= {left + letter + right[1:] for left, right in halves if right for letter in letters}
    edited |= {left + letter + right for left, right in halves for letter in letters}
    return edited - {given}


def vocabulary(rows: Iterable[Sequence[str]]) -> list[tuple[str, str, int]]:
    """The words of passages that a mistyped one may be meant for: each bare, as it is written in
    small letters, and in how many of the passages.

    A row has a passage's texts, as `lexical.keyword_row` gives them.
    """
    passages: Counter[str] = Counter()
    for row in rows:
        passages.update(set(_WORD.findall("\n".join(row).lower())))
    return [(bare(word), word, count) for word, count in passages.items()]
