"""The one form of a question, whoever asks: the command line, Python, and every face to come.

`Query` says what is asked and how. It is checked when it is made, so that whoever holds one can ask
it. It knows nothing of corpora: what it leaves open, the settings of a corpus decide.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

from searchapp.errors import (
    BadFilter,
    BadSetting,
    EmptyQuery,
    QueryTooLarge,
    UnknownMode,
    UsageError,
)
from searchapp.humanize import did_you_mean
from searchapp.search.query_options import FACETS, MODES
from searchapp.search.ranking import WEIGHT
from searchapp.types.filters import FilterOptions, Filters, each_of
from searchapp.types.places import resolve_path

# The most of one query, so that it is answered in seconds.
MAX_CHARACTERS, MAX_QUESTIONS = 50_000, 100


class QueryOptions(FilterOptions, total=False):
    """How to ask, by name, as people and programs give it: see `Query` and `Filters.parse`."""

    filters: Filters  # in place of those that `Filters.parse` takes
    k: int
    mode: str | None
    weight: float | None
    negative: Sequence[str]
    like: Sequence[str | os.PathLike[str]]
    like_passages: Sequence[tuple[int, str]]
    like_documents: Sequence[int]
    min_score: float | None
    min_confidence: float | None
    per_document: int | None
    collapse: bool
    exact: bool
    literal: bool
    highlights: bool
    shares: bool
    facets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Query:
    """A question, and how to answer it.

    Sequences become tuples, paths absolute, bytes that are no text question marks. Raises
    EmptyQuery, QueryTooLarge, UnknownMode, BadSetting or BadFilter for a question that no corpus
    can answer, and ValueError for a `k` or `per_document` below 1.
    """

    texts: Sequence[str] = ()  # several are fused into one question
    k: int = 10  # how many matches
    mode: str | None = None  # one of MODES; None: the corpus's own, or cosine
    weight: float | None = None  # of the keyword leg, 0 to 1; None: the corpus's own, or WEIGHT
    filters: Filters = field(default_factory=Filters)
    negative: Sequence[str] = ()  # meanings to keep away from
    like: Sequence[str | os.PathLike[str]] = ()  # files to find the like of
    like_passages: Sequence[tuple[int, str]] = ()  # passages to find the like of, by id and path
    like_documents: Sequence[int] = ()  # documents to find the like of, by id
    min_score: float | None = None  # the least cosine of a match
    min_confidence: float | None = None  # the least confidence of a match, 0 to 1
    per_document: int | None = None  # the most matches a document
    collapse: bool = True  # show nearly the same passage once
    exact: bool = False  # look at every passage, however large the corpus
    literal: bool = False  # take quotes, `-` and `title:` as text
    highlights: bool = False  # mark the sentence that earned each match
    shares: bool = False  # tell what each word adds to the cosine, and mark those that add
    facets: Sequence[str] = ()  # of FACETS: how the best documents are spread

    def __post_init__(self) -> None:
        """Bring the values into their form, and check that they make sense."""
        for name, values in (
            ("texts", map(_clean, each_of(self.texts))),
            ("negative", map(_clean, each_of(self.negative))),
            ("like", map(resolve_path, each_of(self.like))),
            ("like_passages", self.like_passages),
            ("like_documents", self.like_documents),
            ("facets", each_of(self.facets)),
        ):
            object.__setattr__(self, name, tuple(values))
        require_text(self.texts, has_examples=self.has_examples)
        self._require_bounds()
        self._require_sense()

    @classmethod
    def parse(cls, texts: str | Sequence[str] = (), **options: Unpack[QueryOptions]) -> Query:
        """The question in a text, or in several that are fused into one; raises as `Query` does.

        The options are the fields of `Query` and what `Filters.parse` takes, as they come from a
        command line or another program.
        """
        given: dict[str, Any] = dict(options)  # each of the type that QueryOptions says
        asked = {name: given.pop(name) for name in FilterOptions.__annotations__ if name in given}
        if asked and "filters" in given:
            raise TypeError("filters are given twice: as `filters`, and one by one")
        if asked:
            given["filters"] = Filters.parse(**asked)
        return cls(texts, **given)

    @property
    def has_examples(self) -> bool:
        """Whether something is shown, to find the like of."""
        return bool(self.like or self.like_passages or self.like_documents)

    @property
    def has_least(self) -> bool:
        """Whether a match has to reach a score or a confidence."""
        return self._least != (None, None)

    @property
    def needs_encoder(self) -> bool:
        """Whether it is about meaning: words alone are looked for without any model."""
        return self.mode != "keyword" or self.has_least

    @property
    def opens_encoder(self) -> bool:
        """Whether the encoder is needed for sure: documents and passages that are shown have their
        vectors.
        """
        is_embedded = self.texts or self.negative or self.like or self.needs_token_states
        return self.needs_encoder and bool(is_embedded)

    @property
    def needs_token_states(self) -> bool:
        """Whether passages are looked at token by token."""
        return self.needs_encoder and (self.mode == "best" or self.highlights or self.shares)

    def resolved(self, settings: Mapping[str, str], *, passages: int) -> Query:
        """The query with what it leaves open decided by a corpus's settings, and no more matches
        asked for than there are passages.
        """
        weight = float(settings.get("weight", WEIGHT)) if self.weight is None else self.weight
        mode = self.mode or settings.get("mode", MODES[0])
        return replace(self, mode=mode, weight=weight, k=max(1, min(self.k, passages)))

    def _require_bounds(self) -> None:
        characters = sum(map(len, (*self.texts, *self.negative)))
        if characters > MAX_CHARACTERS:
            raise QueryTooLarge(
                f"the question has {characters:,} characters; {MAX_CHARACTERS:,} are the most",
                hint="ask with a sentence or two; to find the like of a text, put it into a file: "
                "--like FILE",
            )
        examples = (self.like, self.like_passages, self.like_documents)
        questions = sum(map(len, (self.texts, self.negative, *examples)))
        if questions > MAX_QUESTIONS:
            raise QueryTooLarge(
                f"{questions:,} questions and examples at once; {MAX_QUESTIONS} are the most",
                hint="ask them one after another",
            )
        self.filters.require_bound()

    def _require_sense(self) -> None:
        if self.mode is not None:
            require_mode(self.mode)
        if self.weight is not None:
            require_weight(self.weight)
        if unknown := next((name for name in self.facets if name not in FACETS), None):
            raise BadSetting(
                f"there is no facet {unknown!r}{did_you_mean(unknown, FACETS)}",
                hint=f"facets: {', '.join(FACETS)}",
            )
        if self.k < 1 or (self.per_document is not None and self.per_document < 1):
            raise ValueError("k and per_document count from 1")
        hint = "give a cosine, from -1 to 1, or a confidence, from 0 to 1"
        for least, lowest in zip(self._least, (-1, 0), strict=True):
            if least is not None and math.isnan(least):
                raise BadFilter("what a match has to reach is not a number", hint=hint)
            if least is not None and not lowest <= least <= 1:
                raise BadFilter(f"no match can be asked to reach {least:g}", hint=hint)

    @property
    def _least(self) -> tuple[float | None, float | None]:
        return self.min_score, self.min_confidence


def require_text(texts: Sequence[str], *, has_examples: bool) -> None:
    """Raise EmptyQuery where nothing is asked: an empty text, or no text and no example."""
    if any(not text.strip() for text in texts) or not (texts or has_examples):
        raise EmptyQuery("the query is empty", hint='ask something: searchapp query "how do I ..."')


def require_mode(mode: str, *, error: type[UsageError] = UnknownMode) -> None:
    """Raise an error for a mode that does not exist."""
    if mode not in MODES:
        meant = did_you_mean(mode, MODES)
        raise error(f"there is no mode {mode!r}{meant}", hint=f"modes: {', '.join(MODES)}")


def require_weight(value: float | str) -> float:
    """The keyword leg's weight, from 0 to 1; raises BadSetting for anything else."""
    try:
        weight = float(value)
    except ValueError:
        weight = math.nan
    if not 0 <= weight <= 1:
        raise BadSetting(
            f"{value} is no weight",
            hint="give the keyword leg's part, from 0 (meaning alone) to 1 (words alone)",
        )
    return weight


def _clean(text: str) -> str:
    """A text that a command line gave, without bytes that are no text."""
    return text.encode("utf-8", "replace").decode()
