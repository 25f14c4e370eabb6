"""How often labels are right: confusion matrix, precision, recall and F1, calibration error.

Arrays in, numbers out; NumPy only, as zero-shot labels are measured where scikit-learn is not
installed. Knows no classifier.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BINS = 10  # of a calibration error


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of about the same probability: how many, how probable they were on average, and
    which share was right.
    """

    count: int
    probability: float
    right: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """How often labels are right. `confusion[i][j]` counts the examples of label i that were given
    label j.
    """

    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    fold_accuracies: tuple[float, ...] = ()
    calibration_error: float | None = None  # None where no probabilities were given
    raw_calibration_error: float | None = None  # of the same predictions before calibration
    bins: tuple[Bin, ...] = ()

    @property
    def examples(self) -> int:
        """How many examples there were."""
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float:
        """The share that got their own label."""
        return sum(row[i] for i, row in enumerate(self.confusion)) / max(self.examples, 1)

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the labels that an example has or was given."""
        f1s = [
            f1
            for i, (*_, f1) in enumerate(self.by_label)
            if sum(self.confusion[i]) or any(row[i] for row in self.confusion)
        ]
        return sum(f1s) / max(len(f1s), 1)

    @property
    def by_label(self) -> tuple[tuple[float, float, float], ...]:
        """Each label's precision, recall and F1; 0 where there is nothing to divide by."""
        scores = []
        for i, row in enumerate(self.confusion):
            right, given, had = row[i], sum(other[i] for other in self.confusion), sum(row)
            scores.append(
                (right / max(given, 1), right / max(had, 1), 2 * right / max(given + had, 1))
            )
        return tuple(scores)


def measure(
    classes: tuple[str, ...],
    numbers: NDArray[np.int64],
    calibrated: NDArray[np.float64],
    raw: NDArray[np.float64],
    fold_accuracies: Sequence[float] = (),
) -> Metrics:
    """The metrics of probabilities, (n, k), for examples with labels of these numbers, (n,)."""
    bins = tuple(_bins(calibrated, numbers))
    return Metrics(
        classes=classes,
        confusion=confusion_matrix(numbers, calibrated.argmax(1), len(classes)),
        fold_accuracies=tuple(fold_accuracies),
        calibration_error=_calibration_error(bins),
        raw_calibration_error=_calibration_error(tuple(_bins(raw, numbers))),
        bins=bins,
    )


def confusion_matrix(
    had: NDArray[np.int64], given: NDArray[np.int64], k: int
) -> tuple[tuple[int, ...], ...]:
    """How many examples of each of k labels were given each label."""
    counts = np.zeros((k, k), np.int64)
    np.add.at(counts, (had, given), 1)
    return tuple(tuple(row) for row in counts.tolist())


def _bins(probabilities: NDArray[np.float64], numbers: NDArray[np.int64]) -> Iterator[Bin]:
    """Predictions by their probability, in tenths, lowest first; tenths without any are
    left out.
    """
    best = probabilities.max(axis=1, initial=0)
    is_right = probabilities.argmax(1) == numbers
    place = np.clip(np.ceil(best * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    for tenth in np.unique(place):
        here = place == tenth
        yield Bin(int(here.sum()), float(best[here].mean()), float(is_right[here].mean()))


def _calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error: by how much the probabilities miss the share that is right,
    on average.
    """
    return sum(
        interval.count * abs(interval.probability - interval.right) for interval in bins
    ) / max(sum(interval.count for interval in bins), 1)
