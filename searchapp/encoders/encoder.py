"""Text to vectors at every level: sentences, words in their context, words by themselves, tokens,
and all that a model makes of a text.

    from searchapp import Encoder

    encoder = Encoder.load("default")
    encoder.encode_sentences(["The bank lent the money.", "The river left its bank."])  # (2, 384)
    encoder.encode_words("The bank lent the money.")  # [(word, start, end, vector), ...]

The same tokenizer, batches and pooling as the search has, by default in float32 as the model's
authors run it. Knows no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from searchapp import config
from searchapp.encoders.loading import load_encoder, load_exact
from searchapp.encoders.text_encoder import TextEncoder
from searchapp.encoders.word_alignment import words_of
from searchapp.errors import UsageError
from searchapp.linalg import unit
from searchapp.splitter.splitter import split
from searchapp.types.documents import Document

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from numpy.typing import NDArray

    from searchapp.types.documents import Span
    from searchapp.types.vectors import Device, EncoderIdentity, ForwardPass, Vector, Vectors


class WordVector(NamedTuple):
    """A word as it is written, where it stands in the text, and its vector: the mean of its pieces'
    states, (dim,).
    """

    word: str
    start: int
    end: int
    vector: NDArray[np.float32]


class Encoder:
    """A model that turns text into vectors. Several threads may use it at once."""

    def __init__(self, encoder: TextEncoder, *, normalize: bool = True) -> None:
        self._encoder = encoder
        self._normalize = normalize

    @classmethod
    def load(
        cls,
        model: str | os.PathLike[str] = "default",
        *,
        layers: str = "last",
        pooling: str | None = None,
        normalize: bool = True,
        fast: bool = False,
        device: Device = "auto",
        cache: Path | None = None,
    ) -> Encoder:
        """The encoder of a model: "default", a folder, or a hub name.

        `layers` are read as `layer_selection.layers_of` says: `last`, `static`, `mean:last4`,
        `0,-1`; `pooling` is mean, cls or max, by default the model's own; `normalize` gives vectors
        unit length. `fast` is for many texts: the converted model that the search runs, in bf16
        where the processor has it, which has neither other layers nor poolings. Raises EncoderError
        and UsageError.
        """
        place = cache or config.load().cache
        if not fast:
            exact_encoder = load_exact(
                str(model),
                cache=place,
                layers=layers,
                pooling=pooling,
                normalize=normalize,
                device=device,
            )
            return cls(exact_encoder, normalize=normalize)
        if layers != "last" or pooling is not None or not normalize:
            hint = "leave out the layers, the pooling and the length, or do without the fast way"
            raise UsageError("the fast way has the vectors of the search alone", hint=hint)
        return cls(load_encoder(str(model), cache=place, device=device))

    @property
    def identity(self) -> EncoderIdentity:
        """Which encoder this is; another readout of a model is another encoder."""
        return self._encoder.identity

    @property
    def dim(self) -> int:
        """The width of its vectors."""
        return self._encoder.identity.dim

    @property
    def text_encoder(self) -> TextEncoder:
        """What the search would use in its place."""
        return self._encoder

    def is_too_long(self, text: str) -> bool:
        """Whether a text has more tokens than the model takes."""
        return len(self._encoder.tokenize([text])[0]) > self.identity.max_tokens

    def encode_sentences(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        """One row a text, in order, (n, dim). Raises ValueError for a text over the limit, unless
        it may be cut there.
        """
        return self._encoder.encode_passages(texts, truncate=truncate)

    def encode_question(self, text: str) -> Vector:
        """The vector of a question, (dim,), for models that have a prompt for one; cut at the
        limit.
        """
        return self._encoder.encode_query(text)

    def encode_words(self, text: str) -> list[WordVector]:
        """The words of a text, and other signs, with their vectors in this context, in order.

        A text over the limit is read passage by passage, so that a word's context is its passage.
        """
        return [
            word_vector
            for start, end in self.contexts(text)
            for word_vector in self._words(text[start:end], start)
        ]

    def encode_tokens(self, text: str) -> list[WordVector]:
        """The tokens of a text by their names in the vocabulary, special ones too, each with its
        vector, in order.
        """
        return [
            word_vector
            for start, end in self.contexts(text)
            for word_vector in self._tokens(text[start:end], start)
        ]

    def forward_pass(self, text: str) -> ForwardPass:
        """All hidden states and attentions of a text, cut at the limit. Raises EncoderError for a
        fast encoder.
        """
        return self._encoder.forward_pass(text)

    def contexts(self, text: str) -> list[Span]:
        """What of a text is read at a time: all of it, where it is not too long, else
        its passages.
        """
        if not self.is_too_long(text):
            return [(0, len(text))]
        passages = split(
            Document(text, "txt"), self._encoder.tokenize, max_tokens=self.identity.max_tokens
        )
        return [(passage.start, passage.end) for passage in passages]

    def _words(self, text: str, offset: int) -> Iterator[WordVector]:
        tokens = self._encoder.token_vectors([text])[0]
        for word in words_of(tokens.offsets, text):
            vector = tokens.states[list(word.tokens)].mean(axis=0, dtype=np.float64)  # (dim,)
            yield WordVector(
                text[word.start : word.end],
                word.start + offset,
                word.end + offset,
                self._sized(vector),
            )

    def _tokens(self, text: str, offset: int) -> Iterator[WordVector]:
        tokens = self._encoder.token_vectors([text])[0]
        for name, (start, end), state in zip(
            self._encoder.token_names(text), tokens.offsets, tokens.states, strict=False
        ):
            yield WordVector(
                name, start + offset, end + offset, self._sized(state.astype(np.float64))
            )

    def _sized(self, vector: NDArray[np.float64]) -> NDArray[np.float32]:
        sized = unit(vector) if self._normalize else vector
        return np.ascontiguousarray(sized, np.float32)
