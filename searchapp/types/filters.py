"""Which documents and passages may answer a question."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or a phrase of several in a row, in any part of a passage or in its document's title
    alone.
    """

    words: tuple[str, ...]
    is_title: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents may answer, and which of their passages; empty filters let all pass."""

    within: tuple[str, ...] = ()  # any of them; what is no path in the corpus is a glob
    outside: tuple[str, ...] = ()  # none of them
    types: tuple[str, ...] = ()  # any of them
    where: tuple[
        tuple[str, str], ...
    ] = ()  # all of them: metadata's name and its value, as `records.is_value` compares it
    since_ns: int | None = None  # document's own date, else the file's mtime; inclusive, unix ns
    before_ns: int | None = None  # exclusive
    labels: tuple[str, ...] = ()  # any of them
    holding: tuple[Term, ...] = ()  # all of them, of a passage
    lacking: tuple[Term, ...] = ()  # none of them, of a passage


def matches_value(value: str, wanted: str) -> bool:
    """True where metadata says what is wanted: the whole value, or one of several with `;` or `,`
    between them.

    Case does not count; `*` and `?` stand for any characters and any one.
    """
    pattern = wanted.strip().casefold().replace("[", "[[]")
    return any(
        fnmatchcase(each.strip().casefold(), pattern) for each in (value, *re.split("[;,]", value))
    )
