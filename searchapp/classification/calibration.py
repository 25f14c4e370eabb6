"""Logits to probabilities that mean what they say: temperature scaling. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST, _MOST = 1e-3, 1e3  # between which the inverse temperature is looked for


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row as probabilities, (n, k)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def fit_inverse_temperature(logits: NDArray[np.float64], numbers: NDArray[np.int64]) -> float:
    """The factor, 1 / temperature, by which logits of examples left out, (n, k), become the best
    probabilities.

    Guo et al. 2017, On Calibration of Modern Neural Networks, with the smoothed targets of Platt
    1999, so that a few examples that are all right do not make everything certain. The loss is
    convex: its slope has one zero, found by bisection.
    """
    n, k = logits.shape
    target = np.full((n, k), 1 / ((n + 2) * (k - 1)))
    target[np.arange(n), numbers] = 1 - 1 / (n + 2)
    wanted = float((target * logits).sum())
    low, high = np.log(_LEAST), np.log(_MOST)
    for _ in range(50):
        middle = (low + high) / 2
        if float((softmax(logits * np.exp(middle)) * logits).sum()) < wanted:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def log_loss(logits: NDArray[np.float64], numbers: NDArray[np.int64]) -> float:
    """The mean of the labels' negative log probabilities."""
    probabilities = softmax(logits)[np.arange(len(numbers)), numbers]
    return float(-np.log(np.maximum(probabilities, 1e-300)).mean())
