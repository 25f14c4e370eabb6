"""A query made ready for one generation of a corpus: parsed, with its examples, embedded when
needed.

Knows the seams, SearchReader and Encoder; decides nothing about ranking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import accumulate, chain, islice
from typing import TYPE_CHECKING

import numpy as np

from searchapp.errors import EmptyQuery
from searchapp.linalg import unit
from searchapp.search import query_parser
from searchapp.search.query import require_text
from searchapp.types.filters import FEW, MOST_LISTED, Term
from searchapp.types.results import Occurrences

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.search.more_like_this import Example
    from searchapp.search.query import Query
    from searchapp.search.query_parser import ParsedQuery
    from searchapp.search.ranking import Numbers
    from searchapp.timing import Stopwatch
    from searchapp.types.documents import Hit, Span
    from searchapp.types.filters import Filters
    from searchapp.types.protocols import Encoder, SearchReader
    from searchapp.types.vectors import Ids, TokenVectors, Vector, Vectors

_LEGS = {"cosine": ("cosine",), "keyword": ("keyword",)}  # of the modes that have one
_SENTENCE = 3  # words, from which on the first has a capital whether it is a name or not
_MOST_CONTENT_WORDS = 100  # of a question, that are looked at for what is rare
_PUSH = 0.5  # of a meaning that is kept away, at least
_EXAMPLE_TERMS = 20  # words of an example that are looked for
_MOST_NAMED = 5  # things asked for to the letter, of which the answer says where they stand
_LEAST_NAMED = 0.4  # of a question, for passages that hold what it names to come first
_FIRST_WORD = re.compile(r"(?:^|[.!?:]\s)[\s\"'(]*([^\W_]+)")
_NO_MEANING = "--not keeps no words away, and mode keyword knows nothing else: -word does"
_LEAST_LENGTH = 1e-6  # of a direction that is left of a question


class Question:
    """What is asked, in each form that a ranking needs; the encoder is opened as late as can be."""

    def __init__(
        self,
        query: Query,
        examples: Sequence[Example],
        reader: SearchReader,
        encoder: Callable[[], Encoder],
        watch: Stopwatch,
    ) -> None:
        """A resolved query; `encoder` may wait until the encoder is open, and is called once it is
        needed. Raises EmptyQuery where operators leave nothing to look for.
        """
        self.query = query
        self.examples = examples
        self.notes: list[str] = []
        self._reader = reader
        self._open_encoder = encoder
        self._watch = watch
        if query.negative and query.mode == "keyword":
            self.notes.append(_NO_MEANING)
        has_operators = query.mode != "cosine" and not query.literal
        parse = query_parser.parse if has_operators else query_parser.literal
        self._asked = self._within_most([parse(text) for text in query.texts])
        asked = [parsed.text for parsed in self._asked if parsed.text.strip()]
        require_text(asked, has_examples=bool(examples))

    @property
    def legs(self) -> tuple[str, ...]:
        """The legs that run."""
        return _LEGS.get(self.query.mode or "", ("cosine", "keyword"))

    @property
    def filters(self) -> Filters:
        """The query's filters with those of its operators, less the documents of its examples."""
        filters = self.query.filters
        return replace(
            filters,
            outside=(*filters.outside, *(example.origin for example in self.examples)),
            holding=(*filters.holding, *(term for one in self._asked for term in one.holding)),
            lacking=(*filters.lacking, *(term for one in self._asked for term in one.lacking)),
        )

    @cached_property
    def parsed(self) -> tuple[ParsedQuery, ...]:
        """What each text asks for, with the words that are meant in place of mistyped ones."""
        if not self._meant or "keyword" not in self.legs:
            return self._asked
        return tuple(query_parser.repaired(asked, self._meant) for asked in self._asked)

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder, open."""
        with self._watch.stage("wait for the encoder"):
            return self._open_encoder()

    @cached_property
    def vector(self) -> Vector:
        """The direction to look in, (dim,): the mean of all that is asked and shown, turned from
        what is to be kept away.

        Raises EmptyQuery where nothing is left of it.
        """
        with self._watch.stage("encode the question"):
            rows = [self.encoder.encode_query(text) for text in self._texts]
            rows += [example.vector for example in self.examples]
            direction = _direction(np.mean(rows, axis=0, dtype=np.float64))
            for text in self.query.negative:
                unwanted = self.encoder.encode_query(text).astype(np.float64)
                push = max(_PUSH, float(direction @ unwanted))
                direction = _direction(direction - push * unwanted)
            return np.ascontiguousarray(direction, np.float32)

    @cached_property
    def terms(self) -> list[Term]:
        """The words to look for, repeats kept."""
        return self._terms_of(self.parsed)

    @cached_property
    def named(self) -> dict[str, tuple[Term, int]]:
        """What is asked for to the letter, as it is written, and how many passages hold it."""
        return {
            text: (term, self._frequencies[term])
            for text, term in self._named.items()
            if self._frequencies[term] or not self._is_plain(text, term)
        }

    def _is_plain(self, text: str, term: Term) -> bool:
        """Whether what stands nowhere as it is written was meant as the words in it: these do."""
        return query_parser.may_be_plain(text) and all(
            query_parser.is_stop(word) or self._frequencies[word] for word in _each_word(term)
        )

    def are_shown(self, term: Term, shown: Sequence[Hit]) -> bool:
        """Whether any of the passages shown holds what is asked for to the letter."""
        ids = self._occurrences.holders[self._counted.index(term)]
        if len(ids) < MOST_LISTED:
            return any(hit.passage_id in ids for hit in shown)
        return any(query_parser.stands_in(term, _whole(hit)) for hit in shown)

    @property
    def repairs(self) -> dict[str, str]:
        """The words that no passage holds, each with the word that is looked for in its place."""
        return {term.words[0]: word for term, word in self._meant.items()}

    @property
    def rare_names(self) -> dict[str, Ids]:
        """The words that are written as names are, with a capital, and that a few passages hold,
        each with these passages; but for the first of a sentence, and for parts of what is asked
        for to the letter.
        """
        words, named = self._content_words, self._named.values()
        first = {word for asked in self._asked for word in _FIRST_WORD.findall(asked.text)}
        ordinary = {word for term in named for word in term.words}
        ordinary |= first if len(words) >= _SENTENCE else set()
        listed = dict.fromkeys([*named, *words])
        return {
            term.words[0]: ids
            for term, ids in zip(listed, self._occurrences.holders, strict=True)
            if term in words
            and term.words[0][0].isupper()
            and term.words[0] not in ordinary
            and 0 < len(ids) <= FEW
        }

    def hold_named(self, passage_ids: Ids) -> NDArray[np.bool_]:
        """Which of these passages hold most of what is asked for to the letter, (n,): they come
        before all others. None does where so many hold it that it tells nothing, or where it is
        the lesser part of the question.
        """
        held = np.zeros(len(passage_ids), np.int64)
        if self._named_share < _LEAST_NAMED:
            return held > 0
        for ids in self._occurrences.holders[: len(set(self._named.values()))]:
            if len(ids) < MOST_LISTED:
                held += np.isin(passage_ids, ids)
        first: NDArray[np.bool_] = (held > 0) & (held == held.max(initial=0))
        return first

    @property
    def _named_share(self) -> float:
        """The share of its words, weighted by how rare they are, that are of what is asked for to
        the letter, 0 to 1; 1 where the question is one of words alone, whatever else is told of it.
        """
        if self.query.mode == "keyword":
            return 1.0
        named = {word for term in self._named.values() for word in term.words}
        weights = {
            term.words[0]: query_parser.rarity(self._frequencies[term], self.passages)
            for term in (self._content_words if named else [])
            if self._frequencies[term]  # others can make no passage come first
        }
        share = sum(weight for word, weight in weights.items() if word in named)
        return share / sum(weights.values()) if weights else 1.0

    @cached_property
    def missing_share(self) -> float:
        """The share of its words, stop words aside, that are of what is asked for to the letter and
        stands nowhere, 0 to 1. Another word may stand nowhere and be meant all the same.
        """
        words = self._content_words
        lacking = (term for term, count in self.named.values() if not count)
        missing = {word for term in lacking for word in term.words}
        return sum(term.words[0] in missing for term in words) / max(len(words), 1)

    def rare_share(self, passage_ids: Ids) -> Numbers:
        """The share of its words that each passage holds and hardly any other does, (n,), 0 to 1:
        alone, or as a part of what is asked for to the letter.
        """
        words = self._content_words
        held = {term.words[0]: np.zeros(len(passage_ids), bool) for term in words}
        listed = dict.fromkeys([*self._named.values(), *words])
        for term, ids in zip(listed, self._occurrences.holders, strict=True):
            if len(ids) <= FEW:
                holding = np.isin(passage_ids, ids)
                for word in held.keys() & set(term.words):
                    held[word] |= holding
        share: Numbers = np.sum(list(held.values()), axis=0) / max(len(words), 1)
        return share

    @cached_property
    def passages(self) -> int:
        """How many passages the corpus has."""
        return self._reader.counts()[1]

    @cached_property
    def ideal(self) -> float:
        """The most that the question's words can score."""
        frequencies = [self._frequencies[term] for term in self.terms]
        return query_parser.ideal(frequencies, self.passages)

    @cached_property
    def share_read(self) -> float:
        """The share of its letters that the encoder reads in words or parts of words and not one by
        one, 0 to 1; 1 where nothing is asked in words.
        """
        texts = self._texts
        if not texts:
            return 1.0
        tokens = [
            sum(map(str.isalpha, text[start:end]))
            for text, spans in zip(texts, self.encoder.tokenize(texts), strict=True)
            for start, end in spans
        ]
        letters = sum(map(str.isalpha, "".join(texts)))
        return sum(count for count in tokens if count > 1) / letters if letters else 1.0

    @cached_property
    def tokens(self) -> Vectors:
        """The states of all its tokens but special ones, (m, dim), of unit length."""
        states = [
            tokens.states[[end > start for start, end in tokens.offsets]] for tokens in self._states
        ]
        return unit(np.concatenate(states))

    @cached_property
    def word_tokens(self) -> tuple[Vectors, Numbers]:
        """The unit states of the tokens in its words, (m, dim), and the IDF of the words that they
        belong to, (m,).
        """
        rows, weights = [np.empty((0, self.encoder.identity.dim), np.float32)], []
        for tokens, words in zip(self._states, self._words, strict=True):
            starts = np.array([start if end > start else -1 for start, end in tokens.offsets])
            for term, (start, end) in words:
                rarity = query_parser.rarity(self._frequencies[term], self.passages)
                inside = (starts >= start) & (starts < end)
                rows.append(tokens.states[inside])
                weights += [rarity] * int(inside.sum())
        return unit(np.concatenate(rows)), np.array(weights)

    def states_of(self, hits: Sequence[Hit]) -> list[TokenVectors]:
        """Each passage's token states, as it is embedded."""
        return self.encoder.token_vectors([hit.embedded for hit in hits])

    def cut_notes(self) -> list[str]:
        """What to say of texts that are longer than the encoder reads."""
        texts = (*self.query.texts, *self.query.negative)
        if "cosine" not in self.legs or not texts:
            return []
        limit = self.encoder.identity.max_tokens
        counts = [len(tokens) for tokens in self.encoder.tokenize(texts)]
        return [
            f"the question has {count} tokens; only about the first {limit} were compared"
            for count in counts
            if count > limit
        ]

    @property
    def _texts(self) -> list[str]:
        return [parsed.text for parsed in self.parsed if parsed.text.strip()]

    @cached_property
    def _shown(self) -> list[str]:
        """The texts that are asked, and those of the examples."""
        return self._texts + [example.text for example in self.examples]

    @cached_property
    def _states(self) -> list[TokenVectors]:
        """The token states of each of these."""
        return self.encoder.token_vectors(self._shown)

    @cached_property
    def _words(self) -> list[list[tuple[Term, Span]]]:
        """The words of each of these."""
        return [query_parser.words(text) for text in self._shown]

    @cached_property
    def _named(self) -> dict[str, Term]:
        is_literal = self.query.literal
        named = (query_parser.named(text, is_literal=is_literal) for text in self.query.texts)
        return dict(islice(chain.from_iterable(terms.items() for terms in named), _MOST_NAMED))

    @cached_property
    def _frequencies(self) -> dict[Term, int]:
        """How many passages hold each term that this question needs."""
        counts = dict(zip(self._counted, self._occurrences.counts, strict=True))
        return counts | {Term((word,)): count for word, count in self._occurrences.meant.values()}

    @cached_property
    def _counted(self) -> list[Term]:
        """The terms that are counted, those asked for to the letter first."""
        terms = self._terms_of(self._asked) if self._weighs_words else []
        if self.query.mode == "best":
            texts = [asked.text for asked in self._asked]
            texts += [example.text for example in self.examples]
            terms += [term for text in texts for term, _ in query_parser.words(text)]
        named, words = self._named.values(), self._content_words
        parts = [
            word
            for text, term in self._named.items()
            if query_parser.may_be_plain(text)
            for word in _each_word(term)
        ]
        return list(dict.fromkeys([*named, *words, *self._repairable, *parts, *terms]))

    @property
    def _weighs_words(self) -> bool:
        """Whether what the words score is compared with the most that they could."""
        return "keyword" in self.legs and self.query.needs_encoder

    @cached_property
    def _content_words(self) -> list[Term]:
        """Its words without stop words, each once, where a confidence is told: of a question that
        is written whole.
        """
        if self.examples or not self.query.needs_encoder:
            return []
        words = [term for asked in self._asked for term, _ in query_parser.words(asked.text)]
        return list(dict.fromkeys(query_parser.telling_terms(words)))[:_MOST_CONTENT_WORDS]

    @cached_property
    def _repairable(self) -> list[Term]:
        """The words that may be mistyped."""
        if self.query.literal:
            return []
        return [term for asked in self._asked for term in query_parser.repairable(asked)]

    @cached_property
    def _meant(self) -> dict[Term, str]:
        """The mistyped words, each with the one that is meant. A stop word tells nothing; and a
        word that the encoder has whole is well known, and so no slip: the corpus just lacks it.
        """
        meant = {
            term: word
            for term, (word, _) in self._occurrences.meant.items()
            if not query_parser.is_stop(Term((word,)))
        }
        if not meant or "cosine" not in self.legs:
            return meant
        tokens = self.encoder.tokenize([term.words[0] for term in meant])
        return {
            term: word
            for (term, word), spans in zip(meant.items(), tokens, strict=True)
            if len(spans) > 1
        }

    @cached_property
    def _occurrences(self) -> Occurrences:
        """Where the terms stand, and what is asked for to the letter: all is asked for at once."""
        if not self._counted:
            return Occurrences([], [], {})
        return self._reader.occurrences(
            self._counted,
            listed=len({*self._named.values(), *self._content_words}),
            repairable=self._repairable,
            counts_all=self._weighs_words,  # else it is enough to tell of few
        )

    def _within_most(self, texts: Sequence[ParsedQuery]) -> tuple[ParsedQuery, ...]:
        """The texts with no more words to look for than there is time for."""
        count, most = sum(len(text.terms) for text in texts), query_parser.MOST_TERMS
        if count > most and "keyword" in self.legs:
            self.notes.append(
                f"the question has {count:,} words; only the first {most:,} were looked for"
            )
        starts = accumulate((len(text.terms) for text in texts), initial=0)
        return tuple(
            replace(text, terms=text.terms[: max(0, most - start)])
            for text, start in zip(texts, starts, strict=False)
        )

    def _terms_of(self, texts: Sequence[ParsedQuery]) -> list[Term]:
        """The words that some texts and the examples ask for."""
        terms = [term for parsed in texts for term in parsed.terms]
        return terms + [
            term
            for example in self.examples
            for term in query_parser.telling(example.text, _EXAMPLE_TERMS)
        ]


def _each_word(term: Term) -> list[Term]:
    return [Term((word,)) for word in term.words]


def _whole(hit: Hit) -> str:
    """All of a passage that words are looked for in."""
    return f"{hit.path.decode('utf-8', 'replace')}\n{hit.embedded}"


def _direction(vector: Numbers) -> Numbers:
    if float(np.linalg.norm(vector)) < _LEAST_LENGTH:
        raise EmptyQuery(
            "nothing is left of the question",
            hint="keep something else away than what is asked for",
        )
    return unit(vector)
