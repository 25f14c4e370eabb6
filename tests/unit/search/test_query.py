"""One form of a question: what makes one, and what is refused before any corpus is asked."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from searchapp.config import load
from searchapp.errors import (
    BadFilter,
    BadSetting,
    EmptyQuery,
    QueryTooLarge,
    SearchappError,
    UnknownMode,
    UsageError,
)
from searchapp.search.query import Query
from searchapp.types.filters import Filters


def test_a_lone_text_or_path_is_one_of_its_kind(tmp_path: Path) -> None:
    query = Query.parse(
        "a",
        negative="car",
        like=str(tmp_path / "x.md"),
        types="pdf",
        within=str(tmp_path),
        labels="x",
    )
    assert (query.negative, query.like) == (("car",), (str(tmp_path / "x.md"),))
    filters = query.filters
    assert (filters.types, filters.within, filters.labels) == (("pdf",), (str(tmp_path),), ("x",))


def test_filters_are_given_once() -> None:
    with pytest.raises(TypeError, match="twice"):
        Query.parse("a", filters=Filters(), types=["md"])


def test_bytes_that_are_no_text_become_question_marks() -> None:
    assert Query(["a\udcff"]).texts == ("a?",)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"texts": ()}, EmptyQuery),
        ({"texts": ("a", " ")}, EmptyQuery),
        ({"texts": ("a" * 50_001,)}, QueryTooLarge),
        ({"texts": ("a",) * 101}, QueryTooLarge),
        ({"texts": "a", "filters": Filters(types=("md",) * 10_001)}, QueryTooLarge),
        ({"texts": "a", "mode": "nearest"}, UnknownMode),
        ({"texts": "a", "weight": 1.5}, BadSetting),
        ({"texts": "a", "min_score": float("nan")}, BadFilter),
        ({"texts": "a", "min_score": 5}, BadFilter),
        ({"texts": "a", "min_score": -1.1}, BadFilter),
        ({"texts": "a", "min_confidence": 7}, BadFilter),
        ({"texts": "a", "min_confidence": -0.1}, BadFilter),
        ({"texts": "a", "like": [""]}, BadFilter),
    ],
)
def test_what_no_corpus_can_answer_is_refused(
    options: dict[str, Any], error: type[SearchappError]
) -> None:
    with pytest.raises(error) as caught:
        Query(**options)
    assert caught.value.hint


def test_counts_begin_at_one() -> None:
    with pytest.raises(ValueError, match="count from 1"):
        Query("a", k=0)
    with pytest.raises(ValueError, match="count from 1"):
        Query("a", per_document=0)


@pytest.mark.parametrize(
    ("query", "needs_encoder"),
    [
        (Query("a"), True),
        (Query("a", mode="keyword"), False),
        (Query("a", mode="keyword", min_score=0.5), True),
        (Query("a", mode="keyword", negative=["b"]), False),
    ],
)
def test_words_alone_need_no_encoder(query: Query, needs_encoder: bool) -> None:
    assert query.needs_encoder == needs_encoder


def test_a_corpus_decides_what_a_question_leaves_open() -> None:
    query = Query("a", k=9).resolved({"mode": "hybrid", "weight": "0.2"}, passages=3)
    assert (query.mode, query.weight, query.k) == ("hybrid", 0.2, 3)
    query = Query("a", mode="best", weight=0.7).resolved({"mode": "hybrid"}, passages=0)
    assert (query.mode, query.weight, query.k) == ("best", 0.7, 1)


def test_a_corpus_without_a_name_is_not_the_default_one() -> None:
    with pytest.raises(UsageError, match="no name"):
        load(corpus="")


def test_a_question_does_not_change_once_it_is_asked() -> None:
    with pytest.raises(FrozenInstanceError):
        Query("a").k = 5  # type: ignore[misc]
