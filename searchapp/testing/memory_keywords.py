"""Keywords in memory: BM25 as FTS5 scores it (https://sqlite.org/fts5.html#the_bm25_function).

Words are compared without case and accents, whole: English ones are not stemmed, and those of other
languages are as in FTS5. Knows no document.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence

from searchapp.search.query_parser import K1, idf
from searchapp.search.spelling import one_edit_away, vocabulary
from searchapp.search.stemming import alternatives, stemmed
from searchapp.types.filters import Term

_WORD = re.compile(r"[^\W_]+")
_B = 0.75  # how much a passage's length counts
_WEIGHTS = (2, 1, 1, 1, 1)  # of the columns of `lexical.keyword_row`


class KeywordIndex:
    """The words of passages, by passage id: of each the columns of `lexical.keyword_row`; and of
    those that are stemmed, the code of their language.
    """

    def __init__(self, rows: Mapping[int, tuple[str, ...]], languages: Mapping[int, str]) -> None:
        self._languages = sorted(set(languages.values()))
        self._columns = {
            i: tuple(
                _words(stemmed(column, languages[i]) if i in languages else column)
                for column in row
            )
            for i, row in rows.items()
        }
        self._sizes = {i: sum(map(len, columns)) for i, columns in self._columns.items()}
        self._mean_size = sum(self._sizes.values()) / max(len(rows), 1)
        self._passages_with: dict[str, set[int]] = defaultdict(set)
        for i, columns in self._columns.items():
            for word in {word for column in columns for word in column}:
                self._passages_with[word].add(i)
        self._vocabulary = {word for word, *_ in vocabulary(rows.values())}

    def holding(self, term: Term) -> set[int]:
        """The passages that hold a term."""
        return set().union(*map(self._frequencies, alternatives(term, self._languages)))

    def nearest(self, word: str) -> tuple[str, int] | None:
        """The word one edit away that most passages hold, with their number."""
        near = one_edit_away(word) & self._vocabulary
        if not near:
            return None
        counts = {other: len(self.holding(Term((other,)))) for other in near}
        most = min(near, key=lambda other: (-counts[other], other))
        return most, counts[most]

    def scores(self, terms: Sequence[Term]) -> dict[int, float]:
        """The BM25 of each passage that holds any of the terms; a term given twice counts twice."""
        total: dict[int, float] = defaultdict(float)
        forms = [form for term in terms for form in alternatives(term, self._languages)]
        for term in forms:
            frequencies = self._frequencies(term)
            weight = idf(len(frequencies), len(self._columns))
            for i, frequency in frequencies.items():
                length = K1 * (1 - _B + _B * self._sizes[i] / self._mean_size)
                total[i] += weight * frequency * (K1 + 1) / (frequency + length)
        return total

    def _frequencies(self, term: Term) -> dict[int, int]:
        """How often each passage that holds a term does so, the title counting twice."""
        phrase = _words(" ".join(term.words))
        if not phrase:
            return {}
        *before, last = phrase
        lasts = (
            [word for word in self._passages_with if word.startswith(last)]
            if term.is_prefix
            else [last]
        )
        having_last: set[int] = set().union(*(self._passages_with.get(word, ()) for word in lasts))
        candidates = having_last.intersection(
            *(self._passages_with.get(word, set()) for word in before)
        )
        weights = _WEIGHTS[: 1 if term.is_title else None]
        counts = {
            i: sum(
                weight * _count(column, phrase, is_prefix=term.is_prefix)
                for weight, column in zip(weights, self._columns[i], strict=False)
            )
            for i in candidates
        }
        return {i: count for i, count in counts.items() if count}


def _words(text: str) -> tuple[str, ...]:
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return tuple(_WORD.findall(bare.casefold()))


def _count(column: Sequence[str], phrase: tuple[str, ...], *, is_prefix: bool) -> int:
    """How often a phrase stands in a column."""
    size = len(phrase)
    runs = (tuple(column[i : i + size]) for i in range(len(column) - size + 1))
    if not is_prefix:
        return sum(run == phrase for run in runs)
    return sum(run[:-1] == phrase[:-1] and run[-1].startswith(phrase[-1]) for run in runs)
