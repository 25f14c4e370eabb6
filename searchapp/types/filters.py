"""Which documents and passages may answer a question.

`Filters.parse` is the only reading of filters as people and programs write them: it resolves paths
against the working directory, and reads no file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import NamedTuple, TypedDict, TypeVar, Unpack

from searchapp.errors import BadFilter, EmptyRange, QueryTooLarge
from searchapp.types.dates import moment_ns, relative_ns
from searchapp.types.places import resolve_place

T = TypeVar("T", bound=str | os.PathLike[str])

MAX_FILTERS = 10_000
MOST_LISTED = 100  # passages that hold a term, of which a reader says which they are
FEW = 3  # passages that hold a word, at most, for it to tell whom or what is asked for
# Names that people give types, with ours.
_TYPES = {
    "htm": "html",
    "jpeg": "jpg",
    "markdown": "md",
    "python": "py",
    "restructuredtext": "rst",
    "text": "txt",
    "yml": "yaml",
}


class FilterOptions(TypedDict, total=False):
    """Filters by name, as they are written."""

    within: Sequence[str | os.PathLike[str]]  # paths, or globs
    types: Sequence[str]  # "pdf", ".md", "python"
    since: str | None  # an ISO date, its month and day may be left out; or "7d", "last month"
    before: str | None
    where: Sequence[str]  # "author=Anna"
    labels: Sequence[str]


class Term(NamedTuple):
    """A word, or a phrase of several in a row, in any part of a passage or in its document's title
    alone; of the last word, any longer one may stand in its place.
    """

    words: tuple[str, ...]
    is_title: bool = False
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents may answer, and which of their passages; empty filters let all pass."""

    within: tuple[str, ...] = ()  # any of them; a glob is what `is_glob` says and is no document
    outside: tuple[str, ...] = ()  # none of them
    types: tuple[str, ...] = ()  # any of them
    where: tuple[tuple[str, str], ...] = ()  # all of them: name and value, as `matches_value` says
    since_ns: int | None = None  # document's own date, else the file's mtime; inclusive, unix ns
    before_ns: int | None = None  # exclusive
    labels: tuple[str, ...] = ()  # any of them
    holding: tuple[Term, ...] = ()  # all of them, of a passage
    lacking: tuple[Term, ...] = ()  # none of them, of a passage

    @property
    def size(self) -> int:
        """How many conditions there are, dates and terms not counted."""
        return sum(map(len, (self.within, self.outside, self.types, self.where, self.labels)))

    @classmethod
    def parse(cls, **options: Unpack[FilterOptions]) -> Filters:
        """The filters in what a person or a program writes; raises BadFilter where they make no
        sense, and QueryTooLarge where they are too many.
        """
        since, before = options.get("since"), options.get("before")
        since_ns, before_ns = _moment_ns(since, "--since"), _moment_ns(before, "--before")
        if since_ns is not None and before_ns is not None and since_ns >= before_ns:
            raise EmptyRange(
                f"nothing is from {since} on and before {before}",
                hint="--since is the earlier date, --before the later one",
            )
        filters = cls(
            within=tuple(map(resolve_place, each_of(options.get("within", ())))),
            types=tuple(
                _type(name)
                for some in each_of(options.get("types", ()))
                for name in some.split(",")
            ),
            where=tuple(map(_condition, each_of(options.get("where", ())))),
            since_ns=since_ns,
            before_ns=before_ns,
            labels=tuple(each_of(options.get("labels", ()))),
        )
        filters.require_bound()
        return filters

    def require_bound(self) -> None:
        """Raise QueryTooLarge where there are more conditions than a database can take."""
        if self.size > MAX_FILTERS:
            raise QueryTooLarge(
                f"{self.size:,} filters; {MAX_FILTERS:,} are the most",
                hint="name a folder or a glob that has them all",
            )


def each_of(values: T | Sequence[T]) -> Sequence[T]:
    """The values; a lone text or path is one of them."""
    return (values,) if isinstance(values, (str, os.PathLike)) else values


def matches_value(value: str, wanted: str) -> bool:
    """Whether metadata says what is wanted: the whole value, or one of several with `;` or `,`
    between them.

    Case does not count; `*` and `?` stand for any characters and any one.
    """
    pattern = wanted.strip().casefold().replace("[", "[[]")
    return any(
        fnmatchcase(part.strip().casefold(), pattern) for part in (value, *re.split("[;,]", value))
    )


def _type(text: str) -> str:
    name = text.lower().lstrip(".")
    if not name:
        raise BadFilter(
            "an empty type",
            hint="name one, as pdf or md; `searchapp list` shows those of the corpus",
        )
    return _TYPES.get(name, name)


def _condition(text: str) -> tuple[str, str]:
    """A condition on metadata, its name and value."""
    name, sign, value = text.partition("=")
    if not (name.strip() and sign and value.strip()):
        raise BadFilter(
            f"--where: {text!r} is no condition",
            hint="write it as author=Anna or tags='*travel*'; `searchapp show` lists the metadata "
            "of a document",
        )
    return name.strip(), value.strip()


def _moment_ns(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        return moment_ns(text)
    except ValueError:
        pass
    try:
        return relative_ns(text, datetime.now().astimezone())
    except (ValueError, OverflowError) as error:
        raise BadFilter(
            f"{option}: {text!r} is not a date",
            hint="write it as 2024-05-31, 2024-05, 2024, 7d, yesterday or 'last month'",
        ) from error
