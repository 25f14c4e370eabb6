"""Stems, the forms of a term, and the languages that have them."""

from __future__ import annotations

import pytest

from searchapp.search.stemming import (
    _ALGORITHMS,
    alternatives,
    english_token,
    languages_to_stem,
    stemmed,
)
from searchapp.types.filters import Term


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Alte HÄUSER, der Küsten!", "de", "alt haus, der kust!"),
        ("PT-6610, p53 und v2x", "de", "pt-6610, p53 und v2x"),  # of letters alone
        ("tide_tables", "de", "tid_tabl"),  # two words to the index
        ("ab\u0301ćx abx", "de", "ab\u0301ćx abx"),  # a mark stands in no stem
        ("les maisons générales", "fr", "le maison général"),
        ("", "de", ""),
    ],
)
def test_words_of_letters_stand_by_their_stems(text: str, language: str, expected: str) -> None:
    assert stemmed(text, language) == expected


def test_a_long_word_takes_no_longer() -> None:
    assert len(stemmed("a" * 100_000 + "1" + " b" * 10, "de")) == 100_021


@pytest.mark.parametrize("language", _ALGORITHMS)
def test_every_language_has_its_stemmer(language: str) -> None:
    assert stemmed("1", language) == "1"


def test_a_term_has_each_form_once() -> None:
    assert alternatives(Term(("Häuser",)), ["de", "fr"]) == [
        Term(("Häuser",)),
        Term(("haus",)),
    ]  # the French one is the word itself
    assert alternatives(Term(("Haus",)), ["de"]) == [Term(("Haus",))]
    assert alternatives(Term(("alte", "Häuser"), is_title=True), ["de"]) == [
        Term(("alte", "Häuser"), is_title=True),
        Term(("alt", "haus"), is_title=True),
    ]
    assert alternatives(Term(("Tests",)), ["de"], english_token) == [
        Term(("Tests",))
    ]  # whose stem the tokenizer makes itself


def test_languages_of_a_share_of_the_documents_are_stemmed() -> None:
    assert languages_to_stem({"de": 9, "de-AT": 1, "fr": 9, "en": 61, "zh": 20}) == {"de"}
    assert languages_to_stem({"de": 5, "fr": 4, "": 91}, {"de", "fr"}) == {"de"}
    assert languages_to_stem({"fr": 9, "python": 1}, {"de"}) == {"fr"}
    assert languages_to_stem({}, {"de"}) == frozenset()
