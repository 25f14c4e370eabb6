"""Unit vectors: the one definition. Imports NumPy; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = TypeVar("Floats", np.float32, np.float64)

_LEAST_LENGTH = 1e-12
_TOLERANCE = 1e-3  # of a stored row's length: what float16 costs, and a little


def unit(vectors: NDArray[Floats]) -> NDArray[Floats]:
    """A vector (dim,), or rows (n, dim), of unit length, in the same precision; 0 stays 0."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    rows: NDArray[Floats] = vectors / np.maximum(lengths, _LEAST_LENGTH)
    return rows


def clipped(cosines: NDArray[Floats]) -> NDArray[Floats]:
    """Cosines as they are told, from -1 to 1: rows in float16 may be a little longer than 1. NaN
    stays NaN.
    """
    return np.clip(cosines, -1, 1)


def are_unit(rows: NDArray[Floats]) -> bool:
    """Whether all rows, (n, dim), are finite and of unit length, as far as float16 keeps that."""
    lengths = np.linalg.norm(rows, axis=1)  # (n,)
    return bool(np.all(np.abs(lengths - 1.0) < _TOLERANCE))  # NaN fails the comparison too
