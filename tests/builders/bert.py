"""BERTs of random weights for tests of engines, and what they make of a text, computed as BERT is
defined: in float64, a token and a head at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from searchapp.encoders.cache_entry import EncoderConfig, Golden
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from numpy.typing import NDArray

State: TypeAlias = "dict[str, NDArray[np.float32]]"

EPSILON = 1e-5
FINGERPRINT = "f" * 64
_PRODUCTS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
_erf = np.vectorize(math.erf, otypes=[np.float64])


def random_state(
    words: int, positions: int, width: int, inner: int, layers: int, *, is_tame: bool = False
) -> State:
    """Weights of a BERT, as transformers names them; tame ones keep their products about as large
    as what is multiplied, as trained ones do.
    """
    draw = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (words, width),
        "embeddings.position_embeddings.weight": (positions, width),
        "embeddings.token_type_embeddings.weight": (2, width),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(layers):
        place = f"encoder.layer.{layer}"
        for name in _PRODUCTS:
            rows = inner if name == "intermediate.dense" else width
            columns = inner if name == "output.dense" else width
            shapes |= {f"{place}.{name}.weight": (rows, columns), f"{place}.{name}.bias": (rows,)}
        norms += [f"{place}.attention.output.LayerNorm", f"{place}.output.LayerNorm"]
    shapes |= {f"{norm}.{part}": (width,) for norm in norms for part in ("weight", "bias")}
    state = {name: draw.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    if is_tame:
        for name, array in state.items():
            if array.ndim == 2 and name.startswith("encoder"):
                array /= np.float32(array.shape[1] ** 0.5)
            if name.endswith("LayerNorm.weight"):
                array[:] = 1 + array / 8
    return state


def oracle(state: State, heads: int, ids: Iterable[int]) -> NDArray[np.float64]:
    """The last hidden states of a text, (t, dim)."""
    weights = {name: array.astype(np.float64) for name, array in state.items()}

    def linear(name: str, rows: Any) -> Any:
        return rows @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(name: str, rows: Any) -> Any:
        deviation = np.sqrt(rows.var(axis=1, keepdims=True) + EPSILON)
        scaled = (rows - rows.mean(axis=1, keepdims=True)) / deviation
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    rows = np.stack(
        [
            weights["embeddings.word_embeddings.weight"][word]
            + weights["embeddings.position_embeddings.weight"][position]
            + weights["embeddings.token_type_embeddings.weight"][0]
            for position, word in enumerate(ids)
        ]
    )
    width = rows.shape[1]
    rows = norm("embeddings.LayerNorm", rows)
    for layer in range(_layers_of(state)):
        place = f"encoder.layer.{layer}"
        query, key, value = (linear(f"{place}.{name}", rows) for name in _PRODUCTS[:3])
        parts = []
        for part in np.split(np.arange(width), heads):
            scores = query[:, part] @ key[:, part].T / math.sqrt(width / heads)
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            parts.append(shares / shares.sum(axis=1, keepdims=True) @ value[:, part])
        attended = linear(f"{place}.attention.output.dense", np.concatenate(parts, axis=1))
        rows = norm(f"{place}.attention.output.LayerNorm", rows + attended)
        inner = linear(f"{place}.intermediate.dense", rows)
        inner *= (1 + _erf(inner / math.sqrt(2))) / 2
        rows = norm(f"{place}.output.LayerNorm", rows + linear(f"{place}.output.dense", inner))
    found: NDArray[np.float64] = rows
    return found


def vector_of(states: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit vector of a text."""
    mean: NDArray[np.float64] = states.mean(axis=0)
    return mean / np.linalg.norm(mean)


def config_of(state: State, heads: int, texts: Sequence[tuple[int, ...]]) -> EncoderConfig:
    """How the model is run, with these golden texts."""
    golden = [Golden(ids, tuple(vector_of(oracle(state, heads, ids)).tolist())) for ids in texts]
    positions, width = state["embeddings.position_embeddings.weight"].shape
    identity = EncoderIdentity("tiny", FINGERPRINT, width, positions - 2)
    inputs = ("input_ids", "attention_mask", "token_type_ids")
    return EncoderConfig(identity, inputs, positions, 0, "", "", tuple(golden))


def transformer_of(state: State, heads: int, **config: Any) -> Any:
    """What `question_weights` looks at of a model of transformers."""

    def tensor(array: NDArray[np.float32]) -> Any:
        return SimpleNamespace(numpy=lambda: array, numel=lambda: array.size)

    facts = {
        "num_hidden_layers": _layers_of(state),
        "num_attention_heads": heads,
        "layer_norm_eps": EPSILON,
    }
    tensors = {name: tensor(array) for name, array in state.items()}
    return SimpleNamespace(
        config=SimpleNamespace(**facts | config),
        state_dict=lambda: tensors,
        encoder=SimpleNamespace(parameters=tensors.values),
    )


def _layers_of(state: State) -> int:
    return sum(name.endswith(".intermediate.dense.bias") for name in state)
