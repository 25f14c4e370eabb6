"""The engine that makes a question's vector with NumPy: nothing is opened but a file of weights.

To open OpenVINO for a dozen tokens costs ten times as much as to multiply them. It runs the shape
that BERT has (Devlin et al. 2019, https://arxiv.org/abs/1810.04805): absolute positions, a norm
behind each half of a layer, GELU by the error function, vectors pooled by mean; in float32, one
text at a time. `question_weights` says which models have that shape. A hundred tokens and more are
for other engines, which use all cores and what they have of bf16. Nothing here knows torch or text.
"""

from __future__ import annotations

import json
import mmap
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from searchapp.encoders.cache_entry import (
    QUESTION_WEIGHTS,
    ConversionDamaged,
    disagreement,
    golden_batch,
)
from searchapp.linalg import unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from searchapp.encoders.cache_entry import Batch, ConvertedModel

    Numbers: TypeAlias = NDArray[np.float32]

_KINDS = {"F32": "<f4", "F16": "<f2"}
TOLERANCE = 1e-6  # 1 - cosine between its vectors and torch's: rounding only

# erf(x) / x as a ratio of two polynomials of x², lowest power first: a minimax fit for |x| < 3.95,
# beyond which erf is 1 in float32. In float64 it is off by 1.8e-8 at most, where float32 is by
# 3e-8.
_NUMERATOR = (
    1.128379006262249,
    0.19403584335063867,
    0.05320706549137412,
    0.003917319338909971,
    0.00028759981920921363,
    2.011730676533859e-06,
)
_DENOMINATOR = (
    1.0,
    0.5052912768121909,
    0.11559080229848946,
    0.015270707021940227,
    0.0011981995680845816,
    3.783954417511059e-05,
)
_SATURATED = 3.95
_ROWS = 16  # whose numbers fit into a processor's cache while an error function is made of them


class NumpyEngine:
    """Runs one text at a time in float32. Several threads may use it at once."""

    batch_tokens = 1  # a batch is one text

    def __init__(self, entry: ConvertedModel, *, thorough: bool = False) -> None:
        """Map the weights of an entry that has them, and prove them by the shortest of its golden
        texts, or `thorough` by all. Raises ConversionDamaged where they cannot be read, or are
        wrong.
        """
        path = entry.path / QUESTION_WEIGHTS
        texts = sorted(entry.config.golden, key=lambda golden: len(golden.ids))
        try:
            self._weights, facts = mapped_weights(path)
            self._layers, self._heads = int(facts["layers"]), int(facts["heads"])
            self._epsilon = np.float32(facts["epsilon"])
            worst = max(
                disagreement(self.run([golden_batch(golden, entry.config)])[0][0], golden)
                for golden in (texts if thorough else texts[:1])
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ConversionDamaged(f"{path}: {error}") from error
        if not worst <= TOLERANCE:
            raise ConversionDamaged(f"{path} gives wrong vectors")

    def run(self, batches: Iterable[Batch], *, token_states: bool = False) -> list[Numbers]:
        """Each batch's vector, (1, dim), or with `token_states` its token states, (1, t, dim), 0
        where it is padded, in order; raises ValueError for a batch of several texts.
        """
        results = []
        for batch in batches:
            if len(batch.ids) != 1:
                raise ValueError("this engine runs one text at a time")
            real = int(batch.mask.sum())
            states = self._states(batch.ids[0, :real])  # (real, dim)
            if token_states:
                results.append(np.pad(states, ((0, batch.ids.shape[1] - real), (0, 0)))[np.newaxis])
            else:
                results.append(unit(states.mean(axis=0, keepdims=True)))
        return results

    def _states(self, ids: NDArray[np.int64]) -> Numbers:
        """The last hidden states of a text, (t, dim)."""
        weights = self._weights
        with np.errstate(all="ignore"):  # damaged weights may give anything, and are then refused
            states = weights["words"][ids] + weights["positions"][: len(ids)]
            states = self._normed("embeddings", states)
            for layer in range(self._layers):
                attended = self._product(f"{layer}.out", self._attended(layer, states))
                states = self._normed(f"{layer}.attention", states + attended)
                inner = _gelu(self._product(f"{layer}.up", states))
                states = self._normed(
                    f"{layer}.layer", states + self._product(f"{layer}.down", inner)
                )
        return states

    def _attended(self, layer: int, states: Numbers) -> Numbers:
        """What each token takes from all, (t, dim)."""
        tokens, dim = states.shape
        split = self._product(f"{layer}.in", states).reshape(tokens, 3, self._heads, -1)
        query, key, value = split.transpose(1, 2, 0, 3)  # (heads, t, dim / heads) each
        scores = query @ key.transpose(0, 2, 1) / np.float32(query.shape[2] ** 0.5)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)  # (heads, t, t)
        attended: Numbers = (scores @ value).transpose(1, 0, 2).reshape(tokens, dim)
        return attended

    def _product(self, name: str, rows: Numbers) -> Numbers:
        product: Numbers = rows @ self._weights[f"{name}.weight"]
        product += self._weights[f"{name}.bias"]
        return product

    def _normed(self, name: str, rows: Numbers) -> Numbers:
        """The rows with mean 0 and variance 1, scaled and moved."""
        rows = rows - rows.mean(axis=-1, keepdims=True)
        variance = np.mean(rows * rows, axis=-1, keepdims=True)
        rows *= self._weights[f"{name}.scale"] / np.sqrt(variance + self._epsilon)
        rows += self._weights[f"{name}.shift"]
        return rows


# ---- private -------------------------------------------------------------------------------------


def mapped_weights(path: Path) -> tuple[dict[str, Numbers], Mapping[str, str]]:
    """The arrays of a file, mapped, and what it says beside them: a length, JSON of that length,
    then the numbers (https://huggingface.co/docs/safetensors, whose library would copy them).
    """
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    begin = 8 + int.from_bytes(mapped[:8], "little")
    header = json.loads(mapped[8:begin])
    facts = header.pop("__metadata__")
    arrays = {}
    for name, tensor in header.items():
        start, end = tensor["data_offsets"]
        kind = np.dtype(_KINDS[tensor["dtype"]])
        count, offset = (end - start) // kind.itemsize, begin + start
        arrays[name] = np.frombuffer(mapped, kind, count, offset).reshape(tensor["shape"])
    return arrays, facts


def _gelu(rows: Numbers) -> Numbers:
    """x Φ(x) of each number, (n, m)."""
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        part *= (erf(part * np.float32(0.5**0.5)) + np.float32(1)) * np.float32(0.5)
    return rows


def erf(numbers: Numbers) -> Numbers:
    """The error function, to the accuracy of float32."""
    clipped = np.clip(numbers, -_SATURATED, _SATURATED).astype(np.float64)
    square = clipped * clipped
    clipped *= _polynomial(_NUMERATOR, square)
    clipped /= _polynomial(_DENOMINATOR, square)
    return clipped.astype(np.float32)


def _polynomial(
    coefficients: tuple[float, ...], numbers: NDArray[np.float64]
) -> NDArray[np.float64]:
    result = numbers * coefficients[-1]
    for coefficient in coefficients[-2:0:-1]:
        result += coefficient
        result *= numbers
    result += coefficients[0]
    return result
