"""Cosines of all with all, pairs above a bound, and the senses of a word: against a
plain oracle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from searchapp.analysis.projection import nearest_neighbors
from searchapp.analysis.similarity import cosines, pairs_above
from searchapp.analysis.word_senses import senses_of

if TYPE_CHECKING:
    from searchapp.types.vectors import Vectors


def unit_rows(count: int, dim: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).normal(size=(count, dim))
    return np.ascontiguousarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def around(center: int, count: int, spread: float, seed: int, dim: int = 16) -> Vectors:
    rows = (
        np.eye(dim)[[center] * count]
        + np.random.default_rng(seed).normal(size=(count, dim)) * spread
    )
    return np.ascontiguousarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_cosines_are_those_of_numpy_also_for_rows_of_other_lengths() -> None:
    a, b = unit_rows(7, 5, 1) * np.float32(3), unit_rows(4, 5, 2)
    expected = [
        [float(np.dot(x, y) / np.linalg.norm(x) / np.linalg.norm(y)) for y in b.astype(float)]
        for x in a.astype(float)
    ]
    assert cosines(a, b) == pytest.approx(np.array(expected), abs=1e-12)
    assert cosines(np.zeros((1, 5), np.float32), b).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("block", [1, 3, 50, 2048])
def test_pairs_are_all_that_reach_the_bound_whatever_the_block(block: int) -> None:
    vectors = unit_rows(50, 4, 3)
    wide = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    expected = sorted(
        ((wide[i, j], i, j) for i in range(50) for j in range(i + 1, 50) if wide[i, j] >= 0.8),
        key=lambda p: -p[0],
    )
    found, total = pairs_above(vectors, 0.8, limit=1000, block=block)
    assert [(pair.first, pair.second) for pair in found] == [(i, j) for _, i, j in expected]
    assert [pair.cosine for pair in found] == pytest.approx(
        [cosine for cosine, _, _ in expected], abs=1e-12
    )
    assert total == len(expected) > 10
    nearest, same = pairs_above(vectors, 0.8, limit=3, block=block)
    assert (nearest, same) == (found[:3], total)


def test_no_cosine_of_rows_in_float16_is_above_one() -> None:
    rows = np.full((2, 5), 1 / np.sqrt(5)).astype(np.float16).astype(np.float32)  # 1.0001 long
    (pair,), _ = pairs_above(rows, 0.5, limit=9)
    assert pair.cosine == 1.0
    assert nearest_neighbors(rows, 1).cosines.tolist() == [[1.0], [1.0]]


def test_equal_rows_are_pairs_in_their_order_and_groups_are_not_compared_within() -> None:
    vectors = np.tile(unit_rows(1, 8, 4), (4, 1))
    pairs, _ = pairs_above(vectors, 1 - 1e-6, limit=10)
    assert [(pair.first, pair.second) for pair in pairs] == [
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 2),
        (1, 3),
        (2, 3),
    ]
    apart, _ = pairs_above(vectors, 1 - 1e-6, limit=10, groups=np.array([0, 0, 1, 1]))
    assert [(pair.first, pair.second) for pair in apart] == [(0, 2), (0, 3), (1, 2), (1, 3)]
    assert pairs_above(vectors[:0], 0.5, limit=10) == ([], 0)


def test_places_of_two_meanings_are_two_senses_the_frequent_one_first() -> None:
    vectors = np.concatenate([around(0, 3, 0.05, 5), around(1, 6, 0.05, 6), around(0, 1, 0.05, 7)])
    first, second = senses_of(vectors)
    assert (sorted(first.places), sorted(second.places)) == ([3, 4, 5, 6, 7, 8], [0, 1, 2, 9])
    assert first.cohesion > 0.9
    mean = vectors[list(second.places)].astype(np.float64).mean(axis=0)
    near = [float(vectors[place] @ mean) for place in second.places]
    assert near == sorted(near, reverse=True)


def test_places_without_a_gap_between_them_are_one_sense() -> None:
    random = np.random.default_rng(8).normal(size=(40, 64))
    vectors = np.ascontiguousarray(
        random / np.linalg.norm(random, axis=1, keepdims=True), np.float32
    )
    assert [len(sense.places) for sense in senses_of(vectors)] == [40]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_places_are_one_sense_or_none(count: int) -> None:
    assert [sorted(sense.places) for sense in senses_of(unit_rows(count, 8, 9))] == (
        [[*range(count)]] if count else []
    )


def test_equal_places_are_one_sense() -> None:
    (sense,) = senses_of(np.tile(unit_rows(1, 8, 10), (5, 1)))
    assert sense.places == (0, 1, 2, 3, 4)
    assert sense.cohesion == pytest.approx(1, abs=1e-6)
