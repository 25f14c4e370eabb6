"""The passages that may be shown, with all that is known of each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from searchapp.search.ranking import Ranking
from searchapp.types.results import LegScore, Match

if TYPE_CHECKING:
    from searchapp.search.ranking import Numbers
    from searchapp.types.documents import Address, Hit
    from searchapp.types.vectors import Ids, Scores, Vector, Vectors


class Pool(NamedTuple):
    """The passages that may be shown, with all that is known of each; n of them."""

    ranking: Ranking
    leg_hits: dict[str, tuple[Ids, Scores]]  # what each leg gave, best first
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
        for leg, (ids, scores) in self.leg_hits.items():
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


def placed(ids: Ids, leg_ids: Ids, scores: Scores) -> Numbers:
    """A leg's scores at the places of their ids, (n,); NaN where the leg has none."""
    placed = np.full(len(ids), np.nan)
    placed[np.searchsorted(ids, leg_ids)] = scores
    return placed
