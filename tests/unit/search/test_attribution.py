"""Exact shares of a cosine, computed in the head, against a NumPy oracle and with the installed
model; and the best sentence.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.encoders.loading import load_encoder
from searchapp.search.attribution import best_sentence, cosine_shares, is_mean, share_highlights
from searchapp.testing import HashEncoder
from searchapp.types.documents import embedded_text
from searchapp.types.filters import Filters
from searchapp.types.results import CosineShares, WordShare
from searchapp.types.vectors import TokenVectors
from tests.paths import DATA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types.documents import Span

QUESTIONS = (
    "what do I do if the heating breaks",
    "burst pipe in the apartment, how do I shut it",
    "How tall is the ship?",
)


def total(shares: CosineShares) -> float:
    return shares.special + shares.headings + sum(word.share for word in shares.words)


def spans_of(text: str, offsets: list[Span], *, offset: int = 0) -> list[str]:
    """The words that a text's tokens, of equal states, are put together to."""
    tokens = TokenVectors(tuple(offsets), np.ones((len(offsets), 2), np.float32))
    shares = cosine_shares(tokens, np.array([1, 0], np.float32), text, offset=offset)
    return [text[offset + word.start : offset + word.end] for word in shares.words]


# ---- shares --------------------------------------------------------------------------------------


def test_every_word_has_its_share_and_punctuation_its_own() -> None:
    encoder = HashEncoder()
    text = embedded_text(
        ("Oil",), "Check oil, check."
    )  # words: 2 x oil, 2 x check, so a length of sqrt(8)
    [tokens] = encoder.token_vectors([text])
    shares = cosine_shares(tokens, encoder.encode_query("oil"), text, offset=4)
    one = 1 / np.sqrt(8)
    assert shares.cosine == pytest.approx(2 * one)
    assert shares.special == 0
    assert shares.headings == pytest.approx(one)
    assert [(word.start, word.end) for word in shares.words] == [
        (0, 5),
        (6, 9),
        (9, 10),
        (11, 16),
        (16, 17),
    ]
    assert [word.share for word in shares.words] == pytest.approx([0, one, 0, 0, 0])


def test_a_text_of_special_tokens_alone_has_no_words() -> None:
    tokens = TokenVectors(((0, 0), (0, 0)), np.array([[1, 0], [0, 1]], np.float32))
    shares = cosine_shares(tokens, np.array([1, 0], np.float32), "", offset=0)
    assert [shares.cosine, shares.special] == pytest.approx([np.sqrt(0.5), np.sqrt(0.5)])
    assert (shares.headings, shares.words) == (0, ())


@pytest.mark.parametrize("states", [np.zeros((2, 3)), np.array([[1.0, 2, 3], [-1, -2, -3]])])
def test_states_that_cancel_out_have_no_shares(states: NDArray[np.float64]) -> None:
    tokens = TokenVectors(((0, 1), (2, 3)), states.astype(np.float32))
    shares = cosine_shares(tokens, np.array([1, 0, 0], np.float32), "a b", offset=0)
    assert shares == CosineShares(0, 0, 0, (WordShare(0, 1, 0), WordShare(2, 3, 0)))


def test_a_text_without_tokens_has_no_shares() -> None:
    tokens = TokenVectors((), np.empty((0, 3), np.float32))
    assert cosine_shares(tokens, np.array([1, 0, 0], np.float32), "", offset=0) == CosineShares(
        0, 0, 0, ()
    )


def test_shares_are_those_of_a_plain_computation_and_add_up() -> None:
    random = np.random.default_rng(7)
    text = "ab\ncde f"
    offsets = (
        (0, 0),
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 5),
        (5, 6),
        (7, 8),
        (0, 0),
    )  # (2, 3) is the line break
    for _ in range(50):
        tokens = TokenVectors(offsets, random.normal(size=(8, 16)).astype(np.float32))
        query = random.normal(size=16).astype(np.float32)
        states, wide = tokens.states.astype(np.float64), query.astype(np.float64)
        mean = states.mean(axis=0)
        each = [
            float(state @ wide) / (8 * np.linalg.norm(mean) * np.linalg.norm(wide))
            for state in states
        ]
        shares = cosine_shares(tokens, query, text, offset=3)
        assert shares.cosine == pytest.approx(
            float(mean @ wide / np.linalg.norm(mean) / np.linalg.norm(wide)), abs=1e-12
        )
        assert shares.special == pytest.approx(each[0] + each[3] + each[7], abs=1e-12)
        assert shares.headings == pytest.approx(each[1] + each[2], abs=1e-12)
        assert [(word.start, word.end) for word in shares.words] == [(0, 3), (4, 5)]
        assert [word.share for word in shares.words] == pytest.approx(
            [each[4] + each[5], each[6]], abs=1e-12
        )
        assert total(shares) == pytest.approx(shares.cosine, abs=1e-12)


def test_pieces_of_a_word_are_put_together_and_nothing_else_is() -> None:
    assert spans_of("unbreakable", [(0, 2), (2, 7), (7, 11)]) == ["unbreakable"]
    assert spans_of("don't go", [(0, 3), (3, 4), (4, 5), (6, 8)]) == ["don't", "go"]
    assert spans_of("the 'dogs' bark", [(0, 3), (4, 5), (5, 9), (9, 10), (11, 15)]) == [
        "the",
        "'",
        "dogs",
        "'",
        "bark",
    ]
    assert spans_of("a_b 24V", [(0, 1), (1, 2), (2, 3), (4, 6), (6, 7)]) == ["a_b", "24V"]
    assert spans_of("--.", [(0, 1), (1, 2), (2, 3)]) == ["-", "-", "."]
    assert spans_of("हिन्दी", [(0, 1), (1, 2), (2, 6)]) == ["हिन्दी"]


def test_words_are_not_put_together_where_a_script_has_no_spaces() -> None:
    assert spans_of("海の船", [(0, 1), (1, 2), (2, 3)]) == ["海", "の", "船"]


def test_tokens_that_share_a_character_are_one_word() -> None:
    assert spans_of("🙂!", [(0, 1), (0, 1), (1, 2)]) == ["🙂", "!"]


def test_white_space_in_a_token_is_in_no_word() -> None:
    assert spans_of("H\n a  b", [(0, 1), (1, 2), (2, 4), (4, 5), (5, 7)], offset=2) == ["a", "b"]


def test_highlights_are_the_words_that_add_scaled_by_the_largest() -> None:
    words = (
        WordShare(0, 2, 0.1),
        WordShare(3, 5, -0.2),
        WordShare(6, 8, 0.4),
        WordShare(9, 10, 0.0),
    )
    assert share_highlights(CosineShares(0.3, 0.5, 0, words)) == ((0, 2, 0.25), (6, 8, 1.0))
    assert share_highlights(CosineShares(0, 0, 0, words[1:2])) == ()
    assert share_highlights(CosineShares(0, 0, 0, ())) == ()


def test_a_vector_is_told_from_one_that_is_not_the_mean() -> None:
    [tokens] = HashEncoder().token_vectors(["oil and water"])
    [vector] = HashEncoder().encode_passages(["oil and water"])
    assert is_mean(vector.astype(np.float16).astype(np.float32), tokens)
    assert not is_mean(tokens.states[0], tokens)
    assert not is_mean(np.full_like(vector, np.nan), tokens)
    assert not is_mean(vector, TokenVectors((), np.empty((0, 64), np.float32)))


@pytest.mark.model
def test_the_shares_of_the_installed_model_add_up_to_the_score_that_is_shown(
    tmp_path: Path, model_cache: Path
) -> None:
    Corpus(SqliteBackend(tmp_path / "corpus"), cache=model_cache).ingest(
        [DATA / "home", DATA / "kitchen"]
    )
    encoder = load_encoder(cache=model_cache, bulk=False)
    compared = 0
    with closing(SqliteBackend(tmp_path / "corpus").reader()) as reader:
        for question in QUESTIONS:
            query = encoder.encode_query(question)
            ids, scores = reader.cosine_leg(query, Filters(), 5)
            for hit, score, vector in zip(
                reader.hydrate(ids), scores.tolist(), reader.vectors_of(ids), strict=True
            ):
                text = embedded_text(hit.passage.headings, hit.text)
                [tokens] = encoder.token_vectors([text])
                shares = cosine_shares(tokens, query, text, offset=len(text) - len(hit.text))
                assert is_mean(vector, tokens)
                assert total(shares) == pytest.approx(shares.cosine, abs=1e-5)
                assert shares.cosine == pytest.approx(score, abs=1e-3)
                assert "".join(hit.text.split()) == "".join(
                    hit.text[word.start : word.end] for word in shares.words
                )
                compared += 1
    assert compared == 15


# ---- the sentence --------------------------------------------------------------------------------

# Embedded: "T\nab cd. ef." - special token, heading, "ab", "cd.", "ef.", special token; the passage
# begins at offset 2.
TOKENS = TokenVectors(
    ((0, 0), (0, 1), (2, 4), (5, 8), (9, 12), (0, 0)),
    np.array([[9, 0], [9, 0], [1, 0], [0, 1], [2, 2], [9, 0]], dtype=np.float32),
)
FIRST, SECOND, BOTH = (
    (0, 6),
    (7, 10),
    [(0, 6), (7, 10)],
)  # "ab cd." has the mean (.5, .5), "ef." (2, 2)
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
    tokens = TokenVectors(
        ((0, 1), (1, 2), (2, 3)), np.array([[1, 0], [-1, 0], [-1, 0]], dtype=np.float32)
    )
    assert best_sentence([(0, 2), (2, 3)], tokens, ALONG_X, offset=0) == (0, 2)


def test_a_sentence_that_has_each_of_the_questions_words_beats_one_that_is_near_on_average() -> (
    None
):
    question = np.array([[1, 0], [0, 1]], dtype=np.float32)
    query = question.mean(axis=0) * np.float32(
        np.sqrt(2)
    )  # (2,), as "ef." points: it wins by the mean, by 1 to .995
    tokens = TokenVectors(
        TOKENS.offsets, TOKENS.states * np.array([[1], [1], [1], [0.8], [1], [1]], np.float32)
    )
    assert best_sentence(BOTH, tokens, query, offset=2) == SECOND
    assert (
        best_sentence(BOTH, tokens, query, offset=2, question=question) == FIRST
    )  # by 1 + .2 * .995 to .707 + .2
    assert best_sentence(BOTH, tokens, query, offset=2, question=question[:0]) == SECOND


def test_between_sentences_with_the_same_best_tokens_the_mean_decides() -> None:
    tokens = TokenVectors(
        ((0, 1), (1, 2), (2, 3)), np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32)
    )
    assert best_sentence(
        [(0, 2), (2, 3)], tokens, ALONG_X, offset=0, question=ALONG_X[np.newaxis]
    ) == (2, 3)
