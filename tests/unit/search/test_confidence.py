"""The confidence of an answer, computed by hand; a corpus's background, against NumPy over all rows
at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import pytest

from searchapp.backends.background import measure
from searchapp.search.confidence import LEAST_PASSAGES, Evidence, confidences
from searchapp.types.results import Background

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIM = 64
HALF = Background(0.5, np.zeros(DIM, dtype=np.float32))


def evidence(
    cosines: Sequence[float],
    documents: Sequence[int] = (),
    *,
    nearness: float = 0.5,
    keywords: Sequence[float] | None = None,
    tokens: float | None = None,
) -> Evidence:
    """What a question found, each passage in a document of its own unless told."""
    owners = np.array(documents or range(len(cosines)), dtype=np.int64)
    return Evidence(
        np.array(cosines, dtype=np.float64),
        owners,
        nearness,
        None if keywords is None else np.array(keywords),
        tokens,
    )


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


# With .5 for the scale and for the nearness, and the best document .2 (by cosine) or .1 (with
# keywords) ahead of the other:
RECIPES = {
    "cosine": (
        evidence([0.8, 0.6]),
        [10.2 * 0.8 - 2.52, 10.2 * 0.6 - 2.52],
    ),  # 5.1 / .5 = 10.2; 1.3 + 1.7 * .2 / .5 - 4.5 = -2.52
    "keywords": (
        evidence([0.8, 0.6], keywords=[0, 0.5]),
        [7.2 * 0.8 - 0.92, 7.2 * 0.6 - 0.92],
    ),  # 2.8 + 5.8 * .1 - 4.3 = -.92
    "tokens": (
        evidence([0.8, 0.6], keywords=[0, 0.5], tokens=0.5),
        [6.2 * 0.8 - 1.26, 6.2 * 0.6 - 1.26],
    ),  # 2.3 + 4.9 * .1 + 4.1 * .5 - 6.1 = -1.26
}


@pytest.mark.parametrize(("found", "logits"), RECIPES.values(), ids=RECIPES)
def test_confidence_is_what_the_recipe_says(found: Evidence, logits: list[float]) -> None:
    assert confidences(found, HALF).tolist() == pytest.approx(
        [sigmoid(logit) for logit in logits], abs=1e-12
    )


def test_what_is_missing_lowers_all_and_what_is_rare_raises_those_that_have_it() -> None:
    found = evidence([0.8, 0.6])
    plain, missing, rare = (
        np.log(sure / (1 - sure))
        for sure in (
            confidences(found, HALF),
            confidences(found._replace(missing=0.25), HALF),
            confidences(found._replace(rare=np.array([0.0, 0.5])), HALF),
        )
    )
    assert (missing - plain).tolist() == pytest.approx([-1, -1])
    assert (rare - plain).tolist() == pytest.approx([0, 1])


def test_a_document_alone_stands_out_from_nothing() -> None:
    found = confidences(evidence([0.8, 0.6], [4, 4]), HALF)
    assert found.tolist() == pytest.approx(
        [sigmoid(10.2 * 0.8 - 3.2), sigmoid(10.2 * 0.6 - 3.2)], abs=1e-12
    )  # 1.3 - 4.5 = -3.2


def test_a_document_counts_as_its_best_passage_in_any_order() -> None:
    found = confidences(evidence([0.1, 0.6, 0.8, 0.7], [1, 2, 1, 1]), HALF)
    assert found.tolist() == pytest.approx(
        [sigmoid(10.2 * cosine - 2.52) for cosine in (0.1, 0.6, 0.8, 0.7)], abs=1e-12
    )


def test_a_passage_without_a_vector_has_no_confidence_and_does_not_count() -> None:
    found = confidences(evidence([math.nan, 0.8, 0.6]), HALF)
    assert math.isnan(found[0])
    assert found[1:].tolist() == confidences(evidence([0.8, 0.6]), HALF).tolist()
    found = confidences(evidence([0.8, math.nan, 0.6], keywords=[0, 1, 0.5]), HALF)
    assert math.isnan(found[1])
    assert (
        found[[0, 2]].tolist()
        == confidences(evidence([0.8, 0.6], keywords=[0, 0.5]), HALF).tolist()
    )


@pytest.mark.parametrize("keywords", [None, [0.5, 0.5]])
def test_without_any_vector_there_is_no_confidence(keywords: list[float] | None) -> None:
    assert np.isnan(
        confidences(evidence([math.nan, math.nan], keywords=keywords), HALF)
    ).tolist() == [True, True]


@pytest.mark.parametrize("tokens", [None, 0.6])
@pytest.mark.parametrize("has_keywords", [False, True])
def test_confidence_rises_with_the_cosine_from_0_to_1(
    tokens: float | None, has_keywords: bool
) -> None:
    cosines = np.linspace(-1, 1, 41)
    keywords = np.random.default_rng(1).random(41).tolist() if has_keywords else None
    found = confidences(evidence(cosines.tolist(), keywords=keywords, tokens=tokens), HALF)
    assert (np.diff(found) > 0).all()
    assert 0 < found[0] < 0.01
    assert 0.95 < found[-1] < 1


@pytest.mark.parametrize(("keywords", "beyond"), [(None, 20), (0.0, 10)])
def test_documents_from_a_certain_rank_on_do_not_count(keywords: float | None, beyond: int) -> None:
    def best(*others: float) -> float:
        cosines = [0.9, *others]
        return float(
            confidences(
                evidence(cosines, keywords=None if keywords is None else [keywords] * len(cosines)),
                HALF,
            )[0]
        )

    counting = [0.5] * (beyond - 1)
    assert best(*counting, 0.1, 0.1) == best(*counting)
    assert best(*counting[1:], 0.1) > best(*counting)


# ---- the background ------------------------------------------------------------------------------


def rows(
    sizes: Sequence[int], *, likeness: float = 0.7, seed: int = 5
) -> list[NDArray[np.float16]]:
    """Documents of random unit rows of so many passages, where each row has one that is like it,
    half of all rows away.
    """
    random = np.random.default_rng(seed)
    count = sum(sizes)
    half = random.normal(size=(count - count // 2, DIM))
    other = likeness * half[: count // 2] + math.sqrt(1 - likeness**2) * random.normal(
        size=(count // 2, DIM)
    )
    both = np.concatenate([half, other])
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    return np.split(both.astype(np.float16), list(accumulate(sizes))[:-1])


def measured(documents: Sequence[NDArray[np.float16]]) -> Background | None:
    firsts = [1, *(1 + end for end in accumulate(len(each) for each in documents))]
    return measure(lambda: zip(firsts, documents, strict=False), sum(map(len, documents)), DIM)


def expected(documents: Sequence[NDArray[np.float16]]) -> tuple[float, NDArray[np.float64]]:
    """The oracle: the median, not yet cut, of the sample's cosines to the nearest row of another
    document, and the sample's mean.
    """
    everything = np.concatenate(documents).astype(np.float64)  # (n, dim)
    owners = np.repeat(np.arange(len(documents)), [len(each) for each in documents])
    drawn = np.random.default_rng(0).permutation(len(everything))[:256]
    cosines = everything[drawn] @ everything.T
    cosines[owners[drawn][:, None] == owners] = -1
    return float(np.median(cosines.max(axis=1))), everything[drawn].mean(axis=0)


SIZES = {
    "as few as may be": [50, 50],
    "fewer than the sample": [3, 120, 1, 120],
    "documents of some passages": [7] * 90,
    "a block, then a row": [8192, 1, 8191],
    "a row before a block's end": [8191, 2, 8191],
    "blocks exactly": [4096] * 4,
    "a document of several blocks": [100, 17000, 17100],
    "thousands of single passages": [1] * 9000,
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_the_background_is_that_of_all_rows_however_they_come(sizes: list[int]) -> None:
    documents = rows(sizes)
    background, (scale, mean) = measured(documents), expected(documents)
    assert background is not None
    assert 0.36 < scale < 0.79  # so that nothing is cut
    assert background.scale == pytest.approx(scale, abs=1e-5)
    assert np.allclose(background.mean, mean, atol=1e-6, rtol=0)
    assert (background.mean.dtype, background.mean.shape, background.mean.flags.c_contiguous) == (
        np.dtype(np.float32),
        (DIM,),
        True,
    )


def test_corpora_of_near_copies_and_of_strangers_have_the_utmost_scales() -> None:
    copies, strangers = (
        measured(rows([60, 60], likeness=0.99)),
        measured(rows([60, 60], likeness=0)),
    )
    assert copies is not None
    assert strangers is not None
    assert (copies.scale, strangers.scale) == pytest.approx((0.8, 0.35), abs=1e-7)


def test_the_same_corpus_has_the_same_background_each_time() -> None:
    documents = rows([9] * 50)
    first, second = measured(documents), measured(documents)
    assert first is not None
    assert second is not None
    assert (first.scale, first.mean.tolist()) == (second.scale, second.mean.tolist())


def test_a_small_corpus_and_one_of_a_single_document_have_no_background() -> None:
    assert measured(rows([50, LEAST_PASSAGES - 51])) is None
    assert measured(rows([50, LEAST_PASSAGES - 50])) is not None
    assert measured(rows([300])) is None
    assert measure(list, 0, 0) is None
