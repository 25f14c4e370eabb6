"""Text to unit vectors: tokenise, batch by length, run the model, and make the rows right.

A text is padded to its own length rounded up to 8, and runs only beside texts of that length, so
its vector is the same bit for bit alone, in any company and in any order. What runs is an engine:
OpenVINO on a processor, torch on a GPU, NumPy for a question; none is known here by more than
`run`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from searchapp.encoders.cache_entry import Batch, EncoderConfig
from searchapp.encoders.late_engine import LateEngine
from searchapp.errors import EncoderError
from searchapp.linalg import unit
from searchapp.types.documents import Span
from searchapp.types.vectors import EncoderIdentity, ForwardPass, TokenVectors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

    from searchapp.encoders.tokenization import Tokenization
    from searchapp.types.tokens import TokenIds, Tokens
    from searchapp.types.vectors import Vector, Vectors

    _Ids: TypeAlias = TokenIds | list[int]  # with special tokens

BUCKET = 8  # tokens; padding adds 2 % to passages of about 200 tokens
WINDOW = 1024  # texts tokenised at a time at least, which bounds memory


class Engine(Protocol):
    """Runs a model on batches of tokens; several threads may use it at once."""

    batch_tokens: int  # padded tokens to a batch

    def run(
        self, batches: Iterable[Batch], *, token_states: bool = False
    ) -> list[NDArray[np.float32]]:
        """Each batch's vectors, (b, dim), or with `token_states` its token states, (b, t, dim), in
        order.
        """


class TextEncoder:
    """The real Encoder: one model's tokenizer, prompts and limit, around an engine. Several threads
    may use it at once.
    """

    def __init__(
        self,
        config: EncoderConfig,
        tokenizer: Tokenizer,
        engine: Engine,
        *,
        question_engine: Engine | None = None,
    ) -> None:
        """An engine for all texts, and perhaps one for questions, which are one text at a time."""
        self._config = config
        self._tokenizer = tokenizer
        self._engine = engine
        self._question_engine = question_engine or engine

    def prepare(self) -> None:
        """Open the engine for passages and token states now, where it is to be opened late."""
        if isinstance(self._engine, LateEngine):
            self._engine.open()

    @property
    def identity(self) -> EncoderIdentity:
        """Which encoder this is."""
        return self._config.identity

    def tokenize(self, texts: Sequence[str]) -> list[list[Span]]:
        """Each text's content tokens as code point spans, in order, never truncated; no special
        tokens, no prompts.
        """
        return [
            encoding.offsets
            for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]

    @cached_property
    def _tokenization(self) -> Tokenization:
        from searchapp.encoders.tokenization import Tokenization

        return Tokenization(self._tokenizer, self._config.document_prompt)

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """The same tokens with their ids, which `encode_passages` takes."""
        return self._tokenization.tokens(texts)

    def encode_passages(
        self,
        texts: Sequence[str],
        *,
        tokens: Sequence[TokenIds | None] = (),
        truncate: bool = False,
    ) -> Vectors:
        """One unit row a text, in order, (n, dim); raises ValueError for a text over `max_tokens`,
        unless it may be cut there.

        `tokens` are the content tokens of the texts, None for each that is still to be tokenised.
        Rows are as long as they come where the model is read out so.
        """
        rows = np.empty((len(texts), self.identity.dim), np.float32)
        for start, window in self._windows(texts, tokens or [None] * len(texts)):
            if truncate:
                window = [self._shortened(ids, texts[start + i]) for i, ids in enumerate(window)]
            self._refuse_long(window, start)
            groups = list(_groups(window, self._engine.batch_tokens))
            results = self._engine.run(self._batch([window[i] for i in group]) for group in groups)
            for group, vectors in zip(groups, results, strict=True):
                rows[[start + i for i in group]] = vectors
        return self._made_right(rows)

    def _made_right(self, rows: NDArray[np.float32]) -> Vectors:
        return _unit_rows(rows) if self._config.is_normalised else _finite(rows)

    def _windows(
        self, texts: Sequence[str], tokens: Sequence[TokenIds | None]
    ) -> Iterator[tuple[int, list[_Ids]]]:
        """The ids of all texts, some texts at a time, each part made while the one before it is
        being run; with where each begins.
        """
        size = max(WINDOW, self._engine.batch_tokens // 16)
        starts = range(0, len(texts), size)
        parts = ((texts[start : start + size], tokens[start : start + size]) for start in starts)
        with ThreadPoolExecutor(1, thread_name_prefix="tokenise") as thread:
            coming = [thread.submit(self._ids, *part) for part in islice(parts, 1)]
            for start in starts:
                window = coming.pop().result()
                coming += [thread.submit(self._ids, *part) for part in islice(parts, 1)]
                yield start, window

    def _ids(self, texts: Sequence[str], tokens: Sequence[TokenIds | None]) -> list[_Ids]:
        """What the model is given for each text."""
        framed = [None if ids is None else self._tokenization.framed(ids) for ids in tokens]
        lacking = [
            self._config.document_prompt + text
            for text, ids in zip(texts, framed, strict=True)
            if ids is None
        ]
        encodings = iter(self._tokenizer.encode_batch(lacking) if lacking else [])
        return [next(encodings).ids if ids is None else ids for ids in framed]

    def encode_query(self, text: str) -> Vector:
        """The unit vector of a question, (dim,); a question over the limit is cut at it."""
        encoding = self._cut(self._config.query_prompt + text)
        rows = self._question_engine.run([self._batch([encoding.ids])])[0]
        vector: Vector = self._made_right(rows)[0]
        return vector

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Each text's token states as a passage, cut at the limit; a prompt's tokens count as
        special.

        The states' mean, normalised, is the text's vector where the model pools by mean.
        """
        prompt = self._config.document_prompt
        encodings = [self._cut(prompt + text) for text in texts]
        ids = [encoding.ids for encoding in encodings]
        groups = list(_groups(ids, self._engine.batch_tokens))
        results = self._engine.run(
            (self._batch([ids[i] for i in group]) for group in groups), token_states=True
        )
        vectors_by_index: dict[int, TokenVectors] = {}
        for group, states in zip(groups, results, strict=True):
            for i, one in zip(group, states, strict=True):
                offsets = _offsets(encodings[i], len(prompt))
                vectors_by_index[i] = TokenVectors(offsets, _finite(one[: len(offsets)]))
        return [vectors_by_index[i] for i in range(len(texts))]

    def forward_pass(self, text: str) -> ForwardPass:
        """All that the model makes of a text, cut at the limit. Raises EncoderError where the
        engine shows no more than vectors.
        """
        from searchapp.encoders.torch_engine import TorchEngine

        if not isinstance(self._engine, TorchEngine):
            raise EncoderError(
                "A converted model does not show its layers.", hint="Load it without `fast=True`."
            )
        encoding = self._cut(self._config.document_prompt + text)
        hidden, attentions = self._engine.forward_pass(self._batch([encoding.ids]))
        size = max(1, len(encoding))
        return ForwardPass(
            tokens=tuple(encoding.tokens),
            offsets=_offsets(encoding, len(self._config.document_prompt)),
            hidden_states=_finite(hidden[:, :size]),
            attentions=_finite(attentions[:, :, :size, :size]),
        )

    def token_names(self, text: str) -> list[str]:
        """The tokens of a text by their names in the vocabulary, cut at the limit, in step with
        `token_vectors`.
        """
        return list(self._cut(self._config.document_prompt + text).tokens)

    def _refuse_long(self, window: Sequence[_Ids], start: int) -> None:
        for index, ids in enumerate(window, start):
            if len(ids) > self._config.max_length:
                excess = len(ids) - self._config.max_length
                raise ValueError(
                    f"text {index} is {excess} tokens over the limit of {self.identity.max_tokens}"
                )

    def _shortened(self, ids: _Ids, text: str) -> _Ids:
        return (
            ids
            if len(ids) <= self._config.max_length
            else self._cut(self._config.document_prompt + text).ids
        )

    def _cut(self, text: str) -> Encoding:
        """The text's tokens between special tokens, cut at the model's limit."""
        whole = self._tokenizer.encode(text)
        if len(whole) <= self._config.max_length:
            return whole
        content = self._tokenizer.encode(text, add_special_tokens=False)
        content.truncate(self._config.max_length - (len(whole) - len(content)))
        return self._tokenizer.post_process(content)

    def _batch(self, texts: Sequence[_Ids]) -> Batch:
        """Tokens side by side, padded to their common bucket, (b, t); a text without any token gets
        one padding token.
        """
        # a model may have no positions beyond its limit
        tokens = min(_bucket(texts[0]), self._config.max_length)
        ids = np.full((len(texts), tokens), self._config.padding_id, np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = text
            mask[row, : max(1, len(text))] = 1
        return Batch(ids, mask)


# ---- batches and rows ----------------------------------------------------------------------------


def _bucket(ids: _Ids) -> int:
    """A text's padded length, in tokens."""
    return max(1, -(-len(ids) // BUCKET)) * BUCKET


def _groups(texts: Sequence[_Ids], batch_tokens: int) -> Iterator[list[int]]:
    """The positions of texts that run together: of one bucket, about so many padded tokens at most,
    longest first.
    """
    buckets: dict[int, list[int]] = {}
    for i, ids in enumerate(texts):
        buckets.setdefault(_bucket(ids), []).append(i)
    for length in sorted(buckets, reverse=True):
        size = max(1, batch_tokens // length)
        for start in range(0, len(buckets[length]), size):
            yield buckets[length][start : start + size]


def _offsets(encoding: Encoding, prompt: int) -> tuple[Span, ...]:
    """Each token's span in the text behind a prompt of that many code points; (0, 0) for special
    and prompt tokens.
    """
    if not len(encoding):
        return ((0, 0),)
    spans = zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
    return tuple(
        (0, 0) if special or end <= prompt else (max(0, start - prompt), end - prompt)
        for (start, end), special in spans
    )


def _unit_rows(vectors: NDArray[np.float32]) -> Vectors:
    """The one place where rows are made right: (n, dim) float32, C-contiguous, finite, of unit
    length.
    """
    rows = _finite(vectors)
    if not rows.any(axis=1).all():
        raise EncoderError(
            "The model gave a vector without direction.",
            hint="Use another model; this one is broken.",
        )
    return unit(rows)


def _finite(array: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(rows).all():
        raise EncoderError(
            "The model gave numbers that are not finite.",
            hint="Use another model; this one is broken.",
        )
    return rows
