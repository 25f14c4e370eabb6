"""An encoder for tests: it hashes words to axes, and loads nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from searchapp.linalg import unit
from searchapp.types.documents import (
    Span,
)
from searchapp.types.vectors import EncoderIdentity, TokenVectors

if TYPE_CHECKING:
    from searchapp.types.vectors import Vector, Vectors


_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+")


class HashEncoder:
    """An Encoder that hashes words to axes: texts that share words are near, and cosine is the
    overlap of word counts.

    Each word, casefolded, adds 1 to one of the axes 1 to dim - 1; punctuation is a token but adds
    nothing; a text without words lies on axis 0, orthogonal to all others. Different words may
    share an axis: choose a larger `dim` to make that rare.
    """

    def __init__(self, *, dim: int = 64, max_tokens: int = 256) -> None:
        if dim < 2 or max_tokens < 1:
            raise ValueError("dim is at least 2 and max_tokens at least 1")
        fingerprint = hashlib.sha256(f"hash/1/{dim}/{max_tokens}".encode()).hexdigest()
        self._identity = EncoderIdentity("hash", fingerprint, dim, max_tokens)

    @property
    def identity(self) -> EncoderIdentity:
        """Which encoder this is."""
        return self._identity

    def axis(self, word: str) -> int:
        """The axis of a word, 1 to dim - 1."""
        digest = hashlib.blake2b(
            word.casefold().encode("utf-8", "surrogatepass"), digest_size=8
        ).digest()
        return 1 + int.from_bytes(digest, "big") % (self._identity.dim - 1)

    def tokenize(self, texts: Sequence[str]) -> list[list[Span]]:
        """Each text's words and punctuation marks as code point spans."""
        return [[match.span() for match in _TOKEN.finditer(text)] for text in texts]

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text, in order, (n, dim); raises ValueError for a text over
        `max_tokens`.
        """
        limit = self._identity.max_tokens
        for index, spans in enumerate(self.tokenize(texts)):
            if len(spans) > limit:
                raise ValueError(
                    f"text {index} is {len(spans) - limit} tokens over the limit of {limit}"
                )
        rows = [_unit(one.states) for one in self.token_vectors(texts)]
        return np.stack(rows) if rows else np.empty((0, self._identity.dim), np.float32)

    def encode_query(self, text: str) -> Vector:
        """The unit vector of a question, (dim,); a question over the limit is cut at it."""
        return _unit(self.token_vectors([text])[0].states)

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Each text's token states, cut at the limit: 1 on the axis of a word, all 0 for
        punctuation.

        A text without words ends in a special token on axis 0.
        """
        spans = [one[: self._identity.max_tokens] for one in self.tokenize(texts)]
        return [self._states(text, one) for text, one in zip(texts, spans, strict=True)]

    def _states(self, text: str, spans: list[Span]) -> TokenVectors:
        words = [
            (row, text[start:end])
            for row, (start, end) in enumerate(spans)
            if _WORD.match(text, start)
        ]
        offsets = tuple(spans) if words else (*spans, (0, 0))
        states = np.zeros((len(offsets), self._identity.dim), np.float32)
        for row, word in words:
            states[row, self.axis(word)] = 1
        if not words:
            states[-1, 0] = 1
        return TokenVectors(offsets, states)


def _unit(states: Vectors) -> Vector:
    """The direction of the states' mean, (t, dim) to (dim,)."""
    return np.ascontiguousarray(unit(states.sum(0)), np.float32)
