"""The address of the search page: it is all that the page's state is, so that it can be kept, sent
and gone back to.

Pure; knows neither requests nor what is found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal
from urllib.parse import urlencode

MODE = "hybrid"  # of a page that says nothing else
MATCHES, MOST_MATCHES = 10, 100  # at first, and at most
AROUND = 2  # passages that are shown before and after a match at first
SEARCH, READING = "/fragments/search", "/fragments/reading"  # parts of the page

Tab = Literal["text", "page"]


@dataclass(frozen=True, slots=True)
class SearchAddress:
    """What is asked, which match is read, and how; each is a parameter of the address, without the
    underscore behind it.
    """

    q: str = ""
    mode: str = MODE
    in_: tuple[str, ...] = ()  # absolute paths, or globs
    type_: tuple[str, ...] = ()
    since: str = ""
    before: str = ""
    label: tuple[str, ...] = ()
    like: tuple[int, ...] = ()  # passages to find the like of
    k: int = MATCHES
    match: int | None = None  # the passage that is read
    tab: Tab = "text"
    page: int | None = None  # of a PDF; None: the one that the match stands on
    above: int = AROUND  # passages shown before the match
    below: int = AROUND  # and after it
    why: bool = False

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> SearchAddress:
        """The state in the parameters of an address, which were checked."""
        given: dict[str, Any] = {}
        for each in fields(cls):
            value = said.get(each.name.rstrip("_"))
            if value is not None:
                given[each.name] = tuple(value) if isinstance(value, list) else value
        given["why"] = bool(given.get("why"))
        return cls(**given)

    @property
    def is_question(self) -> bool:
        """Whether anything is asked."""
        return bool(self.q.strip() or self.like)

    @property
    def filters(self) -> list[tuple[str, str]]:
        """The parameters that only let some documents through."""
        dates = [(name, getattr(self, name)) for name in ("since", "before")]
        return [
            *_repeated("in", self.in_),
            *_repeated("type", self.type_),
            *_repeated("label", self.label),
            *((name, value) for name, value in dates if value),
        ]

    def href(self, path: str = "/", anchor: str = "", **changes: Any) -> str:
        """The address with some of it changed, what is as by default left out."""
        parameters = replace(self, **changes)._parameters()
        query = urlencode(parameters, errors="surrogateescape")
        return f"{path}{f'?{query}' if query else ''}{f'#{anchor}' if anchor else ''}"

    def reading(self, passage_id: int | None, anchor: str = "here", **changes: Any) -> str:
        """The address at which a passage is read, from its start; None: no passage."""
        start: dict[str, Any] = {
            "match": passage_id,
            "page": None,
            "above": AROUND,
            "below": AROUND,
            "tab": "text",
        }
        return self.href(anchor=anchor if passage_id is not None else "", **(start | changes))

    def toggled(self, name: str, value: str) -> str:
        """The address with a value of a facet let through alone, too, or no longer."""
        if name == "year":
            is_on = self.has(name, value)
            dates = {"since": "", "before": ""}
            if not is_on:
                dates = {"since": value, "before": str(int(value) + 1)}
            return self._other_matches(**dates)
        field = {"folder": "in_", "type": "type_", "label": "label"}[name]
        values = getattr(self, field)
        changed = tuple(v for v in values if v != value) if value in values else (*values, value)
        return self._other_matches(**{field: changed})

    def has(self, name: str, value: str) -> bool:
        """Whether a value of a facet is let through."""
        if name == "year":
            is_year = value.isascii() and value.isdigit()
            return is_year and (self.since, self.before) == (value, str(int(value) + 1))
        return value in {"folder": self.in_, "type": self.type_, "label": self.label}[name]

    def unfiltered(self) -> str:
        """The address with everything let through."""
        return self._other_matches(in_=(), type_=(), label=(), since="", before="")

    def _other_matches(self, **changes: Any) -> str:
        """The address of other matches, of which none is read yet."""
        return self.reading(None, k=MATCHES, **changes)

    def _parameters(self) -> list[tuple[str, str]]:
        usual = SearchAddress()
        parameters = []
        for each in fields(self):
            name, value = each.name.rstrip("_"), getattr(self, each.name)
            if value == getattr(usual, each.name):
                continue
            if isinstance(value, tuple):
                parameters += _repeated(name, value)
            else:
                parameters.append((name, "1" if value is True else str(value)))
        return parameters


def _repeated(name: str, values: Sequence[object]) -> list[tuple[str, str]]:
    return [(name, str(value)) for value in values]
