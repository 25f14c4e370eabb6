"""The tokens of a text: what the splitter counts, and what the encoder runs."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from searchapp.types.documents import Span

    TokenIds: TypeAlias = array[int]  # the numbers of tokens in a vocabulary, in order

# BERT's tokenizer drops other control characters, and joins what stands on both sides of one
WORD_BREAKS = frozenset(" \t\n\r")


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """A text's content tokens, in order: where each starts and ends in code points, and its id.

    `joined` is 1 for each token that belongs to one word with the token before it, else 0, where
    the tokens of a word are the same in any text; it is None where they may be others.
    """

    starts: array[int]
    ends: array[int]
    ids: TokenIds  # none where only spans are known
    joined: bytes | None

    @classmethod
    def of_spans(cls, spans: Sequence[Span]) -> Self:
        """Tokens of which nothing else is known."""
        starts, ends = (array("I", [span[side] for span in spans]) for side in (0, 1))
        return cls(starts, ends, array("I"), None)

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True, slots=True, eq=False)
class TokenizedText:
    """A text with its tokens; `seams` are the places where it was parted to be tokenised, though
    the tokens around them may be others in the whole.
    """

    text: str
    starts: array[int]
    ids: TokenIds
    joined: bytes | None
    seams: tuple[int, ...] = ()

    def count(self, start: int, end: int) -> int:
        """How many tokens start in `text[start:end]`."""
        return bisect_left(self.starts, end) - bisect_left(self.starts, start)

    def ids_of(self, start: int, end: int) -> TokenIds | None:
        """The tokens of `text[start:end]` by itself, None where they may be others than here."""
        if self._parts_word(start) or self._parts_word(end):
            return None
        if any(start < seam < end for seam in self.seams):
            return None
        return self.ids[bisect_left(self.starts, start) : bisect_left(self.starts, end)]

    def _parts_word(self, at: int) -> bool:
        """Whether a cut may fall into a word."""
        if self.joined is None:
            return True
        if at in (0, len(self.text)) or not WORD_BREAKS.isdisjoint(self.text[at - 1 : at + 1]):
            return False
        token = bisect_left(self.starts, at)
        is_start = token < len(self.starts) and self.starts[token] == at
        return not is_start or bool(self.joined[token])
