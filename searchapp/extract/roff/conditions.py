"""The conditions and numbers of roff, as a terminal has them: `n` holds, `t` does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_UNITS = {"i": 240, "c": 94, "p": 3, "P": 40, "m": 24, "n": 24, "v": 40, "u": 1, "s": 1, "z": 1}
_LETTERS = {"n": True, "o": True, "t": False, "e": False, "v": False}
_TOKEN = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([icpPmnvusfzM]?)|(<=|>=|==|<\?|>\?|[-+*/%<>=&:()])")
_ESCAPE = re.compile(r"\\(?:w'[^']{0,200}'|[n*$][-+]?(?:\(..|\[[^\]]{0,60}\])|.)")
_NAME = re.compile(r"[ \t]*([^\s\\]+)")
_LIMIT = 2**31
_MAX_DEPTH = 20  # of parentheses


@dataclass(frozen=True, slots=True)
class Value:
    """What a condition asks: texts put in, and which names there are."""

    interpolated: Callable[[str], str]
    is_defined: Callable[[str], bool]
    is_register: Callable[[str], bool]


def condition(rest: str, value: Value) -> tuple[bool, str]:
    """Whether a condition holds, and what follows it on its line."""
    rest = rest.lstrip(" \t")
    negated = False
    while rest.startswith("!"):
        negated, rest = not negated, rest[1:].lstrip(" \t")
    holds, rest = _condition(rest, value)
    return holds != negated, rest


def number(text: str, value: Value) -> int:
    """The value of a numeric expression in basic units; 0 where it is none."""
    tokens = [
        (match[1], match[2], match[3]) for match in _TOKEN.finditer(value.interpolated(text)[:500])
    ]
    tokens.reverse()
    return _expression(tokens, 0)


def _condition(rest: str, value: Value) -> tuple[bool, str]:
    first = rest[:1]
    if first in _LETTERS and not rest[1:2].isalnum():
        return _LETTERS[first], rest[1:]
    if first in ("d", "r", "c", "m", "F", "S") and (match := _NAME.match(rest, 1)):
        name = value.interpolated(match[1])
        holds = (
            value.is_defined(name)
            if first == "d"
            else value.is_register(name)
            if first == "r"
            else first != "F"  # a terminal has no fonts
        )
        return holds, rest[match.end() :]
    if first in _LETTERS:
        return _LETTERS[first], rest[1:]
    if first.isdigit() or first in ("(", "-", "+", ".") or rest.startswith(("\\n", "\\w", "\\$")):
        end = _numeric_end(rest)
        return number(rest[:end], value) > 0, rest[end:]
    if not first or first == "\\":
        expanded = value.interpolated(rest)
        return _condition(expanded, value) if expanded != rest else (False, rest)
    one, _, after = rest[1:].partition(first)
    two, closed, after = after.partition(first)
    return bool(closed) and value.interpolated(one) == value.interpolated(two), after


def _numeric_end(rest: str) -> int:
    """Where the number that a line begins with ends: at a space that no parenthesis holds."""
    depth, at = 0, 0
    while at < len(rest):
        if rest[at] == "\\":
            if rest.startswith("\\{", at):
                return at
            match = _ESCAPE.match(rest, at)
            at = match.end() if match else at + 1
            continue
        depth += (rest[at] == "(") - (rest[at] == ")")
        if rest[at] in " \t" and depth <= 0:
            return at
        at += 1
    return at


def _expression(tokens: list[tuple[str, str, str]], depth: int) -> int:
    """Operators from left to right, none before another, as roff has them."""
    total = _operand(tokens, depth)
    while tokens and tokens[-1][2] not in {"", ")", "("}:
        operator = tokens.pop()[2]
        right = _operand(tokens, depth)
        total = max(-_LIMIT, min(_LIMIT, _result(total, operator, right)))
    return total


def _operand(tokens: list[tuple[str, str, str]], depth: int) -> int:
    sign = 1
    while tokens and tokens[-1][2] in {"-", "+"}:
        sign = -sign if tokens.pop()[2] == "-" else sign
    if not tokens:
        return 0
    digits, unit, mark = tokens.pop()
    if mark == "(" and depth < _MAX_DEPTH:
        inner = _expression(tokens, depth + 1)
        if tokens and tokens[-1][2] == ")":
            tokens.pop()
        return sign * inner
    return sign * int(min(_LIMIT, float(digits) * _UNITS.get(unit, 1))) if digits else 0


def _result(left: int, operator: str, right: int) -> int:
    results: dict[str, int] = {
        "+": left + right,
        "-": left - right,
        "*": left * right,
        "/": int(left / right) if right else 0,
        "%": left % right if right else 0,
        "<": left < right,
        ">": left > right,
        "<=": left <= right,
        ">=": left >= right,
        "=": left == right,
        "==": left == right,
        "&": left > 0 and right > 0,
        ":": left > 0 or right > 0,
        "<?": min(left, right),
        ">?": max(left, right),
    }
    return int(results.get(operator, 0))
