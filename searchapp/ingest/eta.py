"""How long the rest of an ingest takes. Pure: every time is given.

Two kinds of work are left: files to read, and text to embed. What a file takes depends on its size
and its kind, and so does the text that it gives; small files come first, so their number tells
little. What was read of a kind tells of the rest of it, as far as it goes, and all files together
tell of kinds that were not met yet.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

_FILE_COST = 2_048  # bytes that take as long as what every file takes, however small
_TRUSTED_BYTES = 32_768  # of a kind: from here on it is told by itself more than by all


@dataclass(slots=True)
class _Tally:
    """Files of one kind: those still to be read, and what those that were read took and gave."""

    files_left: int = 0
    bytes_left: int = 0
    bytes_read: int = 0
    cost_read: int = 0
    took_s: float = 0.0
    characters: int = 0

    @property
    def cost_left(self) -> int:
        return self.bytes_left + _FILE_COST * self.files_left


class Forecast:
    """What is still to be read of some files: how long that takes, and how much text it gives."""

    def __init__(self, files: Iterable[tuple[bytes, int]]) -> None:
        """The paths of the files, with their sizes in bytes."""
        self._all = _Tally()
        self._kinds: dict[bytes, _Tally] = {}
        for path, size in files:
            for tally in (self._all, self._kinds.setdefault(_kind(path), _Tally())):
                tally.files_left += 1
                tally.bytes_left += size

    def take(self, path: bytes, size: int, *, took_s: float, characters: int) -> None:
        """Learn from a file that was read."""
        for tally in (self._all, self._kinds[_kind(path)]):
            tally.files_left -= 1
            tally.bytes_left -= size
            tally.bytes_read += size
            tally.cost_read += size + _FILE_COST
            tally.took_s += took_s
            tally.characters += characters

    @property
    def left_s(self) -> float:
        """The seconds that the rest takes to read; infinite before anything was read."""
        if not self._all.files_left:
            return 0.0
        if not self._all.cost_read:
            return float("inf")
        usual = self._all.took_s / self._all.cost_read
        return sum(
            tally.cost_left * _mean(tally.took_s, tally.cost_read, usual)
            for tally in self._kinds.values()
        )

    @property
    def characters_left(self) -> float:
        """The characters that the rest gives, so far as what was read tells."""
        if not self._all.bytes_read:
            return 0.0
        usual = self._all.characters / self._all.bytes_read
        return sum(
            tally.bytes_left * _mean(tally.characters, tally.bytes_read, usual)
            for tally in self._kinds.values()
        )


def _mean(amount: float, of: float, usual: float) -> float:
    """What one unit has, drawn to the usual where few units tell."""
    return (amount + usual * _TRUSTED_BYTES) / (of + _TRUSTED_BYTES)


def _kind(path: bytes) -> bytes:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - pathlib cannot hold a path that is bytes


class Pace:
    """How fast the encoder is, by the later half of its time: at first it warms up, and shares the
    processor with what reads.
    """

    def __init__(self) -> None:
        self._busy_s, self._done = [0.0], [0.0]

    def note(self, busy_s: float, done: float) -> None:
        """It has embedded so many characters in so many seconds of its time by now."""
        self._busy_s.append(busy_s)
        self._done.append(done)

    def lately(self, busy_s: float, done: float) -> tuple[float, float]:
        """The seconds of the later half, where it has come so far, and the characters."""
        mark = bisect_right(self._busy_s, busy_s / 2) - 1
        return busy_s - self._busy_s[mark], done - self._done[mark]


@dataclass(frozen=True, slots=True)
class Encoding:
    """Characters: embedded lately, in how many seconds of the encoder's time, and still to be."""

    done: float
    busy_s: float
    left: float

    @property
    def left_s(self) -> float:
        """The seconds that the rest takes; infinite before anything was embedded."""
        if self.left <= 0:
            return 0.0
        return self.left * self.busy_s / self.done if self.done > 0 else float("inf")


def left_s(reading_s: float, encoding: Encoding, *, side_by_side: bool) -> float:
    """The seconds that the rest takes, where reading it takes so many by itself.

    Side by side, on a machine with cores enough, the longer of both counts; otherwise text goes
    first, and both count.
    """
    both = (reading_s, encoding.left_s)
    return max(both) if side_by_side else sum(both)
