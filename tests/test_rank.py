"""From scored passages to the matches that are shown, computed in the head."""

from __future__ import annotations

import numpy as np
import pytest

from searchapp.rank import best_sentence, choose
from searchapp.types import TokenVectors

SCORES = np.array([0.9, 0.9, 0.7, 0.5, -0.1], dtype=np.float32)
DOCUMENTS = np.array([4, 4, 9, 4, 9])


@pytest.mark.parametrize(
    ("k", "per_document", "min_score", "expected"),
    [
        (10, None, None, [0, 1, 2, 3, 4]),
        (2, None, None, [0, 1]),
        (0, None, None, []),
        (10, 1, None, [0, 2]),
        (10, 2, None, [0, 1, 2, 4]),
        (3, 2, None, [0, 1, 2]),
        (10, None, 0.7, [0, 1]),  # 0.7 as float32 is just below 0.7
        (10, None, 0.5, [0, 1, 2, 3]),
        (10, None, -1.0, [0, 1, 2, 3, 4]),
        (10, None, 0.95, []),
        (10, 1, 0.6, [0, 2]),
    ],
)
def test_the_first_k_that_reach_the_score_with_so_many_of_a_document(
    k: int, per_document: int | None, min_score: float | None, expected: list[int]
) -> None:
    assert choose(SCORES, DOCUMENTS, k=k, per_document=per_document, min_score=min_score) == expected


def test_documents_are_needed_only_where_they_are_counted() -> None:
    assert choose(SCORES, None, k=3, per_document=None, min_score=None) == [0, 1, 2]


def test_nothing_gives_nothing() -> None:
    nothing = np.empty(0, dtype=np.float32)
    assert choose(nothing, np.empty(0, dtype=np.int64), k=5, per_document=1, min_score=0.0) == []


# Embedded: "T\nab cd. ef." - special token, heading, "ab", "cd.", "ef.", special token; the passage begins at offset 2.
TOKENS = TokenVectors(
    ((0, 0), (0, 1), (2, 4), (5, 8), (9, 12), (0, 0)),
    np.array([[9, 0], [9, 0], [1, 0], [0, 1], [2, 2], [9, 0]], dtype=np.float32),
)
FIRST, SECOND, BOTH = (0, 6), (7, 10), [(0, 6), (7, 10)]  # "ab cd." has the mean (.5, .5), "ef." (2, 2)
ALONG_X = np.array([1, 0], dtype=np.float32)
ALONG_Y = np.array([0, 1], dtype=np.float32)


def test_the_best_sentence_is_the_one_whose_own_tokens_point_at_the_query() -> None:
    assert best_sentence([(0, 2), (3, 6)], TOKENS, ALONG_X, offset=2) == (0, 2)
    assert best_sentence([(0, 2), (3, 6)], TOKENS, ALONG_Y, offset=2) == (3, 6)
    assert best_sentence([(0, 2), (3, 6), SECOND], TOKENS, ALONG_Y, offset=2) == (3, 6)


def test_of_equal_sentences_the_first_is_best_whatever_its_length_and_the_order_given() -> None:
    assert best_sentence(BOTH, TOKENS, ALONG_X, offset=2) == FIRST
    assert best_sentence(BOTH[::-1], TOKENS, ALONG_X, offset=2) == FIRST


def test_headings_and_special_tokens_are_in_no_sentence() -> None:
    assert best_sentence([(0, 6), (7, 10)], TOKENS, ALONG_X, offset=2) == FIRST
    assert best_sentence([(-2, -1), (7, 10)], TOKENS, ALONG_X, offset=3) is None


def test_there_is_no_best_of_fewer_than_two_sentences_with_tokens() -> None:
    assert best_sentence([], TOKENS, ALONG_X, offset=2) is None
    assert best_sentence([FIRST], TOKENS, ALONG_X, offset=2) is None
    assert best_sentence([FIRST, (50, 60)], TOKENS, ALONG_X, offset=2) is None


def test_a_sentence_whose_tokens_cancel_out_scores_nothing() -> None:
    tokens = TokenVectors(((0, 1), (1, 2), (2, 3)), np.array([[1, 0], [-1, 0], [-1, 0]], dtype=np.float32))
    assert best_sentence([(0, 2), (2, 3)], tokens, ALONG_X, offset=0) == (0, 2)
