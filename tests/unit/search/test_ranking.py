"""From scored passages to the matches that are shown, computed in the head."""

from __future__ import annotations

import math

import numpy as np
import pytest

from searchapp.search.near_duplicates import behind_content, near_duplicates, suspects
from searchapp.search.ranking import (
    Ranking,
    Trust,
    ahead,
    choose,
    fuse,
    late_interaction,
    look_again,
    share_with_neighbours,
    trust_in_meaning,
    trust_in_words,
)
from searchapp.types.documents import Address
from searchapp.types.vectors import TokenVectors

DOCUMENTS = np.array([4, 4, 9, 4, 9])
EVERYWHERE = range(5)


@pytest.mark.parametrize(
    ("k", "per_document", "passing", "expected"),
    [
        (10, None, "11111", [0, 1, 2, 3, 4]),
        (2, None, "11111", [0, 1]),
        (0, None, "11111", []),
        (10, 1, "11111", [0, 2]),
        (10, 2, "11111", [0, 1, 2, 4]),
        (3, 2, "11111", [0, 1, 2]),
        (10, None, "10101", [0, 2, 4]),
        (10, None, "00000", []),
        (10, 1, "01101", [1, 2]),  # what does not pass takes no place of its document's
    ],
)
def test_the_first_k_that_pass_with_so_many_of_a_document(
    k: int, per_document: int | None, passing: str, expected: list[int]
) -> None:
    is_passing = np.array([letter == "1" for letter in passing])
    assert (
        choose(EVERYWHERE, DOCUMENTS, k=k, per_document=per_document, is_passing=is_passing)
        == expected
    )


def test_the_order_given_is_the_order_chosen() -> None:
    assert choose([3, 1, 2], DOCUMENTS, k=2, per_document=None) == [3, 1]


# ---- hybrid --------------------------------------------------------------------------------------


FULL = Trust(1.0, 1.0)
APART = np.arange(3)  # each passage in a document of its own


def test_each_leg_counts_in_its_own_standard_deviations_as_far_as_it_is_trusted() -> None:
    parts = fuse(
        np.array([1.0, 3.0]), np.array([10.0, 30.0]), APART[:2], weight=0.4, trust=Trust(0.25, 0.5)
    )
    assert parts["cosine"].tolist() == pytest.approx([-0.15, 0.15])
    assert parts["keyword"].tolist() == pytest.approx([-0.2, 0.2])
    assert parts["document"].tolist() == [0, 0]


def test_what_holds_none_of_the_words_is_worth_nothing_to_the_keyword_leg() -> None:
    parts = fuse(np.ones(3), np.array([5.0, np.nan, np.nan]), APART, weight=1.0, trust=FULL)
    assert parts["cosine"].tolist() == [0, 0, 0]  # no spread: it tells nothing apart
    assert parts["keyword"].tolist() == pytest.approx(
        [math.sqrt(2), -math.sqrt(0.5), -math.sqrt(0.5)]
    )
    unheld = fuse(np.array([1.0, 2.0]), np.full(2, np.nan), APART[:2], weight=1.0, trust=FULL)
    assert unheld["keyword"].tolist() == [0, 0]


def test_a_passage_without_a_vector_has_the_least_cosine_of_all() -> None:
    parts = fuse(np.array([3.0, np.nan, 1.0]), np.ones(3), APART, weight=0.0, trust=FULL)
    assert parts["cosine"][1] == parts["cosine"][2] < parts["cosine"][0]
    unknown = fuse(np.full(2, np.nan), np.array([1.0, 2.0]), APART[:2], weight=0.5, trust=FULL)
    assert unknown["cosine"].tolist() == [0, 0]


def test_a_document_has_credit_for_words_in_one_place_and_meaning_in_another() -> None:
    """Halves of one standard deviation each: the first document's passages have one leg each, the
    second's has both.
    """
    parts = fuse(
        np.array([3.0, 1.0, 3.0, 1.0]),
        np.array([1.0, 3.0, 3.0, 1.0]),
        np.array([7, 7, 8, 9]),
        weight=0.5,
        trust=FULL,
    )
    assert parts["cosine"].tolist() == [0.5, -0.5, 0.5, -0.5]
    assert parts["keyword"].tolist() == [-0.5, 0.5, 0.5, -0.5]
    assert parts["document"].tolist() == [0.5, 0.5, 0, 0]  # half of what is best apart: 1 - 0


def test_the_keyword_leg_is_trusted_for_rare_words_or_for_most_of_the_question() -> None:
    one_rare_word = 2.2 * math.log(
        1000
    )  # the most that a word of one passage in a thousand can be worth
    assert trust_in_words(1.3 * one_rare_word, 100, 1000) == 1
    assert trust_in_words(0.65 * one_rare_word, 1000, 1000) == pytest.approx(0.25)
    assert trust_in_words(0.7, 1, 1000) == 1
    assert trust_in_words(0.35, 1, 10**9) == pytest.approx(0.25)
    assert trust_in_words(0, 1, 10) == trust_in_words(0, 0, 10) == 0


def test_a_meaning_is_trusted_as_far_as_its_letters_are_read_in_words() -> None:
    assert trust_in_meaning(1) == trust_in_meaning(0.5) == 1
    assert trust_in_meaning(0.4) == pytest.approx(0.8)
    assert trust_in_meaning(0) == 0.25


def test_a_passage_shares_in_its_neighbours_scores_but_not_in_its_own_document_s() -> None:
    parts = {"cosine": np.array([3.0, 1.0, 1.0])}
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    apart = share_with_neighbours(parts, vectors, np.array([1, 2, 3]))
    assert apart["neighbours"].tolist() == pytest.approx(
        [-0.4, 0.4, 0]
    )  # the third has no neighbour in its direction
    halved = share_with_neighbours(parts, vectors, np.array([1, 2, 3]), trusted=0.5)
    assert halved["neighbours"].tolist() == pytest.approx([-0.2, 0.2, 0])
    together = share_with_neighbours(parts, vectors, np.array([1, 1, 3]))
    assert together["neighbours"].tolist() == [0, 0, 0]


def test_those_beyond_the_neighbourhood_stay_behind_it() -> None:
    parts = {"cosine": np.array([3.0, -5.0, 2.0, 1.9])}
    vectors = np.array([[1, 0], [1, 0], [1, 0], [1, 0]], dtype=np.float32)
    shared = share_with_neighbours(parts, vectors, np.array([1, 2, 3, 4]), first=2)
    scores = np.sum(list(shared.values()), axis=0)
    assert np.argsort(-scores).tolist() == [0, 2, 3, 1]
    assert shared["neighbours"].tolist() == pytest.approx([-0.2, 0, 0.2, 0])


def test_a_ranking_is_ordered_by_score_then_by_address() -> None:
    addresses = [
        Address(b"/b", 0, 1, 1),
        Address(b"/a", 5, 2, 1),
        Address(b"/a", 0, 2, 1),
        Address(b"/c", 0, 3, 1),
    ]
    ranking = Ranking(
        np.arange(4),
        {"one": np.array([0.1, 0.1, 0.1, 0.3]), "two": np.array([0.2, 0.2, 0.2 + 1e-15, 0.2])},
    )
    assert ranking.order(addresses) == [3, 2, 1, 0]


# ---- best ----------------------------------------------------------------------------------------


def test_late_interaction_is_the_weighted_mean_of_each_token_s_best_cosine() -> None:
    query = np.array([[1, 0], [0, 1]], dtype=np.float32)
    tokens = TokenVectors(((0, 1), (1, 2)), np.array([[2, 0], [3, 3]], dtype=np.float32))
    assert late_interaction(query, np.array([3.0, 1.0]), tokens) == pytest.approx(
        (3 * 1 + math.sqrt(0.5)) / 4
    )
    opposite = TokenVectors(((0, 1),), np.array([[-1, 0]], dtype=np.float32))
    assert late_interaction(query, np.array([1.0, 1.0]), opposite) == 0
    assert late_interaction(np.empty((0, 2), np.float32), np.empty(0), tokens) == 0


def test_tokens_and_sentences_count_as_far_as_meanings_are_trusted() -> None:
    parts = {"keyword": np.array([1.0, 3.0])}
    again = look_again(
        parts, tokens=np.array([0.2, 0.4]), sentences=np.array([0.4, 0.2]), trusted=0.5
    )
    assert again["keyword"].tolist() == pytest.approx([-0.6, 0.6])
    assert again["tokens"].tolist() == pytest.approx([-0.15, 0.15])
    assert again["sentence"].tolist() == pytest.approx([0.05, -0.05])


def test_what_was_looked_at_again_comes_first_with_its_new_parts() -> None:
    parts = {"cosine": np.array([5.0, 4.0, 9.0])}
    merged = ahead(
        parts, {"cosine": np.array([1.0, 0.0]), "tokens": np.array([0.5, 2.0])}, np.array([0, 1])
    )
    assert merged["tokens"].tolist() == [0.5, 2.0, 0]
    assert np.sum(list(merged.values()), axis=0)[:2].tolist() == [1.5, 2.0]
    assert np.sum(list(merged.values()), axis=0)[2] < 1.5


# ---- repeats -------------------------------------------------------------------------------------

TEXT = (
    "The pump is serviced every spring by the janitor, who keeps the key in the shed behind "
    "the house near the old oak tree"
)


@pytest.mark.parametrize(
    ("other", "is_copy"),
    [
        (TEXT.upper(), True),
        (TEXT.replace(", who", "\n who") + "!", True),
        (f"{TEXT} itself", True),
        (TEXT.replace("spring", "autumn"), False),
        (f"{TEXT} 2024", False),  # another number is another fact
        ("Something else", False),
    ],
)
def test_nearly_the_same_is_nearly_all_the_same_words_and_all_the_same_numbers(
    other: str, is_copy: bool
) -> None:
    assert near_duplicates([(0, 1)], {0: TEXT, 1: other}) == ({0: [1]} if is_copy else {})


def test_of_repeats_the_first_leads_all_others() -> None:
    texts = {7: "one two three four", 2: "one two three four", 5: "one two three four"}
    assert near_duplicates([(2, 5), (2, 7), (5, 7)], texts) == {2: [5, 7]}


def test_only_passages_that_lie_together_are_suspected() -> None:
    assert suspects(np.array([[1, 0], [0, 1], [0.9, 0.1], [np.nan, np.nan]], dtype=np.float32)) == [
        (0, 2)
    ]


def test_boilerplate_counts_half() -> None:
    scores = np.array([0.9, 0.6, 0.4, 0.1])
    at = [Address(bytes([i]), 0, i, 1) for i in range(4)]
    assert behind_content([0, 1, 2, 3], scores, at, {0}) == [1, 0, 2, 3]  # .9 / 2 = .45
    assert behind_content([0, 1, 2, 3], scores - 1, at, {0}) == [1, 0, 2, 3]  # -.9 + .8 / 2 = -.5
    assert behind_content([0, 1, 2, 3], scores, at, set()) == [0, 1, 2, 3]


def test_behind_content_ties_break_by_path() -> None:
    at = [Address(path, 0, i, 1) for i, path in enumerate((b"/c", b"/b", b"/a", b"/d"))]
    scores = np.array([0.8, 0.4, 0.4 + 1e-12, 0.4 + 2e-12])
    assert behind_content([0, 3, 2, 1], scores, at, {0}) == [2, 1, 0, 3]


# ---- repeats -------------------------------------------------------------------------------------

WORDS = [f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(100)]


def text(*changed: int) -> str:
    """A hundred words, of which some are others; two texts that differ in one are nearly the same,
    and those that differ in two are not.
    """
    return " ".join("other" if i in changed else word for i, word in enumerate(WORDS))


@pytest.mark.parametrize(
    ("pairs", "groups"),
    [
        ([(0, 1), (0, 2), (1, 2)], {0: [1]}),
        ([(0, 1), (1, 2)], {0: [1]}),  # what is hidden hides nothing
        ([(1, 2), (0, 2)], {1: [2]}),  # nor is it hidden twice
        ([(0, 3)], {}),  # as near as the others, but not as long
    ],
)
def test_of_passages_that_nearly_repeat_each_other_one_leads(
    pairs: list[tuple[int, int]], groups: dict[int, list[int]]
) -> None:
    texts = {0: text(), 1: text(50), 2: text(20, 50), 3: text() + " more" * 60}
    assert near_duplicates(pairs, texts) == groups


def test_only_the_first_hundred_share_with_their_neighbours() -> None:
    count = 102
    scores = np.linspace(2, 1, count)
    apart = np.random.default_rng(1).permutation(count)  # so that no score is the mean around it
    vectors = np.eye(4, dtype=np.float32)[apart % 4]
    shared = share_with_neighbours({"cosine": scores}, vectors, np.arange(count))
    assert np.flatnonzero(shared["neighbours"] == 0).tolist() == [100, 101]
