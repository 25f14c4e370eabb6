"""Numbers as a spreadsheet shows them: "INV-0042", "1,234.50 €", "(555) 123-4567".

The codes are those of ECMA-376, part 1, 18.8.31. Dates and times, which come in ISO 8601, are not
its business, and fractions stay decimal.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import NamedTuple

_MAX_DECIMALS = 30
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|[_*].|\[(?P<bracket>[^\]]*)\]|(?P<power>E[+-])'
    r"|(?P<general>General)|(?P<digit>[0#?])|(?P<mark>[.,%/@])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_LETTERS = {"literal": "l", "percent": "l", "digit": "d", "point": "p"} | dict.fromkeys(
    ("power", "general", "fraction"), "x"
)
_SIMPLE = re.compile("(l*)d+(?:pd+)?(l*)")
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[\d.]+)")
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_FURTHER = re.compile(r"(?:\.0+)?(?![\w]|[.,]\d)")


class FormattedNumber(str):
    """A number in its format, which is data whatever letters it has."""

    __slots__ = ()


class _Token(NamedTuple):
    kind: str  # "literal", "digit", "point", "comma", "percent", "fraction", "power" or "general"
    text: str


@dataclass(frozen=True, slots=True)
class _FormatSection:
    """What a format says of numbers of one kind: the positive ones, say."""

    tokens: tuple[_Token, ...]
    condition: tuple[str, float] | None
    decimals: int
    percents: int
    thousands: int  # how often it divides by a thousand
    is_grouped: bool

    def shown(self, number: float) -> str:
        """The number without its sign. Raises InvalidOperation where it has too many digits."""
        if any(token.kind == "power" for token in self.tokens):
            return self._with_power(number)
        value = Decimal(format(abs(number), ".15g")) * 100**self.percents
        value = value.scaleb(-3 * self.thousands)
        value = value.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP)
        whole, _, fraction = format(value, "f").partition(".")
        places = [token.text for token in self.tokens if token.kind == "digit"]
        before = places[: len(places) - self.decimals]
        after = places[len(places) - self.decimals :]
        while fraction and after[len(fraction) - 1] != "0" and fraction.endswith("0"):
            fraction = fraction[:-1]
        return self._filled(self._whole_digits(whole, before), fraction, number)

    def _whole_digits(self, whole: str, places: list[str]) -> list[str]:
        """What stands in each place before the point, most in the first one."""
        if not places:
            return []
        least = len(places) - places.index("0") if "0" in places else 0
        digits = ("" if whole == "0" else whole).rjust(least, "0")
        if self.is_grouped:
            return [f"{int(digits):,}".rjust(least, "0") if digits else ""] + [""] * (
                len(places) - 1
            )
        shown = [""] * len(places)
        for place in range(len(places) - 1, 0, -1):
            digits, shown[place] = digits[:-1], digits[-1:]
        shown[0] = digits
        return shown

    def _filled(self, whole: list[str], fraction: str, number: float) -> str:
        pieces: list[str] = []
        waiting = iter(whole)
        is_after = False
        for token in self.tokens:
            if token.kind == "general":
                pieces.append(format(abs(number), ".15g"))
            elif token.kind == "point":
                is_after = True
                pieces.append(f".{fraction}" if fraction else "")
            elif token.kind != "digit":
                pieces.append(token.text)
            elif not is_after:
                pieces.append(next(waiting, ""))
        return " ".join("".join(pieces).split())

    def _with_power(self, number: float) -> str:
        """The number with a power of ten in place of all its digits."""
        digits = format(abs(number), f".{self.decimals}E")
        pieces: list[str] = []
        for token in self.tokens:
            if token.kind == "literal":
                pieces.append(token.text)
            elif token.kind == "digit" and digits:
                pieces.append(digits)
                digits = ""
        return "".join(pieces).strip()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A format of numbers: its sections for positive and negative ones and zero.

    `simple` is what comes before and after the number, and its format in Python, where the first
    section has no more to it.
    """

    sections: tuple[_FormatSection, ...]
    simple: tuple[str, str, str] | None = None

    @property
    def percents(self) -> int:
        """How often the first section takes a hundred times the number."""
        return self.sections[0].percents

    def quickly(self, value: float, digits: str) -> str:
        """What `shown` gives for a positive number, a hundred times as large for a share, where the
        format is simple and need not round; "" elsewhere.
        """
        if self.simple is None:
            return ""
        before, form, after = self.simple
        point = digits.find(".")
        if point >= 0 and len(digits) - point - 1 > self.sections[0].decimals:
            return ""
        return f"{before}{value:{form}}{after}"

    def shown(self, number: float) -> str:
        """The number as people see it; "" where they see no letter and no digit."""
        section, has_sign = self._section_for(number)
        try:
            text = section.shown(number)
        except InvalidOperation:
            return ""
        if not any(map(str.isalnum, text)):
            return ""
        is_zero = not any(digit in text for digit in "123456789")
        return f"-{text}" if has_sign and number < 0 and not is_zero else text

    def _section_for(self, number: float) -> tuple[_FormatSection, bool]:
        """The section that a number goes by, and whether its sign is to be put before it."""
        first, *others = self.sections
        if first.condition:
            for section in self.sections:
                if section.condition is None:
                    return section, True
                comparison, bound = section.condition
                if _COMPARISONS[comparison](number, bound):
                    return section, True
            return self.sections[-1], True
        if number < 0 and others:
            return others[0], False
        return (others[1], False) if number == 0 and len(others) > 1 else (first, True)


def pattern_of(code: str) -> Pattern | None:
    """The format that a code means; None where it shows numbers as they are, or as fractions."""
    sections = tuple(map(_section, _divided(code)[:3]))
    tokens = [token for section in sections for token in section.tokens]
    if any(token.kind == "fraction" for token in tokens):
        return None
    is_plain = all(token.kind == "general" for token in sections[0].tokens)
    if is_plain and len(sections) == 1:
        return None
    return Pattern(sections, _simple(sections[0]))


def _simple(section: _FormatSection) -> tuple[str, str, str] | None:
    """What stands before and after the number, and its format in Python; None for a section with
    more to it.
    """
    kinds = "".join(_LETTERS[token.kind] for token in section.tokens)
    match = _SIMPLE.fullmatch(kinds)
    places = "".join(token.text for token in section.tokens if token.kind == "digit")
    before = places[: len(places) - section.decimals]
    is_usual = re.fullmatch("#*0", before) and set(places[len(before) :]) <= {"0"}
    if not match or not is_usual or section.condition or section.thousands or section.percents > 1:
        return None
    texts = [token.text for token in section.tokens]
    form = f"{',' if section.is_grouped else ''}.{section.decimals}f"
    return "".join(texts[: match.end(1)]).lstrip(), form, "".join(texts[match.start(2) :]).rstrip()


def beside(shown: str, bare: str) -> str:
    """What people see with the bare value behind it, once where they agree."""
    if not shown or shown == bare:
        return bare
    at = shown.find(bare)
    is_whole = at >= 0 and not (at and (shown[at - 1].isalnum() or shown[at - 1] in ".,"))
    if is_whole and _FURTHER.match(shown, at + len(bare)):
        return FormattedNumber(shown)
    if shown.isdecimal() and shown.lstrip("0") == bare:
        return shown  # a part number, a postcode
    return FormattedNumber(f"{shown} ({bare})")


def _divided(code: str) -> list[str]:
    """The sections of a code."""
    sections, start = [], 0
    for token in _TOKEN.finditer(code):
        if token["other"] == ";":
            sections.append(code[start : token.start()])
            start = token.end()
    return [*sections, code[start:]]


def _section(code: str) -> _FormatSection:
    matches = list(_TOKEN.finditer(code))
    tokens = list(filter(None, map(_token, matches)))
    kinds = [token.kind for token in tokens]
    point = kinds.index("point") if "point" in kinds else len(kinds)
    power = kinds.index("power") if "power" in kinds else len(kinds)
    last = max((at for at, kind in enumerate(kinds) if kind == "digit"), default=-1)
    first = kinds.index("digit") if "digit" in kinds else len(kinds)
    commas = [at for at, kind in enumerate(kinds) if kind == "comma" and at > first]
    conditions = (_CONDITION.match(match["bracket"] or "") for match in matches)
    return _FormatSection(
        tuple(token for token in tokens if token.kind != "comma"),
        next(((condition[1], _bound(condition[2])) for condition in conditions if condition), None),
        min(kinds[point:power].count("digit"), _MAX_DECIMALS),
        sum(token.text == "%" and token.kind == "percent" for token in tokens),
        sum(at > last for at in commas),
        any(at < last for at in commas),
    )


def _token(match: re.Match[str]) -> _Token | None:
    """What a piece of a code stands for, None for what only colours, fills or tells conditions."""
    kind = match.lastgroup or ""
    text = match[kind] if kind else ""
    if kind == "bracket":
        symbol = text[1:].partition("-")[0] if text.startswith("$") else ""
        return _Token("literal", symbol) if symbol else None
    if kind == "mark":
        named = {".": "point", ",": "comma", "%": "percent", "/": "fraction"}.get(text)
        return _Token(named, text) if named else None
    if not kind:
        return None
    return _Token(kind if kind in {"digit", "power", "general"} else "literal", text)


def _bound(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
