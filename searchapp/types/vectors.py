"""Vectors, what made them, and what a model makes of one text. Vectors are float32, C-contiguous
rows of unit length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from searchapp.types.documents import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector: TypeAlias = NDArray[np.float32]  # (dim,), unit length
    Vectors: TypeAlias = NDArray[np.float32]  # (n, dim), rows of unit length
    Ids: TypeAlias = NDArray[np.int64]  # (n,), passage ids
    Scores: TypeAlias = NDArray[np.float32]  # (n,), cosine, bigger is better

# where passages are embedded; auto: a GPU where there is one
Device: TypeAlias = Literal["auto", "cpu", "cuda"]
EngineName: TypeAlias = Literal["auto", "openvino", "torch"]


class EncoderIdentity(NamedTuple):
    """Which encoder made a corpus. Equal fingerprints mean equal vectors."""

    model: str  # "default", a folder or a hub name: how to find it again
    # SHA-256, hex, over weights, tokenizer, config, pooling, normalisation, limit, prompts
    fingerprint: str
    dim: int
    max_tokens: int  # content tokens, special tokens not counted


class TokenVectors(NamedTuple):
    """The last hidden states of one text, special tokens included; their mean, normalised, is the
    text's vector.
    """

    offsets: tuple[Span, ...]  # (t,) code points into the text; (0, 0) for special tokens
    states: Vectors  # (t, dim), not of unit length


class ForwardPass(NamedTuple):
    """All that a model makes of one text, special tokens included: t tokens through its layers."""

    tokens: tuple[str, ...]  # (t,) as the vocabulary has them
    offsets: tuple[Span, ...]  # (t,) code points into the text; (0, 0) for special tokens
    hidden_states: NDArray[np.float32]  # (layers + 1, t, width); 0: what the first layer is given
    # (layers, heads, t, t): how much each token, a row, takes from each; rows add up to 1
    attentions: NDArray[np.float32]
