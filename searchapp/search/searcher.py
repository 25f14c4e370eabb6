"""A question to a reader: its legs, their fusion, and the matches that come of it.

Knows the seams, Reader and Encoder, and `rank`, which decides; neither SQL nor FAISS nor any model.
The encoder is asked for as late as possible, so that it can be opened while the keyword leg runs,
and not at all where words alone are looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from searchapp.errors import EmptyQuery
from searchapp.linalg import unit
from searchapp.search import attribution, query_parser
from searchapp.search import ranking as rank
from searchapp.search.confidence import LEAST_PASSAGES, THRESHOLD, Evidence, confidences
from searchapp.search.near_duplicates import BOILERPLATE, behind_content, near_duplicates, suspects
from searchapp.search.ranking import Ranking
from searchapp.splitter import sentences
from searchapp.timing import Stopwatch
from searchapp.types.documents import embedded_text
from searchapp.types.filters import Filters
from searchapp.types.results import LegScore, Match
from searchapp.types.vectors import TokenVectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.search.more_like_this import Example
    from searchapp.search.query_parser import ParsedQuery
    from searchapp.search.ranking import Numbers
    from searchapp.types.documents import Address, Hit
    from searchapp.types.filters import Term
    from searchapp.types.protocols import Encoder, Reader
    from searchapp.types.vectors import Ids, Scores, Vector, Vectors

_POOL = 100  # passages that are compared with each other for repeats, at least
_AWAY = 0.5  # of a meaning that is pushed away, at least
_EXAMPLE_TERMS = 20  # words of an example that are looked for


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, and how."""

    asked: tuple[ParsedQuery, ...]
    mode: str = "cosine"
    k: int = 10
    weight: float = rank.WEIGHT  # of the keyword leg in hybrid and best, from 0 to 1
    filters: Filters = field(default_factory=Filters)
    away: tuple[str, ...] = ()  # meanings to stay away from
    examples: tuple[Example, ...] = ()
    min_score: float | None = None  # a cosine
    min_confidence: float | None = None
    per_document: int | None = None
    is_exact: bool = False  # look at every passage, even in a very large corpus
    collapse: bool = True  # show nearly the same passage once
    has_highlights: bool = False  # mark the sentence that earned each match
    has_shares: bool = False  # tell what each word adds to the cosine, and mark those that add

    def beside(self, examples: Sequence[Example]) -> Request:
        """The request with examples to find the like of, and without the documents that they come
        from.
        """
        outside = (*self.filters.outside, *(example.origin for example in examples))
        return replace(
            self, examples=tuple(examples), filters=replace(self.filters, outside=outside)
        )


class Search:
    """One request to one generation of a corpus."""

    def __init__(
        self,
        reader: Reader,
        encoder: Callable[[], Encoder],
        request: Request,
        watch: Stopwatch | None = None,
    ) -> None:
        """`encoder` may wait until the encoder is open; it is called once it is needed. `watch` is
        told of every stage.
        """
        self._watch = watch or Stopwatch()
        self._reader = reader
        self._open_encoder = encoder
        self.request = request
        self._nearest_tokens: float | None = None
        self._looked_at: dict[
            int, TokenVectors
        ] = {}  # token states of the passages that `best` looked at again, by id
        self.notes: list[str] = []
        operators = (
            [asked for asked in request.asked if asked.has_operators]
            if request.mode != "cosine"
            else []
        )
        self._filters = replace(
            request.filters,
            holding=(
                *request.filters.holding,
                *(term for asked in operators for term in asked.holding),
            ),
            lacking=(
                *request.filters.lacking,
                *(term for asked in operators for term in asked.lacking),
            ),
        )

    @property
    def legs(self) -> tuple[str, ...]:
        """The legs that run."""
        return {"cosine": ("cosine",), "keyword": ("keyword",)}.get(
            self.request.mode, ("cosine", "keyword")
        )

    def matches(self) -> list[Match]:
        """The k best, best first; never fewer while k exist that pass.

        What is found by looking deeper comes behind what was found before, so that a ranking never
        depends on how many are shown.
        """
        depth = max(2 * self.request.k, _POOL if len(self.legs) == 1 else rank.DEPTH)
        pool = self._pool(depth)
        while True:
            chosen, near_duplicates = self._choose(pool)
            if len(chosen) == self.request.k or pool.is_whole or self._is_below(pool):
                break
            depth *= 4
            pool = self._pool(depth, before=pool)
        with self._watch.stage("read the passages"):
            hits = self._reader.hydrate(pool.ranking.ids[chosen])
        self._note_confidence(pool, is_empty=not chosen)
        matches = [
            pool.match(i, n, hit, near_duplicates.get(i, ()))
            for n, (i, hit) in enumerate(zip(chosen, hits, strict=True), 1)
        ]
        with self._watch.stage("mark the passages"):
            return [self._marked(match, pool.vector_of(match)) for match in matches]

    # -- what is asked

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
        texts = [asked.text for asked in self.request.asked if asked.text.strip()]
        with self._watch.stage("encode the question"):
            rows = [self.encoder.encode_query(text) for text in texts] + [
                example.vector for example in self.request.examples
            ]
            direction = _unit(np.mean(rows, axis=0, dtype=np.float64))
            for text in self.request.away:
                unwanted = self.encoder.encode_query(text).astype(np.float64)
                direction = _unit(direction - max(_AWAY, float(direction @ unwanted)) * unwanted)
            return np.ascontiguousarray(direction, np.float32)

    @cached_property
    def terms(self) -> list[Term]:
        """The words to look for, repeats kept."""
        found = [term for asked in self.request.asked for term in asked.terms]
        if len(found) > query_parser.MOST_TERMS:
            self.notes.append(
                f"the question has {len(found):,} words; only the first {query_parser.MOST_TERMS:,} "
                "were looked for"
            )
        return found[: query_parser.MOST_TERMS] + [
            term
            for example in self.request.examples
            for term in query_parser.telling(example.text, _EXAMPLE_TERMS)
        ]

    @cached_property
    def _passages(self) -> int:
        return self._reader.counts()[1]

    # -- what is found

    def _pool(self, depth: int, *, before: _Pool | None = None) -> _Pool:
        found = {
            leg: self._leg(leg, depth) for leg in sorted(self.legs, reverse=True)
        }  # words first: they need no encoder
        is_whole = all(len(ids) < depth for ids, _ in found.values())
        ids = np.sort(np.concatenate([ids for ids, _ in found.values()]))
        ids = ids[
            np.append(True, ids[1:] != ids[:-1])[: len(ids)]
        ]  # np.unique would import numpy.ma
        scores = {leg: _placed(ids, *pair) for leg, pair in found.items()}  # each (n,)
        addresses = self._reader.addresses(ids)
        vectors = self._reader.vectors_of(ids)
        cosines = scores.get("cosine")
        if len(self.legs) > 1 or (cosines is None and needs_encoder(self.request)):
            cosines = vectors.astype(np.float64) @ self.vector.astype(np.float64)
        if len(self.legs) == 1 or cosines is None or not len(ids):
            parts: rank.Parts = {leg: scores[leg] for leg in self.legs}
        else:
            parts = self._fused(cosines, scores["keyword"])
            documents = np.array([address.document_id for address in addresses], dtype=np.int64)
            if before is not None:
                parts = rank.ahead(
                    parts, before.ranking.parts, np.searchsorted(ids, before.ranking.ids)
                )
            elif self.request.mode == "hybrid":
                parts = rank.share_with_neighbours(parts, vectors, documents)
            else:
                parts = self._looked_at_again(ids, parts, vectors, documents, addresses)
        confidences = self._confidences(scores, cosines, addresses)
        return _Pool(Ranking(ids, parts), found, addresses, vectors, cosines, confidences, is_whole)

    def _leg(self, leg: str, depth: int) -> tuple[Ids, Scores]:
        with self._watch.stage(f"{leg} leg"):
            if leg == "keyword":
                return self._reader.keyword_leg(self.terms, self._filters, depth)
            return self._reader.cosine_leg(
                self.vector, self._filters, depth, exact=self.request.is_exact
            )

    @cached_property
    def _ideal(self) -> float:
        """The most that the question's words can score."""
        return query_parser.ideal(self._reader.frequencies(self.terms), self._passages)

    def _fused(self, cosines: Numbers, scores: Numbers) -> rank.Parts:
        best = float(np.nan_to_num(scores).max())
        return rank.fuse(
            cosines,
            scores,
            weight=self.request.weight,
            trusted=rank.trust(best, self._ideal, self._passages),
        )

    def _confidences(
        self, scores: dict[str, Numbers], cosines: Numbers | None, addresses: Sequence[Address]
    ) -> Numbers | None:
        """Each passage's confidence, (n,); None where nothing tells: the corpus is small, or it is
        no question that was asked.
        """
        background = self._reader.background()
        if background is None or cosines is None or self.request.examples or self.request.away:
            return None
        evidence = Evidence(
            cosines,
            np.array([address.document_id for address in addresses], dtype=np.int64),
            nearness=float(self.vector @ background.mean),
            keywords=np.nan_to_num(scores["keyword"]) / self._ideal
            if "keyword" in scores and self._ideal > 0
            else None,
            tokens=self._nearest_tokens,
        )
        return confidences(evidence, background)

    def _looked_at_again(
        self,
        ids: Ids,
        parts: rank.Parts,
        vectors: Vectors,
        documents: Ids,
        addresses: Sequence[Address],
    ) -> rank.Parts:
        """The parts of all, the first of them looked at again, token by token."""
        head = np.argsort(-np.sum(list(parts.values()), axis=0), kind="stable")[
            : rank.LOOKED_AT_AGAIN
        ]
        again = self._look_again(
            ids[head],
            {name: part[head] for name, part in parts.items()},
            [addresses[i] for i in head],
        )
        return rank.ahead(
            parts, rank.share_with_neighbours(again, vectors[head], documents[head]), head
        )

    def _look_again(
        self, ids: Ids, parts: rank.Parts, addresses: Sequence[Address]
    ) -> dict[str, Numbers]:
        """The parts with what the tokens of these passages say."""
        with self._watch.stage("read tokens again"):
            return self._by_tokens(ids, parts, addresses)

    def _by_tokens(
        self, ids: Ids, parts: rank.Parts, addresses: Sequence[Address]
    ) -> dict[str, Numbers]:
        query, weights = self._word_tokens
        tokens, nearest = np.zeros(len(ids)), np.zeros(len(ids))
        hits = self._reader.hydrate(ids)
        for i, (hit, states) in enumerate(zip(hits, self._states_of(hits), strict=True)):
            self._looked_at[hit.passage_id] = states
            tokens[i] = rank.late_interaction(query, weights, states)
            offset = len(embedded_text(hit.passage.headings, ""))
            nearest[i] = attribution.nearest_sentence(
                sentences(hit.text), states, self.vector, offset=offset
            )
        self._nearest_tokens = float(tokens.max())
        return rank.look_again(
            parts,
            tokens=tokens,
            sentences=nearest,
            passages=np.array([each.passages for each in addresses]),
        )

    def _states_of(self, hits: Sequence[Hit]) -> list[TokenVectors]:
        """Each passage's token states."""
        return self.encoder.token_vectors(
            [embedded_text(hit.passage.headings, hit.text) for hit in hits]
        )

    @cached_property
    def _question(self) -> list[tuple[str, TokenVectors]]:
        """What is asked and shown, each with its token states."""
        texts = [asked.text for asked in self.request.asked if asked.text.strip()] + [
            each.text for each in self.request.examples
        ]
        return list(zip(texts, self.encoder.token_vectors(texts), strict=True))

    @cached_property
    def _question_tokens(self) -> Vectors:
        """The states of all its tokens but special ones, (m, dim), of unit length."""
        states = [
            tokens.states[[end > start for start, end in tokens.offsets]]
            for _, tokens in self._question
        ]
        return unit(np.concatenate(states))

    @cached_property
    def _word_tokens(self) -> tuple[Vectors, Numbers]:
        """The unit states of the tokens in its words, (m, dim), and the IDF of the words that they
        belong to, (m,).
        """
        rows, weights = [np.empty((0, self.encoder.identity.dim), np.float32)], []
        for text, tokens in self._question:
            found = query_parser.words(text)
            distinct = list({term for term, _ in found})
            frequencies = dict(zip(distinct, self._reader.frequencies(distinct), strict=True))
            starts = np.array([start if end > start else -1 for start, end in tokens.offsets])
            for term, (start, end) in found:
                inside = (starts >= start) & (starts < end)
                rows.append(tokens.states[inside])
                weights += [query_parser.rarity(frequencies[term], self._passages)] * int(
                    inside.sum()
                )
        return unit(np.concatenate(rows)), np.array(weights)

    # -- what is shown

    def _choose(self, pool: _Pool) -> tuple[list[int], dict[int, tuple[bytes, ...]]]:
        """The positions to show, best first, and the paths of those that nearly repeat
        one of them.
        """
        order = pool.ranking.order(pool.addresses)
        groups = (
            self._copies(pool, order[: max(2 * self.request.k, _POOL)])
            if self.request.collapse
            else {}
        )
        hidden = {position for group in groups.values() for position in group}
        shown = [position for position in order if position not in hidden]
        if boilerplate := {
            i for i, group in groups.items() if len(pool.paths([i, *group])) >= BOILERPLATE
        }:
            shown = behind_content(shown, pool.ranking.scores, boilerplate)
        chosen = rank.choose(
            shown,
            np.array([address.document_id for address in pool.addresses]),
            k=self.request.k,
            per_document=self.request.per_document,
            is_passing=self._passing(pool),
        )
        return chosen, {
            i: tuple(path for path in pool.paths(group) if path != pool.addresses[i].path)
            for i, group in groups.items()
        }

    def _passing(self, pool: _Pool) -> NDArray[np.bool_]:
        """Which passages reach the least cosine and the least confidence, (n,)."""
        passing = np.ones(len(pool.addresses), dtype=bool)
        if self.request.min_score is not None and pool.cosines is not None:
            passing &= pool.cosines >= self.request.min_score  # NaN does not
        if self.request.min_confidence is not None and pool.confidences is not None:
            passing &= pool.confidences >= self.request.min_confidence
        return passing

    def _copies(self, pool: _Pool, order: Sequence[int]) -> dict[int, list[int]]:
        pairs = [
            (order[first], order[second]) for first, second in suspects(pool.vectors[list(order)])
        ]
        positions = (
            [position for position in order if any(position in pair for pair in pairs)]
            if pairs
            else []
        )
        hits = self._reader.hydrate(pool.ranking.ids[positions])
        texts = {position: hit.text for position, hit in zip(positions, hits, strict=True)}
        return near_duplicates(pairs, texts)

    def _is_below(self, pool: _Pool) -> bool:
        """Whether all further passages are below the least score: only a ranking by
        cosine tells.
        """
        least = self.request.min_score
        return (
            least is not None
            and self.legs == ("cosine",)
            and len(pool.addresses) > 0
            and float(pool.ranking.scores.min()) < least
        )

    def _note_confidence(self, pool: _Pool, *, is_empty: bool) -> None:
        """Say where nothing here seems to answer, and where a least confidence means nothing."""
        least = self.request.min_confidence
        if (
            pool.confidences is None
            or not len(pool.confidences)
            or np.isnan(pool.confidences).all()
        ):
            if least is not None:
                self.notes.append(
                    "no confidence can be told: that takes a question, and a corpus of "
                    f"{LEAST_PASSAGES} passages"
                )
            return
        best = float(np.nanmax(pool.confidences))
        if is_empty and least is not None and best < least:
            self.notes.append(f"nothing here answers this: the best confidence is {best:.2f}")
        elif not is_empty and best < THRESHOLD:
            self.notes.append(
                f"perhaps nothing here answers this: the best confidence is {best:.2f}"
            )

    def _note_once(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _marked(self, match: Match, vector: Vector) -> Match:
        """The match with what earned it marked; one passage at a time, as token states
        are large.
        """
        if not (self.request.has_highlights or self.request.has_shares) or not needs_encoder(
            self.request
        ):
            return match
        hit = match.hit
        tokens = self._looked_at.get(hit.passage_id) or self._states_of([hit])[0]
        text, offset = (
            embedded_text(hit.passage.headings, hit.text),
            len(embedded_text(hit.passage.headings, "")),
        )
        span = attribution.best_sentence(
            sentences(hit.text), tokens, self.vector, offset=offset, question=self._question_tokens
        )
        match = replace(match, sentence=span, highlights=((*span, 1.0),) if span else ())
        if not self.request.has_shares:
            return match
        if not attribution.is_mean(vector, tokens):
            self._note_once(
                "this model does not pool by mean, or has no vector yet: no exact share of a word "
                "exists"
            )
            return match
        shares = attribution.cosine_shares(tokens, self.vector, text, offset=offset)
        return replace(match, shares=shares, highlights=attribution.share_highlights(shares))


def needs_encoder(request: Request) -> bool:
    """Whether a request is about meaning: words alone are looked for without any model."""
    has_least = request.min_score is not None or request.min_confidence is not None
    return request.mode != "keyword" or has_least or bool(request.away)


@dataclass(frozen=True, slots=True, eq=False)
class _Pool:
    """The passages that may be shown, with all that is known of each; n of them."""

    ranking: Ranking
    found: dict[str, tuple[Ids, Scores]]  # what each leg gave, best first
    addresses: list[Address]
    vectors: Vectors  # (n, dim)
    cosines: Numbers | None  # (n,)
    confidences: Numbers | None  # (n,)
    is_whole: bool  # nothing more would be found deeper

    def paths(self, positions: Sequence[int]) -> list[bytes]:
        """The paths of the documents at these positions, each once, sorted."""
        return sorted({self.addresses[i].path for i in positions})

    def vector_of(self, match: Match) -> Vector:
        """The stored vector of a match, (dim,); NaN where it has none."""
        row: Vector = self.vectors[int(np.searchsorted(self.ranking.ids, match.hit.passage_id))]
        return row

    def match(
        self, position: int, rank_: int, hit: Hit, near_duplicates: tuple[bytes, ...]
    ) -> Match:
        """The passage at a position as the match of a rank."""
        passage_id = int(self.ranking.ids[position])
        legs = {}
        for leg, (ids, scores) in self.found.items():
            for at in np.flatnonzero(ids == passage_id).tolist():
                legs[leg] = LegScore(float(scores[at]), at + 1)
        return Match(
            rank=rank_,
            score=float(self.ranking.scores[position]),
            cosine=_known(self.cosines, position),
            confidence=_known(self.confidences, position),
            legs=legs,
            hit=hit,
            near_duplicates=near_duplicates,
            parts={name: float(part[position]) for name, part in self.ranking.parts.items()},
        )


def _known(numbers: Numbers | None, position: int) -> float | None:
    """The number at a position; None where there are none, or that one is not known."""
    return None if numbers is None or np.isnan(numbers[position]) else float(numbers[position])


def _placed(ids: Ids, found: Ids, scores: Scores) -> Numbers:
    """A leg's scores at the places of their ids, (n,); NaN where the leg has none."""
    placed = np.full(len(ids), np.nan)
    placed[np.searchsorted(ids, found)] = scores
    return placed


def _unit(direction: Numbers) -> Numbers:
    length = float(np.linalg.norm(direction))
    if length < 1e-6:
        raise EmptyQuery(
            "nothing is left of the question",
            hint="keep something else away than what is asked for",
        )
    return unit(direction)
