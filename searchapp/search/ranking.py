"""From scores to the matches that are shown. Pure: arrays in, choices out; knows neither SQL nor
models.

Four modes. `cosine` and `keyword` are one leg each. `hybrid` takes the union of both legs' best,
standardises each leg's scores, and adds them, each as far as it can be trusted: the words by what
they have to go by, the meanings by how much of the question the model can read. It credits a
document that answers by words in one place and by meaning in another, and lets each passage share
in its neighbours' scores. `best` looks at the first twenty-eight again, token by token. What a
score is made of stays apart. docs/ranking.md tells how each constant was chosen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchapp.linalg import unit
from searchapp.search.query_parser import K1

if TYPE_CHECKING:
    from searchapp.types.documents import Address
    from searchapp.types.vectors import Ids, TokenVectors, Vectors

Numbers: TypeAlias = NDArray[np.float64]  # (n,)
Parts: TypeAlias = Mapping[str, Numbers]  # what adds up to a score, by what earned it; each (n,)

DEPTH = 200  # passages of each leg that a hybrid looks at, at least
# passages that `best` reads token by token; fifty measure the same and take nearly twice as long
LOOKED_AT_AGAIN = 28
WEIGHT = 0.45  # of the keyword leg, where it has much to go by

# words that only one passage has, or their worth in commoner ones: then the best keyword hit is
# trusted
_MUCH = 1.3
_WHOLE = 0.7  # or this share of all that the question's words could be worth
_READ = 0.5  # of a question's letters, from which on its meaning is trusted in full
_LEAST_TRUST = 0.25  # in the meaning of a question of which nothing can be read
_CREDIT = 0.5  # of what a document has by words in one place and by meaning in another
_HYBRID, _TOKENS, _SENTENCE = (0.6, 0.3, 0.1)  # what counts in `best`
_NEIGHBOURS, _SHARED, _SHARPNESS = 5, 0.2, 16.0
_NEIGHBOURHOOD = 100  # passages that share with each other in `hybrid`


class Ranking(NamedTuple):
    """Passages and their scores, the parts of which add up; in no particular order."""

    ids: Ids  # (n,)
    parts: Parts

    @property
    def scores(self) -> Numbers:
        """Each passage's score, (n,); bigger is better."""
        return (
            np.sum(list(self.parts.values()), axis=0, dtype=np.float64)
            if self.parts
            else np.zeros(0)
        )

    def order(self, addresses: Sequence[Address]) -> list[int]:
        """The positions, best first; scores equal but for rounding are ordered by path bytes, then
        start.
        """
        return ordered(range(len(self.ids)), self.scores, addresses)


def ordered(positions: Iterable[int], scores: Numbers, addresses: Sequence[Address]) -> list[int]:
    """These positions by their scores, best first; of equal scores, but for rounding, by their
    addresses.
    """
    rounded = np.round(scores, 9).tolist()
    return sorted(positions, key=lambda i: (-rounded[i], addresses[i]))


# ---- hybrid --------------------------------------------------------------------------------------


class Trust(NamedTuple):
    """How far each leg can be trusted with a question, 0 to 1."""

    cosine: float
    keyword: float


def trust_in_words(best: float, ideal: float, passages: int) -> float:
    """How much the keyword leg has to go by, 0 to 1, from its best BM25 score, the most its words
    could score, and the corpus's size.

    A question put in other words than its answer's leaves the leg a few common words: then its best
    hits are chance.
    """
    if best <= 0 or ideal <= 0:
        return 0.0
    rare_words = best / ((1 + K1) * math.log(max(passages, 2)))
    return max(min(1.0, rare_words / _MUCH), min(1.0, best / ideal / _WHOLE)) ** 2


def trust_in_meaning(share_read: float) -> float:
    """How far a question's vector tells what it means, 0 to 1, from the share of its letters that
    the model reads in words or parts of words, not one by one.

    A vocabulary that has none of a script spells it: such vectors lie near each other whatever the
    text says.
    """
    return max(_LEAST_TRUST, min(1.0, share_read / _READ))


def fuse(
    cosines: Numbers, keywords: Numbers, documents: Ids, *, weight: float, trust: Trust
) -> dict[str, Numbers]:
    """The parts of a hybrid score, each (n,): both legs' scores in standard deviations from their
    means over the union, and the document's credit.

    NaN counts as the least cosine there is, and as a BM25 of 0: a passage that holds none of the
    words is worth nothing to that leg. `weight` is the keyword leg's, from 0 to 1.
    """
    by_meaning = (1 - weight) * trust.cosine * _standardised(_filled(cosines))
    by_words = weight * trust.keyword * _standardised(np.nan_to_num(keywords))
    best_of = partial(_best_of_documents, documents=documents)
    apart = best_of(by_meaning) + best_of(by_words)
    return {
        "cosine": by_meaning,
        "keyword": by_words,
        "document": _CREDIT * (apart - best_of(by_meaning + by_words)),
    }


def _best_of_documents(scores: Numbers, documents: Ids) -> Numbers:
    """The best score of each passage's document, (n,)."""
    best: dict[int, float] = {}
    for document, score in zip(documents.tolist(), scores.tolist(), strict=True):
        best[document] = max(score, best.get(document, score))
    return np.array([best[document] for document in documents.tolist()])


def share_with_neighbours(
    parts: Parts,
    vectors: Vectors,
    documents: Ids,
    *,
    trusted: float = 1.0,
    first: int = _NEIGHBOURHOOD,
) -> dict[str, Numbers]:
    """The parts with one more: what each of the first passages gets from its nearest neighbours of
    other documents.

    Relevant passages lie together (score regularisation: Diaz, CIKM 2005). The mean of the
    neighbours' scores, weighted by exp(16 cosine), takes the place of a fifth of a passage's own,
    or of less where the meaning is not `trusted`. All others stay behind those first.
    """
    scores = np.sum(list(parts.values()), axis=0)
    head = np.argsort(-scores, kind="stable")[:first]
    change = np.zeros(len(scores))
    change[head] = (_SHARED * trusted) * (
        _neighbours_mean(scores[head], vectors[head], documents[head]) - scores[head]
    )
    return {**parts, "neighbours": change, "place": _behind(scores + change, head)}


def _neighbours_mean(scores: Numbers, vectors: Vectors, documents: Ids) -> Numbers:
    """The weighted mean of each passage's nearest neighbours' scores, (n,); its own where it has
    none.
    """
    rows = np.nan_to_num(vectors)
    cosines = rows @ rows.T  # (n, n)
    cosines[documents[:, None] == documents[None, :]] = -1
    count = min(_NEIGHBOURS, len(scores) - 1)
    if count < 1:
        return scores
    least = -np.partition(-cosines, count - 1, axis=1)[:, count - 1 : count]
    weights = np.where(
        (cosines >= least) & (cosines > 0), np.exp(_SHARPNESS * cosines), 0.0
    ).astype(np.float64)
    total = weights.sum(1)
    return np.where(total > 0, weights @ scores / np.maximum(total, 1e-12), scores)


def _behind(scores: Numbers, head: Ids) -> Numbers:
    """What all but the head must be moved by, (n,), so that none of them comes before any of it."""
    rest = np.ones(len(scores), dtype=bool)
    rest[head] = False
    moved = np.zeros(len(scores))
    if rest.any() and len(head):
        moved[rest] = min(0.0, scores[head].min() - scores[rest].max() - 1e-6)
    return moved


# ---- best ----------------------------------------------------------------------------------------


def late_interaction(query: Vectors, weights: Numbers, tokens: TokenVectors) -> float:
    """MaxSim (Khattab and Zaharia, SIGIR 2020), weighted: for each of the query's tokens the best
    cosine with any of the passage's.

    `query` holds unit rows, (m, dim); the weights, (m,), are the IDF of the words that they belong
    to. 0 for a query without tokens.
    """
    total = float(weights.sum())
    if total <= 0:
        return 0.0
    best_cosines = np.maximum((query @ unit(tokens.states).T).max(axis=1), 0)  # (m,)
    return float(best_cosines @ weights) / total


def look_again(
    parts: Parts, *, tokens: Numbers, sentences: Numbers, trusted: float = 1.0
) -> dict[str, Numbers]:
    """The parts of a `best` score, each (n,), from a hybrid's, and from the token and sentence
    scores, which are meanings and count as far as these are `trusted`.
    """
    fused = np.sum(list(parts.values()), axis=0)
    spread = max(float(fused.std()), 1e-12)
    return {
        **{name: _HYBRID * (part - part.mean()) / spread for name, part in parts.items()},
        "tokens": _TOKENS * trusted * _standardised(tokens),
        "sentence": _SENTENCE * trusted * _standardised(sentences),
    }


def ahead(parts: Parts, head_parts: Parts, head: Ids) -> dict[str, Numbers]:
    """The parts of all, with those of the head in place of its own; the head comes first, whatever
    the numbers.
    """
    count = len(next(iter(parts.values())))
    merged = {
        name: parts.get(name, np.zeros(count)).copy()
        for name in {**parts, **head_parts, "place": None}
    }
    for name, part in merged.items():
        part[head] = head_parts.get(name, np.zeros(len(head)))
    merged["place"] = merged["place"] + _behind(np.sum(list(merged.values()), axis=0), head)
    return merged


# ---- what is shown -------------------------------------------------------------------------------


def choose(
    order: Sequence[int],
    documents: Ids,
    *,
    k: int,
    per_document: int | None,
    is_passing: NDArray[np.bool_] | None = None,
    repeats: Mapping[int, int] = MappingProxyType({}),
) -> list[int]:
    """The first k positions of an order that pass, with at most `per_document` of a document; the
    arrays are (n,). `repeats` gives the first of those that say the same: of them one is chosen.
    """
    taken: Counter[int] = Counter()
    said: set[int] = set()
    chosen: list[int] = []
    for position in order:
        if len(chosen) == k:
            break
        document, first = int(documents[position]), repeats.get(position, position)
        is_full = per_document is not None and taken[document] >= per_document
        if first in said or is_full or (is_passing is not None and not is_passing[position]):
            continue
        taken[document] += 1
        said.add(first)
        chosen.append(position)
    return chosen


def _standardised(values: Numbers) -> Numbers:
    """In standard deviations from the mean, (n,); zeros where there is no spread."""
    spread = float(values.std()) if len(values) else 0.0
    return (values - values.mean()) / spread if spread > 1e-12 else np.zeros(len(values))


def _filled(values: Numbers) -> Numbers:
    """The values with their least one in place of NaN; zeros where there is none at all."""
    known = values[~np.isnan(values)]
    return np.where(np.isnan(values), known.min() if len(known) else 0.0, values).astype(np.float64)
