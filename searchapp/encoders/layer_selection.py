"""Which of a model's layers a vector is read from, as people write it. Pure.

A model of n layers has n + 1 hidden states: 0 is what its first layer is given (words with their
positions), n what its last one gives. Before them is the embedding table: a row a word piece, the
same wherever it stands. Written `last`, `static` (the table), `last4` (the last four, end to end),
`0,6,-1`, and with `mean:` or `sum:` before them; -1 is the last layer. The BERT paper compares such
choices (Devlin et al. 2019, table 7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from searchapp.errors import UsageError

Join: TypeAlias = Literal["end to end", "mean", "sum"]


@dataclass(frozen=True, slots=True)
class Layers:
    """The hidden states that are read, in order, and how several become one; without any, the
    embedding table is.
    """

    numbers: tuple[int, ...]
    join: Join = "end to end"

    @property
    def is_static(self) -> bool:
        """Whether a word has the same vector wherever it stands."""
        return not self.numbers

    @property
    def times(self) -> int:
        """How many times as wide as a hidden state the result is."""
        return len(self.numbers) if self.join == "end to end" and self.numbers else 1


def layers_of(text: str, depth: int) -> Layers:
    """The layers that a text names, of a model that has `depth` of them; raises UsageError where it
    has none of that number.
    """
    prefix, _, names = text.rpartition(":")
    if prefix not in ("", "mean", "sum"):
        raise _unknown(text)
    if names == "static" and not prefix:
        return Layers(())
    if match := re.fullmatch(r"last([1-9]\d{0,3})?", names):
        count = int(match[1] or 1)
        numbers = tuple(range(depth - count + 1, depth + 1))
    elif re.fullmatch(r"-?\d{1,4}(,-?\d{1,4})*", names):
        numbers = tuple(
            depth + 1 + number if number < 0 else number for number in map(int, names.split(","))
        )
    else:
        raise _unknown(text)
    if not all(0 <= number <= depth for number in numbers):
        raise UsageError(
            f"the model has no layers {text}",
            hint=f"it has the hidden states 0 to {depth}; -1 is the last",
        )
    join: Join = "mean" if prefix == "mean" else "sum" if prefix == "sum" else "end to end"
    return Layers(numbers, join if len(numbers) > 1 else "end to end")


def _unknown(text: str) -> UsageError:
    return UsageError(
        f"{text!r} names no layers",
        hint="write last, last4, mean:last4, sum:last4, 0,6,-1, mean:1,2, or static",
    )
