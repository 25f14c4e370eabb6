"""Where most documents are in languages that the model was not trained on, that is said, and words
count for more, unless another mode is chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from searchapp.search.languages import (
    ingest_notes,
    resolved,
    unspoken_languages,
)
from searchapp.search.query import Query
from searchapp.types.vectors import EncoderIdentity


@dataclass
class Reader:
    """What is looked at of a corpus."""

    counted: Mapping[str, int]
    model: str = "default"
    chosen: dict[str, str] = field(default_factory=dict)

    @property
    def encoder(self) -> EncoderIdentity:
        return EncoderIdentity(self.model, "f" * 64, 384, 254)

    def languages(self, *, sampled: bool = False) -> Counter[str]:  # noqa: ARG002
        return Counter(self.counted)

    def counts(self) -> tuple[int, int, int, int]:
        return 9, 9, 0, 0

    def settings(self) -> dict[str, str]:
        return self.chosen


GERMAN = {"de": 4, "de-AT": 1, "en": 4}


@pytest.mark.parametrize(
    ("counted", "model", "unspoken"),
    [
        (GERMAN, "default", ("de",)),
        ({"de": 2, "fr": 3, "en-GB": 4}, "default", ("fr", "de")),
        ({"de": 4, "en": 4}, "default", ()),  # not most
        ({"de": 4, "": 5}, "default", ()),  # code has no language
        ({"eng": 4, "und": 2}, "default", ()),
        ({"python": 9}, "default", ()),
        ({}, "default", ()),
        (GERMAN, "multilingual", ()),
        (GERMAN, "/models/mine", ()),  # who knows?
    ],
)
def test_languages_are_unspoken_where_most_documents_are_in_them(
    counted: Mapping[str, int], model: str, unspoken: tuple[str, ...]
) -> None:
    assert unspoken_languages(Reader(counted, model)) == unspoken  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mode", "settings", "defaults", "answered", "is_told_how"),
    [
        (None, {}, {}, ("hybrid", 0.8), True),
        (None, {"mode": "cosine"}, {}, ("cosine", 0.8), False),
        (None, {}, {"mode": "best"}, ("best", 0.8), False),
        (None, {"weight": "0.2"}, {}, ("hybrid", 0.2), True),
        ("cosine", {}, {}, ("cosine", 0.8), False),
    ],
)
def test_questions_are_answered_by_words_too_unless_a_mode_is_chosen(
    mode: str | None,
    settings: dict[str, str],
    defaults: dict[str, str],
    answered: tuple[str, float],
    is_told_how: bool,
) -> None:
    reader = Reader(GERMAN, chosen=settings)
    query, notes = resolved(Query.parse("Heizung", mode=mode), reader, defaults)  # type: ignore[arg-type]
    assert (query.mode, query.weight) == answered
    [note] = notes
    assert ("(de)" in note, "searchapp model use multilingual" in note) == (True, True)
    assert ("mode hybrid" in note) is is_told_how


def test_where_words_alone_are_asked_for_or_the_model_speaks_the_language_nothing_is_said() -> None:
    english = Reader({"en": 9})
    for question, reader, mode in (
        (Query.parse("Heizung", mode="keyword"), Reader(GERMAN), "keyword"),
        (Query.parse("heating"), english, "cosine"),
    ):
        query, notes = resolved(question, reader, {})  # type: ignore[arg-type]
        assert (query.mode, notes) == (mode, [])
    assert not ingest_notes(english)  # type: ignore[arg-type]
    assert len(ingest_notes(Reader({"ar": 4, "de": 1, "fr": 1, "zh": 1}))) == 1  # type: ignore[arg-type]
