"""A question to a reader: its legs, their fusion, and the matches that come of it. Knows the seam
SearchReader, and `ranking`, which decides; neither SQL nor FAISS nor any model.
Words are looked for first, so that the encoder can be opened meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from searchapp.humanize import pluralize
from searchapp.linalg import clipped
from searchapp.search import attribution, ranking
from searchapp.search.confidence import LEAST_PASSAGES, THRESHOLD, Evidence, confidences
from searchapp.search.facets import facets
from searchapp.search.near_duplicates import BOILERPLATE, behind_content, near_duplicates, suspects
from searchapp.search.pool import Pool, placed
from searchapp.search.question import Question
from searchapp.search.ranking import Ranking
from searchapp.splitter.text_cuts import sentences
from searchapp.timing import Stopwatch
from searchapp.types.filters import MOST_LISTED, Filters, Term
from searchapp.types.results import Answer, Match

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.search.more_like_this import Example
    from searchapp.search.query import Query
    from searchapp.search.ranking import Numbers
    from searchapp.types.documents import Address, Hit
    from searchapp.types.protocols import Encoder, SearchReader
    from searchapp.types.vectors import Ids, Scores, TokenVectors, Vector, Vectors

_NO_FILTERS = Filters()
_POOL = 100  # passages that are compared with each other for repeats, at least


class Search:
    """One query to one generation of a corpus."""

    def __init__(
        self,
        reader: SearchReader,
        encoder: Callable[[], Encoder],
        query: Query,
        examples: Sequence[Example] = (),
        watch: Stopwatch | None = None,
    ) -> None:
        """A resolved query (see `Query.resolved`), beside examples to find the like of.

        `encoder` may wait until the encoder is open; `watch` is told of every stage.

        Raises EmptyQuery where operators leave nothing to look for.
        """
        self._watch = watch or Stopwatch()
        self._reader = reader
        self._query = query
        self.question = Question(query, examples, reader, encoder, self._watch)
        self._filters = self.question.filters
        self._nearest_tokens: float | None = None
        # Token states of the passages that `best` looked at again, by id.
        self._looked_at: dict[int, TokenVectors] = {}
        self._notes: list[str] = []
        self._hits: dict[int, Hit] = {}
        self._ranked: list[Address] = []  # of the passages that may be shown, best first
        self.ranked_paths: set[bytes] = set()  # the paths of all documents that were ranked

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done otherwise than expected, for people."""
        return (*self.question.notes, *self._notes)

    def answer(self, *, outdated: int) -> Answer:
        """The matches with what else is to be known of them, but for the time that all took;
        `outdated` documents are out of date beside the stale ones.
        """
        matches = self.matches()
        _, _, pending, stale = self._reader.counts()
        query, question = self._query, self.question
        described = [
            *query.texts,
            *(f"like {example.origin}" for example in question.examples),
            *(f"not {text}" for text in query.negative),
        ]
        is_approximate = "cosine" in question.legs and self._reader.is_approximate
        return Answer(
            query=" + ".join(described),
            mode=query.mode or "",
            legs=question.legs,
            generation=self._reader.generation,
            matches=tuple(matches),
            took_ms=0.0,
            pending=pending,
            stale=stale + outdated,
            is_approximate=is_approximate and not query.exact,
            notes=(*self.notes, *question.cut_notes()),
            facets=facets(self._reader, self._ranked, query.facets),
        )

    def matches(self) -> list[Match]:
        """The k best, best first; never fewer while k exist that pass, unless looking four times as
        deep finds no more that reach a least score or confidence.

        What is found by looking deeper comes behind what was found before, so that a ranking never
        depends on how many are shown.
        """
        depth = self._depth
        pool = self._pool(depth)
        while True:
            chosen, repeats = self._choose(pool)
            if len(chosen) == self._query.k or pool.is_whole:
                break
            depth *= 4
            deeper = self._pool(depth, before=pool)
            if self._query.has_least and self._passing(deeper).sum() == self._passing(pool).sum():
                break
            pool = deeper
        self._ranked = [pool.addresses[i] for i in pool.ranking.order(pool.addresses)]
        hits = self._read(pool.ranking.ids[chosen])
        self._note_confidence(pool, empty=not chosen)
        matches = [
            pool.match(i, n, hit, repeats.get(i, ()))
            for n, (i, hit) in enumerate(zip(chosen, hits, strict=True), 1)
        ]
        self._note_named(hits)
        with self._watch.stage("mark the passages"):
            return [self._marked(match, pool.vector_of(match)) for match in matches]

    def explained(self, hit: Hit) -> Match:
        """A passage as a match with what earned it marked, of rank 0 where it is not shown; where
        it was not looked at, with its cosine alone.
        """
        pool = self._pool(self._depth)
        at = int(np.searchsorted(pool.ranking.ids, hit.passage_id))
        if at == len(pool.ranking.ids) or pool.ranking.ids[at] != hit.passage_id:
            return self._apart(hit)
        chosen, repeats = self._choose(pool)
        rank = chosen.index(at) + 1 if at in chosen else 0
        match = pool.match(at, rank, hit, repeats.get(at, ()))
        return self._marked(match, pool.vector_of(match))

    def _apart(self, hit: Hit) -> Match:
        """A passage that was not looked at, as a match."""
        vector = self._reader.vectors_of(np.array([hit.passage_id]))[0]
        if not self._query.needs_encoder or np.isnan(vector).any():
            return Match(rank=0, score=0.0, cosine=None, legs={}, hit=hit)
        cosine = float(clipped(vector.astype(np.float64) @ self.question.vector))
        return self._marked(Match(rank=0, score=cosine, cosine=cosine, legs={}, hit=hit), vector)

    @property
    def _depth(self) -> int:
        """How many passages of each leg are looked at, at first."""
        # the order of cosines is the same at any depth
        depths = {"cosine": max(2 * self._query.k, _POOL), "keyword": _POOL}
        return depths.get(self._query.mode or "", ranking.DEPTH)

    # -- what is found

    def _pool(self, depth: int, *, before: Pool | None = None) -> Pool:
        legs = self.question.legs
        # Words first: they need no encoder.
        hits = {leg: self._leg(leg, depth) for leg in sorted(legs, reverse=True)}
        is_whole = all(len(ids) < depth for ids, _ in hits.values())
        ids = np.sort(np.concatenate([ids for ids, _ in hits.values()]))
        # np.unique would import numpy.ma
        ids = ids[np.append(True, ids[1:] != ids[:-1])[: len(ids)]]
        scores = {leg: placed(ids, *pair) for leg, pair in hits.items()}  # each (n,)
        addresses = self._reader.addresses(ids)
        self.ranked_paths.update(address.path for address in addresses)
        vectors = self._reader.vectors_of(ids)
        cosines = scores.get("cosine")
        if len(legs) > 1 or (cosines is None and self._query.needs_encoder):
            exact = vectors.astype(np.float64) @ self.question.vector.astype(np.float64)
            cosines = clipped(exact)
        parts: ranking.Parts = {leg: scores[leg] for leg in legs}
        if len(legs) > 1 and cosines is not None and len(ids):
            parts = self._fused(cosines, scores["keyword"], addresses)
            if before is None:
                parts = self._reranked(ids, parts, vectors, addresses)
        if legs != ("cosine",) and before is None:
            parts = self._exact_first(ids, parts)
        elif legs != ("cosine",) and before is not None:
            positions = np.searchsorted(ids, before.ranking.ids)
            parts = ranking.ahead(parts, before.ranking.parts, positions)
        sure = self._confidences(ids, scores, cosines, addresses)
        return Pool(Ranking(ids, parts), hits, addresses, vectors, cosines, sure, is_whole)

    def _exact_first(self, ids: Ids, parts: ranking.Parts) -> ranking.Parts:
        """The parts of all, so that those with what is asked for to the letter come first."""
        head = np.flatnonzero(self.question.hold_named(ids))
        if not len(head):
            return parts
        return ranking.ahead(parts, {name: part[head] for name, part in parts.items()}, head)

    def _leg(self, leg: str, depth: int) -> tuple[Ids, Scores]:
        with self._watch.stage(f"{leg} leg"):
            if leg == "keyword":
                return self._reader.keyword_leg(self.question.terms, self._filters, depth)
            ids, cosines = self._reader.cosine_leg(
                self.question.vector, self._filters, depth, exact=self._query.exact
            )
            return ids, clipped(cosines)

    def _fused(
        self, cosines: Numbers, scores: Numbers, addresses: Sequence[Address]
    ) -> ranking.Parts:
        question, weight = self.question, self._query.weight
        best = float(np.nan_to_num(scores).max())
        trust = ranking.Trust(
            self._trust_in_meaning,
            ranking.trust_in_words(best, question.ideal, question.passages),
        )
        return ranking.fuse(
            cosines,
            scores,
            np.array([address.document_id for address in addresses], dtype=np.int64),
            weight=ranking.WEIGHT if weight is None else weight,
            trust=trust,
        )

    @property
    def _trust_in_meaning(self) -> float:
        return ranking.trust_in_meaning(self.question.share_read)

    def _confidences(
        self,
        ids: Ids,
        scores: dict[str, Numbers],
        cosines: Numbers | None,
        addresses: Sequence[Address],
    ) -> Numbers | None:
        """Each passage's confidence, (n,); None where nothing tells: the corpus is small, or it is
        no question that was asked.
        """
        question = self.question
        background = self._reader.background()
        if background is None or cosines is None or question.examples or self._query.negative:
            return None
        has_keywords = "keyword" in scores and question.ideal > 0
        evidence = Evidence(
            cosines,
            np.array([address.document_id for address in addresses], dtype=np.int64),
            nearness=float(question.vector @ background.mean),
            keywords=np.nan_to_num(scores["keyword"]) / question.ideal if has_keywords else None,
            tokens=self._nearest_tokens,
            missing=question.missing_share,
            rare=question.rare_share(ids),
        )
        return confidences(evidence, background)

    def _reranked(
        self, ids: Ids, parts: ranking.Parts, vectors: Vectors, addresses: Sequence[Address]
    ) -> ranking.Parts:
        """The parts with what neighbours add and, in `best`, what the tokens of the first say."""
        documents = np.array([address.document_id for address in addresses], dtype=np.int64)
        share = partial(ranking.share_with_neighbours, trusted=self._trust_in_meaning)
        if self._query.mode == "hybrid":
            return share(parts, vectors, documents)
        expected = np.sum(list(self._exact_first(ids, parts).values()), axis=0)
        order = np.argsort(-expected, kind="stable").tolist()
        head = np.array(order[: ranking.LOOKED_AT_AGAIN])
        self._read(ids[[*head.tolist(), *self._needed(order, vectors, documents)]])
        of_head = {name: part[head] for name, part in parts.items()}
        with self._watch.stage("read tokens again"):
            again = self._by_tokens(ids[head], of_head)
        return ranking.ahead(parts, share(again, vectors[head], documents[head]), head)

    def _by_tokens(self, ids: Ids, parts: ranking.Parts) -> dict[str, Numbers]:
        """The parts with what the tokens of these passages say."""
        query, weights = self.question.word_tokens
        tokens, nearest = np.zeros(len(ids)), np.zeros(len(ids))
        hits = self._read(ids)
        for i, (hit, states) in enumerate(zip(hits, self.question.states_of(hits), strict=True)):
            self._looked_at[hit.passage_id] = states
            tokens[i] = ranking.late_interaction(query, weights, states)
            nearest[i] = attribution.nearest_sentence(
                sentences(hit.text), states, self.question.vector, offset=hit.offset
            )
        self._nearest_tokens = float(tokens.max())
        return ranking.look_again(
            parts,
            tokens=tokens,
            sentences=nearest,
            trusted=self._trust_in_meaning,
        )

    # -- what is shown

    def _choose(self, pool: Pool) -> tuple[list[int], dict[int, tuple[bytes, ...]]]:
        """The positions to show, best first, and the paths that nearly repeat each."""
        query = self._query
        order = pool.ranking.order(pool.addresses)
        first = order[: max(2 * query.k, _POOL)]
        documents = np.array([address.document_id for address in pool.addresses])
        passing = self._passing(pool)
        needed = self._needed([i for i in order if passing[i]], pool.vectors, documents)
        self._read(pool.ranking.ids[needed])
        repeats = self._repeats(pool, first) if query.collapse else {}
        groups = [[i, *others] for i, others in repeats.items()]
        boilerplate = {
            i for group in groups if len(pool.paths(group)) >= BOILERPLATE for i in group
        }
        if boilerplate:
            order = behind_content(order, pool.ranking.scores, pool.addresses, boilerplate)
        chosen = ranking.choose(
            order,
            documents,
            k=query.k,
            per_document=query.per_document,
            is_passing=passing,
            repeats={i: group[0] for group in groups for i in group},
        )
        return chosen, {
            i: tuple(path for path in pool.paths(group) if path != pool.addresses[i].path)
            for group in groups
            for i in group
        }

    def _passing(self, pool: Pool) -> NDArray[np.bool_]:
        """Which passages reach the least cosine and the least confidence, (n,)."""
        passing = np.ones(len(pool.addresses), dtype=bool)
        if self._query.min_score is not None and pool.cosines is not None:
            passing &= pool.cosines >= self._query.min_score  # NaN does not
        if self._query.min_confidence is not None and pool.confidences is not None:
            passing &= pool.confidences >= self._query.min_confidence
        return passing

    def _repeats(self, pool: Pool, order: Sequence[int]) -> dict[int, list[int]]:
        """The positions of passages that nearly repeat another, by that one's position."""
        pairs = [(order[a], order[b]) for a, b in suspects(pool.vectors[list(order)])]
        suspected = {position for pair in pairs for position in pair}
        positions = [position for position in order if position in suspected]
        if not positions:
            return {}
        hits = self._read(pool.ranking.ids[positions])
        texts = {position: hit.text for position, hit in zip(positions, hits, strict=True)}
        return near_duplicates(pairs, texts)

    def _needed(self, order: Sequence[int], vectors: Vectors, documents: Ids) -> list[int]:
        """The positions that are compared for repeats, and the first that are not: whatever comes
        of the comparison, what is shown is among them. So one reading does for both.
        """
        compared: set[int] = set()
        if self._query.collapse:
            first = list(order[: max(2 * self._query.k, _POOL)])
            compared = {first[i] for pair in suspects(vectors[first]) for i in pair}
        others = [position for position in order if position not in compared]
        return [
            *compared,
            *ranking.choose(
                others, documents, k=self._query.k, per_document=self._query.per_document
            ),
        ]

    def _read(self, passage_ids: Ids) -> list[Hit]:
        """The passages, in the order given; each is read once."""
        wanted = passage_ids.tolist()
        missing = [i for i in dict.fromkeys(wanted) if i not in self._hits]
        if missing:
            with self._watch.stage("read the passages"):
                hits = self._reader.hydrate(np.array(missing, dtype=np.int64))
            self._hits |= {hit.passage_id: hit for hit in hits}
        return [self._hits[i] for i in wanted]

    def _note_confidence(self, pool: Pool, *, empty: bool) -> None:
        """Say where nothing here seems to answer, and where a least confidence means nothing."""
        least, sure = self._query.min_confidence, pool.confidences
        if not pool.addresses:
            return
        if sure is None or not len(sure) or np.isnan(sure).all():
            if least is not None:
                self._notes.append(
                    "no confidence can be told: that takes a question, and a corpus of "
                    f"{LEAST_PASSAGES} passages"
                )
            return
        best = float(np.nanmax(sure))
        if empty and least is not None and best < least:
            self._notes.append(f"nothing here answers this: the best confidence is {best:.2f}")
        elif not empty and best < THRESHOLD:
            self._notes.append(
                f"perhaps nothing here answers this: the best confidence is {best:.2f}"
            )

    def _note_named(self, hits: Sequence[Hit]) -> None:
        """Say which words were looked for in place of others, and where what was asked for to the
        letter stands, if none of the passages shown has it.

        What is counted passes the filters.
        """
        for word, other in self.question.repairs.items():
            does = "looked for" if "keyword" in self.question.legs else "--mode hybrid looks for"
            self._notes.append(f'"{word}" stands in no document; {does} "{other}"')
        if self.question.legs == ("cosine",):
            shown = {hit.passage_id for hit in hits}
            for name, ids in self.question.rare_names.items():
                if shown.isdisjoint(ids.tolist()):
                    self._notes.append(
                        f'"{name}" stands in {self._elsewhere(Term((name,)), len(ids))}'
                    )
        for text, (term, count) in self.question.named.items():
            if not count:
                self._notes.append(f'"{text}" stands in no document')
            elif self.question.legs == ("cosine",) and not self.question.are_shown(term, hits):
                self._notes.append(f'"{text}" stands in {self._elsewhere(term, count)}')

    def _elsewhere(self, term: Term, count: int) -> str:
        """Where a term stands that so many passages hold, and none that is shown."""
        if self._filters != _NO_FILTERS:
            count = len(self._reader.keyword_leg([term], self._filters, count)[0])
        if not count:
            return "no document that passes the filters"
        are = "is" if count == 1 else "are"
        passages = pluralize(min(count, MOST_LISTED), "passage")
        more = "more than " if count > MOST_LISTED else ""
        return f"{more}{passages} that {are} not shown: --mode hybrid"

    def _note_once(self, note: str) -> None:
        if note not in self._notes:
            self._notes.append(note)

    def _marked(self, match: Match, vector: Vector) -> Match:
        """The match with what earned it marked; one at a time, as token states are large."""
        query, question, hit = self._query, self.question, match.hit
        if not (query.highlights or query.shares) or not query.needs_encoder:
            return match
        tokens = self._looked_at.get(hit.passage_id) or question.states_of([hit])[0]
        span = attribution.best_sentence(
            sentences(hit.text),
            tokens,
            question.vector,
            offset=hit.offset,
            question=question.tokens,
        )
        match = replace(match, sentence=span, highlights=((*span, 1.0),) if span else ())
        if not query.shares:
            return match
        if not attribution.is_mean(vector, tokens):
            self._note_once(
                "this model does not pool by mean, or has no vector yet: no exact share of a word "
                "exists"
            )
            return match
        shares = attribution.cosine_shares(tokens, question.vector, hit.embedded, offset=hit.offset)
        return replace(match, shares=shares, highlights=attribution.share_highlights(shares))
