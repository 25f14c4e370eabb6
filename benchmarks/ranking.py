"""What each constant of the ranking is worth, on judged collections in BEIR form.

    python -m benchmarks.ranking COLLECTION... [--most QUESTIONS]

The legs of every question are asked once; then `searchapp.search.ranking` fuses them again with
other constants, one changed at a time. Tells nDCG@10 of each collection, and for each constant what
a choice made on all other collections costs on the one left out. Writes both to
benchmarks/results/.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import numpy as np

from benchmarks.collection_corpus import collection_corpus
from benchmarks.keeping import keep
from searchapp import config
from searchapp.evaluation.rank_fusion import reciprocal_rank_fusion
from searchapp.search import attribution, ranking

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.search.ranking import Numbers
    from searchapp.types.protocols import Encoder, Reader
    from searchapp.types.vectors import Ids, TokenVectors, Vectors

config.use_one_thread_for_small_products()  # before what imports NumPy
RANKINGS = ("cosine", "keyword", "rrf", "hybrid", "best")
_LOOKED_AT = 60  # passages whose tokens are kept, more than any variant looks at again


class Legs(NamedTuple):
    """What both legs gave for a question: n passages."""

    names: list[str]  # of the documents, by passage
    documents: Ids  # (n,)
    vectors: Vectors  # (n, dim)
    cosines: Numbers  # (n,)
    keywords: Numbers  # (n,) NaN for a passage that the leg does not have
    by_leg: Mapping[str, Ids]  # positions, best first
    is_named: NDArray[np.bool_]  # (n,) whether it holds what is asked for to the letter
    tokens: Numbers  # (n,) late interaction, NaN where it was not looked at
    sentences: Numbers  # (n,) likewise the nearest sentence's cosine
    words: tuple[float, float, int]  # what `trust_in_words` goes by
    meaning: float  # trusted
    grades: Mapping[str, int]  # of the judged documents


# ---- variants ------------------------------------------------------------------------------------

_words, _meaning = ranking.trust_in_words, ranking.trust_in_meaning
# by constant, each of its other values with what has to be put in its place
VARIANTS: dict[str, dict[str, dict[str, object]]] = {
    "trust in words": {
        "not squared": {"trust_in_words": lambda *given: _words(*given) ** 0.5},
        "full": {"trust_in_words": lambda *_: 1.0},
    },
    "full trust at": {
        "1 word": {"_MUCH": 1.0},
        "1.7 words": {"_MUCH": 1.7},
        ".5 of all": {"_WHOLE": 0.5},
        ".9 of all": {"_WHOLE": 0.9},
    },
    "trust in meaning": {"always full": {"trust_in_meaning": lambda _: 1.0}},
    "least trust in meaning": {"0": {"_LEAST_TRUST": 0.0}, ".5": {"_LEAST_TRUST": 0.5}},
    "weight of words": {".35": {"WEIGHT": 0.35}, ".4": {"WEIGHT": 0.4}, ".5": {"WEIGHT": 0.5}},
    "credit": {"0": {"_CREDIT": 0.0}, ".25": {"_CREDIT": 0.25}, ".75": {"_CREDIT": 0.75}},
    "neighbours' share": {"0": {"_SHARED": 0.0}, ".1": {"_SHARED": 0.1}, ".3": {"_SHARED": 0.3}},
    "tokens in best": {".2": {"_TOKENS": 0.2}, ".4": {"_TOKENS": 0.4}},
    "sentence in best": {"0": {"_SENTENCE": 0.0}, ".2": {"_SENTENCE": 0.2}},
}


def rankings(legs: Legs) -> dict[str, list[str]]:
    """The documents of each ranking, best first, with the constants as they are at the moment."""
    by_leg = {leg: _documents(legs, order) for leg, order in legs.by_leg.items()}
    trust = ranking.Trust(
        ranking.trust_in_meaning(legs.meaning), ranking.trust_in_words(*legs.words)
    )
    fused: ranking.Parts = ranking.fuse(
        legs.cosines, legs.keywords, legs.documents, weight=ranking.WEIGHT, trust=trust
    )
    hybrid = ranking.share_with_neighbours(
        fused, legs.vectors, legs.documents, trusted=trust.cosine
    )
    expected = _scores(_named_first(legs, fused))
    known = [i for i in np.argsort(-expected, kind="stable") if not np.isnan(legs.tokens[i])]
    head = np.array(known[: ranking.LOOKED_AT_AGAIN])
    again = ranking.look_again(
        {name: part[head] for name, part in fused.items()},
        tokens=legs.tokens[head],
        sentences=legs.sentences[head],
        trusted=trust.cosine,
    )
    shared = ranking.share_with_neighbours(
        again, legs.vectors[head], legs.documents[head], trusted=trust.cosine
    )
    both = {"hybrid": hybrid, "best": ranking.ahead(fused, shared, head)}
    return {
        **by_leg,
        "rrf": [name for name, _ in reciprocal_rank_fusion(*by_leg.values())],
        **{
            mode: _documents(legs, np.argsort(-_scores(_named_first(legs, parts)), kind="stable"))
            for mode, parts in both.items()
        },
    }


def _named_first(legs: Legs, parts: ranking.Parts) -> ranking.Parts:
    head = np.flatnonzero(legs.is_named)
    if not len(head):
        return parts
    return ranking.ahead(parts, {name: part[head] for name, part in parts.items()}, head)


def _scores(parts: ranking.Parts) -> Numbers:
    return np.round(np.sum(list(parts.values()), axis=0, dtype=np.float64), 9)


def _documents(legs: Legs, order: Ids) -> list[str]:
    """The first hundred documents of an order of passages."""
    return list(dict.fromkeys(legs.names[i] for i in order.tolist()))[:100]


def ndcg(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    """nDCG@10."""
    gains = [grades.get(name, 0) for name in ranked[:10]]
    best = sorted(grades.values(), reverse=True)[:10]
    return _discounted(gains) / _discounted(best)


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def means(questions: Sequence[Legs]) -> dict[str, float]:
    """The mean nDCG@10 of each ranking."""
    figures = []
    for legs in questions:
        ranked = rankings(legs)
        figures.append([ndcg(ranked[name], legs.grades) for name in RANKINGS])
    return dict(zip(RANKINGS, np.mean(figures, axis=0).round(4).tolist(), strict=True))


# ---- the legs ------------------------------------------------------------------------------------


def legs_of(folder: Path, encoder: Encoder, most: int) -> list[Legs]:
    """The legs of a collection's first judged questions, at most so many."""
    from searchapp.evaluation.qrels import collection_judgements, collection_questions

    grades: dict[str, dict[str, int]] = {}
    for judgement in collection_judgements(folder):
        if judgement.grade > 0:
            grades.setdefault(judgement.question, {})[judgement.document] = judgement.grade
    with (
        collection_corpus(folder, encoder) as corpus,
        closing(corpus.reader()) as reader,
    ):
        judged = [
            (name, text) for name, text in collection_questions(folder).items() if name in grades
        ]
        states: dict[int, TokenVectors] = {}
        return [_legs(text, reader, encoder, grades[name], states) for name, text in judged[:most]]


def _legs(
    text: str,
    reader: Reader,
    encoder: Encoder,
    grades: Mapping[str, int],
    states: dict[int, TokenVectors],
) -> Legs:
    """The legs of one question; `states` holds those of passages that were looked at before."""
    from searchapp.search.pool import placed
    from searchapp.search.query import Query
    from searchapp.search.question import Question
    from searchapp.splitter.text_cuts import sentences
    from searchapp.timing import Stopwatch
    from searchapp.types.filters import Filters

    query = Query(texts=(text,), mode="best", literal=True)
    question = Question(query, (), reader, lambda: encoder, Stopwatch())
    hits = {
        "cosine": reader.cosine_leg(question.vector, Filters(), ranking.DEPTH),
        "keyword": reader.keyword_leg(question.terms, Filters(), ranking.DEPTH),
    }
    ids = np.unique(np.concatenate([leg_ids for leg_ids, _ in hits.values()]))
    addresses, vectors = reader.addresses(ids), reader.vectors_of(ids)
    cosines = vectors.astype(np.float64) @ question.vector.astype(np.float64)
    keywords = placed(ids, *hits["keyword"])
    likely = np.argsort(
        -(ranking._standardised(cosines) + ranking._standardised(np.nan_to_num(keywords)))
    )
    head = np.union1d(likely[:_LOOKED_AT], np.argsort(-cosines)[: ranking.LOOKED_AT_AGAIN])
    tokens, nearest = np.full(len(ids), np.nan), np.full(len(ids), np.nan)
    passages = reader.hydrate(ids[head])
    unseen = [hit for hit in passages if hit.passage_id not in states]
    for hit, read in zip(unseen, question.states_of(unseen), strict=True):
        states[hit.passage_id] = read._replace(states=read.states.astype(np.float16))
    for i, hit in zip(head, passages, strict=True):
        kept = states[hit.passage_id]
        kept = kept._replace(states=kept.states.astype(np.float32))
        tokens[i] = ranking.late_interaction(*question.word_tokens, kept)
        nearest[i] = attribution.nearest_sentence(
            sentences(hit.text), kept, question.vector, offset=hit.offset
        )
    best = float(np.nan_to_num(keywords).max(initial=0))
    return Legs(
        names=[address.path.decode() for address in addresses],
        documents=np.array([address.document_id for address in addresses]),
        vectors=vectors,
        cosines=cosines,
        keywords=keywords,
        by_leg={leg: np.searchsorted(ids, leg_ids) for leg, (leg_ids, _) in hits.items()},
        is_named=question.hold_named(ids),
        tokens=tokens,
        sentences=nearest,
        words=(best, question.ideal, question.passages),
        meaning=question.share_read,
        grades=grades,
    )


# ---- the figures ---------------------------------------------------------------------------------


def measured(collections: Mapping[str, Sequence[Legs]]) -> dict[str, Any]:
    """The figures of the ranking as it is, and of each variant; and what leaving a collection out
    of a choice costs on it.
    """
    shipped = {name: means(questions) for name, questions in collections.items()}
    variants: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for constant, value, patched in _all_variants():
        with patch.multiple(ranking, **patched):
            variants.setdefault(constant, {})[value] = {
                name: means(questions) for name, questions in collections.items()
            }
        print(f"{constant} {value}", file=sys.stderr, flush=True)
    return {
        "collections": {name: len(questions) for name, questions in collections.items()},
        "shipped": shipped,
        "variants": variants,
        "left_out": {
            constant: _left_out(shipped, values, "best" if "best" in constant else "hybrid")
            for constant, values in variants.items()
        },
    }


def _all_variants() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for constant, values in VARIANTS.items():
        for value, patched in values.items():
            yield constant, value, patched


def _left_out(
    shipped: Mapping[str, Mapping[str, float]],
    values: Mapping[str, Mapping[str, Mapping[str, float]]],
    mode: str,
) -> dict[str, dict[str, object]]:
    """For each collection: the value that is best on the mean of all others, and what it changes
    on this one.
    """
    table = {"as it is": shipped, **values}
    chosen: dict[str, dict[str, object]] = {}
    for name in shipped:
        others = [other for other in shipped if other != name]

        def mean(value: str, others: Sequence[str] = tuple(others)) -> float:
            return float(np.mean([table[value][other][mode] for other in others]))

        best = max(table, key=mean)
        chosen[name] = {
            "chosen": best,
            "ndcg@10": round(table[best][name][mode] - shipped[name][mode], 4),
        }
    return chosen


def main(arguments: Sequence[str]) -> None:
    from searchapp.encoders.loading import load_encoder
    from searchapp.types.model_names import DEFAULT_MODEL

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("collections", nargs="+", type=Path)
    parser.add_argument("--most", type=int, default=sys.maxsize, help="questions a collection")
    options = parser.parse_args(arguments)
    encoder = load_encoder(DEFAULT_MODEL, cache=config.load().cache, device="cpu")
    collections = {}
    for folder in options.collections:
        collections[folder.name] = legs_of(folder, encoder, options.most)
        print(folder.name, file=sys.stderr, flush=True)
    asked = " ".join([*collections, *arguments[len(collections) :]])
    keep("ranking", measured(collections), f"python -m benchmarks.ranking {asked}")


if __name__ == "__main__":
    main(sys.argv[1:])
