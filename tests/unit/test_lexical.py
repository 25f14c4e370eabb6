"""What is the same word, and what is written together of several."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchapp.lexical import (
    camel_parts,
    compounds,
    fold,
    is_code_like,
    joined,
    keyword_row,
    words_of,
)
from tests.effort import examples


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Wasser\u00adkraft\u200bwerk", "Wasserkraftwerk"),
        ("oﬃcial ﬁle", "official file"),
        ("ＷＥＩＲ H₂O m²", "WEIR H2O m2"),
        ("Straße ŒUVRE smørrebrød Łódź", "Strasse OEUVRE smorrebrod Lódź"),
        ("зелёная ёлка", "зеленая елка"),
        ("مُدَرِّس", "مدرس"),
        ("שָׁלוֹם", "שלום"),
        ("हिन्दी", "हिन्दी"),
        ("plain", "plain"),
    ],
)
def test_one_form_of_each_way_to_write_a_word(written: str, compared: str) -> None:
    assert fold(written) == unicodedata.normalize("NFC", compared)
    assert fold(unicodedata.normalize("NFD", written)) == fold(written)


@given(st.text(max_size=40))
def test_a_word_that_was_folded_stays_as_it_is(text: str) -> None:
    words = [word for word, _ in words_of(text)]
    assert [fold(word) for word in words] == words


@given(st.text(max_size=60))
def test_spans_are_those_of_the_text_as_it_is_written(text: str) -> None:
    assert [fold(text[slice(*span)]) for _, span in words_of(text)] == [
        word for word, _ in words_of(text)
    ]


def test_what_is_not_seen_does_not_part_a_word() -> None:
    assert words_of("Kraft\u00adwerk an") == [("Kraftwerk", (0, 10)), ("an", (11, 13))]


@pytest.mark.parametrize(
    ("compound", "is_code", "one_word", "parts"),
    [
        ("e-mail", False, "email", ()),
        ("wi-fi", False, "wifi", ()),
        ("PT-6610", True, "PT6610", ()),
        ("v2.3.1", True, "", ()),
        ("i.e", False, "", ()),
        ("U.S.A", False, "", ()),
        ("DEBIAN_FRONTEND", True, "DEBIANFRONTEND", ()),
        ("anna@example.org", True, "", ()),
        ("etc/hosts.conf", True, "", ()),
        ("tideTable", True, "", ("tide", "Table")),
        ("DVDs", False, "", ("DV", "Ds")),
        ("readHTTPResponse", True, "", ("read", "HTTP", "Response")),
    ],
)
def test_what_is_written_together(
    compound: str, *, is_code: bool, one_word: str, parts: tuple[str, ...]
) -> None:
    assert list(compounds(f"see {compound}, please")) == [compound]
    assert is_code_like(compound) == is_code
    assert joined(compound) == one_word
    assert camel_parts(compound) == parts


@pytest.mark.parametrize("word", ["DNA", "iPhone", "mRNA", "pH", "Domino", "plain", "ÖlTank"])
def test_what_is_in_no_camel_case(word: str) -> None:
    assert list(compounds(word)) == []


def test_a_word_without_end_is_looked_through_once() -> None:
    """Tried from each of its letters, it would take minutes."""
    assert list(compounds("x" * 200_000)) == []


def test_a_row_has_a_name_and_other_forms() -> None:
    row = keyword_row(b"/docs/wi-fi.md", "Title", ["Title", "Below"], "the tideTable")
    assert row == ("Title", "Below", "the tideTable", "wi-fi.md", "tide Table")
    assert keyword_row(b"/a/gro\xdf", "", [], "")[3] == "gro\ufffd"


@given(st.text(st.characters(max_codepoint=127)))
@settings(max_examples=examples(200))
def test_words_of_plain_text_are_those_that_stand_beside_an_accent(text: str) -> None:
    assert words_of(text) == words_of(f"{text} é")[:-1]
