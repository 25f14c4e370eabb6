"""How long the rest of an ingest takes. Pure.

Two kinds of work share the processor: reading (walk, extract, split, store) runs ahead of encoding,
and slows it meanwhile. So what is left is told for each by what it has cost so far; the pace of the
whole would promise too little at first and too much later.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    """What was done of one kind of work, of how much in all, in any unit."""

    done: float
    total: float


def left_s(reading: Work, encoding: Work, *, took_s: float, reading_s: float, cores: int) -> float:
    """The seconds that the rest takes, when so far `took_s` have passed and reading took
    `reading_s` of one core's time.

    `encoding.total` is what has been read; what is still to be read will be as dense. Infinite
    before anything was encoded.
    """
    if not reading.done or not encoding.done:
        return float("inf")
    expected = encoding.total * reading.total / reading.done
    encoding_s = max(cores * took_s - reading_s, 0.0)
    rest = (reading.total - reading.done) * reading_s / reading.done + (
        expected - encoding.done
    ) * encoding_s / encoding.done
    return max(rest, 0.0) / cores
