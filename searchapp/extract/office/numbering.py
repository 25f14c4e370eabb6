"""The numbers that word processors put before paragraphs by themselves: "2.1", "(b)", "Article IV".

Only the rules are in a file, so they are counted here, as Word counts; which paragraph is in which
list is the readers' business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

LEVELS = 9  # of a list
BULLET, NO_NUMBER = "bullet", "none"

_LONGEST_LABEL = 60  # characters
_PLACE = re.compile("%([1-9])")
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщыэюя"
_HAN = "〇一二三四五六七八九"
_UNITS = str.split(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = str.split("- - twenty thirty forty fifty sixty seventy eighty ninety")
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth"} | {
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


@dataclass(frozen=True, slots=True)
class Level:
    """How a level of a list is numbered; `text` has %1 where the number of the first level goes."""

    start: int = 1
    form: str = "decimal"  # a name of WordprocessingML: "lowerLetter", "upperRoman"
    text: str = ""
    is_legal: bool = False  # all its numbers are decimal
    restarts_after: int = LEVELS  # a level above it, from 1, whose next number restarts it; 0: none
    style: str = ""  # whose paragraphs are of this level


@dataclass(frozen=True, slots=True)
class ListUse:
    """A list as paragraphs refer to it; those with the same key go on counting where another
    ended.
    """

    key: Hashable
    levels: Mapping[int, Level]
    restarts: Mapping[int, int] = field(default_factory=dict)  # by level: the first number


class Numbering:
    """One way through a document: the label of each paragraph, in order."""

    def __init__(self, use_of: Callable[[str], ListUse | None]) -> None:
        self._use_of = use_of
        self._counts: dict[Hashable, list[int | None]] = {}
        self._begun: set[tuple[str, int]] = set()

    def label(self, use_id: str, level: int, start: int | None = None) -> str:
        """The label of the next paragraph of a list, "" for one with a bullet or of no list;
        `start` is the number that it begins anew with.
        """
        use = self._use_of(use_id)
        if use is None or level not in use.levels:
            return ""
        counts = self._counts.setdefault(use.key, [None] * LEVELS)
        known = counts[level]
        restarts = level in use.restarts and (use_id, level) not in self._begun
        self._begun.add((use_id, level))
        counts[level] = _start(use, level) if known is None or restarts else known + 1
        if start is not None:
            counts[level] = start
        for deeper in range(level + 1, LEVELS):
            if counts[deeper] is not None and _is_restarted(use, deeper, level):
                counts[deeper] = None
        return _label(use, level, counts)


def number_text(number: int, form: str) -> str:
    """A number in a form of WordprocessingML; the decimal one where the form is not known."""
    if number < 1:
        return "" if form == NO_NUMBER else str(number)
    text = _spelled(number, form)
    return str(number) if text is None else text


def _spelled(number: int, form: str) -> str | None:
    if form.startswith(("lower", "upper")):
        text = _counted(number, form[5:])
        return text.upper() if text and form.startswith("upper") else text
    if form.startswith("russian"):
        text = _repeated(number, _RUSSIAN)
        return text.upper() if text and form.endswith("Upper") else text
    if form in {"cardinalText", "ordinalText"} and number < 100:
        return _in_words(number, ordinal=form == "ordinalText").capitalize()
    if form == "ordinal":
        return f"{number}{_ordinal_ending(number)}"
    if form == "decimalZero":
        return f"{number:02}"
    if form.startswith("decimalEnclosed") and number <= 20:
        return {
            "decimalEnclosedFullstop": f"{number}.",
            "decimalEnclosedParen": f"({number})",
        }.get(form, chr(0x245F + number))
    if form.startswith(("chineseCounting", "japaneseCounting", "taiwaneseCounting")):
        return _in_han(number) if number < 100 else None
    if form in {"ideographDigital", "koreanDigital", "chineseLegalSimplified"}:
        return "".join(_HAN[int(digit)] for digit in str(number))
    return "" if form in {NO_NUMBER, BULLET} else None


def _counted(number: int, name: str) -> str | None:
    if name == "Letter":
        return _repeated(number, _LATIN)
    if name != "Roman" or number > 3999:
        return None
    text = ""
    for value, letters in _ROMAN:
        text += letters * (number // value)
        number %= value
    return text


def _repeated(number: int, letters: str) -> str | None:
    """a, b ... z, aa, bb: letters are repeated, not counted on."""
    times, index = divmod(number - 1, len(letters))
    return letters[index] * (times + 1) if times < 10 else None


def _in_words(number: int, *, ordinal: bool) -> str:
    first, unit = ("", number) if number < 20 else (_TENS[number // 10], number % 10)
    last = _UNITS[unit] if unit or not first else ""
    if ordinal:
        last = _ORDINALS.get(last, f"{last}th") if last else ""
        first = first if last else f"{first[:-1]}ieth"
    return "-".join(filter(None, (first, last)))


def _ordinal_ending(number: int) -> str:
    if number % 100 in {11, 12, 13}:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _in_han(number: int) -> str:
    tens, unit = divmod(number, 10)
    first = "" if tens == 0 else "十" if tens == 1 else f"{_HAN[tens]}十"
    return first + (_HAN[unit] if unit else "")


def _start(use: ListUse, level: int) -> int:
    return use.restarts.get(level, use.levels[level].start)


def _is_restarted(use: ListUse, level: int, above: int) -> bool:
    """Whether a level begins again below the next number of one above it."""
    return level not in use.levels or above < use.levels[level].restarts_after


def _label(use: ListUse, level: int, counts: list[int | None]) -> str:
    own = use.levels[level]
    if own.form == BULLET:
        return ""

    def written(place: re.Match[str]) -> str:
        index = int(place[1]) - 1
        if index > level or index not in use.levels:
            return ""
        form = use.levels[index].form
        number = counts[index]
        return number_text(
            _start(use, index) if number is None else number,
            "decimal" if own.is_legal and form != NO_NUMBER else form,
        )

    return " ".join(_PLACE.sub(written, own.text[:_LONGEST_LABEL]).split())
