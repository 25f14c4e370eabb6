"""One line of a .gitignore: which paths it speaks of, as git would say.

Git's own matcher tries every way to share a name among the stars of a pattern, which for a hostile
line takes longer than the world has stood. Here each stretch between two stars is taken where it
first fits: nothing is gained by taking it later, so the time is at most pattern times path. A
character counts as one, also where git, which sees bytes, counts several. Knows no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

_SPECIAL = "*?[\\"
_CLASSES: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r"\ \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": r"\ -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\ \t\n\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_SLASH, _STARS, _STARSTAR = "/", "*", "**"  # the tokens that are not a regular expression of one

_Stretch: TypeAlias = "tuple[re.Pattern[str], ...]"  # an expression of each component


@dataclass(frozen=True, slots=True)
class IgnorePattern:
    """A pattern; `matches` says whether it speaks of a path, `is_negative` what it says then."""

    is_negative: bool  # with "!": what it matches is taken
    is_folder_only: bool  # with "/" at the end
    is_of_name: bool  # without another slash: of the last component, at any depth
    prefix: str  # the path begins with it, letter by letter
    stretches: tuple[_Stretch, ...]  # of the rest, with a "**" between each two; () for no rest

    def matches(self, path: str, *, folder: bool) -> bool:
        """Whether the pattern speaks of exactly this path, relative to where the pattern stands;
        whether it is ignored with a folder above it is another question.
        """
        if self.is_folder_only and not folder:
            return False
        subject = path.rpartition("/")[2] if self.is_of_name else path
        if not self.stretches:
            return subject == self.prefix
        if not subject.startswith(self.prefix):
            return False
        return _fit(self.stretches, subject[len(self.prefix) :].split("/"))


def parse_pattern(line: str) -> IgnorePattern | None:
    """The pattern of a line of a rule file; None where it says nothing, as a comment or an empty
    line, or could match no path.
    """
    text = _without_trailing_spaces(line.removesuffix("\r").partition("\0")[0])
    if not text or text.startswith("#"):
        return None
    is_negative = text.startswith("!")
    text = text[is_negative:]
    is_folder_only = text.endswith("/")
    text = text[: len(text) - is_folder_only]
    is_of_name = "/" not in text
    text = text.removeprefix("/")
    if not text:
        return None
    first = next((i for i, character in enumerate(text) if character in _SPECIAL), len(text))
    prefix, rest = text[:first], text[first:]
    tokens = _tokens(rest)
    if tokens is None:
        return None
    stretches = _stretches(tokens, is_of_name=is_of_name) if tokens else ()
    return IgnorePattern(is_negative, is_folder_only, is_of_name, prefix, stretches)


def parse_patterns(text: str) -> list[IgnorePattern]:
    """The patterns of a rule file, in its order."""
    lines = text.removeprefix("\ufeff").split("\n")
    return [pattern for line in lines if (pattern := parse_pattern(line)) is not None]


def last_match(patterns: Sequence[IgnorePattern], path: str, *, folder: bool) -> bool | None:
    """What the last pattern that speaks of a path says: True that it is matched, False that it is
    not; None where none speaks of it.
    """
    for pattern in reversed(patterns):
        if pattern.matches(path, folder=folder):
            return not pattern.is_negative
    return None


# ---- matching ------------------------------------------------------------------------------------


def _fit(stretches: Sequence[_Stretch], names: Sequence[str]) -> bool:
    """Whether the stretches match the names: each between two "**" stands where it first fits, the
    last one at the end. A "**" at the end takes at least one name.
    """
    first, *others = stretches
    if not _stands_at(first, names, 0):
        return False
    at = len(first)
    if not others:
        return at == len(names)
    *between, last = others
    for stretch in between:
        at = next((i for i in range(at, len(names)) if _stands_at(stretch, names, i)), len(names))
        at += len(stretch)
    end = len(names) - len(last)
    return at <= end and _stands_at(last, names, end) if last else at < len(names)


def _stands_at(stretch: _Stretch, names: Sequence[str], at: int) -> bool:
    return at + len(stretch) <= len(names) and all(
        component.fullmatch(names[at + i]) for i, component in enumerate(stretch)
    )


# ---- reading a pattern ---------------------------------------------------------------------------


def _without_trailing_spaces(line: str) -> str:
    r"""The line without the spaces at its end, except one after a backslash."""
    text = line.rstrip(" ")
    backslashes = len(text) - len(text.rstrip("\\"))
    return line[: len(text) + 1] if backslashes % 2 else text


def _tokens(text: str) -> list[str] | None:
    """The parts of a pattern: `_SLASH`, `_STARS` (one or more stars), `_STARSTAR` (stars that are a
    whole component), or the regular expression of one character. None where it can match nothing.
    """
    tokens: list[str] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character == "*":
            stars = re.compile(r"\*+").match(text, at)
            end = stars.end() if stars else at + 1
            is_component = (not tokens or tokens[-1] == _SLASH) and (
                end == len(text) or text.startswith(("/", "\\/"), end)
            )
            tokens.append(_STARSTAR if end - at > 1 and is_component else _STARS)
            if tokens[-1] == _STARSTAR and text.startswith("\\", end):
                tokens += [_SLASH, _STARS]  # before an escaped slash it takes at least one name
            at = end
        elif character == "?":
            tokens.append(".")
            at += 1
        elif character == "[":
            character_class = _character_class(text, at + 1)
            if character_class is None:
                return None
            token, at = character_class
            tokens.append(token)
        else:
            at += character == "\\"
            if at == len(text):
                return None
            tokens.append(_SLASH if text[at] == "/" else re.escape(text[at]))
            at += 1
    return tokens


def _character_class(text: str, at: int) -> tuple[str, int] | None:
    """The regular expression of a class whose "[" stands before `at`, and where it ends; None where
    it has no end, or names a class that there is not.
    """
    is_negated = text.startswith(("!", "^"), at)
    at += is_negated
    ranges: list[str] = []
    before = ""  # the character that may begin a range
    is_first = True
    while is_first or not text.startswith("]", at):
        is_first = False
        if at >= len(text):
            return None
        if text.startswith("[:", at) and (named := _named_class(text, at)) is not None:
            name, at = named
            if name not in _CLASSES:
                return None
            ranges.append(_CLASSES[name])
            before = ""
            continue
        if text[at] == "-" and before and at + 1 < len(text) and text[at + 1] != "]":
            at += 2 if text[at + 1] == "\\" else 1
            if at >= len(text):
                return None
            if before <= text[at]:
                ranges.append(f"{re.escape(before)}-{re.escape(text[at])}")
            before = ""
        else:
            at += text[at] == "\\"
            if at >= len(text):
                return None
            before = text[at]
            ranges.append(re.escape(before))
        at += 1
    inside = "".join(ranges)
    return f"[{'^' if is_negated else ''}{inside}]", at + 1


def _named_class(text: str, at: int) -> tuple[str, int] | None:
    """The name in "[:name:]" at a place, and where that ends; None where it is a plain "["."""
    end = text.find("]", at + 2)
    if end < 0:
        return "", len(text)  # not a class, and no end of the whole either
    return (text[at + 2 : end - 1], end + 1) if end > at + 2 and text[end - 1] == ":" else None


def _stretches(tokens: Sequence[str], *, is_of_name: bool) -> tuple[_Stretch, ...]:
    """The components between two "**" each, as expressions."""
    if is_of_name:
        return ((_expression(tokens),),)
    stretches: list[list[re.Pattern[str]]] = [[]]
    component: list[str] = []
    for token in [*tokens, _SLASH]:
        if token != _SLASH:
            component.append(token)
        elif component == [_STARSTAR]:
            stretches.append([])
            component = []
        else:
            stretches[-1].append(_expression(component))
            component = []
    return tuple(map(tuple, stretches))


def _expression(tokens: Iterable[str]) -> re.Pattern[str]:
    """An expression of one component that never tries a star again: what follows a star is taken
    where it first fits, and what follows the last one at the end.
    """
    stretches: list[str] = [""]
    for token in tokens:
        if token in (_STARS, _STARSTAR):
            stretches.append("")
        else:
            stretches[-1] += token
    if len(stretches) == 1:
        return re.compile(stretches[0], re.DOTALL)
    first, *between, last = stretches
    atomic = "".join(f"(?>.*?{stretch})" for stretch in between if stretch)
    return re.compile(f"{first}{atomic}.*{last}", re.DOTALL)
