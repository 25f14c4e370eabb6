"""Whether a corpus answers a question at all: a confidence beside the cosine, read against the
corpus's own background.

A cosine of .5 means much in a library of everything and little among abstracts of one field. So
each is divided by how near the corpus's passages lie to passages of other documents, and raised by
how near the question is to the corpus as a whole and by how far its best document stands out from
the next. The constants were fitted once, on questions with and without their answers, so that of
those with a best confidence of .7 about seven in ten have their answer here: where two in three of
all have it, and the others are half about the same things and half about others. Nothing is learned
from a corpus but its background. `benchmarks.confidence` measures it. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from searchapp.types.results import Background

if TYPE_CHECKING:
    from searchapp.search.ranking import Numbers
    from searchapp.types.vectors import Ids

THRESHOLD = 0.4  # below it, perhaps nothing here answers
LEAST_PASSAGES = 100  # fewer tell nothing of what is unrelated: then there is no confidence

# Where all that is asked for to the letter stands nowhere, the odds are divided by e to the first:
# whatever is near is about something else. Where a passage holds all words that are asked for, and
# hardly another passage any, they are multiplied by e to the second. Where it is some of the
# words, by as much less. A choice, not a fit; the questions of the fit are flagged as they were.
_MISSING, _HELD = 4.0, 2.0
_KEYWORD_SHARE = 0.6  # of a passage's share of the best possible BM25, beside its cosine


class _ConfidenceModel(NamedTuple):
    """What a question's evidence counts, and from which rank on the next best documents no longer
    do.
    """

    cosine: float
    nearness: float
    margin: float
    tokens: float
    constant: float
    beyond: int


_COSINE = _ConfidenceModel(5.1, 1.3, 1.7, 0.0, -4.5, 20)
_KEYWORD = _ConfidenceModel(3.6, 2.8, 5.8, 0.0, -4.3, 10)
_TOKENS = _ConfidenceModel(3.1, 2.3, 4.9, 4.1, -6.1, 10)


class Evidence(NamedTuple):
    """What a question found: passages of the pool, n of them, in any order."""

    cosines: Numbers  # (n,) NaN where a passage has no vector
    documents: Ids  # (n,)
    nearness: float  # of the question's vector to the corpus's mean
    # (n,) each passage's BM25 as a share of the best possible, where that leg ran
    keywords: Numbers | None = None
    # the best late interaction of any passage, where that was looked at
    tokens: float | None = None
    # the share of the question's words that are asked for to the letter and stand nowhere
    missing: float = 0.0
    # (n,) the share of its words that each passage holds, and hardly another
    rare: Numbers | None = None


def confidences(evidence: Evidence, background: Background) -> Numbers:
    """The confidence of each passage, (n,), from 0 to 1, increasing with its cosine; NaN where it
    has none.
    """
    known = ~np.isnan(evidence.cosines)
    if not known.any():
        return evidence.cosines
    model = (
        _COSINE if evidence.keywords is None else _KEYWORD if evidence.tokens is None else _TOKENS
    )
    scores = (
        evidence.cosines
        if evidence.keywords is None
        else evidence.cosines + _KEYWORD_SHARE * evidence.keywords
    )
    stands_out = _margin(scores[known], evidence.documents[known], model.beyond) / (
        background.scale if evidence.keywords is None else 1
    )
    logits = (
        (model.cosine * evidence.cosines + model.nearness * evidence.nearness) / background.scale
        + model.margin * stands_out
        + model.tokens * (evidence.tokens or 0)
        + model.constant
        - _MISSING * evidence.missing
        + _HELD * (0.0 if evidence.rare is None else evidence.rare)
    )
    probabilities: Numbers = 1 / (1 + np.exp(-logits))
    return probabilities


def _margin(scores: Numbers, documents: Ids, beyond: int) -> float:
    """The best document's score less the mean of the next ones', a document scoring as its best
    passage; 0 for one alone.
    """
    order = np.argsort(-scores, kind="stable")
    _, first = np.unique(documents[order], return_index=True)
    best = scores[order][np.sort(first)]
    return float(best[0] - best[1:beyond].mean()) if len(best) > 1 else 0.0
