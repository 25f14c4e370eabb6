"""The stand-in encoder keeps the promises that tests elsewhere rest on."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from searchapp.testing import HashEncoder
from searchapp.types.protocols import Encoder


def test_it_is_an_encoder() -> None:
    encoder: Encoder = HashEncoder(dim=32, max_tokens=8)
    assert (encoder.identity.dim, encoder.identity.max_tokens, encoder.identity.model) == (
        32,
        8,
        "hash",
    )


def test_a_vector_is_the_unit_vector_of_word_counts() -> None:
    encoder = HashEncoder(dim=4096)
    (row,) = encoder.encode_passages(["red fox, red"])
    expected = np.zeros(4096, np.float32)
    expected[encoder.axis("red")] = 2 / 5**0.5
    expected[encoder.axis("fox")] = 1 / 5**0.5
    assert np.allclose(row, expected, atol=1e-7)


def test_cosine_is_the_overlap_of_words_whatever_their_case_and_punctuation() -> None:
    encoder = HashEncoder(dim=4096)
    rows = encoder.encode_passages(["Red fox.", "blue sea", "the RED sea"])
    assert np.allclose(rows @ encoder.encode_query("red fox"), [1, 0, 1 / 6**0.5], atol=1e-6)


def test_rows_are_float32_contiguous_and_unit() -> None:
    rows = HashEncoder().encode_passages(["a b c", "", "…"])
    assert rows.shape == (3, 64)
    assert rows.dtype == np.float32
    assert rows.flags.c_contiguous
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_no_texts_give_no_rows() -> None:
    rows = HashEncoder(dim=16).encode_passages([])
    assert rows.shape == (0, 16)
    assert rows.dtype == np.float32


def test_a_text_without_words_is_orthogonal_to_every_text_with_words() -> None:
    encoder = HashEncoder()
    assert encoder.encode_query("?! …")[0] == 1
    assert encoder.encode_query("").tolist() == encoder.encode_query(" \n").tolist()
    assert encoder.encode_query("") @ encoder.encode_query("word") == 0


def test_tokens_are_words_and_punctuation_marks_in_code_points() -> None:
    assert HashEncoder().tokenize(["né à🙂 x_1!", ""]) == [
        [(0, 2), (3, 4), (4, 5), (6, 9), (9, 10)],
        [],
    ]


def test_token_states_add_up_to_the_vector() -> None:
    encoder = HashEncoder()
    for text in ("one two, two three!", "...", ""):
        (tokens,) = encoder.token_vectors([text])
        mean = tokens.states.mean(0)
        assert len(tokens.offsets) == len(tokens.states)
        assert np.allclose(mean / np.linalg.norm(mean), encoder.encode_query(text), atol=1e-6)


def test_a_passage_over_the_limit_is_refused_and_a_question_is_cut() -> None:
    encoder = HashEncoder(max_tokens=2)
    with pytest.raises(ValueError, match="text 1 is 1 tokens over the limit of 2"):
        encoder.encode_passages(["a b", "a b c"])
    assert encoder.encode_query("a b c").tolist() == encoder.encode_query("a b").tolist()


def test_other_settings_are_another_encoder() -> None:
    assert HashEncoder().identity == HashEncoder().identity
    assert HashEncoder(dim=65).identity.fingerprint != HashEncoder().identity.fingerprint
    with pytest.raises(ValueError, match="at least"):
        HashEncoder(dim=1)


@pytest.mark.slow
def test_every_process_gives_the_same_axes() -> None:
    code = "from searchapp.testing import HashEncoder; print(HashEncoder().axis('Fox'))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(child.stdout) == HashEncoder().axis("fox")
