"""Which of some labels a text has, chosen from its vector: by a classifier that was trained, or by
what each label's description says.

What was learned is a matrix, so that predicting needs NumPy alone. Knows arrays, and neither texts,
files nor a corpus.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from searchapp.classification.calibration import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.classification.metrics import Metrics
    from searchapp.types.documents import Origin
    from searchapp.types.vectors import EncoderIdentity, Vectors

# nearer to texts than a bare description: SST-2 dev .689 to .727, the sample documents .45 to .52
_DESCRIBED = "This text is about {}"


class Hyperparameters(NamedTuple):
    """How a classifier is trained: how closely the examples are followed, and whether a rare label
    counts as much as a frequent one.
    """

    strength: float  # C of scikit-learn
    is_balanced: bool


class Prediction(NamedTuple):
    """The label of one text, its probability where there is one, and the scores that it was chosen
    by: probabilities, or cosines.
    """

    label: str
    probability: float | None
    scores: tuple[float, ...]  # of all labels, in order of `classes`


class Classifier(Protocol):
    """Vectors to labels."""

    @property
    def encoder(self) -> EncoderIdentity:
        """The encoder whose vectors it takes."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that it can give."""

    @property
    def origin(self) -> Origin:
        """What its labels are recorded as coming from."""

    def predict(self, vectors: Vectors) -> list[Prediction]:
        """The label of each row, (n, dim)."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedClassifier:
    """A `Classifier` learned from examples, whose probabilities are calibrated."""

    encoder: EncoderIdentity
    classes: tuple[str, ...]  # in order of their names
    counts: tuple[int, ...]  # how many examples of each it has learned from
    weights: NDArray[np.float32]  # (k, dim)
    bias: NDArray[np.float64]  # (k,)
    inverse_temperature: float  # the logits times this become probabilities
    hyperparameters: Hyperparameters
    metrics: Metrics  # on examples left out in turn
    seen: NDArray[np.uint64]  # digests of the vectors it has learned from, ascending
    origin: Origin = "classifier"

    def probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """How probable each label is for each row, (n, k)."""
        return softmax(self._logits(vectors) * self.inverse_temperature)

    def raw_probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """The same before calibration."""
        return softmax(self._logits(vectors))

    def predict(self, vectors: Vectors) -> list[Prediction]:
        """The most probable label of each row, (n, dim); probabilities have six digits, which do
        not depend on a row's company.
        """
        probabilities = self.probabilities(vectors).round(6)
        return [
            Prediction(self.classes[int(np.argmax(row))], float(row.max()), tuple(row.tolist()))
            for row in probabilities
        ]

    def count_seen(self, vectors: Vectors) -> int:
        """How many of the rows it has learned from."""
        return int(np.isin(vector_digests(vectors), self.seen).sum())

    def _logits(self, vectors: Vectors) -> NDArray[np.float64]:
        logits: NDArray[np.float64] = (
            vectors.astype(np.float64) @ self.weights.T.astype(np.float64) + self.bias
        )
        return logits


@dataclass(frozen=True, slots=True, eq=False)
class ZeroShotClassifier:
    """A `Classifier` that needs no examples: it gives the label whose description is nearest by
    cosine, and no probability.
    """

    encoder: EncoderIdentity
    classes: tuple[str, ...]
    vectors: Vectors  # (k, dim), of each `description_prompt`
    origin: Origin = "descriptions"

    def predict(self, vectors: Vectors) -> list[Prediction]:
        """The label of the description nearest to each row, (n, dim)."""
        cosines = vectors.astype(np.float64) @ self.vectors.T.astype(np.float64)
        return [
            Prediction(self.classes[int(np.argmax(row))], None, tuple(row.tolist()))
            for row in cosines
        ]


def description_prompt(description: str) -> str:
    """The text that is embedded for a label's description."""
    return _DESCRIBED.format(description)


def vector_digests(vectors: Vectors) -> NDArray[np.uint64]:
    """A digest of each row, (n,): 64 bits of BLAKE2b."""
    rows = np.ascontiguousarray(vectors, "<f4")
    return np.frombuffer(
        b"".join(hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows), "<u8"
    ).astype(np.uint64)
