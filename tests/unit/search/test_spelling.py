"""Words one edit away, against a distance that is computed otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchapp.search.spelling import bare, is_repairable, one_edit_away, vocabulary
from tests.effort import examples


def distance(a: str, b: str) -> int:
    """The edits between two words, neighbours swapped counting one: Damerau's, by its recursion."""
    if not a or not b:
        return len(a) + len(b)
    found = min(distance(a[1:], b) + 1, distance(a, b[1:]) + 1)
    found = min(found, distance(a[1:], b[1:]) + (a[0] != b[0]))
    if len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0]:
        found = min(found, distance(a[2:], b[2:]) + 1)
    return found


@given(st.text("abc", min_size=1, max_size=5), st.text("abc", max_size=6))
@settings(max_examples=examples(200))
def test_a_word_is_among_the_edits_exactly_if_its_distance_is_one(a: str, b: str) -> None:
    assert (b in one_edit_away(a)) == (distance(a, b) == 1)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("duplcate", "duplicate"),
        ("dupplicate", "duplicate"),
        ("duplicaet", "duplicate"),
        ("duplikate", "duplicate"),
        ("Mülabfuhr", "mullabfuhr"),
        ("зелная", "зеленая"),
        ("θαλασα", "θαλασσα"),
        ("שלוים", "שלום"),
        ("مدسة", "مدرسة"),
    ],
)
def test_a_slip_in_any_alphabet_is_undone(typed: str, meant: str) -> None:
    assert meant in one_edit_away(typed)


def test_accents_and_case_do_not_count() -> None:
    assert (bare("Café"), bare("ÀÉÎ"), bare("Ёлка"), bare("plain")) == (
        "cafe",
        "aei",
        "елка",
        "plain",
    )


def test_only_words_of_letters_that_are_long_enough_are_repaired() -> None:
    words = ["four", "fives", "a1b2c", "x" * 40, "x" * 41]
    assert list(map(is_repairable, words)) == [False, True, False, True, False]


def test_a_vocabulary_counts_passages_by_how_a_word_is_written() -> None:
    rows = [
        ("Müll", "", "the Müllabfuhr and the müllabfuhr", "abc123", ""),
        ("", "", "Mullabfuhr four six", "", ""),
    ]
    found = sorted(vocabulary(rows))
    assert found == [
        ("four", "four", 1),
        ("mull", "müll", 1),
        ("mullabfuhr", "mullabfuhr", 1),
        ("mullabfuhr", "müllabfuhr", 1),
    ]


def test_a_vocabulary_of_nothing_is_empty() -> None:
    assert vocabulary([]) == vocabulary([("", "", "", "", "")]) == []
